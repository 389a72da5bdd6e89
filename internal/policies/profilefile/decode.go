package profilefile

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"permstack/internal/iampolicy/spelling"
)

// Position is a place in a file; lines and columns begin at 1.
type Position struct {
	File      string
	Line, Col int
}

func (p Position) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col) }

// Problem is one thing that is wrong in a profile, at the place where it is.
type Problem struct {
	Position
	Message string
}

func (p Problem) String() string { return p.Position.String() + ": " + p.Message }

// Error lists everything that is wrong in a profile.
type Error struct{ Problems []Problem }

func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// decoder writes yaml nodes into Go values. Unlike yaml.v3's own it reports
// every problem rather than the first, each with line and column, and refuses
// unknown keys at any depth.
type decoder struct {
	file     string
	problems []Problem
}

func (d *decoder) at(n *yaml.Node) Position { return Position{d.file, n.Line, n.Column} }

func (d *decoder) add(n *yaml.Node, format string, args ...any) {
	d.problems = append(d.problems, Problem{d.at(n), fmt.Sprintf(format, args...)})
}

// nodeDecoder is implemented by types that accept several forms.
type nodeDecoder interface {
	decodeNode(d *decoder, n *yaml.Node)
}

// keyed is implemented by values of mappings that need the position of their key.
type keyed interface{ setKey(Position) }

// decode writes a node into a value, whose type bounds how deeply the document is nested.
func (d *decoder) decode(n *yaml.Node, v reflect.Value) {
	if n.Kind == yaml.AliasNode {
		d.add(n, "aliases are not supported: use the definitions under resources and conditions")
		return
	}
	if own, ok := v.Addr().Interface().(nodeDecoder); ok {
		own.decodeNode(d, n)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, v)
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode { // one element may be written without a list
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			d.decode(n, v.Index(0))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
		for i, item := range n.Content {
			d.decode(item, v.Index(i))
		}
	case reflect.Map:
		d.mapping(n, v)
	case reflect.String:
		if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
			d.add(n, "want text, have %s", kindName(n))
			return
		}
		v.SetString(n.Value)
	case reflect.Bool:
		var b bool
		if n.Tag != "!!bool" || n.Decode(&b) != nil {
			d.add(n, "want true or false, have %s", kindName(n))
			return
		}
		v.SetBool(b)
	case reflect.Interface:
		var value any
		if err := n.Decode(&value); err != nil {
			d.add(n, "%v", err)
			return
		}
		if value != nil {
			v.Set(reflect.ValueOf(value))
		}
	default:
		panic("profilefile: no rule for " + v.Type().String())
	}
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.add(n, "want a mapping with %s, have %s", strings.Join(fieldNames(v.Type()), ", "), kindName(n))
		return
	}
	if p := v.FieldByName("Position"); p.IsValid() {
		p.Set(reflect.ValueOf(d.at(n)))
	}
	seen := map[string]bool{}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		field, ok := fieldByKey(v, key.Value)
		switch {
		case !ok:
			near := d.unknownKey(key, fieldNames(v.Type()))
			// Reading the value as that of the key that was meant avoids problems that follow from the first.
			if field, ok := fieldByKey(v, near); ok && !hasKey(n, near) && !seen[near] {
				d.decode(value, field)
				seen[near] = true
			}
		case seen[key.Value]:
			d.add(key, "key %q is written twice", key.Value)
		default:
			d.decode(value, field)
		}
		seen[key.Value] = true
	}
}

// policyElements are the elements of IAM policies whose keys in a profile have other names.
var policyElements = map[string]string{"condition": "when", "statement": "statements", "description": "why"}

// unknownKey adds the problem of an unknown key and returns the key that was probably meant, "" if none is near.
func (d *decoder) unknownKey(key *yaml.Node, names []string) string {
	near := spelling.Nearest(key.Value, names)
	if name := policyElements[strings.ToLower(key.Value)]; near == "" && slices.Contains(names, name) {
		near = name
	}
	if near == "" {
		d.add(key, "unknown key %q; valid: %s", key.Value, strings.Join(names, ", "))
	} else {
		d.add(key, "unknown key %q; did you mean %q?", key.Value, near)
	}
	return near
}

func hasKey(n *yaml.Node, name string) bool {
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return true
		}
	}
	return false
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.add(n, "want a mapping, have %s", kindName(n))
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for i := 0; i < len(n.Content); i += 2 {
		key := reflect.ValueOf(n.Content[i].Value).Convert(v.Type().Key())
		if v.MapIndex(key).IsValid() {
			d.add(n.Content[i], "key %q is written twice", n.Content[i].Value)
			continue
		}
		item := reflect.New(v.Type().Elem()).Elem()
		if k, ok := item.Addr().Interface().(keyed); ok {
			k.setKey(d.at(n.Content[i]))
		}
		d.decode(n.Content[i+1], item)
		v.SetMapIndex(key, item)
	}
}

func fieldByKey(v reflect.Value, key string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("yaml") == key && key != "" {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func fieldNames(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("yaml"); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func kindName(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Tag == "!!null":
		return "nothing"
	}
	return fmt.Sprintf("%q", n.Value)
}
