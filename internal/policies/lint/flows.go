package lint

import (
	"errors"
	"slices"

	"permstack/internal/policies"
	"permstack/internal/policies/flows"
	"permstack/internal/policies/profilefile"
	"permstack/internal/policies/schema"
)

// randomSelections is the number of random choices that flows are evaluated for, beside the systematic ones.
const randomSelections = 40

// flows evaluates every promised flow.
func (c *checker) flows() {
	unknown := c.flowActions()
	for _, release := range releases(c.loaded.Profile) {
		failures, err := flows.Closure(c.loaded.Profile, c.loaded.Flows, release, randomSelections)
		for _, f := range failures {
			if unknown[profilefile.CallKey(f.Flow, f.Index)] {
				continue
			}
			c.add(c.loaded.Place(profilefile.CallKey(f.Flow, f.Index), profilefile.FlowKey(f.Flow)), Flow, "%s", f)
		}
		var limit *policies.LimitError
		if err != nil && !errors.As(err, &limit) { // a limit is reported with its place
			c.add(c.loaded.Place(), CannotEvaluate, "%v", err)
		}
	}
}

// flowActions reports the actions of flows that AWS does not have, and returns the keys of their calls.
func (c *checker) flowActions() map[string]bool {
	unknown := map[string]bool{}
	for _, f := range c.loaded.Flows {
		for i, call := range f.Calls {
			key := profilefile.CallKey(f.Name, i)
			for _, action := range call.Actions {
				for _, finding := range actionFindings(action) {
					unknown[key] = true
					c.add(c.loaded.Place(key, profilefile.FlowKey(f.Name)), finding.Rule, "%s: %s", f.Name, finding.Message)
				}
			}
		}
	}
	return unknown
}

// hasSpans reports whether a profile differs from one release of the catalogue to another.
func hasSpans(p schema.Profile) bool {
	for _, release := range policies.Releases[:len(policies.Releases)-1] {
		if differs(policies.AtRelease(p, release), policies.AtRelease(p, "")) {
			return true
		}
	}
	return false
}

func differs(a, b schema.Profile) bool {
	return len(a.Assets) != len(b.Assets) || len(a.Options) != len(b.Options) ||
		!slices.Equal(statements(a), statements(b))
}

// statements lists the statements of a profile with their actions.
func statements(p schema.Profile) []string {
	var out []string
	for _, r := range p.Roles {
		for _, policy := range r.Policies {
			for _, s := range policy.Statements {
				out = append(out, r.Entity+"/"+policy.Entity+"/"+s.Sid+"@"+s.In.From)
				out = append(out, s.Actions...)
			}
		}
		for _, t := range r.Trust {
			out = append(out, r.Entity+"/"+t.Sid+"@"+t.In.From)
		}
	}
	for _, t := range p.Topics {
		for _, s := range t.Statements {
			out = append(out, t.Entity+"/"+s.Sid+"@"+s.In.From)
		}
	}
	for _, r := range p.Rules {
		out = append(out, r.Entity+"@"+r.In.From)
	}
	return out
}

// overlap reports whether some release is in both spans.
func overlap(a, b schema.Span) bool {
	return slices.ContainsFunc(policies.Releases, func(release string) bool {
		return policies.InRelease(a, release) && policies.InRelease(b, release)
	})
}
