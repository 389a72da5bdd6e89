package faultinjection

import (
	"fmt"
	"strings"
	"testing"
)

// TestRegressions repeats what the matrix has once found broken.
func TestRegressions(t *testing.T) {
	tests := []struct {
		was    string // what went wrong
		life   string
		action string
		nth    int // of that action
		kind   Kind
	}{
		{
			"a stack was left, though the answer said that nothing was",
			"create",
			"cloudformation:CreateStack",
			2,
			Kind{ResponseLost, UntilHandled},
		},
		{
			"a dropped role was left behind, with its trust, and nobody was told",
			"update",
			"iam:DeleteRole",
			1,
			Kind{Denied, UntilRepaired},
		},
		{
			"a dropped policy was left behind, and nobody was told",
			"update",
			"iam:DeletePolicy",
			2,
			Kind{Throttled, UntilHandled},
		},
		{
			"a dropped rule was left behind, and nobody was told",
			"update",
			"events:DeleteRule",
			1,
			Kind{InternalError, UntilHandled},
		},
		{
			"what a failed update had made was left behind, and nobody was told",
			"update that fails",
			"iam:DeletePolicy",
			1,
			Kind{Denied, UntilHandled},
		},
		{
			"a deletion failed for ever when a role of it was gone already",
			"delete",
			"iam:DeleteRole",
			1,
			Kind{ResponseLost, UntilRepaired},
		},
		{
			"a failed rollback could not be continued",
			"update",
			"iam:CreatePolicyVersion",
			1,
			Kind{InternalError, UntilHandled},
		},
		{
			"a continued rollback left a role without its policies",
			"update",
			"iam:AttachRolePolicy",
			1,
			Kind{InternalError, UntilRepaired},
		},
		{
			"what was put right was told to nobody, when the run ended between",
			"drift revert",
			"sns:Publish backup-AlertTopic",
			1,
			Kind{KillBefore, Once},
		},
		{
			"CloudFormation did not know what it had made",
			"update",
			"iam:CreatePolicy",
			1,
			Kind{ResponseLost, UntilHandled},
		},
	}
	for _, tc := range tests {
		t.Run(tc.was, func(t *testing.T) {
			t.Parallel()
			life := scenarioNamed(t, tc.life)
			clean, err := life.baseline()
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
				r, err := life.run(Fault{p, tc.kind})
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

func scenarioNamed(t *testing.T, name string) Scenario {
	t.Helper()
	for _, l := range Scenarios {
		if l.Name == name {
			return l
		}
	}
	t.Fatalf("no life %q", name)
	return Scenario{}
}

// TestHarnessDetects breaks what must hold, and wants to be told.
func TestHarnessDetects(t *testing.T) {
	tests := map[string]struct {
		harm func(*parent)
		want string
	}{
		"a policy more": {
			func(p *parent) { must(p.createConflictingRole("ClumioOther-us-east-1-main")); clear(p.thirdParty) },
			"should not be there",
		},
		"a role that trusts": {func(p *parent) { p.state = &newChoice }, "not as it should be"},
		"nothing deleted":    {func(p *parent) { p.state = nil }, "its parent is gone"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			env, err := newEnvironment()
			if err != nil {
				t.Fatal(err)
			}
			defer env.close()
			p := &parent{env: env, thirdParty: snapshot{}}
			p.launch(oldChoice)
			p.checkAtRest("at rest")
			if len(p.problems) > 0 {
				t.Fatal(p.problems)
			}
			tc.harm(p)
			p.checkAtRest("at rest")
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
