package flows

import (
	"fmt"

	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/schema"
)

// SelectionFailure is a failure with the first selection that has it.
type SelectionFailure struct {
	Failure
	Selection policies.Selection
	Opened    string // how resources of other accounts are opened: a flag, or ""
	// Sharing is true if the flow says that it needs an opening and works without.
	Sharing bool
}

func (f SelectionFailure) String() string {
	text := f.Failure.String()
	if f.Sharing {
		text = f.Flow + ": works without resources of other accounts being opened: sharing is untrue"
	}
	text += ", if the choice is " + choice.String(f.Selection)
	if f.Opened != "" {
		text += " with " + f.Opened
	}
	return text
}

// openings are the ways of opening resources of other accounts.
var openings = []struct {
	flag string
	set  func(*policies.Environment)
}{
	{"", func(*policies.Environment) {}},
	{"--other-account", func(e *policies.Environment) { e.OtherAccounts = []string{"888899990000"} }},
	{"--organization", func(e *policies.Environment) { e.Organization = true }},
}

// Closure evaluates every flow that a selection promises, for selections that leave
// out each part in turn and a number of random ones, and with resources of other
// accounts opened in each way. Flows that need an opening must fail without it. The
// profile need not be one of policies.ProfileNames. Each failure is returned once,
// with the first selection that has it. The error is one of synthesis.
func Closure(profile schema.Profile, list []schema.Flow, release string, random int) ([]SelectionFailure, error) {
	var out []SelectionFailure
	seen := map[string]bool{}
	add := func(f SelectionFailure) {
		if key := fmt.Sprint(f.Failure, f.Opened, f.Sharing); !seen[key] {
			seen[key] = true
			out = append(out, f)
		}
	}
	offered := policies.AtRelease(profile, release)
	for sel := range Selections(offered, release, random) {
		for _, opening := range openings {
			env := choice.ExampleFor(profile, sel, policies.Environment{
				Partition: "aws", Account: "111111111111", Region: "eu-central-1", ConnectionID: "prod",
				StackNames: []string{"stack"},
			})
			opening.set(&env)
			set, err := policies.SynthesizeProfile(profile, sel, env)
			if err != nil {
				if opening.flag == "" {
					return out, fmt.Errorf("synthesize %s: %w", choice.String(sel), err)
				}
				continue // the selection has nothing to open
			}
			for _, f := range Check(set, Promised(profile, list, sel, env), env) {
				add(SelectionFailure{Failure: f, Selection: sel, Opened: opening.flag})
			}
			if opening.flag != "" {
				continue
			}
			included := policies.Included(profile, sel)
			for _, f := range list {
				if f.Sharing != "" && policies.InRelease(f.In, release) && included(f.For) &&
					len(Check(set, []schema.Flow{f}, env)) == 0 {
					add(SelectionFailure{Failure: Failure{Flow: f.Name}, Selection: sel, Sharing: true})
				}
			}
		}
	}
	return out, nil
}
