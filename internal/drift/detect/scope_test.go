package detect_test

import (
	"testing"

	"permstack/internal/drift/changeevent"
	"permstack/internal/drift/detect"
)

// TestLimitedCheckCalls checks that a check that an event started makes a third of the
// calls of a complete one at most, and finds what the event is about.
func TestLimitedCheckCalls(t *testing.T) {
	w := install(t)
	w.AttachPolicy(support, "arn:aws:iam::aws:policy/AdministratorAccess")
	count := func(o detect.Options) (calls int64, findings []string) {
		cfg := w.Config(account, region)
		way := &remote{next: cfg.HTTPClient}
		cfg.HTTPClient = way
		o.Parent, o.AnyStack = parentName, true
		report, err := detect.Check(t.Context(), detect.NewClients(cfg), o)
		if err != nil {
			t.Fatal(err)
		}
		return way.calls.Load(), summaries(report)
	}
	all, _ := count(detect.Options{})
	e, ok := changeevent.Parse([]byte(`{"detail-type":"AWS API Call via CloudTrail","detail":{"eventName":"AttachRolePolicy",`+
		`"eventSource":"iam.amazonaws.com","requestParameters":{"roleName":"ClumioSupportRole-us-east-1-main",`+
		`"policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}}}`), "")
	limited, found := count(detect.Options{Limited: true, Events: []changeevent.Event{e}})
	t.Logf("%d calls of %d", limited, all)
	if !ok || limited*3 > all || len(found) != 1 {
		t.Errorf("got %d calls of %d and findings %q, want a third at most and one finding", limited, all, found)
	}
}
