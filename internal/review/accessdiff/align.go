package accessdiff

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
)

// align returns both sets with the same names in their documents for what was paired: topics and event rules are
// paired too, roles have the path of the second set, and placeholders the value that the other set has in the same
// place.
func align(from, to *AccessSet, pairs []Pair) (a, b *AccessSet, all []Pair, notes []string) {
	from, topicPairs := pairTopics(from, to)
	from, rulePairs := pairRules(from, to)
	all = slices.Concat(pairs, topicPairs, rulePairs)
	names := map[string]string{}
	for _, p := range all {
		names[p.From] = p.To
	}
	paths := rolePaths(to)
	from = from.mapText(func(text string) string { return renameARN(text, names, paths) })
	a, notesA := fillPlaceholders(from, to)
	b, notesB := fillPlaceholders(to, a)
	return a, b, all, slices.Concat(notesA, notesB)
}

// namedARN is the ARN of a role, a policy, a topic or a rule, without pseudo parameters, before its name.
var namedARN = regexp.MustCompile(
	`^(arn:[^:]+:(?:iam:[^:]*:[^:]*:(?:role|policy)/|sns:[^:]*:[^:]*:|events:[^:]*:[^:]*:rule/))(.*)$`)

var hidePseudo = strings.NewReplacer(
	"${AWS::Partition}", "\x00p", "${AWS::Region}", "\x00r", "${AWS::AccountId}", "\x00a",
)

var showPseudo = strings.NewReplacer(
	"\x00p", "${AWS::Partition}", "\x00r", "${AWS::Region}", "\x00a", "${AWS::AccountId}",
)

// renameARN returns an ARN with the name that the other set has, and a role with the path that it has there.
func renameARN(text string, names, paths map[string]string) string {
	m := namedARN.FindStringSubmatch(hidePseudo.Replace(text))
	if m == nil {
		return text
	}
	name := m[2][strings.LastIndexByte(m[2], '/')+1:]
	path := strings.TrimSuffix(m[2], name)
	other, renamed := names[name]
	if !renamed {
		other = name
	}
	known, ok := paths[other]
	if strings.HasSuffix(m[1], ":policy/") {
		known, ok = paths["policy "+other]
	}
	switch {
	case ok && strings.Contains(m[1], ":iam:"):
		path = known
	case !renamed:
		return text
	}
	return showPseudo.Replace(m[1] + path + other)
}

// rolePaths returns the paths of the roles of a set, and of policies as "policy NAME", as its policies name them.
func rolePaths(s *AccessSet) map[string]string {
	out, all := map[string]string{}, map[string]bool{}
	s.mapText(func(text string) string {
		m := namedARN.FindStringSubmatch(hidePseudo.Replace(text))
		if m == nil || !strings.Contains(m[1], ":iam:") {
			return text
		}
		name := m[2][strings.LastIndexByte(m[2], '/')+1:]
		path := strings.TrimSuffix(m[2], name)
		if strings.HasSuffix(m[1], ":policy/") {
			out["policy "+name] = path
		} else {
			if _, known := s.Roles[name]; known {
				out[name] = path
			}
			if !strings.HasPrefix(path, "aws-service-role/") {
				all[path] = true
			}
		}
		return text
	})
	if len(all) == 1 { // the only path, also of roles that are named by patterns only
		for name := range s.Roles {
			for path := range all {
				out[name] = path
			}
		}
	}
	return out
}

// pairTopics pairs the only topic of each set.
func pairTopics(from, to *AccessSet) (*AccessSet, []Pair) {
	if len(from.Topics) != 1 || len(to.Topics) != 1 {
		return from, nil
	}
	name, other := slices.Sorted(maps.Keys(from.Topics))[0], slices.Sorted(maps.Keys(to.Topics))[0]
	if name == other {
		return from, nil
	}
	out := *from
	out.Topics = map[string]iampolicy.Document{other: from.Topics[name]}
	out.Rules = map[string]Rule{}
	for id, rule := range from.Rules {
		rule.Targets = slices.Clone(rule.Targets)
		for i, t := range rule.Targets {
			if t == name {
				rule.Targets[i] = other
			}
		}
		out.Rules[id] = rule
	}
	return &out, []Pair{{From: name, To: other, By: "the only topics"}}
}

// pairRules pairs rules of different names that send the same events, then those that send events of the same source
// and type.
func pairRules(from, to *AccessSet) (*AccessSet, []Pair) {
	out := *from
	out.Rules = maps.Clone(from.Rules)
	var pairs []Pair
	for _, by := range []struct {
		key  func(Rule) string
		what string
	}{
		{func(r Rule) string { return canonical(r.Pattern) }, "which have the same event pattern"},
		{eventTypes, "which have events of the same source and type"},
	} {
		for _, name := range slices.Sorted(maps.Keys(out.Rules)) {
			if _, same := to.Rules[name]; same {
				continue
			}
			key := by.key(out.Rules[name])
			var found []string
			for _, other := range slices.Sorted(maps.Keys(to.Rules)) {
				if _, taken := out.Rules[other]; !taken && by.key(to.Rules[other]) == key {
					found = append(found, other)
				}
			}
			if len(found) == 0 || len(found) > 1 && by.what != "which have the same event pattern" {
				continue
			}
			out.Rules[found[0]] = out.Rules[name]
			delete(out.Rules, name)
			pairs = append(pairs, Pair{From: name, To: found[0], By: by.what})
		}
	}
	return &out, pairs
}

// eventTypes returns the sources and types of the events of a rule.
func eventTypes(r Rule) string {
	pattern, _ := r.Pattern.(map[string]any)
	return canonical([]any{pattern["source"], pattern["detail-type"]})
}

// mapText returns the set with other resources, principals and values of conditions.
func (s *AccessSet) mapText(change func(string) string) *AccessSet {
	out := *s
	out.Roles, out.Topics = map[string]Role{}, map[string]iampolicy.Document{}
	documents := func(docs []iampolicy.Document) []iampolicy.Document {
		list := make([]iampolicy.Document, len(docs))
		for i, d := range docs {
			list[i] = mapDocument(change, d)
		}
		return list
	}
	for name, r := range s.Roles {
		r.Trust, r.Policies = documents(r.Trust), documents(r.Policies)
		out.Roles[name] = r
	}
	for name, d := range s.Topics {
		out.Topics[name] = mapDocument(change, d)
	}
	return &out
}

// placeholderText is a value that the customer sets.
var placeholderText = regexp.MustCompile(`<[^<>]+>`)

// fillPlaceholders replaces placeholders of a set that are part of who may assume a role, or of a resource, with the
// value that the other set has there. A placeholder that could have several values is not replaced.
func fillPlaceholders(s, other *AccessSet) (*AccessSet, []string) {
	values := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(s.Roles)) {
		theirs := principalTexts(other.Roles[name].Trust)
		for _, text := range principalTexts(s.Roles[name].Trust) {
			if strings.Contains(text, "<") {
				matchPlaceholders(text, theirs, values)
			}
		}
		ours := resourceTexts(other.Roles[name].Policies)
		for _, text := range resourceTexts(s.Roles[name].Policies) {
			if p := placeholderText.FindString(text); p != "" && p != text {
				matchPlaceholders(text, ours, values)
			}
		}
	}
	var list, notes []string
	for _, p := range slices.Sorted(maps.Keys(values)) {
		if values[p] == "" {
			continue
		}
		list = append(list, p, values[p])
		notes = append(notes, fmt.Sprintf("%s: %s is taken for %s of %s.", s.Label, p, values[p], other.Label))
	}
	if len(list) == 0 {
		return s, nil
	}
	return s.mapText(strings.NewReplacer(list...).Replace), notes
}

// principalTexts returns the principals of other accounts in trust policies.
func principalTexts(docs []iampolicy.Document) []string {
	var out []string
	for _, d := range docs {
		for _, st := range d.Statement {
			if st.Principal != nil {
				out = append(out, st.Principal.ByType["AWS"]...)
			}
		}
	}
	return out
}

// resourceTexts returns the resources in policies.
func resourceTexts(docs []iampolicy.Document) []string {
	var out []string
	for _, d := range docs {
		for _, st := range d.Statement {
			out = append(out, st.Resource...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// matchPlaceholders records the values of the placeholders in text, if exactly one of the others has the same form.
func matchPlaceholders(text string, others []string, values map[string]string) {
	var pattern strings.Builder
	names := placeholderText.FindAllString(text, -1)
	for i, part := range placeholderText.Split(text, -1) {
		if i > 0 && text == names[0] {
			pattern.WriteString("(.+)")
		} else if i > 0 {
			pattern.WriteString("([^:/*]+)")
		}
		pattern.WriteString(regexp.QuoteMeta(part))
	}
	form := regexp.MustCompile("^" + strings.ReplaceAll(pattern.String(), regexp.QuoteMeta("${AWS::Partition}"),
		`(?:aws[a-z-]*|\$\{AWS::Partition\})`) + "$")
	var found []string
	for _, other := range others {
		if m := form.FindStringSubmatch(other); m != nil && !strings.Contains(other, "<") {
			if found != nil {
				return
			}
			found = m[1:]
		}
	}
	for i, value := range found {
		if before, known := values[names[i]]; known && before != value {
			value = "" // it has several
		}
		values[names[i]] = value
	}
}
