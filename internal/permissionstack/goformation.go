package permissionstack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"permstack/internal/iampolicy"
)

// This file holds everything that goformation's typed resources do not do here.
//
// goformation's Template would write functions and sections. It is not used: its
// package links every resource type of AWS (11 MB in a Lambda function), it sorts
// resources by name where readers expect the order of the vendor's document, and
// it represents a function as base64 text in a string property. Its types also
// leave out empty lists, and events.Rule has no Tags (its schemas are of April
// 2024). So a resource here is a typed one plus the properties that its type
// cannot express, and sections are written one entry after the other.

// resource is a resource of a template.
type resource struct {
	typed json.Marshaler // a resource of goformation
	// properties are added to those of typed, or replace them: functions, empty
	// lists, and properties that the type lacks.
	properties map[string]any
	// compact is true if lists of resources in policies are written in fewer bytes.
	compact bool
}

// ref returns the function Ref.
func ref(logicalID string) any { return map[string]string{"Ref": logicalID} }

// getAtt returns the function Fn::GetAtt.
func getAtt(logicalID, attribute string) any {
	return map[string][]string{"Fn::GetAtt": {logicalID, attribute}}
}

// MarshalJSON returns the resource with its properties sorted by name, as
// goformation sorts them.
func (r resource) MarshalJSON() ([]byte, error) {
	data, err := r.typed.MarshalJSON()
	if r.compact {
		data = compactResources(data)
	}
	if err != nil || len(r.properties) == 0 {
		return data, err
	}
	var out struct {
		Type       string
		Properties map[string]json.RawMessage // raw, because documents keep their order
	}
	if err := json.Unmarshal(data, &out); err != nil {
		return nil, err
	}
	for name, value := range r.properties {
		if out.Properties[name], err = json.Marshal(value); err != nil {
			return nil, err
		}
	}
	return json.Marshal(out)
}

// ownPolicy is the policy of a topic. It names the topic by Ref, which is shorter
// than its ARN; the values of a policy document are strings.
type ownPolicy struct {
	document  iampolicy.Document
	topic     string // physical name
	logicalID string
}

// MarshalJSON returns the document with Ref in place of the topic's ARN.
func (p ownPolicy) MarshalJSON() ([]byte, error) {
	data, err := json.Marshal(p.document)
	if err != nil {
		return nil, err
	}
	reference, err := json.Marshal(ref(p.logicalID))
	if err != nil {
		return nil, err
	}
	for _, s := range p.document.Statement {
		for _, r := range s.Resource {
			if strings.HasSuffix(r, ":"+p.topic) {
				data = bytes.ReplaceAll(data, mustCompact(r), reference)
			}
		}
	}
	return data, nil
}

// entry is a named value of a section. Sections keep the order of their entries.
type entry struct {
	name  string
	value any
}

// writeSection writes entries as a JSON object. Each is marshalled by itself:
// encoding/json copies the result of a MarshalJSON method once for every level.
func writeSection(b *bytes.Buffer, name string, entries []entry) error {
	fmt.Fprintf(b, ",%q:{", name)
	for i, e := range entries {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(b, "%q:", e.name)
		data, err := json.Marshal(e.value)
		if err == nil {
			data, err = substitute(data)
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", e.name, err)
		}
		b.Write(data)
	}
	b.WriteByte('}')
	return nil
}

// stringLiteral matches a string of compact JSON, and the colon after a key.
var stringLiteral = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`"(?:[^"\\]|\\.)*":?`) })

// substitute turns every string with pseudo parameters into Fn::Sub, and undoes
// the escapes of encoding/json for HTML, which cost six bytes for every "<", ">"
// and "&". A key with a pseudo parameter is an error: CloudFormation evaluates
// functions in values only.
func substitute(data []byte) (_ []byte, err error) {
	out := stringLiteral().ReplaceAllFunc(data, func(literal []byte) []byte {
		quoted, isKey := bytes.CutSuffix(literal, []byte(":"))
		if !bytes.ContainsAny(quoted, `\$`) {
			return literal
		}
		var s string
		if e := json.Unmarshal(quoted, &s); e != nil {
			err = e
			return literal
		}
		switch {
		case isKey && hasPseudo(s):
			err = fmt.Errorf("key %q: a key cannot hold a CloudFormation function", s)
		case isKey:
			return append(mustCompact(s), ':')
		case s == externalIDReference:
			return mustCompact(ref(ExternalIDParameter))
		case hasPseudo(s):
			return mustCompact(map[string]any{"Fn::Sub": subArgument(s)})
		}
		return mustCompact(s)
	})
	return out, err
}

// mustCompact marshals strings, and lists and maps of them, which cannot fail,
// without escapes for HTML.
func mustCompact(v any) []byte {
	out, err := compact(v)
	if err != nil {
		panic(err)
	}
	return out
}
