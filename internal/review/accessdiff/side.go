// Package accessdiff says what access comes and goes between two sets of
// permissions: two choices, two releases, two files, or what is deployed and
// what would be. It compares by what is allowed, never by text. It is pure.
package accessdiff

import (
	"encoding/json"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/policies"
	"permstack/internal/review/policyjson"
)

// AccessSet is what one of the two grants. Its roles, topics and rules go by the
// vendor's names, so that another connection or Region is no difference.
type AccessSet struct {
	Label  string
	Roles  map[string]Role
	Topics map[string]iampolicy.Document
	Rules  map[string]Rule
	// Ignored are the types of a template's resources that were not compared.
	Ignored []string
}

// Role is a role with all its policies.
type Role struct {
	Trust    []iampolicy.Document
	Policies []iampolicy.Document
	Boundary string
	Foreign  []string // ARNs of attached policies that the side does not hold
	why      map[string]string
}

// Rule is an event rule: what is sent to whom.
type Rule struct {
	Pattern any
	Targets []string
}

func newSide(label string) *AccessSet {
	return &AccessSet{Label: label, Roles: map[string]Role{}, Topics: map[string]iampolicy.Document{}, Rules: map[string]Rule{}}
}

// FromSet takes what was synthesized.
func FromSet(label string, set policies.Set) *AccessSet {
	s := newSide(label)
	var own names
	for _, r := range set.Roles {
		own.add(r.Name, r.Entity)
		role := Role{Trust: []iampolicy.Document{r.Trust}, Boundary: r.PermissionsBoundary, why: map[string]string{}}
		for _, p := range slices.Concat(r.Managed, r.Inline) {
			own.add(p.Name, p.Entity)
			role.Policies = append(role.Policies, p.Document)
			for i, st := range p.Document.Statement {
				for _, a := range st.Action {
					role.why[strings.ToLower(a)] = p.Grants[i].Why
				}
			}
		}
		s.Roles[r.Entity] = role
	}
	for _, t := range set.Topics {
		own.add(t.Name, t.Entity)
		s.Topics[t.Entity] = t.Policy
	}
	for _, r := range set.Rules {
		own.add(r.Name, r.Entity)
		rule := Rule{Pattern: r.Pattern}
		for _, t := range r.Targets {
			rule.Targets = append(rule.Targets, t.TopicEntity)
		}
		s.Rules[r.Entity] = rule
	}
	s.rename(own)
	return s
}

// ofReview takes policies as `synth --format policies` writes them.
func ofReview(label string, doc policyjson.Document) *AccessSet {
	s := newSide(label)
	var own names
	for _, r := range doc.Roles {
		own.add(r.Name, r.Entity)
		role := Role{Trust: []iampolicy.Document{r.Trust}}
		for _, p := range slices.Concat(r.ManagedPolicies, r.InlinePolicies) {
			own.add(p.Name, p.Entity)
			role.Policies = append(role.Policies, p.Document)
		}
		s.Roles[r.Entity] = role
	}
	for _, t := range doc.Topics {
		own.add(t.Name, t.Entity)
		s.Topics[t.Entity] = t.Policy
	}
	for _, r := range doc.Rules {
		entity := entityOf(r.Name)
		own.add(r.Name, entity)
		rule := Rule{Pattern: r.Pattern}
		for _, t := range r.Targets {
			rule.Targets = append(rule.Targets, own.ending(t))
		}
		s.Rules[entity] = rule
	}
	s.rename(own)
	return s
}

// entityOf cuts Region and connection off a name: <Entity>-<region>-<connection>.
func entityOf(name string) string {
	entity, _, _ := strings.Cut(name, "-")
	return entity
}

// lastOf is the name at the end of an ARN.
func lastOf(arn string) string { return arn[strings.LastIndexAny(arn, ":/")+1:] }

// names turns physical names into the vendor's.
type names struct{ pairs [][2]string }

// add takes a name <Entity>-<region>-<connection>. What stands behind the entity
// goes wherever it stands, too: in the pattern of several names.
func (n *names) add(physical, entity string) {
	if physical == "" || physical == entity {
		return
	}
	n.pairs = append(n.pairs, [2]string{physical, entity})
	if suffix, ok := strings.CutPrefix(physical, entity); ok && strings.Count(suffix, "-") > 1 {
		n.pairs = append(n.pairs, [2]string{suffix, ""})
	}
}

// ending is the vendor's name of what an ARN ends in.
func (n *names) ending(arn string) string {
	for _, p := range n.pairs {
		if strings.HasSuffix(arn, ":"+p[0]) {
			return p[1]
		}
	}
	return lastOf(arn)
}

// rename puts the vendor's names in place of physical ones, in every document.
func (s *AccessSet) rename(own names) {
	slices.SortStableFunc(own.pairs, func(a, b [2]string) int { return len(b[0]) - len(a[0]) })
	var list []string
	for _, p := range own.pairs {
		list = append(list, p[0], p[1])
	}
	put := strings.NewReplacer(list...)
	*s = *s.replaced(put)
}

// renamed is a copy of a document with other names in its values.
func renamed(put *strings.Replacer, d iampolicy.Document) iampolicy.Document {
	values := func(v iampolicy.Values) iampolicy.Values {
		if v == nil { // an element that is there and empty is not valid
			return nil
		}
		out := make(iampolicy.Values, len(v))
		for i, s := range v {
			out[i] = put.Replace(s)
		}
		return out
	}
	principal := func(p *iampolicy.Principal) *iampolicy.Principal {
		if p == nil || p.Everyone {
			return p
		}
		out := &iampolicy.Principal{ByType: map[string]iampolicy.Values{}}
		for kind, ids := range p.ByType {
			out.ByType[kind] = values(ids)
		}
		return out
	}
	out := iampolicy.Document{Version: d.Version, ID: d.ID, Statement: slices.Clone(d.Statement)}
	for i := range out.Statement {
		st := &out.Statement[i]
		st.Principal, st.NotPrincipal = principal(st.Principal), principal(st.NotPrincipal)
		st.Resource, st.NotResource = values(st.Resource), values(st.NotResource)
		if st.Condition == nil {
			continue
		}
		conditions := iampolicy.Conditions{}
		for operator, keys := range st.Condition {
			conditions[operator] = map[string]iampolicy.Values{}
			for key, v := range keys {
				conditions[operator][key] = values(v)
			}
		}
		st.Condition = conditions
	}
	return out
}

// canonical writes a value so that equal ones are equal texts. Lists in event
// patterns are sets.
func canonical(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	var plain any
	if json.Unmarshal(data, &plain) != nil {
		return ""
	}
	data, _ = json.Marshal(sortLists(plain))
	return string(data)
}

func sortLists(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = sortLists(v[k])
		}
	case []any:
		for i := range v {
			v[i] = sortLists(v[i])
		}
		slices.SortFunc(v, func(a, b any) int {
			x, _ := json.Marshal(a)
			y, _ := json.Marshal(b)
			return strings.Compare(string(x), string(y))
		})
	}
	return v
}
