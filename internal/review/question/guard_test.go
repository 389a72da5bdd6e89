package question_test

import (
	"bytes"
	"strings"
	"testing"

	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/review/explain"
	"permstack/internal/terminal"
)

// TestGuard checks that a statement that denies every action but some is described as such, and is
// not a grant.
func TestGuard(t *testing.T) {
	sel, err := choice.Parse("cpm:ec2,sap-hana")
	if err != nil {
		t.Fatal(err)
	}
	env := choice.Example(sel, policies.Environment{
		Partition: "aws", Account: "123456789012", Region: "us-east-1",
	})
	env.Protected = []string{"arn:aws:ssm:us-east-1:123456789012:parameter/CFN-DriftState-1"}
	set, err := policies.Synthesize(sel, env)
	if err != nil {
		t.Fatal(err)
	}
	grants := explain.Grants(set, sel, explain.NewDescriber(sel, env))
	for query, denied := range map[string]int{
		"ssm:PutParameter": 1, "ssm:DeleteParameter": 1, "cloudformation:DescribeStacks": 0, "ec2:DeleteSnapshot": 0,
	} {
		t.Run(query, func(t *testing.T) {
			a := find(query, set, grants, grants)
			if len(a.Denied) != denied {
				t.Errorf("denied by %d statements, want %d", len(a.Denied), denied)
			}
			for _, g := range a.Granted {
				if g.Effect == "Deny" {
					t.Errorf("%s is listed as granted", g.Sid)
				}
			}
			var b bytes.Buffer
			a.Write(terminal.Screen{W: &b, Width: 2000})
			const want = "everything except cloudformation:Describe*"
			if got := strings.Contains(b.String(), want); got != (denied > 0) {
				t.Errorf("%q is in the text: got %v, want %v\n%s", want, got, denied > 0, &b)
			}
		})
	}
	for _, g := range explain.Rank(grants) {
		if g.Policy == policies.GuardPolicy {
			t.Error("the guard is ranked as a risk")
		}
	}
}
