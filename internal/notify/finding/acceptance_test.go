package finding

import (
	"testing"
	"time"
)

// TestAccept checks that an acceptance covers one form of one difference, until its
// last day, and not what cannot be determined.
func TestAccept(t *testing.T) {
	const id, hash = "0123456789abcdef", "fedcba9876543210"
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	attached := Finding{ID: id, Hash: hash, Kind: AttachmentAdded, Direction: GrantsMore}
	with := func(edit func(*Finding)) Finding {
		f := attached
		edit(&f)
		return f
	}
	for name, tc := range map[string]struct {
		finding Finding
		list    string
		state   AcceptanceState
	}{
		"in force":     {attached, id + "/" + hash + " until 2027-01-31 by role/Admin: guardrail", InForce},
		"the last day": {attached, id + "/" + hash + " until 2026-11-26 by Admin: guardrail", InForce},
		"ended":        {attached, id + "/" + hash + " until 2026-11-25 by Admin: guardrail", Ended},
		"too long":     {attached, id + "/" + hash + " until 2032-01-31 by Admin: guardrail", TooLong},
		"another form": {with(func(f *Finding) { f.Hash = "0000000000000000" }),
			id + "/" + hash + " until 2027-01-31 by Admin: guardrail", Outdated},
		"another finding": {with(func(f *Finding) { f.ID = "0000000000000000" }),
			id + "/" + hash + " until 2027-01-31 by Admin: guardrail", ""},
		"of several": {attached, "0000000000000000/" + hash + " until 2027-01-31 by A: x; " + id + "/" + hash +
			" until 2027-01-31 by arn:aws:sts::123456789012:assumed-role/Admin/me: a guardrail: all roles", InForce},
		"renewed": {attached, id + "/" + hash + " until 2026-11-01 by A: x; " + id + "/" + hash +
			" until 2027-01-31 by A: x", InForce},
		"after one that is not understood": {attached, "all; 0123456789abcdef/" + hash + " until 2027-02-31 by A: x; " + id +
			"/" + hash + " until 2027-01-31 by A: x", InForce},
		"no reason":    {attached, id + "/" + hash + " until 2027-01-31 by Admin", ""},
		"no wildcard":  {attached, "*/* until 2027-01-31 by Admin: all", ""},
		"short hash":   {attached, id + "/fedcba until 2027-01-31 by Admin: all", ""},
		"invalid date": {attached, id + "/" + hash + " until 2027-02-31 by Admin: all", ""},
		"unreadable": {with(func(f *Finding) { f.Direction = Unreadable }), id + "/" + hash + " until 2027-01-31 by A: x",
			""},
		"added stack": {with(func(f *Finding) { f.Kind = StackAdded }), id + "/" + hash + " until 2027-01-31 by A: x", ""},
		"no statements": {with(func(f *Finding) { f.Reason = PolicyUnreadable }),
			id + "/" + hash + " until 2027-01-31 by A: x", ""},
	} {
		t.Run(name, func(t *testing.T) {
			open, accepted := Accept([]Finding{tc.finding}, ParseAcceptances(tc.list), now)
			if got := len(accepted) == 1; got != (tc.state == InForce) || len(open)+len(accepted) != 1 {
				t.Errorf("got %d open and %d accepted findings, want state %q", len(open), len(accepted), tc.state)
			}
			for _, f := range append(open, accepted...) {
				switch {
				case tc.state == "" && f.Acceptance != nil:
					t.Errorf("got acceptance %+v, want none", f.Acceptance)
				case tc.state != "" && (f.Acceptance == nil || f.Acceptance.State != tc.state):
					t.Errorf("got acceptance %+v, want state %s", f.Acceptance, tc.state)
				}
			}
		})
	}
	// An acceptance of one finding does not end the search for that of the next.
	second := with(func(f *Finding) { f.ID = "0000000000000001" })
	open, accepted := Accept([]Finding{attached, second, attached},
		ParseAcceptances("0000000000000001/"+hash+" until 2027-01-31 by A: x; "+id+"/"+hash+" until 2027-01-31 by A: x"), now)
	if len(open) != 0 || len(accepted) != 3 {
		t.Errorf("got %d open and %d accepted findings, want all accepted", len(open), len(accepted))
	}
	list := ParseAcceptances(id + "/" + hash + " until 2027-01-31 by role/Admin: a guardrail")
	if again := FormatAcceptances(list); again != id+"/"+hash+" until 2027-01-31 by role/Admin: a guardrail" {
		t.Errorf("got %q", again)
	}
}
