package launch

import (
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"
)

// variable matches a variable in the text of Fn::Sub.
var variable = regexp.MustCompile(`\$\{([A-Za-z0-9]+)\}`)

// pruneTemplate removes the conditions, mappings and parameters that nothing in a template refers to, and the
// parameters' entries in the console's form.
func pruneTemplate(root *yaml.Node) {
	for {
		used := map[string]bool{}
		for _, section := range []string{"Conditions", "Resources", "Outputs"} {
			collectConditions(lookup(root, section), used)
		}
		if !keepUsed(lookup(root, "Conditions"), used) {
			break
		}
	}
	names, mappings := map[string]bool{}, map[string]bool{}
	for _, section := range []string{"Rules", "Conditions", "Resources", "Outputs"} {
		collectReferences(lookup(root, section), names, mappings)
	}
	keepUsed(lookup(root, "Mappings"), mappings)
	keepUsed(lookup(root, "Parameters"), names)
	pruneForm(lookup(root, "Metadata", interfaceKey), lookup(root, "Parameters"))
}

// keepUsed removes the entries of a mapping that are not used, and reports whether there were any.
func keepUsed(section *yaml.Node, used map[string]bool) bool {
	removed := false
	for i := 0; section != nil && i+1 < len(section.Content); {
		if used[section.Content[i].Value] {
			i += 2
			continue
		}
		section.Content = slices.Delete(section.Content, i, i+2)
		removed = true
	}
	return removed
}

func collectConditions(n *yaml.Node, used map[string]bool) {
	if n == nil {
		return
	}
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		switch value := n.Content[i+1]; {
		case n.Content[i].Value == "Condition" && value.Kind == yaml.ScalarNode:
			used[value.Value] = true
		case n.Content[i].Value == "Fn::If" && len(value.Content) > 0:
			used[value.Content[0].Value] = true
		}
	}
	for _, child := range n.Content {
		collectConditions(child, used)
	}
}

// collectReferences collects the names that Ref and Fn::Sub refer to, and the mappings that Fn::FindInMap reads.
func collectReferences(n *yaml.Node, names, mappings map[string]bool) {
	if n == nil {
		return
	}
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		value := n.Content[i+1]
		switch n.Content[i].Value {
		case "Ref":
			names[value.Value] = true
		case "Fn::FindInMap":
			if len(value.Content) > 0 {
				mappings[value.Content[0].Value] = true
			}
		case "Fn::Sub":
			text := value
			if value.Kind == yaml.SequenceNode {
				text = value.Content[0]
			}
			for _, m := range variable.FindAllStringSubmatch(text.Value, -1) {
				names[m[1]] = true
			}
		}
	}
	for _, child := range n.Content {
		collectReferences(child, names, mappings)
	}
}

// pruneForm removes the labels and the places in groups of parameters that do not exist, and empty groups.
func pruneForm(form, parameters *yaml.Node) {
	if labels := lookup(form, "ParameterLabels"); labels != nil {
		used := map[string]bool{}
		for i := 0; i+1 < len(parameters.Content); i += 2 {
			used[parameters.Content[i].Value] = true
		}
		keepUsed(labels, used)
	}
	groups := lookup(form, "ParameterGroups")
	if groups == nil {
		return
	}
	groups.Content = slices.DeleteFunc(groups.Content, func(group *yaml.Node) bool {
		names := lookup(group, "Parameters")
		names.Content = slices.DeleteFunc(names.Content, func(n *yaml.Node) bool { return index(parameters, n.Value) < 0 })
		return len(names.Content) == 0
	})
}
