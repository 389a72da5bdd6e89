package cloudformation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/fakeaws/protocol"
)

// props are evaluated properties. Numbers and booleans may be text, as in
// parameters.
type props map[string]any

func (p props) has(name string) bool { _, ok := p[name]; return ok }

func (p props) str(name string) string { return cfntemplate.Text(p[name]) }

func (p props) int(name string) (int, error) {
	if !p.has(name) {
		return 0, nil
	}
	n, err := strconv.Atoi(p.str(name))
	if err != nil {
		return 0, fmt.Errorf("Value of property %s must be of type Integer", name)
	}
	return n, nil
}

func (p props) bool(name string) bool { return p.str(name) == "true" }

// list returns the elements of a list as text.
func (p props) list(name string) []string {
	items, _ := p[name].([]any)
	out := make([]string, 0, len(items))
	for _, v := range items {
		out = append(out, cfntemplate.Text(v))
	}
	return out
}

// objects returns the objects of a list.
func (p props) objects(name string) []props {
	items, _ := p[name].([]any)
	var out []props
	for _, v := range items {
		if m, ok := v.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

func (p props) object(name string) props {
	m, _ := p[name].(map[string]any)
	return m
}

// json returns a property as a JSON document: an object, or text that contains
// one.
func (p props) json(name string) string {
	switch v := p[name].(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return marshal(v)
	}
}

// tags returns tags of either form: a list of Key and Value, or a map.
func (p props) tags(name string) []protocol.Tag {
	if m := p.object(name); m != nil {
		var out []protocol.Tag
		for _, k := range sortedKeys(m) {
			out = append(out, protocol.Tag{Key: k, Value: m.str(k)})
		}
		return out
	}
	var out []protocol.Tag
	for _, t := range p.objects(name) {
		out = append(out, protocol.Tag{Key: t.str("Key"), Value: t.str("Value")})
	}
	return out
}

// decode converts an object to an SDK struct whose fields are named like the
// properties.
func decode[T any](v any) (T, error) {
	var out T
	d := json.NewDecoder(bytes.NewReader([]byte(marshal(v))))
	d.DisallowUnknownFields()
	if err := d.Decode(&out); err != nil {
		return out, fmt.Errorf("Properties validation failed: %v", err)
	}
	return out, nil
}

// marshal writes JSON without escaping <, > and &.
func marshal(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // values of templates always encode
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

// normal returns a value in the form in which values are compared: scalars as
// text.
func normal(v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = normal(e)
		}
		return out
	case props:
		return normal(map[string]any(v))
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = normal(e)
		}
		return out
	case []string:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = e
		}
		return out
	}
	return cfntemplate.Text(v)
}

// parseJSON parses a document; text that is not JSON is returned as it is.
func parseJSON(text string) any {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return text
	}
	return v
}

// tagList returns tags in the form of a property.
func tagList(tags []protocol.Tag) []any {
	out := []any{}
	for _, t := range tags {
		out = append(out, map[string]any{"Key": t.Key, "Value": t.Value})
	}
	return out
}
