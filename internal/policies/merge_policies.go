package policies

import (
	"slices"
	"strings"
	"unicode"

	"permstack/internal/policies/schema"
)

// reduce fits the managed policies of a role into as many as IAM attaches to one
// (MaxManagedPoliciesRole, the default quota; an account's may be higher). Each
// policy of the vendor is complete and has its own name as long as they suffice,
// because vendors read policies back by name. Beyond that, statements that repeat
// others are left out first (withoutRepeated); then the two smallest documents
// become one, until the rest fits or no two fit into one document: the statements
// of the later are appended to the earlier, their Sids after the name of the policy
// that they belong to. Equal sizes are ordered as in the profile, so the same
// choice is always reduced the same way.
//
// A policy that a statement names, such as a permissions boundary, is kept as it is.
//
// What is left out of whole stays out: a second packing begins with it.
func (s synthesis) reduce(role schema.Role, whole, packed map[string][][]schema.Statement) {
	if countDocuments(role, packed) <= MaxManagedPoliciesRole {
		return
	}
	named := s.namedPolicies(whole)
	if !s.chosen.reduced[role.Entity] {
		s.chosen.reduced[role.Entity] = true
		s.leaveOut(role, s.withoutRepeated(role, whole, named), whole, packed)
	}
	documents := s.documents(role, packed)
	for count := len(documents); count > MaxManagedPoliciesRole; count-- {
		guest, host := -1, -1 // the smallest, and the next
		for i, d := range documents {
			switch {
			case len(d.statements) == 0 || named[d.entity]:
			case guest < 0 || d.size < documents[guest].size:
				guest, host = i, guest
			case host < 0 || d.size < documents[host].size:
				host = i
			}
		}
		if host < 0 {
			return
		}
		host, guest = min(host, guest), max(host, guest) // the later one is appended to the earlier one
		moved := documents[guest].renamed()
		size := documents[host].size + s.statementsSize(moved)
		if size > MaxManagedPolicy {
			return
		}
		documents[host].statements = slices.Concat(documents[host].statements, moved)
		documents[host].size = size
		documents[guest].statements = nil
	}
	for _, d := range documents {
		packed[d.entity] = nil
	}
	for _, d := range documents {
		if len(d.statements) > 0 {
			packed[d.entity] = append(packed[d.entity], d.statements)
		} else if len(packed[d.entity]) == 0 {
			delete(packed, d.entity)
		}
	}
}

// leaveOut replaces the statements of a role's policies by fewer ones.
func (s synthesis) leaveOut(
	role schema.Role, fewer map[string][]schema.Statement, whole, packed map[string][][]schema.Statement,
) {
	for _, p := range role.Policies {
		list, ok := fewer[p.Entity]
		switch {
		case !ok: // it is kept as it is
		case p.Kind == schema.Inline:
			s.chosen.inline[role.Entity+"/"+p.Entity] = list
		case len(list) == 0:
			delete(whole, p.Entity)
			delete(packed, p.Entity)
		default:
			whole[p.Entity] = [][]schema.Statement{list}
			packed[p.Entity] = s.pack(list)
		}
	}
}

// document is one managed policy of a role.
type document struct {
	entity     string
	statements []schema.Statement
	own        int // the first statements, which are the entity's own; others were merged into it
	size       int // in characters, as IAM counts
}

// documents lists the managed policies of a role, in the profile's order.
func (s synthesis) documents(role schema.Role, packed map[string][][]schema.Statement) []document {
	var out []document
	for _, p := range role.Policies {
		for _, part := range packed[p.Entity] {
			out = append(out, document{p.Entity, part, len(part), s.statementsSize(part) + emptyDocument - 1})
		}
	}
	return out
}

// countDocuments returns the number of documents without measuring them.
func countDocuments(role schema.Role, packed map[string][][]schema.Statement) int {
	n := 0
	for _, p := range role.Policies {
		n += len(packed[p.Entity])
	}
	return n
}

// statementsSize is the size of statements with a comma each; 0 if nothing that
// they name is selected.
func (s synthesis) statementsSize(list []schema.Statement) int {
	n := 0
	for _, st := range list {
		for _, written := range s.statements(st) {
			n += statementSize(written) + 1
		}
	}
	return n
}

// renamed are a document's statements with the name of their policy in the Sid.
func (d document) renamed() []schema.Statement {
	prefix := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, d.entity)
	out := slices.Clone(d.statements)
	for i := range d.own {
		out[i].Sid = prefix + out[i].Sid
	}
	return out
}

// namedPolicies are the policies that selected statements name by their entity;
// "*" if a statement names all of them.
func (s synthesis) namedPolicies(packed map[string][][]schema.Statement) map[string]bool {
	named := map[string]bool{}
	note := func(values []string) {
		for _, v := range values {
			if kind, entity, _ := reference(v); kind == "policies" {
				named[entity] = true
			}
		}
	}
	for _, parts := range packed {
		for _, part := range parts {
			for _, st := range part {
				note(st.Resources)
				for _, keys := range st.When {
					for _, values := range keys {
						note(values)
					}
				}
			}
		}
	}
	return named
}
