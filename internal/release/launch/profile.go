package launch

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"permstack/internal/cfn/yamlfmt"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// AddProfile returns template.yaml with a profile that it does not have, which becomes the default: the value of
// Profile, a question for each asset, the operations and settings, and the names that the roles of the installation may
// create. The result is a template that Stack and StackSet take.
func AddProfile(template []byte, p schema.Profile) ([]byte, error) {
	root, err := yamlfmt.Parse(template)
	if err == nil {
		a := profileAdder{root: root, profile: p}
		err = a.add()
	}
	if err != nil {
		return nil, fmt.Errorf("add profile %s to the template: %w", p.Name, err)
	}
	return format("template.yaml", root)
}

type profileAdder struct {
	root    *yaml.Node
	profile schema.Profile
}

func (a *profileAdder) add() error {
	if err := a.names(); err != nil {
		return err
	}
	parameters, err := require(a.root, "Parameters")
	if err != nil {
		return err
	}
	questions, err := a.assets(parameters)
	if err != nil {
		return err
	}
	if err := a.selectAssets(questions); err != nil {
		return err
	}
	if err := allowValue(parameters, "Profile", a.profile.Name); err != nil {
		return err
	}
	set(lookup(parameters, "Profile"), "Default", scalar(a.profile.Name))
	for _, preset := range a.profile.Presets {
		if err := allowValue(parameters, "Preset", preset.Name); err != nil {
			return err
		}
	}
	var operations []string
	for _, o := range a.profile.Operations {
		operations = append(operations, string(o))
	}
	if err := setDefault(parameters, "Operations", strings.Join(operations, ",")); err != nil {
		return err
	}
	return a.options(parameters)
}

// names adds the entry of the mapping Profiles.
func (a *profileAdder) names() error {
	profiles, err := require(a.root, "Mappings", "Profiles")
	if err != nil {
		return err
	}
	if index(profiles, a.profile.Name) >= 0 {
		return fmt.Errorf("the template has a profile of that name")
	}
	prefix := policies.NamePrefix(a.profile)
	if len(prefix) < policies.MinNamePrefix {
		return fmt.Errorf("the names of its roles, policies, topics and rules begin with %q: want at least %d common "+
			"characters, which limit what the installation may create", prefix, policies.MinNamePrefix)
	}
	for i := 0; i+1 < len(profiles.Content); i += 2 {
		other := lookup(profiles.Content[i+1], "Prefix")
		if other != nil && (strings.HasPrefix(prefix, other.Value) || strings.HasPrefix(other.Value, prefix)) {
			return fmt.Errorf("its names begin with %s, as those of profile %s", prefix, profiles.Content[i].Value)
		}
	}
	role, ok := policies.InstanceRole(a.profile)
	if !ok {
		return fmt.Errorf("more than one role has an instance profile")
	}
	if role == "" {
		role = "none" // a name that the stack role cannot create
	}
	events, err := eventNames(a.profile)
	if err != nil {
		return err
	}
	set(profiles, a.profile.Name, mapping(append([]field{
		{"Prefix", scalar(prefix)},
		{"InstanceRole", scalar(role)},
		{"SendsEvents", scalar(yesNo(len(a.profile.Topics) > 0))},
	}, events...)...))
	return nil
}

// maxRules is how many event rules template.yaml has entries for.
const maxRules = 18

// eventNames returns the names of the profile's topic and event rules, which the stack role may create. An entry
// without one is "none", a name that no profile has.
func eventNames(p schema.Profile) ([]field, error) {
	topics, rules := map[string]bool{}, map[string]bool{}
	for _, t := range p.Topics {
		topics[t.Entity] = true
	}
	for _, r := range p.Rules {
		rules[r.Entity] = true
	}
	if len(topics) > 1 || len(rules) > maxRules {
		return nil, fmt.Errorf("it has %d topics and %d event rules; the template has names for one topic and %d rules",
			len(topics), len(rules), maxRules)
	}
	names := append(slices.Sorted(maps.Keys(topics)), "none")
	out := []field{{"Topic", scalar(names[0])}}
	names = slices.Sorted(maps.Keys(rules))
	for i := range maxRules {
		name := "none"
		if i < len(names) {
			name = names[i]
		}
		out = append(out, field{fmt.Sprintf("Rule%d", i+1), scalar(name)})
	}
	return out, nil
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// assets makes the profile's assets the defaults, and adds a question for each that the template does not have. It
// returns the added questions by asset.
func (a *profileAdder) assets(parameters *yaml.Node) (map[schema.Asset]string, error) {
	existing := map[string]string{} // asset without hyphens → question
	for i := 0; i+1 < len(parameters.Content); i += 2 {
		if asset, ok := strings.CutPrefix(parameters.Content[i].Value, "Protect"); ok {
			existing[strings.ToLower(asset)] = parameters.Content[i].Value
			if err := setDefault(parameters, parameters.Content[i].Value, "no"); err != nil {
				return nil, err
			}
		}
	}
	added := map[schema.Asset]string{}
	for _, asset := range a.profile.Assets {
		key := strings.ReplaceAll(string(asset.Asset), "-", "")
		name, ok := existing[key]
		if !ok {
			name = "Protect" + strings.ToUpper(key)
			added[asset.Asset] = name
			set(parameters, name, mapping(
				field{"Type", scalar("String")},
				field{"Default", scalar("no")},
				field{"AllowedValues", sequence(scalar("yes"), scalar("no"))},
				field{"Description", scalar("Access for " + a.profile.Vendor + ": " + asset.Title + ".")},
			))
		}
		if err := setDefault(parameters, name, "yes"); err != nil {
			return nil, err
		}
	}
	return added, nil
}

// selectAssets passes the added questions to the custom resource and shows them in the console.
func (a *profileAdder) selectAssets(questions map[schema.Asset]string) error {
	if len(questions) == 0 {
		return nil
	}
	conditions, err := require(a.root, "Conditions")
	if err != nil {
		return err
	}
	list, err := require(a.root, "Resources", "PermissionStack", "Properties", "Assets", "Fn::If")
	if err != nil {
		return err
	}
	if len(list.Content) != 3 || list.Content[2].Kind != yaml.SequenceNode {
		return fmt.Errorf("the property Assets of PermissionStack has another form than the generator expects")
	}
	labels, err := require(a.root, "Metadata", interfaceKey, "ParameterLabels")
	if err != nil {
		return err
	}
	group, err := parameterGroup(a.root, "ProtectEC2")
	if err != nil {
		return err
	}
	for _, asset := range a.profile.Assets {
		name, ok := questions[asset.Asset]
		if !ok {
			continue
		}
		condition := strings.TrimPrefix(name, "Protect")
		if index(conditions, condition) >= 0 {
			return fmt.Errorf("asset %s: the template has a condition %s", asset.Asset, condition)
		}
		set(conditions, condition, call("Fn::Equals", sequence(call("Ref", scalar(name)), scalar("yes"))))
		list.Content[2].Content = append(list.Content[2].Content, call("Fn::If",
			sequence(scalar(condition), scalar(string(asset.Asset)), call("Ref", scalar("AWS::NoValue")))))
		set(labels, name, mapping(field{"default", scalar("Protect " + asset.Title + "?")}))
		group.Content = append(group.Content, scalar(name))
	}
	return a.requireOneAsset(questions)
}

// requireOneAsset extends the rule that some asset is selected.
func (a *profileAdder) requireOneAsset(questions map[schema.Asset]string) error {
	assertions, err := require(a.root, "Rules", "AssetSelected", "Assertions")
	if err != nil {
		return err
	}
	if len(assertions.Content) > 0 {
		if or := lookup(assertions.Content[0], "Assert", "Fn::Or"); or != nil {
			refs := sequence()
			for _, asset := range a.profile.Assets {
				if name, ok := questions[asset.Asset]; ok {
					refs.Content = append(refs.Content, call("Ref", scalar(name)))
				}
			}
			or.Content = append(or.Content, call("Fn::Contains", sequence(refs, scalar("yes"))))
			return nil
		}
	}
	return fmt.Errorf("the rule AssetSelected has another form than the generator expects")
}

// options extends the pattern of the parameter Options by the profile's options and values of settings.
func (a *profileAdder) options(parameters *yaml.Node) error {
	var values []string
	for _, o := range a.profile.Options {
		values = append(values, string(o.Option))
	}
	for _, s := range a.profile.Settings {
		for _, v := range s.Values {
			values = append(values, string(v.Option))
		}
	}
	if len(values) == 0 {
		return nil
	}
	pattern, err := require(parameters, "Options", "AllowedPattern")
	if err != nil {
		return err
	}
	body, found := strings.CutSuffix(pattern.Value, ")?$")
	if !found || !strings.HasPrefix(body, "^(") {
		return fmt.Errorf("AllowedPattern of Options has another form than the generator expects")
	}
	for _, v := range values {
		body += "|" + strings.ReplaceAll(v, ".", "[.]")
	}
	pattern.Value = body + ")?$"
	return nil
}

// parameterGroup returns the list of parameters in the console's group that has one.
func parameterGroup(root *yaml.Node, parameter string) (*yaml.Node, error) {
	groups, err := require(root, "Metadata", interfaceKey, "ParameterGroups")
	if err != nil {
		return nil, err
	}
	for _, g := range groups.Content {
		names := lookup(g, "Parameters")
		if names != nil && slices.ContainsFunc(names.Content, func(n *yaml.Node) bool { return n.Value == parameter }) {
			return names, nil
		}
	}
	return nil, fmt.Errorf("no parameter group has %s", parameter)
}

func allowValue(parameters *yaml.Node, name, value string) error {
	values, err := require(parameters, name, "AllowedValues")
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(values.Content, func(n *yaml.Node) bool { return n.Value == value }) {
		values.Content = append(values.Content, scalar(value))
	}
	return nil
}

func setDefault(parameters *yaml.Node, name, value string) error {
	p, err := require(parameters, name)
	if err != nil {
		return err
	}
	set(p, "Default", scalar(value))
	return nil
}
