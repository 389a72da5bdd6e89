package yamlfmt

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// valueFunctions are the functions of values that every reader of templates knows
// by their YAML tag, conditionFunctions those of conditions.
var (
	valueFunctions = []string{
		"Fn::Base64", "Fn::FindInMap", "Fn::GetAZs", "Fn::GetAtt", "Fn::If", "Fn::ImportValue", "Fn::Join", "Fn::Select",
		"Fn::Split", "Fn::Sub", "Ref",
	}
	conditionFunctions = []string{"Fn::And", "Fn::Equals", "Fn::Not", "Fn::Or"}
)

// shortForms returns the functions that are written as tags in a section of the
// template. In rules and conditions their functions have the long form: the CDK's
// CfnInclude drops a tag that it does not know (!Contains, !EachMemberIn,
// !EachMemberEquals, …) and keeps the argument, so the template that it writes is
// another one.
func shortForms(section string) []string {
	if section == "Rules" || section == "Conditions" {
		return valueFunctions
	}
	return slices.Concat(valueFunctions, conditionFunctions)
}

// expand replaces every tag of a function by its long form: !Sub x by
// {Fn::Sub: x}, and !GetAtt a.b by {Fn::GetAtt: [a, b]}.
func expand(n *yaml.Node) error {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return fmt.Errorf("line %d: anchors and aliases are not supported", n.Line)
	}
	for _, child := range n.Content {
		if err := expand(child); err != nil {
			return err
		}
	}
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 && n.Content[0].Value == "Fn::GetAtt" {
		splitAttribute(n.Content[1])
	}
	if !strings.HasPrefix(n.Tag, "!") || strings.HasPrefix(n.Tag, "!!") {
		return nil
	}
	name := strings.TrimPrefix(n.Tag, "!")
	if name != "Ref" && name != "Condition" {
		name = "Fn::" + name
	}
	argument := *n
	argument.Style &^= yaml.TaggedStyle
	argument.HeadComment, argument.LineComment, argument.FootComment = "", "", ""
	switch n.Kind {
	case yaml.ScalarNode:
		argument.Tag = "!!str"
	case yaml.SequenceNode:
		argument.Tag = "!!seq"
	case yaml.MappingNode:
		argument.Tag = "!!map"
	}
	if name == "Fn::GetAtt" {
		splitAttribute(&argument)
	}
	*n = yaml.Node{
		Kind: yaml.MappingNode, Tag: "!!map", Line: n.Line, Content: []*yaml.Node{text(name), &argument},
		HeadComment: n.HeadComment, LineComment: n.LineComment, FootComment: n.FootComment,
	}
	return nil
}

// splitAttribute turns the scalar argument of Fn::GetAtt into a list. An
// attribute may contain dots, a logical id may not.
func splitAttribute(n *yaml.Node) {
	if id, attribute, ok := strings.Cut(n.Value, "."); ok && n.Kind == yaml.ScalarNode {
		*n = yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: n.Line, Content: []*yaml.Node{text(id), text(attribute)}}
	}
}

func text(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }

// abbreviate writes functions as tags. A node has one tag at most,
// so a function whose argument is a tagged node keeps its long form.
func abbreviate(n *yaml.Node, functions []string) {
	for _, child := range n.Content {
		abbreviate(child, functions)
	}
	if n.Kind != yaml.MappingNode || len(n.Content) != 2 || !slices.Contains(functions, n.Content[0].Value) {
		return
	}
	name, argument := strings.TrimPrefix(n.Content[0].Value, "Fn::"), n.Content[1]
	if argument.Style&yaml.TaggedStyle != 0 || argument.HeadComment != "" || n.Content[0].HeadComment != "" {
		return
	}
	if name == "GetAtt" && argument.Kind == yaml.SequenceNode && len(argument.Content) == 2 &&
		argument.Content[0].Tag == "!!str" && argument.Content[1].Tag == "!!str" {
		argument = text(argument.Content[0].Value + "." + argument.Content[1].Value)
	}
	head, line, foot := n.HeadComment, n.LineComment, n.FootComment
	*n = *argument
	n.Tag = "!" + name
	if n.Kind == yaml.ScalarNode {
		n.Style = quoting(n.Value)
	}
	n.Style |= yaml.TaggedStyle
	n.HeadComment, n.FootComment = head, foot
	n.LineComment = line + n.LineComment
}
