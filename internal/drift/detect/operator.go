package detect

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/awsapi/livestate"
	"permstack/internal/awsapi/pause"
	"permstack/internal/awsapi/ratelimit"
	"permstack/internal/cfn/stacks"
	"permstack/internal/notify/finding"
)

// Operator are the clients of a person, with whose rights Revert also changes what the
// drift function must not: the parent stack, whose roles limit that function, its
// functions and queues, and roles that nobody declared. Nil: the caller is the drift
// function.
type Operator struct {
	CloudFormation StackUpdates
	IAM            RoleDeletion
	Lambda         FunctionUpdates
	SQS            QueueUpdates
}

// NewOperator creates the SDK's clients.
func NewOperator(cfg aws.Config) *Operator {
	return &Operator{
		CloudFormation: cloudformation.NewFromConfig(cfg), IAM: iam.NewFromConfig(cfg),
		Lambda: lambda.NewFromConfig(cfg), SQS: sqs.NewFromConfig(cfg),
	}
}

// operatorReverts are the kinds that are reverted by calls with the rights of a person,
// after the change sets.
var operatorReverts = map[finding.Kind]func(context.Context, *reverter, *resource, finding.Finding) outcome{
	finding.FunctionCodeChanged:   restoreFunctionCode,
	finding.FunctionChanged:       restoreFunctionSetting,
	finding.FunctionPolicyChanged: restoreFunctionPolicy,
	finding.QueuePolicyChanged:    restoreQueuePolicy,
}

// isOperatorRevert reports whether byOperator reverts a finding.
func (v *reverter) isOperatorRevert(f finding.Finding) bool {
	if v.clients.Operator == nil {
		return false
	}
	_, ok := operatorReverts[f.Kind]
	return ok || f.Kind == finding.RoleAdded || f.LogicalID == "" && f.Type == stackType
}

// deleteReplaced deletes the roles that somebody created in the place of those of the
// stacks, so that the change set creates them again: IAM cannot restore the identity or
// the path of a role.
func (v *reverter) deleteReplaced(ctx context.Context, report finding.Report) {
	for _, f := range report.Findings {
		if f.Kind != finding.RoleIdentityChanged && f.Reason != finding.RoleRecreated || f.Type != typeRole {
			continue
		}
		if r := v.find(f); r == nil || r.props == nil {
			continue
		}
		if err := v.deleteRole(ctx, f.PhysicalID); err != nil {
			v.outcomes[f.ID] = failed(err)
		}
	}
}

// byOperator reverts what calls with the rights of a person revert.
func (v *reverter) byOperator(ctx context.Context, report finding.Report) {
	byParent := map[string]bool{} // ids of findings that an update of the parent stack resolves
	for _, f := range report.Findings {
		if o, attempted := v.outcomes[f.ID]; attempted && o.result != finding.ExternalIDUnknown {
			continue
		}
		do, ofResource := operatorReverts[f.Kind]
		switch {
		case f.Kind == finding.RoleAdded:
			name := f.PhysicalID[strings.LastIndex(f.PhysicalID, "/")+1:]
			v.outcomes[f.ID] = outcome{result: finding.RoleDeleted}
			if err := v.deleteRole(ctx, name); err != nil {
				v.outcomes[f.ID] = failed(err)
			}
		case ofResource:
			r := v.find(f)
			v.outcomes[f.ID] = outcome{result: finding.NotInStack}
			if r != nil && r.props != nil {
				v.outcomes[f.ID] = do(ctx, v, r, f)
			}
		case f.Type != stackType || f.LogicalID != "":
		case f.Kind == finding.ResourceDeleted, f.Kind == finding.StackFailed && f.Stack != v.parent().name,
			f.Kind == finding.TemplateChanged && f.Stack != v.parent().name:
			byParent[f.ID] = true
		case f.Kind == finding.TagsChanged, f.Kind == finding.PropertyChanged:
			v.outcomes[f.ID] = v.restoreStackSettings(ctx, f)
		default:
			v.outcomes[f.ID] = outcome{result: finding.ByHand}
		}
	}
	if len(byParent) == 0 {
		return
	}
	o := outcome{result: finding.StackUpdated}
	if err := v.updateParent(ctx); err != nil {
		o = failed(err)
	}
	for id := range byParent {
		v.outcomes[id] = o
	}
}

// RevisionParameter is a parameter of the parent stack without a meaning: a custom
// resource is called only if one of its properties changes, and this is one of them.
// RevisionFormat is the form of the values that a revert sets.
const (
	RevisionParameter = "Revision"
	RevisionFormat    = "20060102-150405"
)

// updateParent updates the parent stack with another revision, and waits: the provisioner
// then creates and updates the permission stacks as it defines them.
func (v *reverter) updateParent(ctx context.Context) error {
	parent := v.parent()
	revision := v.o.Now().UTC().Format(RevisionFormat)
	return v.updateStack(ctx,
		stacks.ParameterUpdate(parent.described, map[string]string{RevisionParameter: revision}))
}

// temporaryTag makes an update of a stack's settings alone an update: CloudFormation
// refuses one in which neither the template nor a parameter or tag differs.
const temporaryTag = "permstack:reverting"

// restoreStackSettings restores what no template of a permission stack contains: its tags,
// the role with which CloudFormation changes it, who receives its events, and the alarms
// that roll its updates back.
func (v *reverter) restoreStackSettings(ctx context.Context, f finding.Finding) outcome {
	i := slices.IndexFunc(v.stacks, func(s *stack) bool { return s.name == f.Stack && s.part != "" && s.described != nil })
	if i == -1 || v.chosen == nil {
		return outcome{result: finding.NotInStack}
	}
	s := v.stacks[i]
	parent, err := v.describe(ctx, s.id)
	if err != nil || parent == nil {
		return failed(fmt.Errorf("describe stack %s: %w", s.name, err))
	}
	tags := stacks.Tags(parent)
	for key, value := range v.chosen.stackTags(v.parentID) {
		tags[key] = value
	}
	update := func(temporary bool) error {
		in := &cloudformation.UpdateStackInput{
			StackName: &s.id, UsePreviousTemplate: aws.Bool(true), Parameters: stacks.WithParameters(parent, nil),
			Capabilities:     []types.Capability{types.CapabilityCapabilityNamedIam},
			NotificationARNs: []string{}, RollbackConfiguration: &types.RollbackConfiguration{
				RollbackTriggers: []types.RollbackTrigger{},
			},
		}
		if role := v.parent().stackRole(); role != "" {
			in.RoleARN = &role
		}
		for _, key := range sorted(tags) {
			if !strings.HasPrefix(key, "aws:") {
				in.Tags = append(in.Tags, types.Tag{Key: &key, Value: aws.String(tags[key])})
			}
		}
		if temporary {
			in.Tags = append(in.Tags, types.Tag{Key: aws.String(temporaryTag), Value: aws.String("yes")})
		}
		return v.updateStack(ctx, in)
	}
	err = update(false)
	if awserr.IsNoUpdate(err) {
		if err = update(true); err == nil {
			err = update(false)
		}
	}
	if err != nil {
		return failed(err)
	}
	return outcome{result: finding.SettingRestored}
}

// updateStack updates a stack and waits until the update is complete.
func (v *reverter) updateStack(ctx context.Context, in *cloudformation.UpdateStackInput) error {
	_, err := ratelimit.Call(ctx, v.cloudformation, v.clients.Operator.CloudFormation.UpdateStack, in)
	if err != nil {
		return fmt.Errorf("update stack %s: %w", aws.ToString(in.StackName), err)
	}
	return v.waitUntilStable(ctx, &stack{id: *in.StackName, name: stackName(*in.StackName)})
}

// stackName returns the name in a stack's id.
func stackName(id string) string {
	_, rest, _ := strings.Cut(id, ":stack/")
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// deleteRole deletes a role with everything that IAM requires to be removed before.
func (v *reverter) deleteRole(ctx context.Context, name string) error {
	if err := DeleteRole(ctx, v.clients.Operator.IAM, name); err != nil {
		return fmt.Errorf("delete role %s: %w", name, awserr.Concise(err))
	}
	return nil
}

// DeleteRole deletes a role: its policies first, and its places in instance profiles. A
// role that does not exist is no error.
func DeleteRole(ctx context.Context, client RoleDeletion, name string) error {
	limit := ratelimit.New(1, time.Now, pause.For)
	reader := &livestate.Reader{IAM: client, Limits: livestate.Limits{IAM: limit}}
	attached, err := reader.AttachedPolicies(ctx, name)
	if awserr.IsNotFound(err) {
		return nil
	} else if err != nil {
		return err
	}
	for _, p := range attached {
		in := &iam.DetachRolePolicyInput{RoleName: &name, PolicyArn: &p.ARN}
		if _, err := client.DetachRolePolicy(ctx, in); err != nil && !awserr.IsNotFound(err) {
			return err
		}
	}
	inline, err := reader.InlinePolicyNames(ctx, name)
	if err != nil {
		return err
	}
	for _, policy := range inline {
		in := &iam.DeleteRolePolicyInput{RoleName: &name, PolicyName: &policy}
		if _, err := client.DeleteRolePolicy(ctx, in); err != nil && !awserr.IsNotFound(err) {
			return err
		}
	}
	profiles, err := reader.RoleInstanceProfiles(ctx, name)
	if err != nil {
		return err
	}
	for _, profile := range profiles {
		in := &iam.RemoveRoleFromInstanceProfileInput{RoleName: &name, InstanceProfileName: &profile}
		if _, err := client.RemoveRoleFromInstanceProfile(ctx, in); err != nil && !awserr.IsNotFound(err) {
			return err
		}
	}
	_, err = client.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &name})
	if awserr.IsNotFound(err) {
		return nil
	}
	return err
}

// longestFunctionUpdate bounds the wait for an update of a function.
const longestFunctionUpdate = 2 * time.Minute
