package cfntemplate

import (
	"math"
	"strconv"
)

type kind uint8

const (
	scalar kind = iota // nil, bool, int64, float64 or string in value
	list
	object
	call // an intrinsic function: fn with its argument in items[0]
)

// node is one value of a template with its line. Objects keep the
// order in which their keys were written.
type node struct {
	kind   kind
	line   int
	value  any
	items  []*node
	keys   []string
	fields map[string]*node
	fn     string
}

func (n *node) get(key string) *node {
	if n == nil || n.kind != object {
		return nil
	}
	return n.fields[key]
}

// set adds a field. It reports false if the key exists.
func (n *node) set(key string, v *node) bool {
	if _, dup := n.fields[key]; dup {
		return false
	}
	if n.fields == nil {
		n.fields = map[string]*node{}
	}
	n.keys = append(n.keys, key)
	n.fields[key] = v
	return true
}

// plain returns the node as a value of the types of encoding/json, functions in their
// long form.
func (n *node) plain() any {
	if n == nil {
		return nil
	}
	switch n.kind {
	case list:
		out := make([]any, len(n.items))
		for i, item := range n.items {
			out[i] = item.plain()
		}
		return out
	case object:
		out := make(map[string]any, len(n.keys))
		for key, v := range n.fields {
			out[key] = v.plain()
		}
		return out
	case call:
		return map[string]any{n.fn: n.items[0].plain()}
	}
	return n.value
}

// str returns a scalar as text; ok is false for lists, objects, calls and null.
func (n *node) str() (s string, ok bool) {
	if n == nil || n.kind != scalar || n.value == nil {
		return "", false
	}
	return Text(n.value), true
}

// Text returns a scalar as CloudFormation writes it: true, 12, 1.5.
func Text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case int:
		return strconv.Itoa(v)
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1e15 {
			return strconv.FormatInt(int64(v), 10)
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return ""
}

// TextScalars returns a copy of a value in which every scalar is text, as parameters
// and the properties of custom resources have them. Nil remains nil.
func TextScalars(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = TextScalars(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = TextScalars(e)
		}
		return out
	case nil:
		return nil
	}
	return Text(v)
}
