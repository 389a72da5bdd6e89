package yamlfmt

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// FromJSON turns JSON into YAML.
func FromJSON(data []byte) ([]byte, error) { return FromJSONWithReasons(data, nil) }

// FromJSONWithReasons turns JSON into YAML, with a comment above each statement of a policy document that has a reason.
// reasons returns the reasons of a document's statements, by the Sids of these, or nil.
func FromJSONWithReasons(data []byte, reasons func(sids []string) []string) ([]byte, error) {
	var doc yaml.Node // JSON is YAML, and a node keeps the order of its keys
	if err := yaml.Unmarshal(escape(data), &doc); err != nil {
		return nil, fmt.Errorf("read template as JSON: %w", err)
	}
	restyle(&doc)
	if reasons != nil {
		comment(&doc, reasons)
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(&doc); err != nil {
		return nil, fmt.Errorf("write template as YAML: %w", err)
	}
	return b.Bytes(), nil
}

// escape writes as \uXXXX what JSON accepts unescaped and YAML's reader does not,
// or takes for the end of a line: C1 controls, DEL, line separators, byte order
// marks, noncharacters. They occur within strings only.
func escape(data []byte) []byte {
	special := func(r rune) bool {
		return r == utf8.RuneError || r >= 0x7f && r <= 0x9f || r == 0x2028 || r == 0x2029 || r == 0xfeff ||
			r >= 0xfffe && r <= 0xffff
	}
	if bytes.IndexFunc(data, special) < 0 {
		return data
	}
	var b bytes.Buffer
	for _, r := range string(data) {
		if special(r) {
			fmt.Fprintf(&b, "\\u%04x", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.Bytes()
}

// plain matches strings that every YAML reader takes for strings.
var plain = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9_./-]*(:+[A-Za-z0-9_./*-]+)*( [A-Za-z0-9_.,/()-]+)*$`)

func restyle(n *yaml.Node) {
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 && short(n) {
		return
	}
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Tag == "!!str" {
			n.Style = quoting(n.Value)
		}
	case yaml.SequenceNode, yaml.MappingNode:
		n.Style = 0
		if len(n.Content) == 0 {
			n.Style = yaml.FlowStyle
		}
	}
	for _, child := range n.Content {
		restyle(child)
	}
}

// short turns {"Ref": x}, {"Fn::Sub": x} and {"Fn::GetAtt": [a, b]} into their tags.
func short(n *yaml.Node) bool {
	name, value := n.Content[0].Value, n.Content[1]
	switch {
	case name == "Ref" && value.Kind == yaml.ScalarNode:
		*n = yaml.Node{Kind: yaml.ScalarNode, Tag: "!Ref", Value: value.Value, Style: quoting(value.Value)}
	case name == "Fn::Sub" && value.Kind == yaml.ScalarNode:
		*n = yaml.Node{Kind: yaml.ScalarNode, Tag: "!Sub", Value: value.Value, Style: yaml.DoubleQuotedStyle}
	case name == "Fn::GetAtt" && value.Kind == yaml.SequenceNode && len(value.Content) == 2:
		name := value.Content[0].Value + "." + value.Content[1].Value
		*n = yaml.Node{Kind: yaml.ScalarNode, Tag: "!GetAtt", Value: name, Style: quoting(name)}
	default:
		return false
	}
	n.Style |= yaml.TaggedStyle
	return true
}

func quoting(s string) yaml.Style {
	if !plain.MatchString(s) {
		return yaml.DoubleQuotedStyle
	}
	switch strings.ToLower(s) { // booleans and null of YAML 1.1
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return yaml.DoubleQuotedStyle
	}
	return 0
}
