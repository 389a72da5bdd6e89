package fakeawstest

import (
	"context"
	"fmt"
	"maps"
	"permstack/internal/installation"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack"
)

// What a launch without other values uses.
const (
	StackName       = "backup"
	ControlPlaneARN = "arn:aws:iam::111122223333:role/Control"
	DataPlaneID     = "444455556666"
	ExternalID      = "e2e-external-id-7b0c9a52" // a secret: it must appear in no log or message
)

// stackTimeout bounds the wait for a stack. A launch takes about a second; the
// rest is for busy machines.
const stackTimeout = 5 * time.Minute

// Launch says what is launched. The zero value is template.yaml for profile
// clumio with its defaults.
type Launch struct {
	Name       string            // default: StackName
	Template   []byte            // default: template.yaml
	Parameters map[string]string // over DefaultParameters; none of those for another Template
	Tags       map[string]string
}

// DefaultParameters returns the parameters of template.yaml that have no usable
// default, for profile clumio.
func DefaultParameters() map[string]string {
	return map[string]string{
		"ControlPlaneRoleArn": ControlPlaneARN, "ExternalId": ExternalID, "DataPlaneAccountId": DataPlaneID,
	}
}

// Stack is a stack of an account.
type Stack struct {
	*Account
	Name    string
	StackID string // its ARN
	Outputs map[string]string

	defaults map[string]string
	read     *int // messages that Messages returned
}

// Stack returns a stack that exists.
func (a *Account) Stack(name string) *Stack { return &Stack{Account: a, Name: name, read: new(int)} }

// For returns the same stack for a subtest.
func (s *Stack) For(t testing.TB) *Stack {
	other := *s
	other.Account = s.Account.For(t)
	return &other
}

// Launch creates a stack and waits until it is complete. The template is passed
// by URL, since it may be longer than CloudFormation takes inline.
func (a *Account) Launch(l Launch) *Stack {
	a.t.Helper()
	s, err := a.Create(l)
	if err != nil {
		a.t.Fatal(err)
	}
	s.Wait("CREATE_COMPLETE")
	return s
}

// Create begins to create a stack, or returns CloudFormation's refusal.
func (a *Account) Create(l Launch) (*Stack, error) {
	a.t.Helper()
	if l.Name == "" {
		l.Name = StackName
	}
	s := a.Stack(l.Name)
	if l.Template == nil {
		l.Template, s.defaults = permstack.Template, DefaultParameters()
	}
	in := &cloudformation.CreateStackInput{
		StackName: &s.Name, TemplateURL: aws.String(a.TemplateURL(a.ID+"-"+a.Region+"-"+s.Name+".yaml", l.Template)),
		Parameters: s.parameters(l.Parameters), Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	}
	for key, value := range l.Tags {
		in.Tags = append(in.Tags, types.Tag{Key: aws.String(key), Value: aws.String(value)})
	}
	out, err := a.CloudFormation.CreateStack(a.t.Context(), in)
	if err != nil {
		return nil, fmt.Errorf("create stack %s: %w", s.Name, err)
	}
	s.StackID = *out.StackId
	return s, nil
}

func (s *Stack) parameters(values map[string]string) []types.Parameter {
	all := maps.Clone(s.defaults)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, values)
	return parameters(all)
}

// Update updates the stack with its current template and waits until the update
// is complete. Parameters that are not given have the values of a launch without
// parameters.
func (s *Stack) Update(values map[string]string) {
	s.t.Helper()
	s.BeginUpdate(&cloudformation.UpdateStackInput{UsePreviousTemplate: aws.Bool(true), Parameters: s.parameters(values)})
	s.Wait("UPDATE_COMPLETE")
}

// UpdateTemplate updates the stack to another template with the parameters as
// they are, and waits until the update is complete.
func (s *Stack) UpdateTemplate(template []byte) {
	s.t.Helper()
	url := s.TemplateURL(s.ID+"-"+s.Region+"-"+s.Name+"-update.yaml", template)
	in := &cloudformation.UpdateStackInput{TemplateURL: &url}
	for _, p := range s.Describe().Parameters {
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)})
	}
	s.BeginUpdate(in)
	s.Wait("UPDATE_COMPLETE")
}

// BeginUpdate begins an update. The stack's name and capabilities are filled in.
func (s *Stack) BeginUpdate(in *cloudformation.UpdateStackInput) {
	s.t.Helper()
	in.StackName, in.Capabilities = &s.Name, []types.Capability{types.CapabilityCapabilityNamedIam}
	if _, err := s.CloudFormation.UpdateStack(s.t.Context(), in); err != nil {
		s.t.Fatal(err)
	}
}

// Delete deletes the stack and waits until it does not exist.
func (s *Stack) Delete() {
	s.t.Helper()
	s.BeginDelete()
	s.Wait("DELETE_COMPLETE")
}

// BeginDelete begins to delete the stack.
func (s *Stack) BeginDelete() {
	s.t.Helper()
	in := &cloudformation.DeleteStackInput{StackName: &s.Name}
	if _, err := s.CloudFormation.DeleteStack(s.t.Context(), in); err != nil {
		s.t.Fatal(err)
	}
}

// Wait waits until nothing is in progress, requires a status and reads the
// outputs.
func (s *Stack) Wait(status string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), stackTimeout)
	defer cancel()
	got, reason, err := s.Stacks.Wait(ctx, s.ID, s.Region, s.Name)
	if got == "" { // a deleted stack is not found by its name
		got = "DELETE_COMPLETE"
	}
	if err != nil || got != status {
		s.t.Fatalf("stack %s in %s, %s: got %s (%s), %v, want %s\n%s\n%s",
			s.Name, s.ID, s.Region, got, reason, err, status, s.FailureReasons(), s.Log)
	}
	s.Outputs = map[string]string{}
	if status == "DELETE_COMPLETE" {
		return
	}
	for _, o := range s.Describe().Outputs {
		s.Outputs[*o.OutputKey] = *o.OutputValue
	}
}

// failures returns the events of resources that failed, one a line.
// FailureReasons returns the reasons of the events in which a resource failed, one a line.
func (s *Stack) FailureReasons() string {
	out, err := s.CloudFormation.DescribeStackEvents(context.WithoutCancel(s.t.Context()),
		&cloudformation.DescribeStackEventsInput{StackName: &s.StackID})
	if err != nil {
		return err.Error()
	}
	var lines []string
	for _, e := range out.StackEvents {
		if strings.HasSuffix(string(e.ResourceStatus), "_FAILED") {
			lines = append(lines, aws.ToString(e.LogicalResourceId)+": "+aws.ToString(e.ResourceStatusReason))
		}
	}
	return strings.Join(lines, "\n")
}

// Describe returns the stack as CloudFormation describes it.
func (s *Stack) Describe() types.Stack {
	s.t.Helper()
	out, err := s.CloudFormation.DescribeStacks(s.t.Context(), &cloudformation.DescribeStacksInput{StackName: &s.Name})
	if err != nil {
		s.t.Fatal(err)
	}
	return out.Stacks[0]
}

// PermissionStack returns the name of a permission stack.
func (s *Stack) PermissionStack(part installation.Part) string {
	s.t.Helper()
	parent, err := installation.ParseParent(*s.Describe().StackId)
	if err != nil {
		s.t.Fatal(err)
	}
	return parent.StackName(part)
}

// PhysicalID returns the physical id of a resource.
func (s *Stack) PhysicalID(logicalID string) string {
	s.t.Helper()
	out, err := s.CloudFormation.DescribeStackResource(s.t.Context(),
		&cloudformation.DescribeStackResourceInput{StackName: &s.Name, LogicalResourceId: &logicalID})
	if err != nil {
		s.t.Fatal(err)
	}
	return *out.StackResourceDetail.PhysicalResourceId
}

// RoleName returns the name of the vendor's role, without its path.
func (s *Stack) RoleName() string {
	arn := s.Outputs["RoleArn"]
	return arn[strings.LastIndex(arn, "/")+1:]
}
