package detect

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"permstack/internal/drift/changeevent"
	"permstack/internal/notify/finding"
)

type unitKMS struct {
	state types.KeyState
	err   error
	calls int
}

func (k *unitKMS) DescribeKey(
	context.Context, *kms.DescribeKeyInput, ...func(*kms.Options),
) (*kms.DescribeKeyOutput, error) {
	k.calls++
	return &kms.DescribeKeyOutput{KeyMetadata: &types.KeyMetadata{KeyState: k.state}}, k.err
}

// TestAlertKey checks in which states of the key of the alert topic a finding says that no message arrives (KMS
// Developer Guide, "Key states of AWS KMS keys").
func TestAlertKey(t *testing.T) {
	const key = "arn:aws:kms:us-east-1:123456789012:key/k"
	unusable := func(state string) []string {
		return []string{"property-changed [AlertKeyArn] monitoring: Enabled → " + state}
	}
	for _, tc := range []struct {
		name  string
		key   string
		api   unitKMS
		event string // the name in an event of a limited check
		want  []string
	}{
		{"enabled", key, unitKMS{state: types.KeyStateEnabled}, "", nil},
		{"creating", key, unitKMS{state: types.KeyStateCreating}, "", nil},
		{"updating", key, unitKMS{state: types.KeyStateUpdating}, "", nil},
		{"disabled", key, unitKMS{state: types.KeyStateDisabled}, "", unusable("Disabled")},
		{"to be deleted", key, unitKMS{state: types.KeyStatePendingDeletion}, "", unusable("PendingDeletion")},
		{"deleted", key, unitKMS{err: apiError("KMS", "DescribeKey", "NotFoundException", "no such key")}, "",
			unusable("does not exist")},
		{"denied", key, unitKMS{err: apiError("KMS", "DescribeKey", "AccessDeniedException", "denied")}, "", nil},
		{"broken", key, unitKMS{err: apiError("KMS", "DescribeKey", "InternalException", "broken")}, "",
			[]string{"not-readable [kms:DescribeKey] unreadable (read-failed)"}},
		{"no key", "", unitKMS{state: types.KeyStateDisabled}, "", nil},
		{"limited to another stack", key, unitKMS{state: types.KeyStateDisabled}, "web", nil},
		{"limited to the stack", key, unitKMS{state: types.KeyStateDisabled}, "backup", unusable("Disabled")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := unitCheck(nil, nil)
			c.clients.KMS = &tc.api
			if tc.event != "" {
				c.o.Limited = true
				c.o.Events = []changeevent.Event{{
					Names: []string{tc.event}, Call: finding.Call{Action: "cloudformation:UpdateStack"},
				}}
			}
			s := unitStack("backup").parameters(map[string]string{alertKeyParameter: tc.key})
			c.compareAlertKey(t.Context(), s)
			checkDrafts(t, s.drafts, tc.want...)
			for _, d := range s.drafts {
				if d.Kind == finding.PropertyChanged && (d.RemovalID != key || d.Property != alertKeyParameter) {
					t.Errorf("got %+v", d.Finding)
				}
			}
			c.clients.KMS = nil
			other := unitStack("backup").parameters(map[string]string{alertKeyParameter: key})
			if c.compareAlertKey(t.Context(), other); tc.api.calls > 1 || other.drafts != nil {
				t.Errorf("got %d calls, and findings without a client", tc.api.calls)
			}
		})
	}
}
