package faultinjection

import (
	"fmt"
	"strings"
	"testing"
)

// TestMended repeats what the matrix has once found broken.
func TestMended(t *testing.T) {
	tests := []struct {
		was    string // what went wrong
		life   string
		action string
		nth    int // of that action
		kind   Kind
	}{
		{"a stack was left, though the answer said that nothing was", "create", "cloudformation:CreateStack", 2, Kind{Lost, Event}},
		{"a dropped role was left behind, with its trust, and nobody was told", "update", "iam:DeleteRole", 1, Kind{Denied, Lasting}},
		{"a dropped policy was left behind, and nobody was told", "update", "iam:DeletePolicy", 2, Kind{Throttled, Event}},
		{"a dropped rule was left behind, and nobody was told", "update", "events:DeleteRule", 1, Kind{Failing, Event}},
		{"what a failed update had made was left behind, and nobody was told", "update that fails", "iam:DeletePolicy", 1, Kind{Denied, Event}},
		{"a deletion failed for ever when a role of it was gone already", "delete", "iam:DeleteRole", 1, Kind{Lost, Lasting}},
		{"a failed rollback could not be continued", "update", "iam:CreatePolicyVersion", 1, Kind{Failing, Event}},
		{"a continued rollback left a role without its policies", "update", "iam:AttachRolePolicy", 1, Kind{Failing, Lasting}},
		{"what was put right was told to nobody, when the run ended between", "drift revert", "sns:Publish backup-AlertTopic", 1, Kind{Kill, Once}},
		{"CloudFormation did not know what it had made", "update", "iam:CreatePolicy", 1, Kind{Lost, Event}},
	}
	for _, tc := range tests {
		t.Run(tc.was, func(t *testing.T) {
			t.Parallel()
			life := lifeNamed(t, tc.life)
			clean, err := life.whole()
			if err != nil {
				t.Fatal(err)
			}
			nth := 0
			for _, p := range clean.Calls {
				if p.Action != tc.action {
					continue
				}
				if nth++; nth != tc.nth {
					continue
				}
				r, err := life.lived(Fault{p, tc.kind})
				if err != nil {
					t.Fatal(err)
				}
				for _, problem := range r.Problems {
					t.Errorf("%s at %s: %s", tc.kind, p, problem)
				}
			}
			if nth < tc.nth {
				t.Errorf("life %q has %d calls of %s", tc.life, nth, tc.action)
			}
		})
	}
}

func lifeNamed(t *testing.T, name string) Life {
	t.Helper()
	for _, l := range Lives {
		if l.Name == name {
			return l
		}
	}
	t.Fatalf("no life %q", name)
	return Life{}
}

// TestHarnessSees breaks what must hold, and wants to be told.
func TestHarnessSees(t *testing.T) {
	tests := map[string]struct {
		harm func(*parent)
		want string
	}{
		"a policy more":      {func(p *parent) { must(p.createConflictingRole("ClumioOther-us-east-1-main")); clear(p.others) }, "should not be there"},
		"a role that trusts": {func(p *parent) { p.state = &after }, "not as it should be"},
		"nothing deleted":    {func(p *parent) { p.state = nil }, "its parent is gone"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			w, err := newWorld()
			if err != nil {
				t.Fatal(err)
			}
			defer w.close()
			p := &parent{w: w, others: holdings{}}
			p.launch(before)
			p.rest("at rest")
			if len(p.problems) > 0 {
				t.Fatal(p.problems)
			}
			tc.harm(p)
			p.rest("at rest")
			if all := fmt.Sprint(p.problems); !strings.Contains(all, tc.want) {
				t.Errorf("told %s, want %q", all, tc.want)
			}
		})
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
