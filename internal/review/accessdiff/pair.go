package accessdiff

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
)

// Pair is a role or policy of one set that is compared with one of the other set under another name.
type Pair struct {
	From string `json:"from"`
	To   string `json:"to"`
	By   string `json:"by"` // why they are a pair
}

// minSharedActions is the part of the smaller role's actions that both must have for a pair under different names.
const minSharedActions = 0.5

// pair returns both sets with the same names for what is compared with each other: by hand (As), by name, then by what
// is granted. Policies without a role are added to the role that grants most of their actions.
func pair(from, to *AccessSet) (a, b *AccessSet, pairs []Pair, notes []string) {
	a, b = clonePaired(from), clonePaired(to)
	p := pairing{}
	for _, byHand := range []struct {
		set, other *AccessSet
		reversed   bool
	}{{a, b, false}, {b, a, true}} {
		for _, name := range slices.Sorted(maps.Keys(byHand.set.As)) {
			p.byHand(byHand.set, byHand.other, name, byHand.set.As[name], byHand.reversed)
		}
	}
	p.loose(a, b, false)
	p.loose(b, a, true)
	p.rest(a, b)
	return a, b, p.pairs, p.notes(a, b)
}

type pairing struct{ pairs []Pair }

func clonePaired(s *AccessSet) *AccessSet {
	out := *s
	out.Roles, out.Loose = maps.Clone(s.Roles), maps.Clone(s.Loose)
	return &out
}

func (p *pairing) add(name, other string, reversed bool, by string) {
	if name == other {
		return
	}
	if reversed {
		name, other = other, name
	}
	p.pairs = append(p.pairs, Pair{From: name, To: other, By: by})
}

// byHand renames the role or policy name of set to other, a name that the other set has.
func (p *pairing) byHand(set, against *AccessSet, name, other string, reversed bool) {
	_, isRole := against.Roles[other]
	if doc, ok := set.Loose[name]; ok {
		delete(set.Loose, name)
		if isRole {
			set.addToRole(other, doc)
		} else {
			set.Loose[other] = doc
		}
		p.add(name, other, reversed, "as you wrote")
		return
	}
	if role, ok := set.Roles[name]; ok {
		if doc, isLoose := against.Loose[other]; isLoose && !isRole {
			delete(against.Loose, other)
			against.addToRole(other, doc)
		}
		delete(set.Roles, name)
		if existing, taken := set.Roles[other]; taken {
			role = existing.merge(role)
		}
		set.Roles[other] = role
		p.add(name, other, reversed, "as you wrote")
	}
}

// merge returns a role with the policies of both.
func (r Role) merge(other Role) Role {
	r.Policies = slices.Concat(r.Policies, other.Policies)
	r.Trust = slices.Concat(r.Trust, other.Trust)
	r.ExternalPolicies = slices.Concat(r.ExternalPolicies, other.ExternalPolicies)
	r.trustUnknown = r.trustUnknown && other.trustUnknown
	return r
}

// addToRole adds a policy to a role, which it adds if the set has none of that name.
func (s *AccessSet) addToRole(name string, doc iampolicy.Document) {
	role, ok := s.Roles[name]
	if !ok {
		role.trustUnknown = true
	}
	role.Policies = append(slices.Clone(role.Policies), doc)
	s.Roles[name] = role
}

// loose adds each policy of set that has no role to the role of the other set that grants most of its actions, else to
// a role of its own.
func (p *pairing) loose(set, other *AccessSet, reversed bool) {
	for _, name := range slices.Sorted(maps.Keys(set.Loose)) {
		doc := set.Loose[name]
		target, by := name, ""
		if _, same := other.Loose[name]; !same {
			target, by = other.closest(doc, name)
		}
		delete(set.Loose, name)
		set.addToRole(target, doc)
		p.add(name, target, reversed, by)
		if moved, isLoose := other.Loose[target]; isLoose {
			delete(other.Loose, target)
			other.addToRole(target, moved)
		}
	}
}

// closest returns the name of the role or policy that grants most of a policy's actions; otherwise if none grants any.
func (s *AccessSet) closest(doc iampolicy.Document, otherwise string) (name, by string) {
	wanted := actionNames([]iampolicy.Document{doc})
	best := 0
	consider := func(candidate string, docs []iampolicy.Document) {
		n := sharedActions(wanted, actionNames(docs))
		if n > best || n == best && n > 0 && candidate == otherwise {
			best, name = n, candidate
		}
	}
	for _, role := range slices.Sorted(maps.Keys(s.Roles)) {
		consider(role, s.Roles[role].Policies)
	}
	for _, policy := range slices.Sorted(maps.Keys(s.Loose)) {
		consider(policy, []iampolicy.Document{s.Loose[policy]})
	}
	if best == 0 {
		return otherwise, ""
	}
	return name, fmt.Sprintf("which grants %d of its %d actions", best, len(wanted))
}

// rest pairs the roles whose names only one set has by their actions, the most similar first.
func (p *pairing) rest(a, b *AccessSet) {
	type candidate struct {
		from, to string
		share    float64
		shared   int
	}
	var found []candidate
	for from, x := range a.Roles {
		if _, same := b.Roles[from]; same {
			continue
		}
		for to, y := range b.Roles {
			if _, same := a.Roles[to]; same {
				continue
			}
			mine, theirs := actionNames(x.Policies), actionNames(y.Policies)
			n := max(sharedActions(mine, theirs), sharedActions(theirs, mine))
			if smaller := min(len(mine), len(theirs)); smaller > 0 {
				if share := float64(n) / float64(smaller); share >= minSharedActions {
					found = append(found, candidate{from, to, share, n})
				}
			}
		}
	}
	slices.SortFunc(found, func(x, y candidate) int {
		return cmp.Or(cmp.Compare(y.shared, x.shared), cmp.Compare(y.share, x.share),
			strings.Compare(x.from+" "+x.to, y.from+" "+y.to))
	})
	for _, c := range found {
		role, left := a.Roles[c.from]
		_, taken := a.Roles[c.to]
		if !left || taken {
			continue
		}
		if _, paired := b.Roles[c.from]; paired {
			continue
		}
		delete(a.Roles, c.from)
		a.Roles[c.to] = role
		p.add(c.from, c.to, false, fmt.Sprintf("by %d actions of both", c.shared))
	}
}

// notes names the roles that both sets have but whose trust is known of one of them only.
func (p *pairing) notes(a, b *AccessSet) []string {
	var out []string
	for _, name := range unionKeys(a.Roles, b.Roles) {
		x, inA := a.Roles[name]
		y, inB := b.Roles[name]
		for _, s := range []struct {
			label   string
			unknown bool
		}{
			{a.Label, inA && x.trustUnknown && inB && !y.trustUnknown},
			{b.Label, inB && y.trustUnknown && inA && !x.trustUnknown},
		} {
			if s.unknown {
				out = append(out, fmt.Sprintf("%s has no trust policy of %s: who may assume it is not compared.", s.label, name))
			}
		}
	}
	return out
}

// sharedActions returns the number of actions, or patterns of actions, that others include.
func sharedActions(names, others []string) int {
	exact := map[string]bool{}
	var patterns []string
	for _, o := range others {
		exact[strings.ToLower(o)] = true
		if actions.IsPattern(o) {
			patterns = append(patterns, o)
		}
	}
	n := 0
	for _, name := range names {
		if exact[strings.ToLower(name)] ||
			slices.ContainsFunc(patterns, func(p string) bool { return p != "*" && actions.Match(p, name) }) {
			n++
		}
	}
	return n
}

// Add adds the access of another set.
func (s *AccessSet) Add(other *AccessSet) {
	for name, role := range other.Roles {
		if existing, ok := s.Roles[name]; ok {
			role = existing.merge(role)
		}
		s.Roles[name] = role
	}
	maps.Copy(s.Topics, other.Topics)
	maps.Copy(s.Rules, other.Rules)
	maps.Copy(s.Loose, other.Loose)
	s.NotCompared = slices.Concat(s.NotCompared, other.NotCompared)
	s.externalIDMasked = s.externalIDMasked || other.externalIDMasked
}

// MaskExternalID records that the external ID in the set is an example: its value is a parameter's, and unknown.
func (s *AccessSet) MaskExternalID() { s.externalIDMasked = true }
