package policies_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"permstack/internal/iampolicy/policytest"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// access is one line of testdata/access.txt: a role is allowed actions on some resources under some conditions, if the
// selection includes one of the uses.
type access struct {
	policytest.AccessLine
	profile, role string
	uses          []schema.Use
}

// accesses parses testdata/access.txt once.
var accesses = sync.OnceValues(func() ([]access, error) {
	data, err := os.ReadFile("testdata/access.txt")
	if err != nil {
		return nil, err
	}
	file, err := policytest.ParseAccessFile(string(data))
	if err != nil {
		return nil, fmt.Errorf("access.txt: %w", err)
	}
	var out []access
	for _, l := range file.Lines {
		a := access{AccessLine: l}
		if _, err := fmt.Sscanf(l.Section, "%s %s", &a.profile, &a.role); err != nil {
			return nil, fmt.Errorf("access.txt:%d: section %q: %w", l.Number, l.Section, err)
		}
		for _, c := range l.Choices {
			rest, option, _ := strings.Cut(c, "+")
			asset, operation, _ := strings.Cut(rest, "/")
			if asset == "*" {
				asset = ""
			}
			a.uses = append(
				a.uses,
				schema.Use{Asset: schema.Asset(asset), Operation: schema.Operation(operation), Option: schema.Option(option)},
			)
		}
		out = append(out, a)
	}
	return out, nil
})

// testChoice is a selection with its environment, and the values of the names that access.txt uses.
type testChoice struct {
	sel      policies.Selection
	env      policies.Environment
	accounts map[string]string
	regions  map[string]string
	roles    []string // that the choice makes; model fills them in
}

func newTestChoice(sel policies.Selection) testChoice {
	s := testChoice{sel: sel, env: environment(here)}
	if sel.Profile == "cpm" {
		s.env = cpmEnvironment(here)
		s.env.DataPlaneAccountID = dataPlane
	}
	s.accounts = map[string]string{"": "", "own": account, "vault": dataPlane, "control": control, "other": "*"}
	s.regions = map[string]string{"": "", "here": here, "every": "*", "home": here, "reach": here, "keys": here}
	if sel.Profile == "cpm" {
		if slices.Contains(sel.Options, "regions=every") {
			s.regions["home"], s.regions["reach"], s.regions["keys"] = "*", "*", "*"
		}
		if len(sel.Operations) == 0 || slices.Contains(sel.Operations, "dr") {
			s.regions["reach"], s.regions["keys"] = "*", "*"
		}
		for _, op := range []schema.Operation{"copy-to-s3", "archive", "s3-sync"} {
			if slices.Contains(sel.Operations, op) {
				s.regions["keys"] = "*"
			}
		}
	}
	return s
}

// chosen reports whether the selection includes one of the uses. Every setting that access.txt names is a default.
func (s testChoice) chosen(uses []schema.Use) bool {
	p, _ := policies.Profile(s.sel.Profile)
	option := func(o schema.Option) bool {
		if o == "" || slices.Contains(s.sel.Options, o) {
			return true
		}
		name, _, setting := strings.Cut(string(o), "=")
		return setting &&
			!slices.ContainsFunc(s.sel.Options, func(x schema.Option) bool { return strings.HasPrefix(string(x), name+"=") }) &&
			slices.ContainsFunc(p.Settings, func(x schema.Setting) bool { return x.Default == o })
	}
	return slices.ContainsFunc(uses, func(u schema.Use) bool {
		return (u.Asset == "" || slices.Contains(s.sel.Assets, u.Asset)) &&
			(u.Operation == "" || len(s.sel.Operations) == 0 || slices.Contains(s.sel.Operations, u.Operation)) &&
			option(u.Option)
	})
}

// literalStar replaces [*] in patterns, which matches a star, and a star in the resource of a request.
const literalStar = "\x01"

// pattern returns the ARN, with wildcards, that a resource of access.txt means in this choice.
func (s testChoice) pattern(resource string) string {
	const suffix = "-" + here + "-prod"
	begin := "Clumio*"
	if s.sel.Profile == "cpm" {
		begin = "CPM*"
	}
	role := "arn:aws:iam::" + account + ":role/permstack/" + here + "/prod/"
	switch resource {
	case "*":
		return resource
	case "@roles":
		if len(s.roles) == 1 {
			begin = s.roles[0]
		}
		return role + begin + suffix
	case "@policies":
		return "arn:aws:iam::" + account + ":policy/permstack/" + here + "/prod/" + begin + suffix
	case "@topics":
		return "arn:aws:sns:" + here + ":" + account + ":" + begin + suffix
	case "@rules":
		return "arn:aws:events:" + here + ":" + account + ":rule/" + begin + suffix
	case "@stacks":
		return "arn:aws:cloudformation:" + here + ":" + account + ":stack/parent-access/*"
	}
	if name, ok := strings.CutPrefix(resource, "@role:"); ok {
		return role + name + suffix
	}
	if name, ok := strings.CutPrefix(resource, "@policy:"); ok {
		return "arn:aws:iam::" + account + ":policy/permstack/" + here + "/prod/" + name + suffix
	}
	f := strings.SplitN(resource, ":", 4)
	if len(f) != 4 {
		panic("resource " + resource)
	}
	region, known := s.regions[f[1]]
	owner, alsoKnown := s.accounts[f[2]]
	if !known || !alsoKnown {
		panic("place of " + resource)
	}
	return "arn:aws:" + f[0] + ":" + region + ":" + owner + ":" + strings.ReplaceAll(f[3], "[*]", literalStar)
}

// rule is a line of access.txt with its patterns in a choice.
type rule struct {
	access
	patterns [][]string // parts of ARNs; nil means *
}

// model decides which requests access.txt allows in a choice.
type model struct {
	testChoice
	rules  []rule // the lines that are chosen
	others []rule // and those that are not
	byRole map[string][]*rule
	// byAction holds the rules of byRole about an action that allows was called for, by role and action.
	byAction map[[2]string][]*rule
}

func (s testChoice) model(lines []access) *model {
	s.roles = nil
	for _, a := range lines {
		if a.profile == s.sel.Profile && s.chosen(a.uses) && !slices.Contains(s.roles, a.role) {
			s.roles = append(s.roles, a.role)
		}
	}
	m := &model{testChoice: s, byRole: map[string][]*rule{}, byAction: map[[2]string][]*rule{}}
	for _, a := range lines {
		if a.profile != s.sel.Profile {
			continue
		}
		r := rule{access: a}
		for _, on := range a.Resources {
			p := strings.SplitN(s.pattern(on), ":", 6)
			if len(p) == 1 {
				p = nil
			}
			r.patterns = append(r.patterns, p)
		}
		if s.chosen(a.uses) {
			m.rules = append(m.rules, r)
		} else {
			m.others = append(m.others, r)
		}
	}
	for i := range m.rules {
		m.byRole[m.rules[i].role] = append(m.byRole[m.rules[i].role], &m.rules[i])
	}
	return m
}

// allows reports whether a line allows a request, and none denies it. A wildcard does not match beyond its part of an
// ARN.
func (m *model) allows(role, action, resource string, context map[string]string) bool {
	arn, key := strings.SplitN(resource, ":", 6), [2]string{role, action}
	rules, known := m.byAction[key]
	if !known {
		for _, r := range m.byRole[role] {
			if slices.ContainsFunc(r.Actions, func(p string) bool { return glob(p, action) }) {
				rules = append(rules, r)
			}
		}
		m.byAction[key] = rules
	}
	matches := func(deny bool) bool {
		return slices.ContainsFunc(rules, func(r *rule) bool {
			return r.Deny == deny &&
				slices.ContainsFunc(r.patterns, func(p []string) bool {
					return p == nil || len(arn) == 6 && slices.EqualFunc(p, arn, glob)
				}) &&
				!slices.ContainsFunc(r.Conditions, func(c policytest.AccessCondition) bool { return !m.passes(c, context) })
		})
	}
	return matches(false) && !matches(true)
}

func (s testChoice) passes(c policytest.AccessCondition, context map[string]string) bool {
	have, present := context[c.Key]
	if !present || c.Null {
		return !present && (c.ForAllValues || c.IfExists || c.Null)
	}
	return slices.ContainsFunc(c.Values, func(want string) bool {
		want = s.value(want)
		if c.IgnoreCase && strings.EqualFold(want, have) {
			return true
		}
		return want == "*" || want == have || c.ForAllValues && glob(want, have) ||
			(want == "true" || want == "false") && strings.EqualFold(want, have)
	})
}

// value returns what the value of a condition in access.txt means in this choice.
func (s testChoice) value(v string) string {
	if owner, ok := s.accounts[v]; ok && v != "" {
		return owner
	}
	if strings.Count(v, ":") >= 3 || strings.HasPrefix(v, "@") {
		return s.pattern(v)
	}
	return v
}

// glob reports whether a pattern matches a text: * matches any text, literalStar a star.
func glob(pattern, text string) bool {
	i := 0
	for i < len(pattern) && pattern[i] != '*' && pattern[i] != literalStar[0] {
		i++
	}
	switch {
	case i == len(pattern):
		return pattern == text
	case !strings.HasPrefix(text, pattern[:i]):
		return false
	}
	wildcard, after, text := pattern[i:i+1], pattern[i+1:], text[i:]
	switch {
	case wildcard == literalStar:
		return strings.HasPrefix(text, "*") && glob(after, text[1:])
	case after == "":
		return true
	}
	for i := range len(text) + 1 {
		if glob(after, text[i:]) {
			return true
		}
	}
	return false
}

func readAccesses(t testing.TB) []access {
	t.Helper()
	list, err := accesses()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// rightValue is a value that passes a condition.
func (s testChoice) rightValue(v string) string {
	if v = s.value(v); v == "*" {
		return "anything"
	}
	return strings.ReplaceAll(v, "*", "x1")
}

// wrongValues miss a value by one thing.
func wrongValues(v string) []string {
	misses := policytest.Misses(v)
	if misses == nil {
		misses = append(misses, "zz"+v)
		for _, text := range policytest.Text(v) {
			misses = append(misses, strings.ReplaceAll(text, "*", "zz"))
		}
	}
	return append(misses, strings.ToUpper(v), v+"x", strings.ReplaceAll(v, ":"+dataPlane+":", ":"+thirdParty+":"),
		strings.ReplaceAll(v, ":x1:"+dataPlane+":", ":"+here+":"+thirdParty+":"), // of any Region, this one
		"other", thirdParty, "")
}
