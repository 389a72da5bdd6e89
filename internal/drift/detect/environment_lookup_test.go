package detect_test

import (
	"net/url"
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
			name := parentName + "-permstack-access"
			out := must(w.cfn.ListStackResources(w.t.Context(), &cloudformation.ListStackResourcesInput{StackName: &name}))
			for _, r := range out.StackResourceSummaries {
				if *r.LogicalResourceId == id {
					arns = append(arns, *r.PhysicalResourceId)
				}
			}
		}
		return arns
	}, w.attached(role))
}

func (w *environment) missing(role string, of func(map[string]any) []string, have []string) string {
	w.t.Helper()
	out := must(w.cfn.GetTemplate(w.t.Context(), &cloudformation.GetTemplateInput{
		StackName: aws.String(parentName + "-permstack-access"),
	}))
	template := parse(w.t, url.PathEscape(*out.TemplateBody))
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
	for _, arn := range w.attached(name) {
		must(w.iam.DetachRolePolicy(w.t.Context(), &iam.DetachRolePolicyInput{RoleName: &name, PolicyArn: &arn}))
	}
	for _, p := range w.inlineNames(name) {
		must(w.iam.DeleteRolePolicy(w.t.Context(), &iam.DeleteRolePolicyInput{RoleName: &name, PolicyName: &p}))
	}
	must(w.iam.DeleteRole(w.t.Context(), &iam.DeleteRoleInput{RoleName: &name}))
}

func (w *environment) deleteRule(name string) {
	w.t.Helper()
	var ids []string
	for _, target := range must(w.events.ListTargetsByRule(w.t.Context(),
		&eventbridge.ListTargetsByRuleInput{Rule: &name})).Targets {
		ids = append(ids, *target.Id)
	}
	must(w.events.RemoveTargets(w.t.Context(), &eventbridge.RemoveTargetsInput{Rule: &name, Ids: ids}))
	must(w.events.DeleteRule(w.t.Context(), &eventbridge.DeleteRuleInput{Name: &name}))
}

// parentRole is the role of the parent stack itself.
func (w *environment) parentRole() string {
	w.t.Helper()
	out := must(w.cfn.DescribeStackResource(w.t.Context(), &cloudformation.DescribeStackResourceInput{
		StackName: aws.String(parentName), LogicalResourceId: aws.String("StackRole"),
	}))
	return *out.StackResourceDetail.PhysicalResourceId
}
