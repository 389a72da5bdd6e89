package policies_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/compare"
	"permstack/internal/iampolicy/eval"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/schema"
)

var windowEnd = time.Date(2026, 11, 27, 16, 0, 0, 0, time.UTC)

// TestParseRestoreUntil checks that only times in UTC are accepted, and that the error shows the same time in UTC.
func TestParseRestoreUntil(t *testing.T) {
	for _, c := range []struct{ text, problem string }{
		{"", ""},
		{"2026-11-27T16:00:00Z", ""},
		{"2026-11-27T18:00:00+02:00", "with an offset: 2026-11-27T16:00:00Z"},
		{"2026-11-27T16:00:00+00:00", "with an offset: 2026-11-27T16:00:00Z"},
		{"2026-11-27T16:00:00.5Z", "without fractions of a second: 2026-11-27T16:00:00Z"},
		{"2026-11-27T16:00:00", "want a time in UTC"},
		{"2026-11-27", "want a time in UTC"},
		{"4h", "want a time in UTC"},
	} {
		t.Run(c.text, func(t *testing.T) {
			got, err := policies.ParseRestoreUntil(c.text)
			switch {
			case c.problem == "" && err != nil:
				t.Errorf("got error %v", err)
			case c.problem == "" && policies.FormatRestoreUntil(got) != c.text:
				t.Errorf("got %v", got)
			case c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)):
				t.Errorf("got error %v, want %q", err, c.problem)
			}
		})
	}
}

// limits reports whether a statement ends with the window.
func limits(s iampolicy.Statement) bool {
	return slices.Equal(s.Condition["DateLessThan"]["aws:CurrentTime"], iampolicy.Values{"2026-11-27T16:00:00Z"})
}

// windows are selections with a restore window, of every profile, by asset and whole.
func windows() []policies.Selection {
	var out []policies.Selection
	for _, name := range policies.ProfileNames() {
		profile, _ := policies.Profile(name)
		for _, release := range policies.Releases {
			everything := choice.Everything(profile)
			everything.RestoreUntil, everything.CatalogVersion = windowEnd, release
			at, _ := policies.ProfileAt(name, release)
			everything.Assets, everything.Options = choice.Everything(at).Assets, choice.Everything(at).Options
			out = append(out, everything)
			for _, asset := range everything.Assets {
				out = append(out, policies.Selection{
					Profile: name, Assets: []schema.Asset{asset}, Operations: []schema.Operation{"backup"},
					CatalogVersion: release, RestoreUntil: windowEnd,
				})
			}
		}
	}
	return out
}

// TestRestoreWindow checks, for every profile, that a window adds to a choice of backups what a choice with restores
// has, that what it adds ends, that nothing of the backups ends, and that the set is within IAM's limits.
func TestRestoreWindow(t *testing.T) {
	for _, sel := range windows() {
		t.Run(sel.Profile+"/"+sel.CatalogVersion+"/"+fmt.Sprint(sel.Assets), func(t *testing.T) {
			profile, _ := policies.Profile(sel.Profile)
			env := choice.Example(sel, policies.Environment{Account: "123456789012", Region: "eu-central-1"})
			set, err := policies.Synthesize(sel, env)
			if err != nil {
				t.Fatal(err)
			}
			lasting := sel
			lasting.RestoreUntil = time.Time{}
			lasting.Operations = slices.DeleteFunc(slices.Clone(sel.Operations), func(o schema.Operation) bool {
				return slices.Contains(profile.RestoreOperations, o)
			})
			backups, err := policies.Synthesize(lasting, env)
			if err != nil {
				t.Fatal(err)
			}
			permanent := lasting
			permanent.Operations = slices.Concat(lasting.Operations, profile.RestoreOperations)
			whole, err := policies.Synthesize(permanent, env)
			if err != nil {
				t.Fatal(err)
			}
			compareAccess(t, "before the end", set, whole, windowEnd.Add(-time.Second))
			compareAccess(t, "at the end", set, backups, windowEnd)
		})
	}
}

// compareAccess checks that a set allows at a time what another set without a window allows.
func compareAccess(t *testing.T, when string, set, want policies.Set, now time.Time) {
	t.Helper()
	got, expected := allowed(set, now), allowed(want, now)
	for _, roles := range []map[string]iampolicy.Document{got, expected} {
		for role := range roles {
			d := compare.Compare([]iampolicy.Document{expected[role]}, []iampolicy.Document{got[role]})
			for _, c := range d.Changes {
				t.Errorf("%s: role %s: %s", when, role, c)
			}
		}
	}
}

// allowed returns what the roles of a set allow at a time, without the ends of the window that are later.
func allowed(set policies.Set, now time.Time) map[string]iampolicy.Document {
	out := map[string]iampolicy.Document{}
	for _, r := range set.Roles {
		d := iampolicy.Document{Version: iampolicy.Version}
		for _, p := range slices.Concat(r.Managed, r.Inline) {
			for _, st := range p.Document.Statement {
				if st.Effect != "Allow" || limits(st) && !now.Before(windowEnd) {
					continue
				}
				st.Condition = maps.Clone(st.Condition)
				delete(st.Condition, "DateLessThan")
				d.Statement = append(d.Statement, st)
			}
		}
		if len(d.Statement) > 0 {
			out[r.Entity] = d
		}
	}
	return out
}

// TestSessionInsideTheWindow checks with the evaluator that a session loses the permission when the window ends,
// however long before it began: IAM evaluates the policies of the role in every request.
func TestSessionInsideTheWindow(t *testing.T) {
	sel := policies.Selection{
		Profile: "clumio", Assets: []schema.Asset{"rds"}, Operations: []schema.Operation{"backup"}, RestoreUntil: windowEnd,
	}
	env := choice.Example(sel, policies.Environment{Account: "123456789012", Region: "eu-central-1"})
	set, err := policies.Synthesize(sel, env)
	if err != nil {
		t.Fatal(err)
	}
	var docs []iampolicy.Document
	for _, p := range slices.Concat(set.Roles[0].Managed, set.Roles[0].Inline) {
		docs = append(docs, p.Document)
	}
	restore := eval.Request{
		Action: "rds:RestoreDBInstanceFromDBSnapshot", Resource: "arn:aws:rds:eu-central-1:123456789012:db:restored",
	}
	backup := eval.Request{Action: "rds:DescribeDBInstances", Resource: "arn:aws:rds:eu-central-1:123456789012:db:db1"}
	for _, c := range []struct {
		name    string
		request eval.Request
		at      time.Time
		allowed bool
	}{
		{"restore, first second", restore, windowEnd.Add(-4 * time.Hour), true},
		{"restore, last second", restore, windowEnd.Add(-time.Second), true},
		{"restore, at the end", restore, windowEnd, false},
		{"restore, an hour later in the same session", restore, windowEnd.Add(time.Hour), false},
		{"backup, an hour later in the same session", backup, windowEnd.Add(time.Hour), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.request.Context = map[string][]string{"aws:CurrentTime": {c.at.Format(time.RFC3339)}}
			if got := eval.Documents(docs, c.request) == eval.Allow; got != c.allowed {
				t.Errorf("allowed: %v, want %v", got, c.allowed)
			}
		})
	}
}

// TestRestoreWindowOfProfileWithoutRestores checks the error for a profile that marks no operation.
func TestRestoreWindowOfProfileWithoutRestores(t *testing.T) {
	profile, _ := policies.Profile("clumio")
	profile.RestoreOperations = nil
	sel := policies.Selection{Profile: "clumio", Assets: []schema.Asset{"ec2"}, RestoreUntil: windowEnd}
	env := choice.Example(sel, policies.Environment{})
	_, err := policies.SynthesizeProfile(profile, sel, env)
	var input *policies.InputError
	if !errors.As(err, &input) || !strings.Contains(err.Error(), "no operation that restores") {
		t.Errorf("got error %v", err)
	}
}

// TestWithoutEndedWindow checks that a selection loses the operations that restore when its window ends, unless it has
// no others.
func TestWithoutEndedWindow(t *testing.T) {
	profile, _ := policies.Profile("clumio")
	for _, tt := range []struct {
		name       string
		operations []schema.Operation
		until, now time.Time
		want       []schema.Operation
		ended      bool
	}{
		{"no window", []schema.Operation{"backup", "restore"}, time.Time{}, windowEnd,
			[]schema.Operation{"backup", "restore"}, false},
		{"before the end", []schema.Operation{"backup"}, windowEnd, windowEnd.Add(-time.Second), []schema.Operation{"backup"},
			false},
		{"at the end", []schema.Operation{"backup"}, windowEnd, windowEnd, []schema.Operation{"backup"}, true},
		{"restores, too", []schema.Operation{"backup", "restore"}, windowEnd, windowEnd.Add(time.Hour),
			[]schema.Operation{"backup"}, true},
		{"restores alone", []schema.Operation{"restore"}, windowEnd, windowEnd, []schema.Operation{"restore"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sel := policies.Selection{
				Profile: "clumio", Assets: []schema.Asset{"ec2"}, Operations: tt.operations, RestoreUntil: tt.until,
			}
			got := policies.WithoutEndedWindow(profile, sel, tt.now)
			if !slices.Equal(got.Operations, tt.want) || tt.ended != (got.RestoreUntil != tt.until) {
				t.Errorf("got %v until %v, want %v", got.Operations, got.RestoreUntil, tt.want)
			}
		})
	}
}

// TestWindowOfTrust checks that a principal that only restores need may assume a role until the end of the window.
func TestWindowOfTrust(t *testing.T) {
	restore := []schema.Use{{Operation: "restore"}}
	trust := func(sid string, uses []schema.Use) schema.Trust {
		return schema.Trust{Sid: sid, For: uses, Service: "ec2.amazonaws.com"}
	}
	profile := schema.Profile{
		Name: "trust", Assets: []schema.AssetInfo{{Asset: "a"}}, Operations: []schema.Operation{"backup", "restore"},
		RestoreOperations: []schema.Operation{"restore"},
		Roles: []schema.Role{
			{Entity: "Both", Trust: []schema.Trust{trust("Always", nil), trust("Restores", restore)}},
			{Entity: "Restorer", For: restore, Trust: []schema.Trust{trust("OfRole", nil)}},
		},
	}
	sel := policies.Selection{
		Assets: []schema.Asset{"a"}, Operations: []schema.Operation{"backup"}, RestoreUntil: windowEnd,
	}
	set, err := policies.SynthesizeProfile(profile, sel, policies.Environment{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, r := range set.Roles {
		for _, st := range r.Trust.Statement {
			got[st.Sid] = limits(st)
		}
	}
	if want := map[string]bool{"Always": false, "Restores": true, "OfRole": true}; !maps.Equal(got, want) {
		t.Errorf("limited: got %v, want %v", got, want)
	}
}
