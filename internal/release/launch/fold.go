package launch

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// folder evaluates what follows from the parameters of a template that have one value: conditions, the choices by
// Fn::If, values of mappings, and the resources, outputs and rules that such a condition excludes. What depends on
// another parameter is not modified.
type folder struct {
	constants map[string]*yaml.Node // values of parameters: strings and lists
	mappings  *yaml.Node
	// conditions are those that have one value, or are only the name of another, which CloudFormation refuses.
	conditions map[string]*yaml.Node
}

const noValue = "AWS::NoValue"

// foldTemplate evaluates a template for the values of some parameters. The parameters are not removed.
func foldTemplate(root *yaml.Node, constants map[string]*yaml.Node) {
	f := folder{constants: constants, mappings: lookup(root, "Mappings"), conditions: map[string]*yaml.Node{}}
	f.foldConditions(lookup(root, "Conditions"))
	f.foldRules(lookup(root, "Rules"))
	for _, section := range []string{"Resources", "Outputs"} {
		f.foldSection(lookup(root, section))
	}
	removeDependencies(lookup(root, "Resources"))
}

func (f *folder) foldConditions(conditions *yaml.Node) {
	if conditions == nil {
		return
	}
	for changed := true; changed; {
		changed = false
		for i := 0; i+1 < len(conditions.Content); i += 2 {
			name, value := conditions.Content[i].Value, f.fold(conditions.Content[i+1])
			conditions.Content[i+1] = value
			if isBool(value) || conditionName(value) != "" {
				f.conditions[name] = value
				conditions.Content = slices.Delete(conditions.Content, i, i+2)
				changed = true
				break
			}
		}
	}
}

// foldRules removes the rules of other choices, and the assertions that always hold.
func (f *folder) foldRules(rules *yaml.Node) {
	for i := 0; rules != nil && i+1 < len(rules.Content); {
		rule := rules.Content[i+1]
		if condition := lookup(rule, "RuleCondition"); condition != nil {
			condition = f.fold(condition)
			set(rule, "RuleCondition", condition)
			if isBool(condition) {
				remove(rule, "RuleCondition")
				if condition.Value == "false" {
					rules.Content = slices.Delete(rules.Content, i, i+2)
					continue
				}
			}
		}
		assertions := lookup(rule, "Assertions")
		assertions.Content = slices.DeleteFunc(assertions.Content, func(a *yaml.Node) bool {
			assert := f.fold(lookup(a, "Assert"))
			set(a, "Assert", assert)
			return isBool(assert) && assert.Value == "true"
		})
		if len(assertions.Content) == 0 {
			rules.Content = slices.Delete(rules.Content, i, i+2)
			continue
		}
		i += 2
	}
}

// foldSection evaluates resources or outputs.
func (f *folder) foldSection(section *yaml.Node) {
	for i := 0; section != nil && i+1 < len(section.Content); {
		item := section.Content[i+1]
		if condition := lookup(item, "Condition"); condition != nil {
			switch value := f.condition(condition.Value); {
			case isBool(value) && value.Value == "false":
				section.Content = slices.Delete(section.Content, i, i+2)
				continue
			case isBool(value):
				remove(item, "Condition")
			case value != nil:
				condition.Value = conditionName(value)
			}
		}
		section.Content[i+1] = f.fold(item)
		i += 2
	}
}

// removeDependencies removes dependencies on resources that do not exist.
func removeDependencies(resources *yaml.Node) {
	for i := 0; resources != nil && i+1 < len(resources.Content); i += 2 {
		if list := lookup(resources.Content[i+1], "DependsOn"); list != nil && list.Kind == yaml.SequenceNode {
			list.Content = slices.DeleteFunc(list.Content, func(n *yaml.Node) bool { return index(resources, n.Value) < 0 })
		}
	}
}

// condition returns what a condition is: true, false, the reference of another condition, or nil if it depends on
// parameters.
func (f *folder) condition(name string) *yaml.Node {
	value := f.conditions[name]
	if next := conditionName(value); next != "" {
		if deeper := f.condition(next); deeper != nil {
			return deeper
		}
	}
	return value
}

// fold returns the evaluated node.
func (f *folder) fold(n *yaml.Node) *yaml.Node {
	switch n.Kind {
	case yaml.SequenceNode:
		f.foldItems(n)
		n.Content = slices.DeleteFunc(n.Content, isNoValue)
	case yaml.MappingNode:
		if len(n.Content) == 2 {
			if value := f.call(n, n.Content[0].Value, n.Content[1]); value != nil {
				return value
			}
		}
		for i := 0; i+1 < len(n.Content); {
			if n.Content[i+1] = f.fold(n.Content[i+1]); isNoValue(n.Content[i+1]) {
				n.Content = slices.Delete(n.Content, i, i+2)
				continue
			}
			if n.Content[i].Value == "Resource" {
				removeEqual(n.Content[i+1])
			}
			i += 2
		}
	}
	return n
}

// foldItems evaluates the items of a list, which keeps its length: arguments of a function.
func (f *folder) foldItems(n *yaml.Node) {
	for i, item := range n.Content {
		n.Content[i] = f.fold(item)
	}
}

// call returns the evaluated call of a function, or nil for what is none.
func (f *folder) call(n *yaml.Node, function string, argument *yaml.Node) *yaml.Node {
	switch function {
	case "Ref":
		if value := f.constants[argument.Value]; value != nil {
			return clone(value)
		}
		return n
	case "Condition":
		if argument.Kind != yaml.ScalarNode {
			return nil
		}
		if value := f.condition(argument.Value); value != nil {
			return clone(value)
		}
		return n
	case "Fn::If":
		return f.choice(n, argument)
	case "Fn::Sub":
		return f.sub(n, argument)
	case "Fn::FindInMap":
		f.foldItems(argument)
		if isConstant(argument) {
			if value := lookup(f.mappings, texts(argument)...); value != nil {
				return clone(value)
			}
		}
		return n
	case "Fn::Equals":
		f.foldItems(argument)
		if isConstant(argument) {
			return boolean(argument.Content[0].Value == argument.Content[1].Value)
		}
		return n
	case "Fn::Not":
		f.foldItems(argument)
		if isBool(argument.Content[0]) {
			return boolean(argument.Content[0].Value == "false")
		}
		return n
	case "Fn::And", "Fn::Or":
		return f.combination(n, function, argument)
	case "Fn::Contains", "Fn::EachMemberEquals":
		return f.list(n, function, argument)
	}
	return nil
}

func (f *folder) choice(n, argument *yaml.Node) *yaml.Node {
	name := argument.Content[0]
	value := f.condition(name.Value)
	if isBool(value) {
		chosen := argument.Content[1]
		if value.Value == "false" {
			chosen = argument.Content[2]
		}
		return f.fold(chosen)
	}
	if value != nil {
		name.Value = conditionName(value)
	}
	f.foldItems(argument)
	if isNoValue(argument.Content[1]) && isNoValue(argument.Content[2]) {
		return argument.Content[1]
	}
	return n
}

// combination returns Fn::And or Fn::Or without what decides nothing.
func (f *folder) combination(n *yaml.Node, function string, argument *yaml.Node) *yaml.Node {
	f.foldItems(argument)
	decides := boolean(function == "Fn::Or")
	for _, item := range argument.Content {
		if isBool(item) && item.Value == decides.Value {
			return decides
		}
	}
	argument.Content = slices.DeleteFunc(argument.Content, isBool)
	switch len(argument.Content) {
	case 0:
		return boolean(function == "Fn::And")
	case 1:
		return argument.Content[0]
	}
	return n
}

// list returns Fn::Contains or Fn::EachMemberEquals without the members that decide nothing.
func (f *folder) list(n *yaml.Node, function string, argument *yaml.Node) *yaml.Node {
	f.foldItems(argument)
	members, want := argument.Content[0], argument.Content[1]
	if members.Kind != yaml.SequenceNode || want.Kind != yaml.ScalarNode {
		return n
	}
	contains := function == "Fn::Contains"
	for _, m := range members.Content {
		if m.Kind == yaml.ScalarNode && (m.Value == want.Value) == contains {
			return boolean(contains)
		}
	}
	members.Content = slices.DeleteFunc(members.Content, func(m *yaml.Node) bool { return m.Kind == yaml.ScalarNode })
	if len(members.Content) == 0 {
		return boolean(!contains)
	}
	return n
}

// sub writes constants into the text of Fn::Sub.
func (f *folder) sub(n, argument *yaml.Node) *yaml.Node {
	text := argument
	if argument.Kind == yaml.SequenceNode {
		text = argument.Content[0]
		variables := f.fold(argument.Content[1])
		for i := 0; i+1 < len(variables.Content); {
			if variables.Content[i+1].Kind != yaml.ScalarNode {
				i += 2
				continue
			}
			text.Value = strings.ReplaceAll(text.Value, "${"+variables.Content[i].Value+"}", variables.Content[i+1].Value)
			variables.Content = slices.Delete(variables.Content, i, i+2)
		}
		if len(variables.Content) == 0 {
			n.Content[1] = text
		}
	}
	for name, value := range f.constants {
		if value.Kind == yaml.ScalarNode {
			text.Value = strings.ReplaceAll(text.Value, "${"+name+"}", value.Value)
		}
	}
	if n.Content[1] == text && !strings.Contains(text.Value, "${") {
		return scalar(text.Value)
	}
	return n
}
