package provisioner

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"

	"permstack/internal/permissionstack"
)

// TestProtectedStacks checks that nothing is written while termination protection of a
// permission stack is on, unless the stack has another owner.
func TestProtectedStacks(t *testing.T) {
	for name, tc := range map[string]struct {
		protected []string
		foreign   string
		deletes   []string // nil: nothing, and each protected stack is named
	}{
		"access":    {protected: []string{access}},
		"inventory": {protected: []string{inventory}},
		"both":      {protected: []string{access, inventory}},
		"access, of another owner": {
			protected: []string{access}, foreign: access, deletes: []string{"DeleteStack " + inventory},
		},
		"inventory, of another owner": {
			protected: []string{inventory}, foreign: inventory,
			deletes: []string{"UpdateStack " + access, "DeleteStack " + access},
		},
		"inventory, beside a stack of another owner": {protected: []string{inventory}, foreign: access},
	} {
		t.Run(name, func(t *testing.T) {
			f := launched(t)
			for _, s := range tc.protected {
				f.find(s).EnableTerminationProtection = aws.Bool(true)
			}
			if tc.foreign != "" {
				f.find(tc.foreign).Tags = nil
			}
			_, err := handle(t, f, event(cfn.RequestDelete, nil))
			wrote(t, f, tc.deletes...)
			if tc.deletes != nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			for _, s := range tc.protected {
				says(t, err, "delete stack "+s, "Termination protection is on")
			}
		})
	}
}

// TestDeleteWaits checks that a stack is deleted after the operation in progress.
func TestDeleteWaits(t *testing.T) {
	busy := func(t *testing.T, name string) *fake {
		f := launched(t)
		s := f.find(name)
		s.set(types.StackStatusUpdateInProgress)()
		s.steps = []func(){func() {}, s.set(types.StackStatusUpdateComplete)}
		return f
	}
	t.Run("inventory", func(t *testing.T) {
		f := busy(t, inventory)
		if _, err := handle(t, f, event(cfn.RequestDelete, nil)); err != nil {
			t.Fatal(err)
		}
		wrote(t, f, "UpdateStack "+access, "DeleteStack "+inventory, "DeleteStack "+access)
		exists(t, f)
	})
	t.Run("access, which another principal removes", func(t *testing.T) {
		f := busy(t, access)
		f.onTick = func() {
			f.stacks = slices.DeleteFunc(f.stacks, func(s *fakeStack) bool { return *s.StackName == access })
		}
		if _, err := handle(t, f, event(cfn.RequestDelete, nil)); err != nil {
			t.Fatal(err)
		}
		wrote(t, f, "DeleteStack "+inventory)
		exists(t, f)
	})
	for _, name := range []string{inventory, access} {
		t.Run("no time left, "+name, func(t *testing.T) {
			f := busy(t, name)
			f.forever = true
			ctx, cancel := context.WithCancel(t.Context())
			f.onTick = cancel
			_, err := handleWith(ctx, f, event(cfn.RequestDelete, nil))
			says(t, err, "delete stack "+name+": wait for stack "+name, "UPDATE_IN_PROGRESS", "canceled")
		})
	}
}

// TestDeletionDeniedOnce checks that a deletion that was denied is repeated after a
// pause, in which a new permission of the stack role becomes effective, and that a
// denial by an earlier event causes none.
func TestDeletionDeniedOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		earlier string // why an earlier event could not delete the stack
		now     string
		paused  bool
	}{
		"denied":          {"", newPermission, true},
		"denied earlier":  {newPermission, "", false},
		"for good":        {"", deniedByOrganization, false},
		"for other cause": {"", "must detach all policies first.", false},
	} {
		t.Run(name, func(t *testing.T) {
			f := launched(t)
			s := f.find(access)
			if tc.earlier != "" {
				s.set(types.StackStatusDeleteInProgress)()
				s.breaks(types.ResourceStatusDeleteFailed, tc.earlier)()
				s.set(types.StackStatusDeleteFailed)()
			}
			if tc.now != "" {
				f.fails["DeleteStack "+access] = tc.now
			}
			var waited time.Duration
			e := event(cfn.RequestDelete, nil)
			p := &Provisioner{
				Client: waitingFor(e, f), StackRoleARN: stackRole,
				Sleep: func(ctx context.Context, d time.Duration) error {
					waited += d
					return f.sleep(ctx, d)
				},
			}
			if _, err := p.Handle(t.Context(), discard, e); err != nil {
				t.Fatal(err)
			}
			exists(t, f)
			if got := waited >= denialPause; got != tc.paused {
				t.Errorf("waited %v; want at least %v: %v", waited, denialPause, tc.paused)
			}
		})
	}
}

// deletionFails is a CloudFormation that returns an error for the first DeleteStack of
// the access stack.
type deletionFails struct {
	*fake
	err *error
}

func (d deletionFails) DeleteStack(
	ctx context.Context, in *cloudformation.DeleteStackInput, o ...func(*cloudformation.Options),
) (*cloudformation.DeleteStackOutput, error) {
	if err := *d.err; err != nil && strings.Contains(*in.StackName, access) {
		*d.err = nil
		return nil, err
	}
	return d.fake.DeleteStack(ctx, in, o...)
}

// TestDeletionConflicts checks that a deletion that CloudFormation does not accept
// because of another operation is requested again, and that each accepted request is
// logged.
func TestDeletionConflicts(t *testing.T) {
	for name, refused := range map[string]error{
		"accepted":              nil,
		"operation in progress": &smithy.GenericAPIError{Code: "OperationInProgressException"},
		"not found":             validation("Stack [%s] does not exist", access),
	} {
		t.Run(name, func(t *testing.T) {
			f := launched(t)
			e := event(cfn.RequestDelete, nil)
			p := &Provisioner{Client: waitingFor(e, deletionFails{f, &refused}), StackRoleARN: stackRole, Sleep: f.sleep}
			var log bytes.Buffer
			if _, err := p.Handle(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), e); err != nil {
				t.Fatal(err)
			}
			exists(t, f)
			for _, stack := range []string{access, inventory} {
				if line := `msg="` + logDeleting + `" permissionStack=` + stack; !strings.Contains(log.String(), line) {
					t.Errorf("the log lacks %s:\n%s", line, log.String())
				}
			}
		})
	}
}

// TestStrippedOnce checks that no update is requested before a deletion if an earlier
// event has stripped the roles.
func TestStrippedOnce(t *testing.T) {
	f := launched(t)
	stripped, needed, err := permissionstack.StripRoles([]byte(f.find(access).body))
	if err != nil || !needed {
		t.Fatalf("the roles are stripped already: %v", err)
	}
	f.find(access).done(string(stripped.JSON()))()
	updates, err := handleCounted(t, f, event(cfn.RequestDelete, nil))
	if err != nil || updates != 0 {
		t.Errorf("got %d updates, %v; want none", updates, err)
	}
	exists(t, f)
}
