package accessdiff

import (
	"slices"
	"strings"
	"testing"

	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/review/explain"
)

// TestGuard checks that a guard grants nothing and narrows the actions that other statements grant
// on what it protects, and no others.
func TestGuard(t *testing.T) {
	sel, err := choice.Parse("cpm:ec2,sap-hana")
	if err != nil {
		t.Fatal(err)
	}
	env := choice.Example(sel, policies.Environment{
		Partition: "aws", Account: "123456789012", Region: "us-east-1", StackNames: []string{"parent-permstack-access"},
	})
	synthesize := func(protected ...string) policies.Set {
		env.Protected = protected
		set, err := policies.Synthesize(sel, env)
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	without := FromSet("without", synthesize())
	with := FromSet("with", synthesize("arn:aws:ssm:us-east-1:123456789012:parameter/CFN-DriftState-1"))

	d := Compare(without, with, explain.Describer{})
	var narrowed []string
	for _, c := range d.Changes {
		if c.Kind.IsGrowth() {
			t.Errorf("a guard is added: got %s %s %q, want nothing that grants more", c.Kind, c.Entity, c.Actions)
		}
		narrowed = append(narrowed, c.Actions...)
	}
	if !slices.Contains(narrowed, "ssm:PutParameter") {
		t.Errorf("narrowed actions: got %q, want ssm:PutParameter too", narrowed)
	}
	for _, a := range narrowed {
		if a == "*" || strings.HasPrefix(a, "ec2:") {
			t.Errorf("narrowed: got %s, which does not act on a protected resource", a)
		}
	}
	removed := Compare(with, without, explain.Describer{}).Changes
	if !slices.ContainsFunc(removed, func(c Change) bool {
		return c.Kind.IsGrowth() && slices.Contains(c.Actions, "ssm:PutParameter")
	}) {
		t.Errorf("a guard is removed: got %v, want that ssm:PutParameter grants more", removed)
	}
}
