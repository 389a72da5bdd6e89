package notify_test

import (
	"strings"
	"testing"

	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

// TestAccessMessage checks subject, direction and text of each form, and that the schema allows
// them.
func TestAccessMessage(t *testing.T) {
	added := notify.AccessChange{What: notify.PolicyPart, Of: "Role", Name: "Backup", Added: []string{"ec2:A", "ec2:B"}}
	again := notify.AccessChange{What: notify.PolicyPart, Of: "Role", Name: "Restore", Added: []string{"ec2:A"}}
	removed := notify.AccessChange{
		What: notify.PolicyPart, Of: "Role", Name: "Restore", Removed: []string{"ec2:C"}, Event: notify.PartDeleted,
	}
	trust := notify.AccessChange{What: notify.TrustPart, Of: "Role", Event: notify.PartChanged}
	boundary := notify.AccessChange{What: notify.BoundaryPart, Of: "Role", Event: notify.PartNew}
	for name, tc := range map[string]struct {
		status    notify.Status
		access    notify.Access
		direction finding.Direction
		subject   string
		text      string
	}{
		"granted": {notify.Granted, notify.Access{Changes: []notify.AccessChange{added, again}}, finding.GrantsMore,
			"access granted: 2 actions added, 0 removed", "     + ec2:B\n"},
		"more and less": {notify.Altered, notify.Access{Changes: []notify.AccessChange{added, removed}}, finding.GrantsMore,
			"access changed: 2 actions added, 1 removed", "   policy Restore: deleted\n     - ec2:C\n"},
		"less": {notify.Altered, notify.Access{Changes: []notify.AccessChange{removed, boundary}}, finding.GrantsLess,
			"access changed: 0 actions added, 1 removed", "   boundary: new\n"},
		"conditions": {notify.Altered, notify.Access{Changes: []notify.AccessChange{trust}}, finding.Changed,
			"access changed: 0 actions added, 0 removed", "   trust: changed principals or conditions\n"},
		"late": {notify.Altered, notify.Access{Changes: []notify.AccessChange{added}, Late: true}, finding.GrantsMore,
			"access changed at an earlier update", "could not be\nannounced at the time"},
		"late, narrowed": {notify.Altered, notify.Access{
			Changes: []notify.AccessChange{added}, Late: true, Scope: []string{"tag:backup=yes", "bucket:a"},
			NarrowedTo: "tag backup=yes and bucket a",
		}, finding.GrantsMore, "access changed at an earlier update",
			"\nNarrowed to tag backup=yes and bucket a.\n     tag backup=yes\n     bucket a\n"},
		"late, not narrowed": {notify.Altered, notify.Access{
			Changes: []notify.AccessChange{added}, Late: true, Scope: []string{},
		}, finding.GrantsMore, "access changed at an earlier update", "\nNot narrowed: the access reaches every resource"},
		"removed": {notify.Removed, notify.Access{Changes: []notify.AccessChange{removed}}, finding.GrantsLess,
			"access removed: 1 action - backup", "no longer has access"},
		"removed, unknown": {notify.Removed, notify.Access{}, finding.Changed, "access removed - backup",
			"no longer has access"},
	} {
		t.Run(name, func(t *testing.T) {
			origin := notify.Origin{
				StackID: parent, Stack: "backup", Account: "123456789012", Region: "eu-central-1", Profile: "clumio",
			}
			m := notify.AccessMessage(origin, tc.status, tc.access, monday)
			if m.Direction != tc.direction || !strings.HasPrefix(m.Subject, "permstack: "+tc.subject) {
				t.Errorf("%s, %q; want %s, %q", m.Direction, m.Subject, tc.direction, tc.subject)
			}
			if text := protocols(t, m)["email"]; !strings.Contains(text, tc.text) {
				t.Errorf("the e-mail does not contain %q:\n%s", tc.text, text)
			}
		})
	}
}
