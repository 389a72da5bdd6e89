// Package lint checks a vendor's profile by the rules that every profile must pass: AWS has each action, resource type
// and condition key; nothing is granted more widely than its reason says; every reference is defined; every promised
// flow works; the largest choice fits IAM's limits. The tests of the built-in profiles and `permstack profile lint` use
// it. Package profilefile reports what is wrong with the form of the files.
package lint

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"permstack/internal/iampolicy/reference"
	"permstack/internal/policies"
	"permstack/internal/policies/profilefile"
	"permstack/internal/policies/schema"
)

// Rule names what a problem violates.
type Rule string

// The rules.
const (
	Format         Rule = "format"          // the files are not in the profile format
	UnknownAction  Rule = "unknown-action"  // AWS has no such action
	UnknownKey     Rule = "unknown-key"     // AWS does not send the condition key with the action
	ResourceType   Rule = "resource-type"   // the action does not apply to the resource
	Wildcard       Rule = "wildcard"        // "*" although AWS has resource-level permissions
	Place          Rule = "place"           // partition, Region or account is open, without a reason
	Condition      Rule = "condition"       // a condition limits nothing, or a required one is missing
	Reference      Rule = "reference"       // a variable or name is not defined
	Reason         Rule = "reason"          // a reason is missing
	Trust          Rule = "trust"           // a trust statement trusts too many
	Topic          Rule = "topic"           // an access policy of a topic that does not work or is too wide
	Flow           Rule = "flow"            // a promised flow does not work
	Limit          Rule = "limit"           // the largest choice exceeds an IAM limit
	CannotEvaluate Rule = "cannot-evaluate" // an error of synthesis
)

// Problem is one violation.
type Problem struct {
	profilefile.Problem
	Rule Rule
}

func (p Problem) String() string { return fmt.Sprintf("%s (%s)", p.Problem, p.Rule) }

// Load reads the profile at a path of a file system and checks it. Problems with the form of the files are returned as
// such; the other rules are then checked as far as the profile was understood. The error is one of reading.
func Load(fsys fs.FS, at string) (profilefile.Loaded, []Problem, error) {
	return checkLoaded(profilefile.Load(fsys, at))
}

// LoadPath is Load for a file or a folder of the operating system.
func LoadPath(name string) (profilefile.Loaded, []Problem, error) {
	return checkLoaded(profilefile.LoadPath(name))
}

func checkLoaded(loaded profilefile.Loaded, err error) (profilefile.Loaded, []Problem, error) {
	var form *profilefile.Error
	if err != nil && !errors.As(err, &form) {
		return loaded, nil, err
	}
	if form == nil {
		return loaded, Check(loaded), nil
	}
	var problems []Problem
	for _, p := range form.Problems {
		problems = append(problems, Problem{p, Format})
	}
	c := checker{loaded: loaded}
	c.static() // of nothing, if the first file could not be parsed
	return loaded, merge(problems, c.problems), nil
}

// Check returns the problems of a profile, in the order of its files and lines.
func Check(loaded profilefile.Loaded) []Problem {
	c := checker{loaded: loaded}
	c.static()
	c.choices()
	c.flows()
	c.limits()
	return merge(nil, c.problems)
}

// ReferenceDate describes the action reference that profiles are compared with.
func ReferenceDate() string {
	o := reference.Origin()
	return "AWS's action reference of " + o.Date
}

// merge joins problems in the order of files and lines, without those that another one at the same place repeats.
func merge(form, found []Problem) []Problem {
	all := slices.Concat(form, found)
	slices.SortStableFunc(all, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col),
			cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(all)
}

type checker struct {
	loaded   profilefile.Loaded
	problems []Problem
}

func (c *checker) add(at profilefile.Position, rule Rule, format string, args ...any) {
	problem := profilefile.Problem{Position: at, Message: fmt.Sprintf(format, args...)}
	c.problems = append(c.problems, Problem{problem, rule})
}

// static checks what can be decided without a choice.
func (c *checker) static() {
	c.names()
	for _, r := range c.loaded.Profile.Roles {
		for _, policy := range r.Policies {
			for _, s := range policy.Statements {
				key := profilefile.StatementKey(r.Entity, policy.Entity, s.Sid, s.In.From)
				for _, f := range Statement(c.loaded.Profile, s) {
					at := c.loaded.Place(profilefile.PartKey(key, f.Part, f.Value), key, profilefile.PolicyKey(policy.Entity))
					c.add(at, f.Rule, "%s: %s", s.Sid, f.Message)
				}
			}
		}
		for _, trust := range r.Trust {
			c.trust(r, trust)
		}
	}
	for _, t := range c.loaded.Profile.Topics {
		for _, s := range t.Statements {
			c.topicStatement(t, s)
		}
	}
}

// releases returns the releases of the catalogue in which a profile differs: all, if something has a span.
func releases(p schema.Profile) []string {
	if !hasSpans(p) {
		return policies.Releases[len(policies.Releases)-1:]
	}
	return policies.Releases
}
