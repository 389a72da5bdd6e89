package provisioner

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
)

// TestUpdateWaitsForBoth checks that a failed update ends when no operation is in progress any more: only then can the
// parent's rollback begin.
func TestUpdateWaitsForBoth(t *testing.T) {
	f := launched(t)
	s := f.find(access)
	s.set(types.StackStatusUpdateInProgress)()
	s.steps = append(slices.Repeat([]func(){func() {}}, 8), s.set(types.StackStatusUpdateComplete))
	f.fails["UpdateStack "+inventory] = "no"
	_, err := handle(t, f, event(cfn.RequestUpdate, testProperties("Assets", "s3")))
	says(t, err, "update stack "+inventory)
	exists(t, f, "access UPDATE_COMPLETE", "inventory UPDATE_ROLLBACK_COMPLETE")
}

// changedLate is a CloudFormation in which a stack is another one from the third time that it is described by name.
type changedLate struct {
	*fake
	calls  *int
	change func(*types.Stack) *types.Stack
}

func (c changedLate) DescribeStacks(
	ctx context.Context, in *cloudformation.DescribeStacksInput, o ...func(*cloudformation.Options),
) (*cloudformation.DescribeStacksOutput, error) {
	out, err := c.fake.DescribeStacks(ctx, in, o...)
	if *in.StackName != inventory || err != nil {
		return out, err
	}
	if *c.calls++; *c.calls < 3 {
		return out, nil
	}
	stack := c.change(&out.Stacks[0])
	if stack == nil {
		return nil, validation("Stack with id %s does not exist", inventory)
	}
	return &cloudformation.DescribeStacksOutput{Stacks: []types.Stack{*stack}}, nil
}

// TestDeletedMeanwhile checks that an event fails if a stack is no longer the deployed one in the end.
func TestDeletedMeanwhile(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*types.Stack) *types.Stack
		fails  bool
	}{
		"the same": {func(s *types.Stack) *types.Stack { return s }, false},
		"deleted":  {func(*types.Stack) *types.Stack { return nil }, true},
		"another":  {func(s *types.Stack) *types.Stack { s.StackId = aws.String("another"); return s }, true},
		"being deleted": {func(s *types.Stack) *types.Stack {
			s.StackStatus = types.StackStatusDeleteInProgress
			return s
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			f, calls := launched(t), 0
			e := update(testProperties(), testProperties())
			p := &Provisioner{
				Client: waitingFor(e, changedLate{f, &calls, tc.change}), StackRoleARN: stackRole, Synthesize: synthesize,
				Sleep: f.sleep,
			}
			_, err := p.Handle(t.Context(), discard, e)
			if !tc.fails && err != nil {
				t.Error(err)
			}
			if tc.fails {
				says(t, err, "stack "+inventory+" was deleted by another principal meanwhile")
			}
		})
	}
}

// TestConfirmationNeedsNoRole checks that an update without changes succeeds at once while the stack role cannot be
// assumed, as in the rollback of an update that failed for this reason.
func TestConfirmationNeedsNoRole(t *testing.T) {
	f := launched(t)
	f.find(access).parameters, f.unassumed = "of-another-customer", 1
	if _, err := handle(t, f, update(testProperties(), testProperties())); err != nil {
		t.Fatal(err)
	}
	wrote(t, f)
}

// TestNoTimeToCreate checks that no stack is created without the time to delete it again.
func TestNoTimeToCreate(t *testing.T) {
	f := newFake()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := handleWith(ctx, f, event(cfn.RequestCreate, testProperties()))
	says(t, err, "create stack "+inventory, "less than 6m0s of the function's time are left")
	wrote(t, f)
}

// TestCreatedWithTrust checks that a stack that is created in the last step, because another principal deleted it
// meanwhile, has its trust policies.
func TestCreatedWithTrust(t *testing.T) {
	f := newFake()
	o := operationOn(t, f, cfn.RequestCreate)
	o.Synthesize = synthesize
	_, stacks, err := o.plan()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range stacks {
		if _, err := o.reconcile(t.Context(), o.parent.StackName(s.Part), s.Template, false); err != nil {
			t.Fatal(err)
		}
	}
	if len(trusted(t, f.find(access).body)) == 0 {
		t.Error("nobody can assume the role")
	}
}

// busyRollback is a CloudFormation that continues no rollback because of another operation.
type busyRollback struct{ *fake }

func (busyRollback) ContinueUpdateRollback(
	context.Context, *cloudformation.ContinueUpdateRollbackInput, ...func(*cloudformation.Options),
) (*cloudformation.ContinueUpdateRollbackOutput, error) {
	return nil, &smithy.GenericAPIError{Code: "OperationInProgressException"}
}

// TestRollbackConflicts checks that the end of another operation is waited for if a rollback cannot be continued
// because of it, and that its result is reported.
func TestRollbackConflicts(t *testing.T) {
	f := launched(t)
	f.find(access).set(types.StackStatusUpdateRollbackFailed)()
	e := event(cfn.RequestUpdate, testProperties("Assets", "s3"))
	p := &Provisioner{
		Client: waitingFor(e, busyRollback{f}), StackRoleARN: stackRole, Synthesize: synthesize, Sleep: f.sleep,
	}
	_, err := p.Handle(t.Context(), discard, e)
	says(t, err, "stack "+access+" cannot complete an earlier rollback")
}

// TestRemovedWhileWaiting checks that a stack that no longer exists after another operation is created again.
func TestRemovedWhileWaiting(t *testing.T) {
	f := launched(t)
	f.find(access).set(types.StackStatusUpdateInProgress)()
	f.onTick = func() {
		f.stacks = slices.DeleteFunc(f.stacks, func(s *fakeStack) bool { return *s.StackName == access })
	}
	if _, err := handle(t, f, event(cfn.RequestUpdate, testProperties())); err != nil {
		t.Fatal(err)
	}
	wrote(t, f, "CreateStack "+access, "UpdateStack "+access)
}

// TestStatusChanged checks that an error is attributed to another operation only if the stack is seen in another
// status.
func TestStatusChanged(t *testing.T) {
	f := launched(t)
	o, was := operationOn(t, f, cfn.RequestUpdate), f.find(access).Stack
	check := func(name string, want bool) {
		t.Run(name, func(t *testing.T) {
			if got := o.statusChanged(t.Context(), &was); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
	check("the same", false)
	f.find(access).set(types.StackStatusUpdateInProgress)()
	check("another status", true)
	f.stacks = nil
	check("no stack", true)
}
