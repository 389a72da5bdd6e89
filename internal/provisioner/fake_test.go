package provisioner

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"

	"permstack/internal/cfn/stacks"
)

// fake is a stateful CloudFormation. An operation takes one tick for each of its
// steps; a tick passes whenever the code under test sleeps.
type fake struct {
	mu     sync.Mutex
	stacks []*fakeStack // deleted stacks are kept and found by their id
	writes []string     // "CreateStack name", in order
	inputs []any        // of the writes

	fails     map[string]string // "CreateStack name" → reason: the operation fails once
	unassumed int               // this many writes fail because the role cannot be assumed
	refusal   error             // returned by every write
	onTick    func()            // called once, at the next tick
	ticks     int
	forever   bool // operations never end

	validation []types.OperationEvent // newest first
	lost       bool                   // the response of CreateStack is lost
}

type fakeStack struct {
	types.Stack
	body   string
	events []types.StackEvent // the oldest first
	steps  []func()           // remaining steps, one for each tick
	leaves string             // a role that the next update cannot delete

	parameters string // the value of ExternalId
}

// newParameters returns the value of ExternalId that an update results in.
func (s *fakeStack) newParameters(given []types.Parameter) string {
	switch {
	case len(given) == 0:
		return ""
	case aws.ToBool(given[0].UsePreviousValue):
		return s.parameters
	}
	return *given[0].ParameterValue
}

func (s *fakeStack) setParameters(given []types.Parameter) {
	s.parameters = s.newParameters(given)
	s.Parameters = nil
	for _, p := range given {
		s.Parameters = append(s.Parameters, types.Parameter{
			ParameterKey: p.ParameterKey, ParameterValue: aws.String("****"),
		})
	}
}

func newFake() *fake { return &fake{fails: map[string]string{}} }

func (f *fake) sleep(ctx context.Context, _ time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.mu.Lock()
	f.ticks++
	if f.ticks > 1000 {
		panic("waiting without end")
	}
	hook := f.onTick
	f.onTick = nil
	f.mu.Unlock()
	if hook != nil {
		hook()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.stacks {
		if len(s.steps) > 0 && !f.forever {
			step := s.steps[0]
			s.steps = s.steps[1:]
			step()
		}
	}
	return nil
}

func validation(format string, args ...any) error {
	return &smithy.OperationError{ServiceID: "CloudFormation", OperationName: "Any",
		Err: &smithy.GenericAPIError{Code: "ValidationError", Message: fmt.Sprintf(format, args...)}}
}

func (f *fake) find(nameOrID string) *fakeStack {
	for _, s := range slices.Backward(f.stacks) {
		if *s.StackId == nameOrID || *s.StackName == nameOrID && s.StackStatus != types.StackStatusDeleteComplete {
			return s
		}
	}
	return nil
}

// write records a write and returns the error that is injected for it.
func (f *fake) write(call, name string, input any) error {
	if f.refusal != nil {
		return f.refusal
	}
	if f.unassumed > 0 {
		f.unassumed--
		return validation("Role arn:aws:iam::123456789012:role/stack is invalid or cannot be assumed")
	}
	f.writes = append(f.writes, call+" "+name)
	f.inputs = append(f.inputs, input)
	return nil
}

func (f *fake) failure(call, name string) (string, bool) {
	reason, ok := f.fails[call+" "+name]
	delete(f.fails, call+" "+name)
	return reason, ok
}

func (s *fakeStack) set(status types.StackStatus) func() {
	return func() {
		s.StackStatus = status
		s.event(*s.StackName, *s.StackId, "AWS::CloudFormation::Stack", types.ResourceStatus(status), "")
	}
}

func (s *fakeStack) event(logical, physical, kind string, status types.ResourceStatus, reason string) {
	s.events = append(s.events, types.StackEvent{
		StackId: s.StackId, StackName: s.StackName, LogicalResourceId: &logical, PhysicalResourceId: &physical,
		ResourceType: &kind, ResourceStatus: status, ResourceStatusReason: &reason,
	})
}

// breaks adds the events of a resource that fails and of another that is cancelled
// because of it.
func (s *fakeStack) breaks(status types.ResourceStatus, reason string) func() {
	return func() {
		s.event("ClumioIAMRole", "ClumioIAMRole-us-east-1-c", "AWS::IAM::Role", status, reason)
		s.event("ClumioKMSPolicy", "", "AWS::IAM::ManagedPolicy", status, "Resource creation cancelled")
	}
}

func (f *fake) CreateStack(
	_ context.Context,
	in *cloudformation.CreateStackInput,
	_ ...func(*cloudformation.Options),
) (*cloudformation.CreateStackOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.find(*in.StackName) != nil {
		return nil, &types.AlreadyExistsException{Message: aws.String("Stack [" + *in.StackName + "] already exists")}
	}
	if err := f.write("CreateStack", *in.StackName, in); err != nil {
		return nil, err
	}
	id := fmt.Sprintf(
		"arn:aws:cloudformation:us-east-1:123456789012:stack/%s/%08d-0000-0000-0000-000000000000",
		*in.StackName,
		len(f.stacks),
	)
	s := &fakeStack{Stack: types.Stack{StackName: in.StackName, StackId: &id, Tags: in.Tags}, body: *in.TemplateBody}
	s.setParameters(in.Parameters)
	f.stacks = append(f.stacks, s)
	s.set(types.StackStatusCreateInProgress)()
	if reason, fails := f.failure("CreateStack", *in.StackName); fails {
		s.steps = []func(){
			s.breaks(types.ResourceStatusCreateFailed, reason),
			s.set(types.StackStatusDeleteInProgress),
			s.set(types.StackStatusDeleteComplete),
		}
	} else {
		s.steps = []func(){s.done(s.body), s.set(types.StackStatusCreateComplete)}
	}
	if f.lost {
		return nil, errReset
	}
	return &cloudformation.CreateStackOutput{StackId: &id}, nil
}

func (f *fake) UpdateStack(
	_ context.Context,
	in *cloudformation.UpdateStackInput,
	_ ...func(*cloudformation.Options),
) (*cloudformation.UpdateStackOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.find(*in.StackName)
	if s == nil {
		return nil, validation("Stack [%s] does not exist", *in.StackName)
	}
	switch s.StackStatus {
	case types.StackStatusCreateComplete, types.StackStatusUpdateComplete, types.StackStatusUpdateRollbackComplete,
		types.StackStatusUpdateFailed, types.StackStatusImportComplete, types.StackStatusImportRollbackComplete:
	default:
		return nil, validation("Stack:%s is in %s state and can not be updated.", *s.StackId, s.StackStatus)
	}
	parameters := s.newParameters(in.Parameters)
	if s.body == *in.TemplateBody && s.parameters == parameters &&
		fmt.Sprint(tagMap(s.Tags)) == fmt.Sprint(tagMap(in.Tags)) {
		return nil, validation("No updates are to be performed.")
	}
	if err := f.write("UpdateStack", *s.StackName, in); err != nil {
		return nil, err
	}
	s.set(types.StackStatusUpdateInProgress)()
	if reason, fails := f.failure("UpdateStack", *s.StackName); fails {
		s.steps = []func(){
			s.breaks(types.ResourceStatusUpdateFailed, reason),
			s.set(types.StackStatusUpdateRollbackInProgress),
			s.set(types.StackStatusUpdateRollbackComplete),
		}
	} else {
		body, tags := *in.TemplateBody, in.Tags
		s.steps = []func(){
			func() { s.done(body)(); s.Tags = tags; s.setParameters(in.Parameters) },
			s.set(types.StackStatusUpdateCompleteCleanupInProgress),
			s.set(types.StackStatusUpdateComplete),
		}
	}
	if left := s.leaves; left != "" {
		s.leaves = ""
		fail := func() { s.event("Support", left, "AWS::IAM::Role", types.ResourceStatusDeleteFailed, "in use") }
		last := s.steps[len(s.steps)-1]
		s.steps[len(s.steps)-1] = func() { fail(); fail(); last() }
	}
	return &cloudformation.UpdateStackOutput{StackId: s.StackId}, nil
}

func (f *fake) DeleteStack(
	_ context.Context,
	in *cloudformation.DeleteStackInput,
	_ ...func(*cloudformation.Options),
) (*cloudformation.DeleteStackOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.find(*in.StackName)
	if s == nil || s.StackStatus == types.StackStatusDeleteComplete {
		return &cloudformation.DeleteStackOutput{}, nil
	}
	if stacks.InProgress(s.StackStatus) && s.StackStatus != types.StackStatusCreateInProgress {
		return nil, validation("Stack [%s] cannot be deleted while in status %s", *in.StackName, s.StackStatus)
	}
	if err := f.write("DeleteStack", *s.StackName, in); err != nil {
		return nil, err
	}
	s.set(types.StackStatusDeleteInProgress)()
	s.steps = []func(){s.set(types.StackStatusDeleteComplete)}
	if reason, fails := f.failure("DeleteStack", *s.StackName); fails {
		s.steps = []func(){s.breaks(types.ResourceStatusDeleteFailed, reason), s.set(types.StackStatusDeleteFailed)}
	}
	return &cloudformation.DeleteStackOutput{}, nil
}

func (f *fake) ContinueUpdateRollback(
	_ context.Context,
	in *cloudformation.ContinueUpdateRollbackInput,
	_ ...func(*cloudformation.Options),
) (*cloudformation.ContinueUpdateRollbackOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.find(*in.StackName)
	if s == nil || s.StackStatus != types.StackStatusUpdateRollbackFailed {
		return nil, validation("Stack is not in UPDATE_ROLLBACK_FAILED")
	}
	if err := f.write("ContinueUpdateRollback", *s.StackName, in); err != nil {
		return nil, err
	}
	s.set(types.StackStatusUpdateRollbackInProgress)()
	s.steps = []func(){s.set(types.StackStatusUpdateRollbackComplete)}
	if reason, fails := f.failure("ContinueUpdateRollback", *s.StackName); fails {
		s.steps = []func(){
			s.breaks(types.ResourceStatusUpdateFailed, reason),
			s.set(types.StackStatusUpdateRollbackFailed),
		}
	}
	return &cloudformation.ContinueUpdateRollbackOutput{}, nil
}

// done sets the stack's template and resolves its outputs.
func (s *fakeStack) done(body string) func() {
	return func() {
		s.body = body
		var t struct {
			Resources map[string]struct{ Properties map[string]any }
			Outputs   map[string]struct{ Value any }
		}
		if err := json.Unmarshal([]byte(body), &t); err != nil {
			panic(err)
		}
		s.Outputs = nil
		for name, o := range t.Outputs {
			value, plain := o.Value.(string)
			if function, ok := o.Value.(map[string]any); ok && !plain {
				if id, ok := function["Ref"].(string); ok {
					value = fmt.Sprint("arn:aws:sns:us-east-1:123456789012:", t.Resources[id].Properties["TopicName"])
				} else {
					p := t.Resources[function["Fn::GetAtt"].([]any)[0].(string)].Properties
					value = fmt.Sprint("arn:aws:iam::123456789012:role", p["Path"], p["RoleName"])
				}
			}
			s.Outputs = append(s.Outputs, types.Output{OutputKey: aws.String(name), OutputValue: &value})
		}
	}
}

func tagMap(tags []types.Tag) map[string]string {
	out := map[string]string{}
	for _, t := range tags {
		if !strings.HasPrefix(*t.Key, "aws:") {
			out[*t.Key] = *t.Value
		}
	}
	return out
}
