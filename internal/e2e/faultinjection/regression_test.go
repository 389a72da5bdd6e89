package faultinjection

import (
	"fmt"
	"strings"
	"testing"
)

// TestRegressions repeats cases in which the matrix once found a violated
// invariant.
func TestRegressions(t *testing.T) {
	tests := []struct {
		name     string // what was violated
		scenario string
		action   string
		nth      int // of that action
		kind     Kind
	}{
		{
			"a stack remained, although the response said that nothing did",
			"create",
			"cloudformation:CreateStack",
			2,
			Kind{ResponseLost, UntilHandled},
		},
		{
			"a removed role was left behind with its trust, unreported",
			"update",
			"iam:DeleteRole",
			1,
			Kind{Denied, UntilRepaired},
		},
		{
			"a removed policy was left behind, unreported",
			"update",
			"iam:DeletePolicy",
			2,
			Kind{Throttled, UntilHandled},
		},
		{
			"a removed rule was left behind, unreported",
			"update",
			"events:DeleteRule",
			1,
			Kind{InternalError, UntilHandled},
		},
		{
			"a resource of a failed update was left behind, unreported",
			"update that fails",
			"iam:DeletePolicy",
			1,
			Kind{Denied, UntilHandled},
		},
		{
			"a deletion failed permanently because a role did not exist any more",
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
			"reverted drift was not reported because the run ended too early",
			"drift revert",
			"sns:Publish permstack-alerts-UUID",
			1,
			Kind{KillBefore, Once},
		},
		{
			"CloudFormation did not know what it had created",
			"update",
			"iam:CreatePolicy",
			1,
			Kind{ResponseLost, UntilHandled},
		},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			scenario := scenarioNamed(t, tc.scenario)
			clean, err := scenario.baseline()
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
				r, err := scenario.run(Fault{p, tc.kind})
				if err != nil {
					t.Fatal(err)
				}
				for _, problem := range r.Problems {
					t.Errorf("%s at %s: %s", tc.kind, p, problem)
				}
			}
			if nth < tc.nth {
				t.Errorf("scenario %q has %d calls of %s", tc.scenario, nth, tc.action)
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
	t.Fatalf("no scenario %q", name)
	return Scenario{}
}

// TestHarnessDetects checks that the harness reports violated invariants.
func TestHarnessDetects(t *testing.T) {
	tests := map[string]struct {
		violate func(*parent)
		want    string
	}{
		"an additional role": {
			func(p *parent) { must(p.createConflictingRole("ClumioOther-us-east-1-main")); clear(p.thirdParty) },
			"is unexpected",
		},
		"a role that differs":    {func(p *parent) { p.state = &newChoice }, "is not as expected"},
		"a stack without parent": {func(p *parent) { p.state = nil }, "its parent does not exist"},
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
			tc.violate(p)
			p.checkAtRest("at rest")
			if all := fmt.Sprint(p.problems); !strings.Contains(all, tc.want) {
				t.Errorf("got problems %s, want %q", all, tc.want)
			}
		})
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
