package question_test

import (
	"fmt"
	"strings"

	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/schema"
	"permstack/internal/review/explain"
	"permstack/internal/review/question"
)

func Example() {
	sel := policies.Selection{
		Profile:    "clumio",
		Assets:     []schema.Asset{"ec2"},
		Operations: []schema.Operation{"backup"},
	}
	env := choice.Example(sel, policies.Environment{}) // example values of the vendor
	set, err := policies.Synthesize(sel, env)
	if err != nil {
		fmt.Println(err)
		return
	}
	grants := explain.Grants(set, sel, explain.NewDescriber(sel, env))
	source := question.Source{Set: set, Selection: sel, Grants: grants, All: grants}
	for _, g := range question.Find("ec2:DeleteSnapshot", source).Granted {
		fmt.Println(g.Entity, g.Policy)
		fmt.Println("on", strings.Join(g.On, ", "))
		fmt.Println("only if", strings.Join(g.OnlyIf, " and "))
		fmt.Println("risk", g.Risk)
	}
	// Output:
	// ClumioIAMRole ClumioEC2BackupPolicy
	// on any EC2 snapshot
	// only if the resource has the tag Vendor = Clumio
	// risk medium: deletes; limited by conditions
}
