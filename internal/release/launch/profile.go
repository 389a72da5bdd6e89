package launch

import (
	"fmt"
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
	if err := a.rules(); err != nil {
		return err
	}
	return a.ceiling()
}

// rules writes the rules of the template's profiles: a question that was added is not one of the other profiles.
func (a *profileAdder) rules() error {
	rules, err := require(a.root, "Rules")
	if err != nil {
		return err
	}
	builtIn, err := templateProfiles(a.root, a.profile.Name)
	if err != nil {
		return err
	}
	for _, p := range append(builtIn, a.profile) {
		rule, err := parameterRule(a.root, p)
		if err != nil {
			return err
		}
		set(rules, ruleName(p), rule)
	}
	return nil
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
	entry, err := profileNames(a.profile)
	if err != nil {
		return err
	}
	set(profiles, a.profile.Name, entry)
	return nil
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
