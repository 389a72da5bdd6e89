package launch

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"permstack/internal/policies/schema"
	"permstack/internal/release/launchlink"
)

// Paths of template.yaml where a question about an asset is named.
var (
	interfacePath = []string{"Metadata", "AWS::CloudFormation::Interface"}
	assetList     = []string{"Resources", "PermissionStack", "Properties", "Assets"}
)

// checkAssets returns an error that names every place of template.yaml which an asset of the profiles lacks, with the
// text to add.
func checkAssets(root *yaml.Node, profiles []schema.Profile) error {
	parameters, err := require(root, "Parameters")
	if err != nil {
		return err
	}
	var missing []error
	checked := map[schema.Asset]bool{}
	for _, p := range profiles {
		for _, a := range p.Assets {
			if checked[a.Asset] {
				continue
			}
			checked[a.Asset] = true
			r := ruleGenerator{profile: p, questions: questions(parameters)}
			for _, place := range missingPlaces(root, a, r.question(string(a.Asset), true)) {
				missing = append(missing, fmt.Errorf("the asset %s of %s: %s", a.Asset, p.Name, place))
			}
		}
	}
	return errors.Join(missing...)
}

// missingPlaces returns what is to be added to template.yaml for an asset that this parameter selects, "" if none does.
func missingPlaces(root *yaml.Node, asset schema.AssetInfo, parameter string) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if parameter == "" {
		parameter = "Protect" + launchlink.Identifier(string(asset.Asset))
		add(`no parameter selects it: add %s to Parameters, with "AllowedValues: ["yes", "no"]" (the capital letters `+
			`are free)`, parameter)
	}
	groups := 0
	if list := lookup(root, append(interfacePath, "ParameterGroups")...); list != nil {
		for _, group := range list.Content {
			if names := lookup(group, "Parameters"); names != nil && slices.Contains(texts(names), parameter) {
				groups++
			}
		}
	}
	if groups != 1 {
		add("%d groups have its parameter, want one: add %s to one of ParameterGroups", groups, parameter)
	}
	if lookup(root, append(interfacePath, "ParameterLabels", parameter)...) == nil {
		add(`no label: add "%s: {default: "Protect %s?"}" to ParameterLabels`, parameter, asset.Title)
	}
	if rule := lookup(root, "Rules", "AssetSelected"); rule == nil || !refersTo(rule, parameter) {
		add("it is not enough for a launch: add !Ref %s to the rule AssetSelected", parameter)
	}
	condition := strings.TrimPrefix(parameter, "Protect")
	if conditions := lookup(root, "Conditions"); conditions != nil {
		found := false
		for i := 0; i+1 < len(conditions.Content) && !found; i += 2 {
			if found = sameNodes(conditions.Content[i+1], equals(parameter, "yes")); found {
				condition = conditions.Content[i].Value
			}
		}
		if !found {
			add(`no condition: add "%s: {Fn::Equals: [!Ref %s, "yes"]}" to Conditions`, condition, parameter)
		}
	}
	if assetConditions(root)[asset.Asset] != condition {
		add(`it does not reach the function: add "!If [%s, %s, !Ref AWS::NoValue]" to Assets of PermissionStack`,
			condition, asset.Asset)
	}
	return out
}

// refersTo reports whether a node or one below it is the reference to a parameter.
func refersTo(n *yaml.Node, parameter string) bool {
	return sameNodes(n, ref(parameter)) ||
		slices.ContainsFunc(n.Content, func(child *yaml.Node) bool { return refersTo(child, parameter) })
}
