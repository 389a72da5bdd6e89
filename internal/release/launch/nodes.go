package launch

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// lookup returns the value at a path of keys in nested mappings, or nil.
func lookup(n *yaml.Node, path ...string) *yaml.Node {
	for _, key := range path {
		i := index(n, key)
		if i < 0 {
			return nil
		}
		n = n.Content[i+1]
	}
	return n
}

// require is lookup with an error that names the missing path.
func require(n *yaml.Node, path ...string) (*yaml.Node, error) {
	if found := lookup(n, path...); found != nil {
		return found, nil
	}
	return nil, fmt.Errorf("the template has no %v", path)
}

// index returns the index of a key in the content of a mapping, or -1.
func index(n *yaml.Node, key string) int {
	if n == nil || n.Kind != yaml.MappingNode {
		return -1
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return i
		}
	}
	return -1
}

// set replaces the value of a key, or appends the key.
func set(n *yaml.Node, key string, value *yaml.Node) {
	if i := index(n, key); i >= 0 {
		n.Content[i+1] = value
		return
	}
	n.Content = append(n.Content, scalar(key), value)
}

// remove removes a key and its value.
func remove(n *yaml.Node, key string) {
	if i := index(n, key); i >= 0 {
		n.Content = append(n.Content[:i], n.Content[i+2:]...)
	}
}

func scalar(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}

func sequence(items ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: items}
}

// field is a key of a mapping with its value.
type field struct {
	key   string
	value *yaml.Node
}

func mapping(fields ...field) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for _, f := range fields {
		n.Content = append(n.Content, scalar(f.key), f.value)
	}
	return n
}

// call returns a function call in its long form.
func call(function string, argument *yaml.Node) *yaml.Node { return mapping(field{function, argument}) }

// clone returns a copy of a node without its comments.
func clone(n *yaml.Node) *yaml.Node {
	out := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Value: n.Value, Style: n.Style}
	for _, child := range n.Content {
		out.Content = append(out.Content, clone(child))
	}
	return out
}

// sameNodes reports whether two nodes have the same values.
func sameNodes(a, b *yaml.Node) bool {
	return a.Kind == b.Kind && a.Value == b.Value && slices.EqualFunc(a.Content, b.Content, sameNodes)
}

// removeEqual removes the items of a list that are in it before.
func removeEqual(list *yaml.Node) {
	if list.Kind != yaml.SequenceNode {
		return
	}
	var out []*yaml.Node
	for _, item := range list.Content {
		if !slices.ContainsFunc(out, func(other *yaml.Node) bool { return sameNodes(item, other) }) {
			out = append(out, item)
		}
	}
	list.Content = out
}

// replaceNodes replaces every node below n that has the values of another.
func replaceNodes(n, old, with *yaml.Node) {
	for i, child := range n.Content {
		if sameNodes(child, old) {
			n.Content[i] = clone(with)
			continue
		}
		replaceNodes(child, old, with)
	}
}

func boolean(b bool) *yaml.Node {
	value := "false"
	if b {
		value = "true"
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: value}
}

func isBool(n *yaml.Node) bool { return n != nil && n.Kind == yaml.ScalarNode && n.Tag == "!!bool" }

// isConstant reports whether all items of a list are scalars.
func isConstant(list *yaml.Node) bool {
	return !slices.ContainsFunc(list.Content, func(n *yaml.Node) bool { return n.Kind != yaml.ScalarNode })
}

// texts returns the values of a list of scalars.
func texts(list *yaml.Node) []string {
	var out []string
	for _, n := range list.Content {
		out = append(out, n.Value)
	}
	return out
}

// isNoValue reports whether a node is the reference to AWS::NoValue.
func isNoValue(n *yaml.Node) bool {
	value := lookup(n, "Ref")
	return value != nil && value.Value == noValue
}

// conditionName returns the name of the condition that a node refers to, "" if it is no such reference.
func conditionName(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.MappingNode || len(n.Content) != 2 || n.Content[0].Value != "Condition" {
		return ""
	}
	return n.Content[1].Value
}

// conditionReference returns the reference of a condition in another.
func conditionReference(name string) *yaml.Node { return call("Condition", scalar(name)) }
