package monitor_test

import (
	"context"
	"strings"
	"testing"

	"permstack/internal/drift/monitor"
	"permstack/internal/notify"
)

// TestLateAnnouncementNamesScope checks that a change of access that the deployment could not announce is announced
// with the resources to which the access is narrowed.
func TestLateAnnouncementNamesScope(t *testing.T) {
	b := newEnvironment(t)
	b.report.NarrowedTo, b.report.NarrowedEntries = "tag backup=yes", []string{"tag:backup=yes"}
	b.run.Deployed = func(context.Context) (monitor.Deployed, error) {
		return monitor.Deployed{Granted: "new", Announced: "old",
			Changes: func(context.Context) ([]notify.AccessChange, error) {
				return []notify.AccessChange{{What: notify.PolicyPart, Of: "Role", Name: "Backup", Added: []string{"ec2:A"}}}, nil
			}}, nil
	}
	if _, sent, err := b.do(); err != nil || len(sent) != 1 {
		t.Fatalf("sent %q, %v; want one message", sent, err)
	}
	body := b.lastBody()
	for _, want := range []string{"Narrowed to tag backup=yes.", `scope\":[\"tag:backup=yes\"]`} {
		if !strings.Contains(body, want) {
			t.Errorf("the message does not contain %s: %s", want, body)
		}
	}
}
