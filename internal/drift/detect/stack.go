package detect

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/cfn/stacks"
	"permstack/internal/installation"
	"permstack/internal/notify/finding"
)

const stackType = "AWS::CloudFormation::Stack"

// stack is a stack as it was when the check began.
type stack struct {
	id, name  string
	described *types.Stack
	tags      map[string]string
	body      string                // of the template; "" where it could not be read
	template  *cfntemplate.Template // nil where it could not be evaluated
	bound     *cfntemplate.Bound
	resources []*resource
	findings  []draft // about the stack itself
	waiting   bool    // CloudFormation is at work on it: its resources are not reached
}

// declares tells whether the template has a resource of the type that is made.
func (s *stack) declares(typ string) bool {
	if s.bound == nil {
		return false
	}
	return slices.ContainsFunc(s.bound.Active(), func(r *cfntemplate.Resource) bool { return r.Type == typ })
}

// same tells whether the stack is still as it was: no update began or ended.
func (s *stack) same(now *types.Stack) bool {
	return sameState(s.described, now)
}

func sameState(a, b *types.Stack) bool {
	return aws.ToString(a.StackId) == aws.ToString(b.StackId) && a.StackStatus == b.StackStatus && aws.ToTime(a.LastUpdatedTime).Equal(aws.ToTime(b.LastUpdatedTime))
}

func (s *stack) finding(kind finding.Kind, subject string, direction finding.Direction) draft {
	return draft{Finding: finding.Finding{Stack: s.name, PhysicalID: s.id, Type: stackType, Kind: kind, Subject: subject, Direction: direction, SeenBy: []string{seenLive}}}
}

// unreadable notes that something about the stack could not be read.
func (s *stack) unreadable(what string, err error) {
	f := s.finding(finding.NotReadable, operationOf(err), finding.Unreadable)
	f.readError(what, err)
	s.findings = append(s.findings, f)
}

// describe reads a stack; one that does not exist or was deleted is nil.
func (c *check) describe(ctx context.Context, nameOrID string) (*types.Stack, error) {
	out, err := call(ctx, c.cloudformation, c.clients.CloudFormation.DescribeStacks, &cloudformation.DescribeStacksInput{StackName: &nameOrID})
	if awserr.IsStackNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(out.Stacks) == 0 || out.Stacks[0].StackStatus == types.StackStatusDeleteComplete {
		return nil, nil
	}
	return &out.Stacks[0], nil
}

// open reads what a stack deployed: its template, evaluated, and its resources.
func (c *check) open(ctx context.Context, p installation.Parent, described *types.Stack) *stack {
	s := &stack{id: aws.ToString(described.StackId), name: aws.ToString(described.StackName), described: described, tags: map[string]string{}}
	for _, t := range described.Tags {
		s.tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	status := described.StackStatus
	switch {
	case stacks.IsStable(status):
	case strings.HasSuffix(string(status), "_IN_PROGRESS") && status != types.StackStatusReviewInProgress:
		s.waiting = true
	default:
		f := s.finding(finding.NotReadable, string(status), finding.Unreadable)
		f.Expected, f.Actual = "a stack that is complete", string(status)
		f.Details = []string{"In this state a stack's template does not say what is deployed, and CloudFormation detects no drift."}
		f.Advice = "Bring the stack to rest: see its events in the console for what failed, correct that, and update or delete it."
		s.findings = append(s.findings, f)
		return s
	}
	ids, err := c.physicalIDs(ctx, s.id)
	if err != nil {
		s.unreadable("the stack's resources", err)
		return s
	}
	body, err := call(ctx, c.cloudformation, c.clients.CloudFormation.GetTemplate, &cloudformation.GetTemplateInput{StackName: &s.id})
	if err != nil {
		s.unreadable("the stack's template", err)
	} else if err := s.evaluate(p, aws.ToString(body.TemplateBody)); err != nil {
		f := s.finding(finding.NotReadable, "template", finding.Unreadable)
		f.Details = []string{"The deployed template cannot be evaluated: " + err.Error()}
		f.Advice = "Its resources were checked by CloudFormation alone. Deploy a template that permstack wrote, or tell its authors."
		s.findings = append(s.findings, f)
	}
	s.fill(ids)
	return s
}

func (s *stack) evaluate(p installation.Parent, body string) error {
	s.body = body
	template, err := cfntemplate.Parse([]byte(body))
	if err != nil {
		return err
	}
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
	bound, err := template.Bind(cfntemplate.Environment{
		Parameters: parameters, Deployed: true,
		Pseudo: cfntemplate.Pseudo{
			AccountID: p.Account, Region: p.Region, Partition: p.Partition, StackID: s.id, StackName: s.name,
			NotificationARNs: s.described.NotificationARNs,
		},
	})
	if err != nil {
		return err
	}
	s.template, s.bound = template, bound
	return nil
}

// listed is a resource as CloudFormation lists it.
type listed struct{ logicalID, physicalID, typ string }

// physicalIDs lists a stack's resources, 100 a page.
func (c *check) physicalIDs(ctx context.Context, stackID string) ([]listed, error) {
	var out []listed
	for in := (&cloudformation.ListStackResourcesInput{StackName: &stackID}); ; {
		page, err := call(ctx, c.cloudformation, c.clients.CloudFormation.ListStackResources, in)
		if err != nil {
			return nil, err
		}
		for _, r := range page.StackResourceSummaries {
			if aws.ToString(r.PhysicalResourceId) == "" || r.ResourceStatus == types.ResourceStatusDeleteComplete {
				continue
			}
			out = append(out, listed{aws.ToString(r.LogicalResourceId), aws.ToString(r.PhysicalResourceId), aws.ToString(r.ResourceType)})
		}
		if page.NextToken == nil {
			return out, nil
		}
		in.NextToken = page.NextToken
	}
}

// fill gives the stack its resources, evaluated where the template could be.
func (s *stack) fill(ids []listed) {
	names := resolver{stack: s, listed: map[string]listed{}}
	for _, l := range ids {
		names.listed[l.logicalID] = l
	}
	for _, l := range ids {
		r := &resource{stack: s, logicalID: l.logicalID, physicalID: l.physicalID, typ: l.typ}
		if s.bound != nil && s.bound.IsActive(l.logicalID) {
			if props, err := s.bound.Properties(l.logicalID, names); err != nil {
				r.problem = fmt.Errorf("evaluate resource %s: %w", l.logicalID, err)
			} else {
				r.props = props
			}
		}
		s.resources = append(s.resources, r)
	}
}

// permissionStacks finds the stacks that the parent's custom resource made.
// Which must be there follows from the parent's outputs: access always, the
// others where an output names them (a profile may do without).
func (c *check) permissionStacks(ctx context.Context, p installation.Parent, parent *types.Stack) []*stack {
	var out []*stack
	for _, part := range installation.Parts {
		name := p.StackName(part)
		id := outputARN(parent, name)
		s := c.permissionStack(ctx, p, name, id)
		if s == nil && id == "" && part != installation.Access {
			continue
		}
		if s == nil {
			s = &stack{name: name}
			f := s.finding(finding.ResourceGone, "", finding.GrantsLess)
			f.PhysicalID = name
			if id != "" {
				f.PhysicalID = id
			}
			f.Expected, f.Actual = "permission stack "+name, "there is no such stack of ours"
			f.Details = []string{"With the stack went what it holds: roles and policies, or the topic and its rules."}
			f.Advice = "Update the parent stack with any change, such as a new tag: the permission stack is then made again."
			s.findings = []draft{f}
		}
		c.forged(ctx, s, part, parent)
		out = append(out, s)
	}
	return out
}

// standing finds permission stacks of a parent that declares none any more.
func (c *check) standing(ctx context.Context, p installation.Parent) []*stack {
	var out []*stack
	for _, part := range installation.Parts {
		if s := c.permissionStack(ctx, p, p.StackName(part), ""); s != nil {
			out = append(out, s)
		}
	}
	return out
}

// permissionStack opens one stack if it is there and is the parent's: its tags
// say so, and where the parent knows its id, that too.
func (c *check) permissionStack(ctx context.Context, p installation.Parent, name, id string) *stack {
	described, err := c.describe(ctx, name)
	if err != nil {
		s := &stack{name: name}
		s.unreadable("the stack", err)
		s.findings[0].PhysicalID = name
		return s
	}
	if described == nil || !p.Owns(stacks.Tags(described)) || id != "" && id != aws.ToString(described.StackId) {
		return nil
	}
	return c.open(ctx, p, described)
}

// outputARN finds the id of a stack in the values of another's outputs.
func outputARN(s *types.Stack, name string) string {
	for _, o := range s.Outputs {
		value := aws.ToString(o.OutputValue)
		i := strings.Index(value, ":stack/"+name+"/")
		if i < 0 {
			continue
		}
		begin := strings.LastIndex(value[:i], "arn:")
		if begin < 0 {
			continue
		}
		end := strings.IndexFunc(value[begin:], func(r rune) bool {
			return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/-", r)
		})
		if end < 0 {
			return value[begin:]
		}
		return value[begin : begin+end]
	}
	return ""
}

func parameterValue(s *types.Stack, key string) string {
	for _, p := range s.Parameters {
		if aws.ToString(p.ParameterKey) == key {
			return aws.ToString(p.ParameterValue)
		}
	}
	return ""
}
