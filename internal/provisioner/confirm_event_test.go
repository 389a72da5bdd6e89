package provisioner

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
)

func denied() error {
	return &smithy.GenericAPIError{
		Code:    "AccessDenied",
		Message: "User: x is not authorized to perform: cloudformation:DescribeStackResource",
	}
}

// handleIn handles an event while the custom resource has a sequence of statuses,
// one for each DescribeStackResource; the last one persists.
func handleIn(t *testing.T, f *fake, e cfn.Event, states ...any) error {
	t.Helper()
	client := waiting{f, func() (types.ResourceStatus, error) {
		state := states[0]
		if len(states) > 1 {
			states = states[1:]
		}
		if err, ok := state.(error); ok {
			return "", err
		}
		return state.(types.ResourceStatus), nil
	}}
	p := &Provisioner{
		Client:       client,
		StackRoleARN: stackRole,
		StackID:      parentID,
		Synthesize:   synthesize,
		Sleep:        f.sleep,
	}
	_, err := p.Handle(t.Context(), discard, e)
	return err
}

// TestUnexpectedEvents checks that an event that CloudFormation does not wait for,
// forged or late, is rejected before anything else is read or written.
func TestUnexpectedEvents(t *testing.T) {
	for _, request := range []cfn.RequestType{cfn.RequestCreate, cfn.RequestUpdate, cfn.RequestDelete} {
		for _, state := range types.ResourceStatus("").Values() {
			t.Run(fmt.Sprint(request, " while ", state), func(t *testing.T) {
				f := launched(t)
				err := handleIn(t, f, event(request, testProperties("Assets", "ec2")), state)
				if state == pendingStatus[request] {
					if err != nil || len(f.writes) == 0 && request != cfn.RequestCreate {
						t.Errorf("wrote %v: %v", f.writes, err)
					}
					return
				}
				says(t, err, "does not wait for this "+string(request), string(state), "Nothing was changed")
				wrote(t, f)
				exists(t, f, "access UPDATE_COMPLETE", "inventory CREATE_COMPLETE")
			})
		}
	}
}

// TestEventOfAnotherStack checks that an event of another stack is rejected
// whatever the status of its resource.
func TestEventOfAnotherStack(t *testing.T) {
	f := newFake()
	e := event(cfn.RequestCreate, testProperties())
	e.StackID = strings.Replace(parentID, "11111111", "99999999", 1)
	says(t, handleIn(t, f, e, types.ResourceStatusCreateInProgress), "belongs to stack "+parentID,
		"Nothing was changed")
	wrote(t, f)
}

// TestConfirmedLate checks that an event is confirmed although the resource's
// status, or the permissions of the function's new role, become visible late.
func TestConfirmedLate(t *testing.T) {
	for name, states := range map[string][]any{
		"seen late": {
			types.ResourceStatusUpdateComplete, types.ResourceStatusUpdateComplete, types.ResourceStatusCreateInProgress,
		},
		"denied by another name": {
			&smithy.GenericAPIError{Code: "AccessDeniedException"}, types.ResourceStatusCreateInProgress,
		},
		"denied once": {denied(), denied(), denied(), types.ResourceStatusCreateInProgress},
		"resource seen late": {
			validation("Resource Permissions does not exist for stack parent"), types.ResourceStatusCreateInProgress,
		},
		"seen after half a minute": append(slices.Repeat([]any{types.ResourceStatusCreateComplete}, 10),
			types.ResourceStatusCreateInProgress),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			if err := handleIn(t, f, event(cfn.RequestCreate, testProperties()), states...); err != nil {
				t.Error(err)
			}
			exists(t, f, "access UPDATE_COMPLETE", "inventory CREATE_COMPLETE")
		})
	}
}

// TestUnconfirmed checks that an event that cannot be confirmed is not carried out,
// that its retry budget is not exceeded, and that errors which cannot pass are not
// retried.
func TestUnconfirmed(t *testing.T) {
	for name, tc := range map[string]struct {
		err   error
		ticks int
	}{
		"denied for good": {denied(), 15},
		"no such stack":   {validation("Stack '%s' does not exist", parentID), 16},
		"denied explicitly": {&smithy.GenericAPIError{
			Code: "AccessDenied", Message: "not authorized with an explicit deny in a service control policy",
		}, 0},
		"broken": {errors.New("connection reset"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			err := handleIn(t, f, event(cfn.RequestCreate, testProperties()), tc.err)
			says(t, err, "describe resource Permissions of stack parent")
			wrote(t, f)
			if f.ticks > tc.ticks {
				t.Errorf("waited %d times", f.ticks)
			}
		})
	}
}

// TestTemplateEditedByHand checks that the next event restores a permission stack
// whose template was modified while its output TemplateHash was kept.
func TestTemplateEditedByHand(t *testing.T) {
	f := launched(t)
	for _, s := range f.stacks {
		forged := s.body[:1] + `"Metadata":{"forged":true},` + s.body[1:]
		s.done(forged)()
	}
	if _, err := handle(t, f, event(cfn.RequestUpdate, testProperties())); err != nil {
		t.Fatal(err)
	}
	wrote(t, f, "UpdateStack "+inventory, "UpdateStack "+access)
}
