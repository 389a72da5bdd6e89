package stacks_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"

	"permstack/internal/cfn/stacks"
)

// fakeStack returns its statuses one after the other; the last one persists. After
// an empty status it does not exist.
type fakeStack struct {
	statuses []types.StackStatus
	err      error
	calls    int
	name     string // "" is the name or id that a call has
}

func (f *fakeStack) DescribeStacks(
	_ context.Context, in *cloudformation.DescribeStacksInput, _ ...func(*cloudformation.Options),
) (*cloudformation.DescribeStacksOutput, error) {
	status := f.statuses[min(f.calls, len(f.statuses)-1)]
	f.calls++
	switch {
	case f.err != nil:
		return nil, f.err
	case status == "":
		return nil, &smithy.GenericAPIError{Code: "ValidationError", Message: "Stack with id x does not exist"}
	}
	name := cmp.Or(f.name, *in.StackName)
	return &cloudformation.DescribeStacksOutput{Stacks: []types.Stack{{StackName: &name, StackStatus: status}}}, nil
}

func TestWaitUntilStable(t *testing.T) {
	for name, tc := range map[string]struct {
		statuses     []types.StackStatus
		want         types.StackStatus // "" if the stack does not exist
		wantObserved []types.StackStatus
	}{
		"stable": {
			[]types.StackStatus{"CREATE_COMPLETE"}, "CREATE_COMPLETE", []types.StackStatus{"CREATE_COMPLETE"},
		},
		"update with cleanup": {
			[]types.StackStatus{
				"UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE",
			},
			"UPDATE_COMPLETE",
			[]types.StackStatus{"UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"},
		},
		"failed": {
			[]types.StackStatus{"DELETE_IN_PROGRESS", "DELETE_FAILED"}, "DELETE_FAILED",
			[]types.StackStatus{"DELETE_IN_PROGRESS", "DELETE_FAILED"},
		},
		"review waits for a person": {
			[]types.StackStatus{"REVIEW_IN_PROGRESS"}, "REVIEW_IN_PROGRESS", []types.StackStatus{"REVIEW_IN_PROGRESS"},
		},
		"does not exist":    {[]types.StackStatus{""}, "", nil},
		"deleted meanwhile": {[]types.StackStatus{"DELETE_IN_PROGRESS", ""}, "", []types.StackStatus{"DELETE_IN_PROGRESS"}},
		"deleted, by its id": {
			[]types.StackStatus{"DELETE_COMPLETE"}, "DELETE_COMPLETE", []types.StackStatus{"DELETE_COMPLETE"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			client := &fakeStack{statuses: tc.statuses}
			pauses := 0
			sleep := func(context.Context, time.Duration) error { pauses++; return nil }
			var observed []types.StackStatus
			got, err := stacks.WaitUntilStable(t.Context(), client, "x", sleep, func(s *types.Stack) {
				observed = append(observed, s.StackStatus)
			})
			if err != nil {
				t.Fatal(err)
			}
			var status types.StackStatus
			if got != nil {
				status = got.StackStatus
			}
			if status != tc.want || !slices.Equal(observed, tc.wantObserved) {
				t.Errorf("got status %q, observed %q; want %q, %q", status, observed, tc.want, tc.wantObserved)
			}
			if pauses != client.calls-1 {
				t.Errorf("got %d pauses between %d calls", pauses, client.calls)
			}
		})
	}
}

// TestWaitIntervals checks that the pauses grow from 200 ms to 2 s.
func TestWaitIntervals(t *testing.T) {
	client := &fakeStack{statuses: slices.Repeat([]types.StackStatus{"CREATE_IN_PROGRESS"}, 20)}
	var pauses []time.Duration
	stop := errors.New("enough")
	_, err := stacks.WaitUntilStable(t.Context(), client, "x", func(_ context.Context, d time.Duration) error {
		if pauses = append(pauses, d); len(pauses) == 15 {
			return stop
		}
		return nil
	}, nil)
	if !errors.Is(err, stop) || !strings.Contains(err.Error(), "CREATE_IN_PROGRESS") {
		t.Errorf("got %v, want the error of sleep with the status", err)
	}
	first, last := pauses[0], pauses[len(pauses)-1]
	if first != 200*time.Millisecond || last != 2*time.Second || !slices.IsSorted(pauses) {
		t.Errorf("got pauses %v, want 200ms to 5s", pauses)
	}
}

func TestDescribe(t *testing.T) {
	denied := &smithy.GenericAPIError{Code: "AccessDenied", Message: "not authorized"}
	_, err := stacks.Describe(t.Context(), &fakeStack{statuses: []types.StackStatus{""}, err: denied}, "x")
	if !errors.Is(err, denied) || err.Error() != "describe stack x: AccessDenied: not authorized" {
		t.Errorf("got %v", err)
	}
	got, err := stacks.Describe(t.Context(), &fakeStack{statuses: []types.StackStatus{""}}, "x")
	if got != nil || err != nil {
		t.Errorf("got %v, %v, want nil for a stack that does not exist", got, err)
	}
}

func TestIsStable(t *testing.T) {
	for status, want := range map[types.StackStatus]bool{
		"CREATE_COMPLETE": true, "UPDATE_COMPLETE": true, "UPDATE_ROLLBACK_COMPLETE": true, "UPDATE_ROLLBACK_FAILED": true,
		"IMPORT_COMPLETE": true, "IMPORT_ROLLBACK_COMPLETE": true,
		"CREATE_IN_PROGRESS": false, "CREATE_FAILED": false, "ROLLBACK_COMPLETE": false, "DELETE_FAILED": false,
		"REVIEW_IN_PROGRESS": false, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": false,
	} {
		t.Run(string(status), func(t *testing.T) {
			if got := stacks.IsStable(status); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func Example() {
	s := &types.Stack{
		Tags:       []types.Tag{{Key: aws.String("team"), Value: aws.String("storage")}},
		Outputs:    []types.Output{{OutputKey: aws.String("RoleArn"), OutputValue: aws.String("arn")}},
		Parameters: []types.Parameter{{ParameterKey: aws.String("OnDrift"), ParameterValue: aws.String("revert")}},
	}
	fmt.Println(stacks.Tags(s)["team"], stacks.Outputs(s)["RoleArn"], stacks.Parameter(s, "OnDrift"))
	fmt.Println(stacks.InProgress("UPDATE_ROLLBACK_IN_PROGRESS"), stacks.InProgress("REVIEW_IN_PROGRESS"))
	// Output:
	// storage arn revert
	// true false
}
