// Package accessdiff compares the access that two sets of permissions grant: those
// of two choices, releases or files, or of a deployed stack and a choice. It
// compares what is allowed, not the text. It is pure.
package accessdiff

import (
	"encoding/json"
	"slices"
	"strings"

	"permstack/internal/awsapi/region"
	"permstack/internal/iampolicy"
	"permstack/internal/policies"
	"permstack/internal/review/policyjson"
)

// AccessSet is the access that one of the two grants. Its roles, topics and rules
// have the vendor's names, so that another connection or Region is no difference.
type AccessSet struct {
	Label  string
	Roles  map[string]Role
	Topics map[string]iampolicy.Document
	Rules  map[string]Rule
	// NotCompared are the types of a template's resources that Compare does not read.
	NotCompared []string
	// Loose are policies that no role of the set has, by name. Compare adds each to the role of the other set that
	// grants most of its actions.
	Loose map[string]iampolicy.Document
	// As maps names of roles and policies of this set to names of the other one, for Compare.
	As map[string]string

	externalIDMasked bool // the value of the external ID is a parameter's, and unknown
}

// Role is a role with all its policies.
type Role struct {
	Trust            []iampolicy.Document
	Policies         []iampolicy.Document
	Boundary         string
	ExternalPolicies []string // ARNs of attached policies that the set does not contain

	trustUnknown bool              // the set does not contain who may assume the role
	why          map[string]string // reasons, by action in lower case
}

// Rule is an event rule: its event pattern and the topics that it sends to.
type Rule struct {
	Pattern any
	Targets []string
}

func newAccessSet(label string) *AccessSet {
	return &AccessSet{
		Label: label, Roles: map[string]Role{}, Topics: map[string]iampolicy.Document{}, Rules: map[string]Rule{},
		Loose: map[string]iampolicy.Document{},
	}
}

// FromSet returns the access of a synthesized set.
func FromSet(label string, set policies.Set) *AccessSet {
	s := newAccessSet(label)
	var own renames
	for _, r := range set.Roles {
		own.add(r.Name, r.Entity)
		own.addPath(r.Path)
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

// fromPolicyJSON returns the access of a document of `synth --format policies`.
func fromPolicyJSON(label string, doc policyjson.Document) *AccessSet {
	s := newAccessSet(label)
	var own renames
	for _, r := range doc.Roles {
		own.add(r.Name, r.Entity)
		own.addPath(r.Path)
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
		entity := entityName(r.Name)
		own.add(r.Name, entity)
		rule := Rule{Pattern: r.Pattern}
		for _, t := range r.Targets {
			rule.Targets = append(rule.Targets, own.topicName(t))
		}
		s.Rules[entity] = rule
	}
	s.rename(own)
	return s
}

// entityName returns the vendor's name in <Entity>-<region>-<connection>.
func entityName(name string) string {
	entity, _, _ := strings.Cut(name, "-")
	return entity
}

// lastField returns the name at the end of an ARN.
func lastField(arn string) string { return arn[strings.LastIndexAny(arn, ":/")+1:] }

// renames maps names in the account to the vendor's names.
type renames struct{ pairs [][2]string }

// add adds a name <Entity>-<region>-<connection>. The suffix behind the entity is
// removed everywhere, also in patterns that match several names.
func (n *renames) add(physical, entity string) {
	if physical == "" || physical == entity {
		return
	}
	n.pairs = append(n.pairs, [2]string{physical, entity})
	if suffix, ok := strings.CutPrefix(physical, entity); ok && strings.Count(suffix, "-") > 1 {
		n.pairs = append(n.pairs, [2]string{suffix, ""})
	}
}

// addPath adds the IAM path <path><region>/<connection>/ of a role. The Region and the connection are removed
// everywhere.
func (n *renames) addPath(path string) {
	parts := strings.Split(path, "/")
	if len(parts) > 3 && (parts[len(parts)-3] == "${AWS::Region}" || region.IsKnown(parts[len(parts)-3])) {
		n.pairs = append(n.pairs, [2]string{path, strings.Join(parts[:len(parts)-3], "/") + "/"})
	}
}

// topicName returns the vendor's name of the topic of an ARN.
func (n *renames) topicName(arn string) string {
	for _, p := range n.pairs {
		if strings.HasSuffix(arn, ":"+p[0]) {
			return p[1]
		}
	}
	return lastField(arn)
}

// rename replaces the names in the account with the vendor's, in every document. Suffixes and paths are replaced
// everywhere, names only where they are a name: that of a role may be the name of a service too.
func (s *AccessSet) rename(own renames) {
	slices.SortFunc(own.pairs, func(a, b [2]string) int { return strings.Compare(a[0]+a[1], b[0]+b[1]) })
	own.pairs = slices.Compact(own.pairs)
	slices.SortStableFunc(own.pairs, func(a, b [2]string) int { return len(b[0]) - len(a[0]) })
	var list []string
	names := map[string]string{}
	for _, p := range own.pairs {
		if isPartOfNames(p[0]) {
			list = append(list, p[0], p[1])
		} else if name := hidePseudo.Replace(p[0]); names[name] == "" {
			names[name] = p[1]
		}
	}
	parts := strings.NewReplacer(list...)
	*s = *s.replace(func(text string) string { return renameWhole(parts.Replace(renameWhole(text, names)), names) })
}

// isPartOfNames reports whether a text to replace is a suffix of names, or a path.
func isPartOfNames(text string) bool {
	return strings.HasPrefix(text, "-") || strings.HasPrefix(text, "/")
}

// renameWhole replaces a text that is a name, and the name at the end of an ARN of IAM, SNS or EventBridge, also before
// the wildcards of a pattern. The names have no pseudo parameters, see hidePseudo.
func renameWhole(text string, names map[string]string) string {
	short := hidePseudo.Replace(text)
	if other, ok := names[short]; ok {
		return other
	}
	if !strings.Contains(short, ":iam:") && !strings.Contains(short, ":sns:") && !strings.Contains(short, ":events:") {
		return text
	}
	at := strings.LastIndexAny(short, "/:") + 1
	name := strings.TrimRight(short[at:], "*?")
	if other, ok := names[name]; ok {
		return showPseudo.Replace(short[:at]) + other + short[at+len(name):]
	}
	return text
}

// replaceInDocument returns a copy of a document with replaced values.
func replaceInDocument(replacer *strings.Replacer, d iampolicy.Document) iampolicy.Document {
	return mapDocument(replacer.Replace, d)
}

// mapDocument returns a copy of a document with other resources, principals and values of conditions.
func mapDocument(change func(string) string, d iampolicy.Document) iampolicy.Document {
	values := func(v iampolicy.Values) iampolicy.Values {
		if v == nil { // an element that is present and empty is not valid
			return nil
		}
		out := make(iampolicy.Values, len(v))
		for i, s := range v {
			out[i] = change(s)
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

// canonical returns a value as JSON that is equal for equal values. The order of
// lists in event patterns has no meaning.
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
