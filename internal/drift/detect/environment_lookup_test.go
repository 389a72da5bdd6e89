package detect_test

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// removed is the inline policy that the template has and the role has not.
func (w *environment) removed(role string) string {
	return w.missing(role, func(p map[string]any) []string {
		var names []string
		for _, item := range p["Policies"].([]any) {
			names = append(names, item.(map[string]any)["PolicyName"].(string))
		}
		return names
	}, w.inlineNames(role))
}

// detached is the managed policy that the template has and the role has not.
func (w *environment) detached(role string) string {
	return w.missing(role, func(p map[string]any) []string {
		var arns []string
		for _, item := range p["ManagedPolicyArns"].([]any) {
			id := item.(map[string]any)["Ref"].(string)
			name := w.accessStack()
			in := &cloudformation.ListStackResourcesInput{StackName: &name}
			out := must(w.CloudFormation.ListStackResources(w.t.Context(), in))
			for _, r := range out.StackResourceSummaries {
				if *r.LogicalResourceId == id {
					arns = append(arns, *r.PhysicalResourceId)
				}
			}
		}
		return arns
	}, w.AttachedPolicies(role))
}

func (w *environment) missing(role string, of func(map[string]any) []string, have []string) string {
	w.t.Helper()
	out := must(w.CloudFormation.GetTemplate(w.t.Context(), &cloudformation.GetTemplateInput{
		StackName: aws.String(w.accessStack()),
	}))
	template := parse(w.t, *out.TemplateBody)
	properties := template["Resources"].(map[string]any)[w.logical(role)].(map[string]any)["Properties"].(map[string]any)
	for _, name := range of(properties) {
		if !slices.Contains(have, name) {
			return name
		}
	}
	return ""
}

func (w *environment) deleteRole(name string) {
	w.t.Helper()
	for _, arn := range w.AttachedPolicies(name) {
		w.DetachPolicy(name, arn)
	}
	for _, p := range w.inlineNames(name) {
		must(w.IAM.DeleteRolePolicy(w.t.Context(), &iam.DeleteRolePolicyInput{RoleName: &name, PolicyName: &p}))
	}
	must(w.IAM.DeleteRole(w.t.Context(), &iam.DeleteRoleInput{RoleName: &name}))
}

func (w *environment) deleteRule(name string) {
	w.t.Helper()
	var ids []string
	for _, target := range must(w.Live.Targets(w.t.Context(), "", name)) {
		ids = append(ids, *target.Id)
	}
	must(w.Events.RemoveTargets(w.t.Context(), &eventbridge.RemoveTargetsInput{Rule: &name, Ids: ids}))
	must(w.Events.DeleteRule(w.t.Context(), &eventbridge.DeleteRuleInput{Name: &name}))
}

// parentRole is the role of the parent stack itself.
func (w *environment) parentRole() string {
	w.t.Helper()
	return w.Stack(parentName).PhysicalID("StackRole")
}
