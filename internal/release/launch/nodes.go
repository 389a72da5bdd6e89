package launch

import (
	"fmt"

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
