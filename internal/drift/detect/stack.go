package detect

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/awsapi/ratelimit"
	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/cfn/stacks"
	"permstack/internal/installation"
	"permstack/internal/notify/finding"
	"permstack/internal/permissionstack"
)

const stackType = "AWS::CloudFormation::Stack"

// stack is a stack as it was when the check began.
type stack struct {
	id, name   string
	described  *types.Stack
	tags       map[string]string
	body       string                // of the template; "" if it could not be read
	bound      *cfntemplate.Resolved // the evaluated template; nil if it cannot be evaluated
	resources  []*resource           // expected
	references *resolver             // of bound
	drafts     []draft               // findings about the stack itself
	inProgress bool                  // CloudFormation is working on it: its resources are not reached
	unstable   bool                  // in its status CloudFormation detects no drift

	listed []listed // its resources as CloudFormation lists them

	// part is that of a permission stack whose expected template is synthesized.
	part installation.Part
	// The deployed template, if it is not the expected one and could be read, with its
	// resources: of permission stacks, and of a parent if Options.Release is set.
	template           *cfntemplate.Resolved
	deployed           []*resource
	deployedReferences *resolver
}

// sameState reports whether a stack was not updated between two descriptions.
func sameState(a, b *types.Stack) bool {
	return aws.ToString(a.StackId) == aws.ToString(b.StackId) && a.StackStatus == b.StackStatus &&
		aws.ToTime(a.LastUpdatedTime).Equal(aws.ToTime(b.LastUpdatedTime))
}

func (s *stack) draft(kind finding.Kind, subject string, direction finding.Direction) draft {
	return draft{Finding: finding.Finding{
		Stack: s.name, PhysicalID: s.id, Type: stackType, Kind: kind, Subject: subject, Direction: direction,
		SeenBy: []finding.Source{finding.Live},
	}}
}

// unreadable reports that something about the stack could not be read.
func (s *stack) unreadable(target finding.Target, err error) {
	d := s.draft(finding.NotReadable, "", finding.Unreadable)
	d.readError(target, "", err)
	s.drafts = append(s.drafts, d)
}

// describe reads a stack; nil if it does not exist or was deleted.
func (c *check) describe(ctx context.Context, nameOrID string) (*types.Stack, error) {
	s, err := stacks.Describe(ctx, describer{c.reader}, nameOrID)
	if err != nil || s == nil || s.StackStatus == types.StackStatusDeleteComplete {
		return nil, err
	}
	return s, nil
}

// describer describes stacks within the rate limit.
type describer struct{ *reader }

func (d describer) DescribeStacks(
	ctx context.Context, in *cloudformation.DescribeStacksInput, _ ...func(*cloudformation.Options),
) (*cloudformation.DescribeStacksOutput, error) {
	return ratelimit.Call(ctx, d.cloudformation, d.clients.CloudFormation.DescribeStacks, in)
}

func newStack(described *types.Stack) *stack {
	return &stack{
		id: aws.ToString(described.StackId), name: aws.ToString(described.StackName), described: described,
		tags: stacks.Tags(described),
	}
}

// open reads what a stack deployed: its template, evaluated, and its resources.
func (c *check) open(ctx context.Context, p installation.Parent, described *types.Stack) *stack {
	s := newStack(described)
	status := described.StackStatus
	switch {
	case stacks.IsStable(status):
		s.reportFailed()
	case stacks.InProgress(status) && c.overdue(described, longestUpdate):
		s.heldInProgress()
	case stacks.InProgress(status):
		s.inProgress = true
	case status == types.StackStatusUpdateFailed: // whoever can make an update fail must not end the check of the stack
		s.notStable()
	default:
		s.notStable()
		return s
	}
	c.readDeployed(ctx, p, s)
	return s
}

// reportFailed reports that the last operation on the stack failed, so that CloudFormation refuses the next one. It
// reports false if the status is another one.
func (s *stack) reportFailed() bool {
	status := string(s.described.StackStatus)
	if !strings.HasSuffix(status, "_FAILED") {
		return false
	}
	d := s.draft(finding.StackFailed, status, finding.Monitoring)
	d.Actual = finding.Text(status)
	s.drafts = append(s.drafts, d)
	return true
}

// notStable reports that the stack has a status in which CloudFormation detects no
// drift and its template does not describe what is deployed.
func (s *stack) notStable() {
	s.unstable = true
	if s.reportFailed() {
		return
	}
	status := string(s.described.StackStatus)
	d := s.draft(finding.NotReadable, status, finding.Unreadable)
	d.Reason, d.Actual = finding.StackNotStable, finding.Text(status)
	s.drafts = append(s.drafts, d)
}

// readDeployed reads the stack's template and resources.
func (c *check) readDeployed(ctx context.Context, p installation.Parent, s *stack) {
	ids, err := c.listResources(ctx, s.id)
	if err != nil {
		s.unreadable(finding.TargetStackResources, err)
		return
	}
	s.listed = ids
	body, err := ratelimit.Call(ctx, c.cloudformation, c.clients.CloudFormation.GetTemplate,
		&cloudformation.GetTemplateInput{StackName: &s.id})
	if err != nil {
		s.unreadable(finding.TargetTemplate, err)
	} else if err := s.evaluate(p, aws.ToString(body.TemplateBody)); err != nil {
		d := s.draft(finding.NotReadable, "template", finding.Unreadable)
		d.Reason = finding.TemplateInvalid
		d.ReadErrors = []finding.ReadError{{Target: finding.TargetTemplate, Message: err.Error()}}
		s.drafts = append(s.drafts, d)
	}
	s.addResources(ids)
}

func (s *stack) evaluate(p installation.Parent, body string) error {
	s.body = body
	template, err := templates.parse(body)
	if err != nil {
		return err
	}
	bound, err := template.ResolveParameters(s.environment(p, template))
	if err != nil {
		return err
	}
	s.bound = bound
	return nil
}

// environment returns the values for which a template of the stack is evaluated.
func (s *stack) environment(p installation.Parent, template *cfntemplate.Template) cfntemplate.Environment {
	parameters := map[string]string{}
	for _, given := range s.described.Parameters {
		value := aws.ToString(given.ParameterValue)
		if given.ResolvedValue != nil {
			value = *given.ResolvedValue
		}
		if declared := template.Parameter(aws.ToString(given.ParameterKey)); declared != nil && declared.NoEcho {
			value = unknown
		}
		parameters[aws.ToString(given.ParameterKey)] = value
	}
	// The external id is compared as a value that is the same in the expected and in the deployed template, if both refer
	// to the parameter.
	if template.Parameter(permissionstack.ExternalIDParameter) != nil {
		parameters[permissionstack.ExternalIDParameter] = externalIDPlaceholder
	}
	return cfntemplate.Environment{
		Parameters: parameters, Deployed: true,
		Pseudo: cfntemplate.Pseudo{
			AccountID: p.Account, Region: p.Region, Partition: p.Partition, StackID: s.id, StackName: s.name,
			NotificationARNs: s.described.NotificationARNs,
		},
	}
}

// listed is a resource as CloudFormation lists it.
type listed struct {
	logicalID, physicalID, typ string
	updated                    time.Time // last change of the resource by CloudFormation
}

// listResources lists a stack's resources, 100 a page.
func (c *check) listResources(ctx context.Context, stackID string) ([]listed, error) {
	var out []listed
	for in := (&cloudformation.ListStackResourcesInput{StackName: &stackID}); ; {
		page, err := ratelimit.Call(ctx, c.cloudformation, c.clients.CloudFormation.ListStackResources, in)
		if err != nil {
			return nil, err
		}
		for _, r := range page.StackResourceSummaries {
			if aws.ToString(r.PhysicalResourceId) == "" || r.ResourceStatus == types.ResourceStatusDeleteComplete {
				continue
			}
			out = append(out, listed{
				aws.ToString(r.LogicalResourceId), aws.ToString(r.PhysicalResourceId), aws.ToString(r.ResourceType),
				aws.ToTime(r.LastUpdatedTimestamp),
			})
		}
		if page.NextToken == nil {
			return out, nil
		}
		in.NextToken = page.NextToken
	}
}

// addResources adds the stack's resources. Those whose properties cannot be
// evaluated are checked by CloudFormation alone.
func (s *stack) addResources(ids []listed) {
	references := &resolver{stack: s, listed: map[string]listed{}}
	s.references = references
	for _, l := range ids {
		references.listed[l.logicalID] = l
	}
	for _, l := range ids {
		r := &resource{
			stack: s, logicalID: l.logicalID, physicalID: l.physicalID, typ: lookupType(l.typ), typeName: l.typ,
			updated: l.updated,
		}
		if s.bound != nil && s.bound.IsActive(l.logicalID) {
			if props, err := s.bound.Properties(l.logicalID, references); err == nil {
				r.props = props
			}
		}
		s.resources = append(s.resources, r)
	}
}

// undeclaredPermissionStacks returns the permission stacks of a parent whose
// custom resource cannot be evaluated. What they deployed is expected.
func (c *check) undeclaredPermissionStacks(ctx context.Context, p installation.Parent) []*stack {
	var out []*stack
	for _, part := range installation.Parts {
		name := p.StackName(part)
		described, err := c.describe(ctx, name)
		switch {
		case err != nil:
			out = append(out, unreadableStack(name, err))
		case described != nil && p.Owns(stacks.Tags(described)):
			out = append(out, c.open(ctx, p, described))
		}
	}
	return out
}

// unreadableStack reports that a stack could not be described.
func unreadableStack(name string, err error) *stack {
	s := &stack{name: name}
	s.unreadable(finding.TargetStack, err)
	s.drafts[0].PhysicalID = name
	return s
}
