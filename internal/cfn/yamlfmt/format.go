package yamlfmt

import (
	"bytes"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// maxFlow is the length up to which a list of scalars is written on one line, in
// characters.
const maxFlow = 110

// Parse parses a template, YAML or JSON, and returns its root. Functions have
// their long form: !Sub x is {Fn::Sub: x}. A template with anchors or aliases is
// an error.
func Parse(template []byte) (*yaml.Node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(escape(template), &doc); err != nil {
		return nil, fmt.Errorf("parse template: %w", err)
	}
	if doc.Kind != yaml.DocumentNode || doc.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("parse template: it is not a mapping")
	}
	root := doc.Content[0]
	if root.HeadComment == "" { // a comment before the first key belongs to the document
		root.HeadComment = doc.HeadComment
	}
	if err := expand(root); err != nil {
		return nil, fmt.Errorf("parse template: %w", err)
	}
	return root, nil
}

// Format writes a template as YAML. The result depends on the values, on their
// order and on the comments alone, not on the style in which they were parsed.
// A blank line precedes every section and every resource. Format modifies the
// nodes.
func Format(root *yaml.Node) ([]byte, error) {
	var out []byte
	restyleTemplate(root)
	if root.HeadComment != "" {
		out = append(out, root.HeadComment+"\n"...)
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, section := root.Content[i], root.Content[i+1]
		text, err := formatSection(key, section)
		if err != nil {
			return nil, fmt.Errorf("write section %s of the template: %w", key.Value, err)
		}
		if i > 0 && (section.Kind != yaml.ScalarNode || root.Content[i-1].Kind != yaml.ScalarNode) {
			out = append(out, '\n')
		}
		out = append(out, text...)
	}
	return out, nil
}

// formatSection writes one key of the root; resources have a blank line between
// them.
func formatSection(key, section *yaml.Node) ([]byte, error) {
	if key.Value != "Resources" || section.Kind != yaml.MappingNode {
		return encode(key, section)
	}
	var out []byte
	for i := 0; i+1 < len(section.Content); i += 2 {
		one := *section
		one.Content = section.Content[i : i+2]
		text, err := encode(key, &one)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			_, rest, _ := bytes.Cut(text, []byte(key.Value+":\n"))
			text = append([]byte("\n"), rest...)
		}
		out = append(out, text...)
	}
	return out, nil
}

func encode(key, value *yaml.Node) ([]byte, error) {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(&yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{key, value}}); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// restyleTemplate sets the style of every node.
func restyleTemplate(root *yaml.Node) {
	for i := 0; i+1 < len(root.Content); i += 2 {
		section := root.Content[i+1]
		abbreviate(section, shortForms(root.Content[i].Value))
		restyleNode(section)
		root.Content[i].Style = 0
	}
}

func restyleNode(n *yaml.Node) {
	for _, child := range n.Content {
		restyleNode(child)
	}
	tagged := n.Style & yaml.TaggedStyle
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Tag == "!!str" || tagged != 0 {
			n.Style = quoting(n.Value) | tagged
		}
	case yaml.SequenceNode, yaml.MappingNode:
		n.Style = tagged
		if len(n.Content) == 0 || fitsOneLine(n) {
			n.Style |= yaml.FlowStyle
		}
	}
}

// fitsOneLine reports whether a node is a short list without comments that holds
// scalars and, in the argument of a function, such lists.
func fitsOneLine(n *yaml.Node) bool {
	if n.Kind != yaml.SequenceNode {
		return false
	}
	for _, child := range n.Content {
		switch {
		case child.HeadComment+child.LineComment+child.FootComment != "":
			return false
		case child.Kind != yaml.ScalarNode && child.Style&yaml.FlowStyle == 0:
			return false
		case child.Kind == yaml.MappingNode:
			return false
		}
	}
	return flowLength(n) <= maxFlow
}

// flowLength returns about how many characters a node has on one line.
func flowLength(n *yaml.Node) int {
	length := len(n.Value) + len(", ")
	if n.Style&yaml.TaggedStyle != 0 {
		length += len(n.Tag) + 1
	}
	if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		length += len(`""`)
	}
	for _, child := range n.Content {
		length += flowLength(child)
	}
	return length
}
