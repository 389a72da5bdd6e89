package cfntemplate

import (
	"bytes"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Value is a value of a JSON or YAML file as written, with its line. Functions in their short form are read in their
// long form. The zero Value is absent.
type Value struct{ n *node }

// ReadValues returns the documents of a JSON or YAML file of at most MaxSize bytes: a template, or several JSON texts
// or YAML documents one after the other. An error of one place has its line, as an *Error; the documents before it are
// returned too.
func ReadValues(body []byte) ([]Value, error) {
	if len(body) > MaxSize {
		return nil, errAt(0, "the file is %d bytes long; at most %d are read", len(body), MaxSize)
	}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	trimmed := bytes.TrimSpace(body)
	if len(trimmed) == 0 {
		return nil, errAt(0, "the file is empty")
	}
	var out []Value
	if trimmed[0] == '{' || trimmed[0] == '[' {
		for r := newJSONReader(body); ; {
			if rest := body[r.dec.InputOffset():]; len(out) > 0 && len(bytes.TrimSpace(rest)) == 0 {
				return out, nil
			}
			n, err := r.value()
			switch err := err.(type) {
			case nil:
				out = append(out, Value{n})
			case *Error:
				return out, err
			default:
				return out, errAt(r.line(), "the JSON is not well-formed: %v", err)
			}
		}
	}
	for dec := yaml.NewDecoder(bytes.NewReader(body)); ; {
		var doc yaml.Node
		err := dec.Decode(&doc)
		switch {
		case err == io.EOF:
			return out, nil
		case err != nil:
			line, message := yamlProblem(body, err)
			return out, errAt(line, "the YAML is not well-formed: %s", message)
		case doc.Kind != yaml.DocumentNode || len(doc.Content) != 1:
			continue
		}
		n, err := fromYAML(doc.Content[0], 1)
		if err != nil {
			return out, err
		}
		out = append(out, Value{n})
	}
}

var yamlLine = regexp.MustCompile(`^line ([0-9]+): `)

// yamlProblem returns the line and the message of an error of the YAML parser; the line is 0 if it is not known.
func yamlProblem(body []byte, err error) (line int, message string) {
	message = strings.TrimPrefix(err.Error(), "yaml: ")
	if m := yamlLine.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		return line, strings.TrimPrefix(message, m[0])
	}
	for at := 0; at < len(body); {
		r, size := utf8.DecodeRune(body[at:])
		if r == utf8.RuneError && size == 1 {
			return 1 + bytes.Count(body[:at], []byte("\n")), "a byte is not UTF-8"
		}
		at += size
	}
	return 0, message
}

// Exists reports whether the value exists; a null exists.
func (v Value) Exists() bool { return v.n != nil }

// Line returns the line of the value, 0 for an absent one.
func (v Value) Line() int {
	if v.n == nil {
		return 0
	}
	return v.n.line
}

// IsObject reports whether the value is an object.
func (v Value) IsObject() bool { return v.n != nil && v.n.kind == object }

// IsList reports whether the value is a list.
func (v Value) IsList() bool { return v.n != nil && v.n.kind == list }

// Keys returns the keys of an object in the order of the text.
func (v Value) Keys() []string {
	if v.n == nil {
		return nil
	}
	return v.n.keys
}

// Get returns a field of an object, or an absent value.
func (v Value) Get(key string) Value { return Value{v.n.get(key)} }

// Items returns the items of a list.
func (v Value) Items() []Value {
	if !v.IsList() {
		return nil
	}
	out := make([]Value, len(v.n.items))
	for i, item := range v.n.items {
		out[i] = Value{item}
	}
	return out
}

// Text returns a scalar as CloudFormation writes it; ok is false for everything else and for null.
func (v Value) Text() (text string, ok bool) { return v.n.str() }

// Plain returns the value in the types of encoding/json.
func (v Value) Plain() any { return v.n.plain() }
