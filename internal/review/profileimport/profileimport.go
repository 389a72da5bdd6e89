// Package profileimport writes a vendor profile to start from, of the access in a vendor's files. Reasons are empty,
// and what a profile cannot express is listed: `permstack profile lint` then reports everything that is to be decided.
package profileimport

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/reference"
	"permstack/internal/review/accessdiff"
)

// The form of a profile file, as far as an import writes it. docs/add-a-profile.md describes it.
type profileForm struct {
	Profile    string      `yaml:"profile"`
	Vendor     string      `yaml:"vendor"`
	Assets     []assetForm `yaml:"assets"`
	Operations []string    `yaml:"operations,flow"`
	Inputs     []inputForm `yaml:"inputs,omitempty"`
	Roles      []roleForm  `yaml:"roles"`
	Topics     []topicForm `yaml:"topics,omitempty"`
	Rules      []ruleForm  `yaml:"rules,omitempty"`
}

type assetForm struct {
	Asset string `yaml:"asset"`
	Title string `yaml:"title"`
}

type inputForm struct {
	Input   string `yaml:"input"`
	Missing string `yaml:"missing,omitempty"`
}

type roleForm struct {
	Role     string       `yaml:"role"`
	Why      string       `yaml:"why"`
	Trust    []trustForm  `yaml:"trust,omitempty"`
	Policies []policyForm `yaml:"policies,omitempty"`
}

type principalForm struct {
	AWS     string `yaml:"aws,omitempty"`
	Service string `yaml:"service,omitempty"`
}

type conditionsForm map[string]map[string][]string

type trustForm struct {
	Sid       string                    `yaml:"sid"`
	Why       string                    `yaml:"why"`
	Principal principalForm             `yaml:"principal,flow"`
	When      conditionsForm            `yaml:"when,omitempty"`
	WhenGiven map[string]conditionsForm `yaml:"whenGiven,omitempty"`
}

type policyForm struct {
	Policy     string          `yaml:"policy"`
	Kind       string          `yaml:"kind"`
	Why        string          `yaml:"why"`
	Statements []statementForm `yaml:"statements"`
}

type useForm struct {
	Assets []string `yaml:"assets,flow"`
}

type statementForm struct {
	Sid         string         `yaml:"sid"`
	Why         string         `yaml:"why"`
	For         *useForm       `yaml:"for,omitempty,flow"`
	Effect      string         `yaml:"effect,omitempty"`
	Actions     []string       `yaml:"actions"`
	Resources   []string       `yaml:"resources"`
	When        conditionsForm `yaml:"when,omitempty"`
	WhyWildcard string         `yaml:"whyWildcard,omitempty"`
}

type topicForm struct {
	Topic      string               `yaml:"topic"`
	Policy     string               `yaml:"policy"`
	Why        string               `yaml:"why"`
	Statements []topicStatementForm `yaml:"statements"`
}

type topicStatementForm struct {
	Sid       string         `yaml:"sid"`
	Why       string         `yaml:"why"`
	Actions   []string       `yaml:"actions"`
	Principal principalForm  `yaml:"principal,flow"`
	When      conditionsForm `yaml:"when,omitempty"`
}

type ruleForm struct {
	Rule    string `yaml:"rule"`
	Why     string `yaml:"why"`
	Topic   string `yaml:"topic"`
	Pattern any    `yaml:"pattern"`
}

// Options are the names that the files do not contain.
type Options struct {
	Profile string // lower-case letters, digits and "-"
	Vendor  string // as customers read it
	Source  string // what was imported
}

// Result is a profile file, and what of the access it does not express.
type Result struct {
	YAML []byte
	Left []string
}

// Write returns a profile that grants the access of a set.
func Write(set *accessdiff.AccessSet, o Options) (Result, error) {
	w := &writer{set: set, names: map[string]string{}, used: map[string]bool{}, inputs: map[string]string{}}
	form := profileForm{Profile: o.Profile, Vendor: o.Vendor, Operations: []string{"backup"}}
	w.assets(&form)
	for _, name := range slices.Sorted(maps.Keys(set.Roles)) {
		w.entity(name)
	}
	for _, name := range slices.Sorted(maps.Keys(set.Topics)) {
		w.entity(name)
	}
	for _, name := range bySize(set.Roles) {
		form.Roles = append(form.Roles, w.role(name, set.Roles[name]))
	}
	slices.SortStableFunc(form.Roles, func(a, b roleForm) int { return cmp.Compare(b.fromVendor(), a.fromVendor()) })
	if role := w.looseRole(); len(role.Policies) > 0 {
		form.Roles = append(form.Roles, role)
	}
	w.topicsAndRules(&form)
	for _, input := range slices.Sorted(maps.Keys(w.inputs)) {
		form.Inputs = append(form.Inputs, inputForm{Input: input, Missing: w.inputs[input]})
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "# yaml-language-server: $schema=profile.schema.json\n#\n# Imported from %s.\n"+
		"# Every empty why is to be filled in; then check the file with 'permstack profile lint'.\n", o.Source)
	for _, left := range w.left {
		fmt.Fprintf(&out, "# Not imported: %s.\n", strings.Join(strings.Fields(left), " "))
	}
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(form); err != nil {
		return Result{}, fmt.Errorf("write profile %s: %w", o.Profile, err)
	}
	return Result{YAML: out.Bytes(), Left: w.left}, nil
}

type writer struct {
	set      *accessdiff.AccessSet
	services map[string]bool   // that are assets
	names    map[string]string // names in the profile by names in the set
	used     map[string]bool
	inputs   map[string]string // messages by input
	control  string            // the principal that is ControlPlaneRole
	support  string            // the principal that is SupportControlPlaneRole
	left     []string
}

func (w *writer) leave(format string, args ...any) {
	w.left = append(w.left, fmt.Sprintf(format, args...))
}

// helpers are services that a vendor uses for every asset.
var helpers = []string{
	"account", "ce", "cloudformation", "cloudtrail", "cloudwatch", "ebs", "events", "iam", "kms", "logs", "organizations",
	"pricing", "ram", "resource-groups", "secretsmanager", "servicequotas", "sns", "sqs", "ssm", "ssmmessages", "sts",
	"tag", "ec2messages", "kinesis",
}

// assets makes every service of the actions an asset, without those that serve others.
func (w *writer) assets(form *profileForm) {
	w.services = map[string]bool{}
	visit := func(d iampolicy.Document) {
		for _, st := range d.Statement {
			for _, a := range st.Action {
				service, _, found := strings.Cut(strings.ToLower(a), ":")
				if found && !slices.Contains(helpers, service) && assetName.MatchString(service) {
					w.services[service] = true
				}
			}
		}
	}
	for _, role := range w.set.Roles {
		for _, d := range role.Policies {
			visit(d)
		}
	}
	for _, d := range w.set.Loose {
		visit(d)
	}
	if len(w.services) == 0 {
		w.services["account"] = true
	}
	for _, service := range slices.Sorted(maps.Keys(w.services)) {
		form.Assets = append(form.Assets, assetForm{Asset: service, Title: strings.ToUpper(service)})
	}
}

var (
	assetName       = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	notAlphanumeric = regexp.MustCompile(`[^A-Za-z0-9]+`)
)

// camelCase returns a name of letters and digits.
func camelCase(name string) string {
	var out strings.Builder
	for _, word := range notAlphanumeric.Split(name, -1) {
		if word != "" {
			out.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return out.String()
}

// unique returns a name that has no other use.
func (w *writer) unique(name string) string {
	out := name
	for i := 2; w.used[out]; i++ {
		out = fmt.Sprint(name, i)
	}
	w.used[out] = true
	return out
}

// entity returns the name of a role or topic in the profile.
func (w *writer) entity(name string) string {
	if w.names[name] == "" {
		w.names[name] = w.unique(cmp.Or(camelCase(name), "Role"))
	}
	return w.names[name]
}

// role returns a role with one managed policy, which is split by size when it is synthesized.
func (w *writer) role(name string, r accessdiff.Role) roleForm {
	out := roleForm{Role: w.entity(name)}
	for _, d := range r.Trust {
		for _, st := range d.Statement {
			out.Trust = append(out.Trust, w.trust(out.Role, st)...)
		}
	}
	policy := policyForm{Policy: w.unique(strings.TrimSuffix(out.Role, "Role") + "Policy"), Kind: "managed"}
	for _, d := range r.Policies {
		policy.Statements = append(policy.Statements, w.statements(out.Role, d)...)
	}
	if len(policy.Statements) > 0 {
		out.Policies = []policyForm{policy}
	}
	for _, arn := range r.ExternalPolicies {
		w.leave("the policy %s attached to %s, which the files do not contain", arn, out.Role)
	}
	if r.Boundary != "" {
		w.leave("the permissions boundary %s of %s", r.Boundary, out.Role)
	}
	return out
}

// bySize returns the names of roles, that of the role with the most statements first. The principal of that one is the
// vendor's control plane.
func bySize(roles map[string]accessdiff.Role) []string {
	size := func(name string) (n int) {
		for _, d := range roles[name].Policies {
			n += len(d.Statement)
		}
		return n
	}
	names := slices.Sorted(maps.Keys(roles))
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(size(b), size(a)) })
	return names
}

// fromVendor returns 1 for a role that the vendor assumes, which is the first in a profile.
func (r roleForm) fromVendor() int {
	if slices.ContainsFunc(r.Trust, func(t trustForm) bool { return t.Principal.AWS == "${ControlPlaneRole}" }) {
		return 1
	}
	return 0
}

// looseRole returns a role with the policies that belong to no role.
func (w *writer) looseRole() roleForm {
	var out roleForm
	for _, name := range slices.Sorted(maps.Keys(w.set.Loose)) {
		if out.Role == "" {
			out.Role = w.unique(strings.TrimSuffix(camelCase(name), "Policy") + "Role")
		}
		policy := policyForm{Policy: w.unique(cmp.Or(camelCase(name), "Policy")), Kind: "managed"}
		policy.Statements = w.statements(out.Role, w.set.Loose[name])
		if len(policy.Statements) > 0 {
			out.Policies = append(out.Policies, policy)
		}
	}
	return out
}

// statements returns the statements of a document.
func (w *writer) statements(role string, d iampolicy.Document) []statementForm {
	var out []statementForm
	for _, st := range d.Statement {
		if len(st.NotAction) > 0 || len(st.NotResource) > 0 {
			w.leave("a statement of %s with NotAction or NotResource, %s", role, cmp.Or(st.Sid, "without a Sid"))
			continue
		}
		s := statementForm{
			Sid: w.unique(cmp.Or(camelCase(st.Sid), role+"Statement")), For: w.use(st.Action),
			Actions: slices.Compact(slices.Sorted(slices.Values(st.Action))), When: w.conditions(st.Condition),
		}
		if st.Effect == "Deny" {
			s.Effect = "Deny"
		}
		for _, r := range st.Resource {
			s.Resources = append(s.Resources, w.variables(r))
		}
		slices.Sort(s.Resources)
		s.Resources = slices.Compact(s.Resources)
		if slices.Contains(s.Resources, "*") && s.Effect == "" {
			s.Resources = []string{"*"}
			if !slices.ContainsFunc(s.Actions, hasResourceTypes) {
				s.WhyWildcard = "no-resource-level"
			}
		}
		out = append(out, s)
	}
	return out
}

func hasResourceTypes(action string) bool {
	list := reference.Matching(action)
	return len(list) == 0 || slices.ContainsFunc(list, func(a reference.Action) bool { return len(a.Resources) > 0 })
}

// use returns the asset of actions of one service only.
func (w *writer) use(actions []string) *useForm {
	var assets []string
	for _, a := range actions {
		service, _, _ := strings.Cut(strings.ToLower(a), ":")
		if !w.services[service] {
			return nil
		}
		if !slices.Contains(assets, service) {
			assets = append(assets, service)
		}
	}
	slices.Sort(assets)
	return &useForm{Assets: assets}
}
