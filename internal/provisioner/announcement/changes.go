package announcement

import (
	"encoding/json"
	"slices"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/compare"
	"permstack/internal/notify"
	"permstack/internal/policies"
)

// Changes lists what changed between two sets, in the order of
// notify.SortChanges; nil is a set that grants nothing. The parts into which a
// large policy is split count as one.
//
// Documents are compared by package compare, so a change of form is none. The
// result contains no condition values: trust policies contain external ids.
func Changes(before, after *policies.Set) []notify.AccessChange {
	// Another scope moves actions from policy to policy: then those of a role are compared together.
	whole := before != nil && after != nil && !before.Scope.Equal(after.Scope)
	old, now := newParts(before, whole), newParts(after, whole)
	var out []notify.AccessChange
	for key, p := range old {
		current, exists := now[key]
		if c, changed := p.change(key, current, true, exists); changed {
			out = append(out, c)
		}
	}
	for key, p := range now {
		if _, existed := old[key]; existed {
			continue
		}
		if c, changed := (part{}).change(key, p, false, true); changed {
			out = append(out, c)
		}
	}
	notify.SortChanges(out)
	return out
}

// key identifies a part of a set.
type key struct {
	what     notify.AccessPart
	of, name string
}

// part is one thing of a set that grants: a document, or the text of a boundary
// or rule.
type part struct {
	document iampolicy.Document
	text     string
}

// change compares a part with its current form.
func (p part) change(k key, current part, existed, exists bool) (notify.AccessChange, bool) {
	c := notify.AccessChange{What: k.what, Of: k.of, Name: k.name}
	if k.what == notify.PolicyPart {
		want, have := map[string]iampolicy.Document{"": p.document}, map[string]iampolicy.Document{"": current.document}
		for _, actions := range compare.Actions(want, have) {
			c.Added, c.Removed = actions.Added, actions.Removed
		}
	}
	switch {
	case !existed:
		c.Event = notify.PartNew
	case !exists:
		c.Event = notify.PartDeleted
	case len(c.Added)+len(c.Removed) > 0:
	case p.text != current.text || !compare.Equal(p.document, current.document):
		c.Event = notify.PartChanged
	default:
		return c, false
	}
	return c, true
}

// newParts returns the parts of a set. If whole is true, all policies of a role are one part.
func newParts(set *policies.Set, whole bool) map[key]part {
	out := map[key]part{}
	if set == nil {
		return out
	}
	add := func(what notify.AccessPart, of, name, text string, document iampolicy.Document) {
		p := out[key{what, of, name}]
		p.text = text
		p.document.Version = document.Version
		p.document.Statement = append(p.document.Statement, document.Statement...)
		out[key{what, of, name}] = p
	}
	for _, r := range set.Roles {
		add(notify.TrustPart, r.Name, "", "", r.Trust)
		if r.PermissionsBoundary != "" {
			add(notify.BoundaryPart, r.Name, "", r.PermissionsBoundary, iampolicy.Document{})
		}
		for _, p := range slices.Concat(r.Managed, r.Inline) {
			if p.Entity == policies.GuardPolicy || p.Entity == policies.ScopePolicy {
				continue // they follow the other policies and the scope, and grant nothing
			}
			name := p.Entity // without the number of the part
			if name == "" {
				name = p.Name
			}
			if whole {
				name = ""
			}
			add(notify.PolicyPart, r.Name, name, "", p.Document)
		}
	}
	for _, t := range set.Topics {
		add(notify.TopicPart, t.Name, "", "", t.Policy)
	}
	for _, r := range set.Rules {
		data, _ := json.Marshal([]any{r.Pattern, r.Targets}) // JSON values always marshal
		add(notify.RulePart, r.Name, "", string(data), iampolicy.Document{})
	}
	return out
}
