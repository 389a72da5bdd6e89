package cloudformation

import (
	_ "embed"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
)

// schemas.json is a dated extract of AWS's resource type schemas.
//
//go:embed schemas.json
var schemaFixture []byte

// SchemaFixture is the content of schemas.json, which tools/genschemas writes.
type SchemaFixture struct {
	Origin string                `json:"origin"`
	Date   string                `json:"date"` // YYYY-MM-DD
	Types  map[string]TypeSchema `json:"types"`
}

// TypeSchema is what the embedded CloudFormation uses of a type's schema. Nested
// properties are written with slashes: "Code/S3Bucket".
type TypeSchema struct {
	Properties []string `json:"properties"`
	Required   []string `json:"required,omitempty"`
	CreateOnly []string `json:"createOnly,omitempty"` // a change replaces the resource
	ReadOnly   []string `json:"readOnly,omitempty"`   // attributes, which a template cannot set
	WriteOnly  []string `json:"writeOnly,omitempty"`  // not returned by a read, so never drifted
	// Handlers are the IAM actions by handler. Types without handlers, such as
	// custom resources, have none.
	Handlers map[string][]string `json:"handlers,omitempty"`
}

// Schemas returns the content of schemas.json, which must not be modified.
var Schemas = sync.OnceValue(func() SchemaFixture {
	var f SchemaFixture
	if err := json.Unmarshal(schemaFixture, &f); err != nil {
		panic("schemas.json, which is embedded, is invalid: " + err.Error())
	}
	return f
})

// published returns the schema of a type that AWS publishes. That of custom
// resources is the schema of every Custom:: type.
func published(typ string) TypeSchema {
	if strings.HasPrefix(typ, "Custom::") {
		typ = customType
	}
	return Schemas().Types[typ]
}

const customType = "AWS::CloudFormation::CustomResource"

// Types returns the resource types that the embedded CloudFormation has, sorted.
func Types() []string { return slices.Sorted(maps.Keys(providers)) }

// withoutWriteOnly returns properties without those that a type's read handler
// does not return. An object that has no other properties is removed.
func withoutWriteOnly(typ string, properties map[string]any) map[string]any {
	out := normal(properties).(map[string]any)
	for _, pointer := range published(typ).WriteOnly {
		removePath(out, strings.Split(pointer, "/"))
	}
	return out
}

// removePath removes a property, and the objects that are empty without it; "*"
// matches every element of a list.
func removePath(v any, path []string) {
	switch v := v.(type) {
	case map[string]any:
		child, ok := v[path[0]]
		if !ok {
			return
		}
		if len(path) == 1 {
			delete(v, path[0])
			return
		}
		removePath(child, path[1:])
		if object, ok := child.(map[string]any); ok && len(object) == 0 {
			delete(v, path[0])
		}
	case []any:
		if path[0] == "*" && len(path) > 1 {
			for _, e := range v {
				removePath(e, path[1:])
			}
		}
	}
}
