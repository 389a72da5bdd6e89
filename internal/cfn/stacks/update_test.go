package stacks_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"permstack/internal/cfn/stacks"
)

const stackID = "arn:aws:cloudformation:eu-central-1:123456789012:stack/backup/6f1d7d1e"

// updatedStack is a fakeStack that accepts updates, or refuses them.
type updatedStack struct {
	fakeStack
	refused error
	updates []*cloudformation.UpdateStackInput
}

func (u *updatedStack) UpdateStack(
	_ context.Context, in *cloudformation.UpdateStackInput, _ ...func(*cloudformation.Options),
) (*cloudformation.UpdateStackOutput, error) {
	u.updates = append(u.updates, in)
	return &cloudformation.UpdateStackOutput{}, u.refused
}

// TestUpdate checks the result of an update by what CloudFormation answers and does.
func TestUpdate(t *testing.T) {
	refusal := func(text string) error { return &smithy.GenericAPIError{Code: "ValidationError", Message: text} }
	for _, tc := range []struct {
		name     string
		statuses []types.StackStatus
		refused  error
		want     string // the error; "" for none
		status   types.StackStatus
	}{
		{"updated", []types.StackStatus{"UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"},
			nil, "", ""},
		{"rolled back", []types.StackStatus{"UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"}, nil,
			"update stack backup: it is UPDATE_ROLLBACK_COMPLETE; see its events in the console", "UPDATE_ROLLBACK_COMPLETE"},
		{"deleted", []types.StackStatus{"UPDATE_IN_PROGRESS", ""}, nil, "update stack backup: it was deleted", ""},
		{"deleted, and still listed", []types.StackStatus{"DELETE_COMPLETE"}, nil, "update stack backup: it was deleted", ""},
		{"nothing to do", nil, refusal("No updates are to be performed."), stacks.ErrNoUpdate.Error(), ""},
		{"refused", nil, refusal("Parameters: [X] must have values"),
			"update stack backup: ValidationError: Parameters: [X] must have values", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			client := &updatedStack{fakeStack: fakeStack{statuses: tc.statuses, name: "backup"}, refused: tc.refused}
			in := &cloudformation.UpdateStackInput{StackName: aws.String(stackID)}
			err := stacks.Update(t.Context(), client, in, func(context.Context, time.Duration) error { return nil }, nil)
			if (err != nil) != (tc.want != "") || err != nil && err.Error() != tc.want {
				t.Errorf("got error %v, want %q", err, tc.want)
			}
			var unchanged *stacks.NotUpdatedError
			if errors.As(err, &unchanged) != strings.Contains(tc.want, "it ") ||
				unchanged != nil && unchanged.Status != tc.status {
				t.Errorf("got %#v", err)
			}
			if len(client.updates) != 1 || client.updates[0] != in {
				t.Errorf("got %d updates", len(client.updates))
			}
		})
	}
	reason := &stacks.NotUpdatedError{Name: "backup", Status: "UPDATE_ROLLBACK_COMPLETE", Reason: "quota"}
	if !strings.Contains(reason.Error(), "UPDATE_ROLLBACK_COMPLETE (quota)") {
		t.Errorf("got %v", reason)
	}
}

// TestParameterUpdate checks that an update keeps the template, the capabilities and the parameters that it does not
// set, and adds none.
func TestParameterUpdate(t *testing.T) {
	s := &types.Stack{StackId: aws.String(stackID), Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
		Parameters: []types.Parameter{{ParameterKey: aws.String("Kept")}, {ParameterKey: aws.String("Set")}}}
	want := &cloudformation.UpdateStackInput{
		StackName: aws.String(stackID), UsePreviousTemplate: aws.Bool(true), Capabilities: s.Capabilities,
		Parameters: []types.Parameter{
			{ParameterKey: aws.String("Kept"), UsePreviousValue: aws.Bool(true)},
			{ParameterKey: aws.String("Set"), ParameterValue: aws.String("new")},
		},
	}
	got := stacks.ParameterUpdate(s, map[string]string{"Set": "new", "Unknown": "x"})
	ignore := cmpopts.IgnoreUnexported(cloudformation.UpdateStackInput{}, types.Parameter{})
	if d := cmp.Diff(want, got, ignore); d != "" {
		t.Error(d)
	}
}
