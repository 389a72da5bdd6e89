package cfntemplate

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// read turns a template's bytes into nodes. What begins with a brace is JSON,
// read by encoding/json, because YAML is not quite a superset of it (tabs,
// surrogate pairs); everything else is YAML.
func read(body []byte) (*node, error) {
	if len(body) > MaxSize {
		return nil, errAt(0, "template is %d bytes long; at most %d are allowed", len(body), MaxSize)
	}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	trimmed := bytes.TrimSpace(body)
	if len(trimmed) == 0 {
		return nil, errAt(0, "template is empty")
	}
	if trimmed[0] == '{' {
		return readJSON(body)
	}
	return readYAML(body)
}

// maxDepth is the depth of nested lists and objects of a template. CloudFormation states no limit; templates that
// people write stay below 30.
const maxDepth = 200

type jsonReader struct {
	dec   *json.Decoder
	lines []int // offsets of line breaks
	depth int
}

func newJSONReader(body []byte) *jsonReader {
	r := &jsonReader{dec: json.NewDecoder(bytes.NewReader(body))}
	r.dec.UseNumber()
	for i, b := range body {
		if b == '\n' {
			r.lines = append(r.lines, i)
		}
	}
	return r
}

func readJSON(body []byte) (*node, error) {
	r := newJSONReader(body)
	n, err := r.value()
	if err == nil {
		if _, more := r.dec.Token(); more != io.EOF {
			err = errAt(r.line(), "JSON not well-formed: something follows the template's end")
		}
	}
	if err == nil {
		return n, nil
	}
	var own *Error
	if errors.As(err, &own) {
		return nil, err
	}
	return nil, errAt(r.line(), "JSON not well-formed: %v", err)
}

func (r *jsonReader) line() int {
	return 1 + sort.SearchInts(r.lines, int(r.dec.InputOffset()))
}

func (r *jsonReader) value() (*node, error) {
	tok, err := r.dec.Token()
	if err != nil {
		return nil, err
	}
	n := &node{line: r.line()}
	if r.depth++; r.depth > maxDepth {
		return nil, errAt(r.line(), "lists and objects are nested more than %d deep", maxDepth)
	}
	defer func() { r.depth-- }()
	switch tok := tok.(type) {
	case json.Delim:
		if tok == '[' {
			n.kind = list
			for r.dec.More() {
				item, err := r.value()
				if err != nil {
					return nil, err
				}
				n.items = append(n.items, item)
			}
		} else {
			n.kind = object
			for r.dec.More() {
				key, err := r.dec.Token()
				if err != nil {
					return nil, err
				}
				line := r.line()
				v, err := r.value()
				if err != nil {
					return nil, err
				}
				name, _ := key.(string)
				if !n.set(name, v) {
					return nil, errAt(line, "duplicate key %q", name)
				}
			}
		}
		_, err = r.dec.Token() // the closing bracket
		return n, err
	case json.Number:
		n.value = number(tok.String())
	default:
		n.value = tok
	}
	return n, nil
}

func readYAML(body []byte) (*node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(body))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		return nil, errAt(0, "YAML not well-formed: %v", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := dec.Decode(new(yaml.Node)); err != io.EOF {
		return nil, errAt(0, "YAML not well-formed: a template is one document")
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, errAt(0, "template is empty")
	}
	return fromYAML(doc.Content[0], 1)
}

func fromYAML(y *yaml.Node, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, errAt(y.Line, "lists and objects are nested more than %d deep", maxDepth)
	}
	tag := ""
	if strings.HasPrefix(y.Tag, "!") && !strings.HasPrefix(y.Tag, "!!") && y.Tag != "!" {
		tag = y.Tag[1:]
	}
	n := &node{line: y.Line}
	switch y.Kind {
	case yaml.AliasNode:
		return nil, errAt(y.Line, "YAML aliases are not supported in CloudFormation templates")
	case yaml.SequenceNode:
		n.kind = list
		for _, item := range y.Content {
			v, err := fromYAML(item, depth+1)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, v)
		}
	case yaml.MappingNode:
		n.kind = object
		for i := 0; i+1 < len(y.Content); i += 2 {
			key := y.Content[i]
			if key.Kind != yaml.ScalarNode {
				return nil, errAt(key.Line, "a key must be a plain string")
			}
			if key.Tag == "!!merge" {
				return nil, errAt(key.Line, "YAML merges (<<) are not supported in CloudFormation templates")
			}
			v, err := fromYAML(y.Content[i+1], depth+1)
			if err != nil {
				return nil, err
			}
			if !n.set(key.Value, v) {
				return nil, errAt(key.Line, "duplicate key %q", key.Value)
			}
		}
	default:
		if tag != "" {
			n.value = y.Value
		} else {
			n.value = yamlScalar(y)
		}
	}
	if tag == "" {
		return n, nil
	}
	return tagged(tag, n), nil
}

// tagged returns the long form of a call in its short form.
func tagged(tag string, arg *node) *node {
	name := "Fn::" + tag
	if tag == "Ref" || tag == "Condition" {
		name = tag
	}
	if s, ok := arg.value.(string); ok && tag == "GetAtt" && arg.kind == scalar {
		parts := strings.SplitN(s, ".", 2)
		arg = &node{kind: list, line: arg.line}
		for _, p := range parts {
			arg.items = append(arg.items, &node{line: arg.line, value: p})
		}
	}
	n := &node{kind: object, line: arg.line}
	n.set(name, arg)
	return n
}

// Expressions are compiled when they are first needed, not at every cold start.
var integer = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)$`) })

// yamlScalar keeps as text what only has the form of a date, an octal or a sexagesimal
// number as the text it was written as: `Version: 2012-10-17` is a string.
func yamlScalar(y *yaml.Node) any {
	switch y.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(y.Value, "true")
	case "!!int":
		if integer().MatchString(y.Value) {
			return number(y.Value)
		}
	case "!!float":
		return number(y.Value)
	}
	return y.Value
}

// number reads an int64 or a float64; text that is neither stays text.
func number(s string) any {
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return i
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && !strings.ContainsAny(s, "iInNxX_") {
		return f
	}
	return s
}
