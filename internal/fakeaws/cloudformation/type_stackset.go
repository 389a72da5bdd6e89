package cloudformation

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/fakeaws/protocol"
)

// stackSet is AWS::CloudFormation::StackSet: a stack set and its instances. It
// waits for each operation, and fails with the first failure of one.
type stackSet struct{}

func (stackSet) schema() schema {
	operations := []string{
		"cloudformation:DescribeStackSetOperation", "cloudformation:ListStackSetOperationResults",
	}
	return schema{
		Properties: []string{
			"AdministrationRoleARN", "AutoDeployment", "CallAs", "Capabilities", "Description", "ExecutionRoleName",
			"ManagedExecution", "OperationPreferences", "Parameters", "PermissionModel", "StackInstancesGroup", "StackSetName",
			"Tags", "TemplateBody", "TemplateURL",
		},
		Replace: []string{"CallAs"}, // write-only and without an update in the user guide
		Name:    "StackSetName", NameLength: 128, Tags: true,
		Permissions: handlerPermissions{
			Create: append([]string{
				"cloudformation:CreateStackSet", "cloudformation:CreateStackInstances", "cloudformation:TagResource",
			}, operations...),
			Read: []string{"cloudformation:DescribeStackSet"},
			Update: append([]string{
				"cloudformation:UpdateStackSet", "cloudformation:CreateStackInstances",
				"cloudformation:UpdateStackInstances", "cloudformation:DeleteStackInstances",
				"cloudformation:TagResource", "cloudformation:UntagResource",
			}, operations...),
			Delete: append([]string{
				"cloudformation:DescribeStackSet", "cloudformation:DeleteStackSet", "cloudformation:DeleteStackInstances",
			}, operations...),
		},
		Rights: handlerRights{
			ARN: func(r *request, id string) string {
				return r.arn("cloudformation", r.stack.region, "stackset/"+id)
			},
			For: map[string][]string{"iam:PassRole": {"AdministrationRoleARN"}},
			Access: map[string]func(*request) []protocol.Access{
				"iam:PassRole": passRole("cloudformation.amazonaws.com", "AdministrationRoleARN"),
			},
			Unused: map[string]string{
				"cloudformation:UntagResource":         "deletes a stack set together with its tags",
				"cloudformation:ListStackInstances":    "reads StackInstancesGroup, which is not read",
				"cloudformation:DescribeStackInstance": "reads StackInstancesGroup, which is not read",
			},
		},
	}
}

// stackSetRequest has what the calls of one handler share.
type stackSetRequest struct {
	*request
	client      *cfn.Client
	callAs      types.CallAs
	preferences *types.StackSetOperationPreferences
	id          string
}

func newStackSetRequest(r *request) (*stackSetRequest, error) {
	out := &stackSetRequest{
		request: r, client: cfn.NewFromConfig(r.cfg), callAs: types.CallAs(r.props.str("CallAs")), id: r.id,
	}
	if p := r.props.object("OperationPreferences"); p != nil {
		out.preferences = &types.StackSetOperationPreferences{
			ConcurrencyMode:       types.ConcurrencyMode(p.str("ConcurrencyMode")),
			RegionConcurrencyType: types.RegionConcurrencyType(p.str("RegionConcurrencyType")),
			RegionOrder:           p.list("RegionOrder"),
		}
		for name, to := range map[string]**int32{
			"FailureToleranceCount":      &out.preferences.FailureToleranceCount,
			"FailureTolerancePercentage": &out.preferences.FailureTolerancePercentage,
			"MaxConcurrentCount":         &out.preferences.MaxConcurrentCount,
			"MaxConcurrentPercentage":    &out.preferences.MaxConcurrentPercentage,
		} {
			n, err := p.int(name)
			if err != nil {
				return nil, err
			}
			if p.has(name) {
				*to = aws.Int32(int32(n)) // #nosec G115 -- the service checks the range
			}
		}
	}
	return out, nil
}

func stackSetCapabilities(p props) []types.Capability {
	var out []types.Capability
	for _, c := range p.list("Capabilities") {
		out = append(out, types.Capability(c))
	}
	return out
}

func (r *stackSetRequest) setTags() []types.Tag {
	var out []types.Tag
	for _, t := range r.tags() {
		out = append(out, types.Tag{Key: aws.String(t.Key), Value: aws.String(t.Value)})
	}
	return out
}

func autoDeployment(p props) *types.AutoDeployment {
	auto := p.object("AutoDeployment")
	if auto == nil {
		return nil
	}
	out := &types.AutoDeployment{Enabled: aws.Bool(auto.bool("Enabled"))}
	if auto.has("RetainStacksOnAccountRemoval") {
		out.RetainStacksOnAccountRemoval = aws.Bool(auto.bool("RetainStacksOnAccountRemoval"))
	}
	return out
}

func managedExecution(p props) *types.ManagedExecution {
	if !p.has("ManagedExecution") {
		return nil
	}
	return &types.ManagedExecution{Active: aws.Bool(p.object("ManagedExecution").bool("Active"))}
}

func (stackSet) create(r *request) (outcome, error) {
	q, err := newStackSetRequest(r)
	if err != nil {
		return outcome{}, err
	}
	made, err := q.client.CreateStackSet(r.ctx, &cfn.CreateStackSetInput{
		StackSetName: optional(r.props, "StackSetName"), Description: optional(r.props, "Description"), CallAs: q.callAs,
		PermissionModel:       types.PermissionModels(r.props.str("PermissionModel")),
		AdministrationRoleARN: optional(r.props, "AdministrationRoleARN"),
		ExecutionRoleName:     optional(r.props, "ExecutionRoleName"),
		AutoDeployment:        autoDeployment(r.props), ManagedExecution: managedExecution(r.props),
		Capabilities: stackSetCapabilities(r.props), Parameters: stackSetParameters(r.props, "Parameters"),
		TemplateBody: optional(r.props, "TemplateBody"), TemplateURL: optional(r.props, "TemplateURL"),
		Tags: q.setTags(), ClientRequestToken: &r.token,
	})
	if err != nil {
		return outcome{}, err
	}
	q.id = *made.StackSetId
	out := outcome{id: q.id, attrs: map[string]any{"StackSetId": q.id}}
	return out, q.createInstances(stackSetTargets(r.props))
}

func (r *stackSetRequest) createInstances(targets []stackSetTarget) error {
	for _, t := range targets {
		out, err := r.client.CreateStackInstances(r.ctx, &cfn.CreateStackInstancesInput{
			StackSetName: &r.id, CallAs: r.callAs, DeploymentTargets: t.DeploymentTargets, Regions: t.Regions,
			ParameterOverrides: t.ParameterOverrides, OperationPreferences: r.preferences,
		})
		if err == nil {
			err = r.waitFor(out.OperationId)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *stackSetRequest) deleteInstances(targets []stackSetTarget) error {
	for _, t := range targets {
		out, err := r.client.DeleteStackInstances(r.ctx, &cfn.DeleteStackInstancesInput{
			StackSetName: &r.id, CallAs: r.callAs, DeploymentTargets: t.DeploymentTargets, Regions: t.Regions,
			RetainStacks: aws.Bool(false), OperationPreferences: r.preferences,
		})
		if err == nil {
			err = r.waitFor(out.OperationId)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// stackSetPoll is the interval between two reads of an operation in progress.
const stackSetPoll = 20 * time.Millisecond

// waitFor waits until an operation has ended. It returns an error if it failed.
func (r *stackSetRequest) waitFor(id *string) error {
	for {
		out, err := r.client.DescribeStackSetOperation(r.ctx, &cfn.DescribeStackSetOperationInput{
			StackSetName: &r.id, OperationId: id, CallAs: r.callAs,
		})
		if err != nil {
			return err
		}
		switch status := out.StackSetOperation.Status; status {
		case types.StackSetOperationStatusSucceeded:
			return nil
		case types.StackSetOperationStatusFailed, types.StackSetOperationStatusStopped:
			return r.operationFailure(*id, status)
		}
		select {
		case <-time.After(stackSetPoll):
		case <-r.ctx.Done():
			return context.Cause(r.ctx)
		}
	}
}

// operationFailure returns an error with the first failed result.
func (r *stackSetRequest) operationFailure(id string, status types.StackSetOperationStatus) error {
	results, err := r.client.ListStackSetOperationResults(r.ctx, &cfn.ListStackSetOperationResultsInput{
		StackSetName: &r.id, OperationId: &id, CallAs: r.callAs,
	})
	if err != nil {
		return err
	}
	message := fmt.Sprintf("Operation [%s] was %s", id, status)
	for _, result := range results.Summaries {
		if result.Status == types.StackSetOperationResultStatusFailed {
			message += fmt.Sprintf(". Account %s, Region %s: %s", aws.ToString(result.Account),
				aws.ToString(result.Region), aws.ToString(result.StatusReason))
			break
		}
	}
	return fmt.Errorf("Resource handler returned message: \"%s\" (RequestToken: %s, HandlerErrorCode: "+
		"GeneralServiceException)", message, r.token)
}

// update updates the stack set with all its instances, and then adds and removes
// instances.
func (stackSet) update(r *request) (outcome, error) {
	out := outcome{id: r.id, attrs: map[string]any{"StackSetId": r.id}}
	q, err := newStackSetRequest(r)
	if err != nil {
		return out, err
	}
	changed := slices.DeleteFunc(stackSet{}.schema().Properties, func(name string) bool {
		return name == "StackInstancesGroup" || name == "OperationPreferences"
	})
	add, remove := r.tagChange()
	if r.changed(changed...) || len(add)+len(remove) > 0 {
		in := &cfn.UpdateStackSetInput{
			StackSetName: &r.id, Description: optional(r.props, "Description"), CallAs: q.callAs,
			AdministrationRoleARN: optional(r.props, "AdministrationRoleARN"),
			ExecutionRoleName:     optional(r.props, "ExecutionRoleName"),
			AutoDeployment:        autoDeployment(r.props), ManagedExecution: managedExecution(r.props),
			Capabilities: stackSetCapabilities(r.props), Parameters: stackSetParameters(r.props, "Parameters"),
			TemplateBody: optional(r.props, "TemplateBody"), TemplateURL: optional(r.props, "TemplateURL"),
			Tags: q.setTags(), OperationPreferences: q.preferences,
		}
		updated, err := q.client.UpdateStackSet(r.ctx, in)
		if err == nil {
			err = q.waitFor(updated.OperationId)
		}
		if err != nil {
			return out, err
		}
	}
	return out, q.reconcileInstances()
}

// delete deletes all instances, then the stack set.
func (stackSet) delete(r *request) error {
	q, err := newStackSetRequest(r)
	if err != nil {
		return err
	}
	set, err := q.client.DescribeStackSet(r.ctx, &cfn.DescribeStackSetInput{StackSetName: &r.id, CallAs: q.callAs})
	if err != nil {
		return notFound(err)
	}
	targets := &types.DeploymentTargets{OrganizationalUnitIds: set.StackSet.OrganizationalUnitIds}
	if set.StackSet.PermissionModel != types.PermissionModelsServiceManaged {
		if targets.Accounts, err = q.accounts(); err != nil {
			return err
		}
	}
	if len(set.StackSet.Regions) > 0 && len(targets.Accounts)+len(targets.OrganizationalUnitIds) > 0 {
		all := []stackSetTarget{{DeploymentTargets: targets, Regions: set.StackSet.Regions}}
		if err := q.deleteInstances(all); err != nil {
			return err
		}
	}
	_, err = q.client.DeleteStackSet(r.ctx, &cfn.DeleteStackSetInput{StackSetName: &r.id, CallAs: q.callAs})
	return err
}

// accounts returns the accounts of the instances.
func (r *stackSetRequest) accounts() ([]string, error) {
	var out []string
	pages := cfn.NewListStackInstancesPaginator(cfn.NewFromConfig(r.unrestricted()), &cfn.ListStackInstancesInput{
		StackSetName: &r.id, CallAs: r.callAs,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(r.ctx)
		if err != nil {
			return nil, err
		}
		for _, in := range page.Summaries {
			if !slices.Contains(out, *in.Account) {
				out = append(out, *in.Account)
			}
		}
	}
	return out, nil
}
