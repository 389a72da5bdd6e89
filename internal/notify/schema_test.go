package notify_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// validate checks a message against docs/drift-message.schema.json.
func validate(t testing.TB, message []byte) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "drift-message.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal(message, &value); err != nil {
		t.Fatalf("%v: %s", err, message)
	}
	for _, problem := range (checker{root}).check("$", root, value) {
		t.Errorf("%s in %.400s", problem, message)
	}
}

// checker implements the keywords of JSON Schema that the document uses, and
// reports others. It is stricter in one respect: an unknown member is an error, so
// that every member of a message is documented.
type checker struct{ root map[string]any }

func (c checker) check(at string, schema map[string]any, value any) (problems []string) {
	bad := func(format string, args ...any) { problems = append(problems, at+": "+fmt.Sprintf(format, args...)) }
	for keyword, want := range schema {
		switch keyword {
		case "$schema", "$id", "$defs", "title", "description", "properties":
		case "$ref":
			name := strings.TrimPrefix(want.(string), "#/$defs/")
			problems = append(problems, c.check(at, c.root["$defs"].(map[string]any)[name].(map[string]any), value)...)
		case "const":
			if value != want {
				bad("%v is not %v", value, want)
			}
		case "enum":
			if !slices.Contains(want.([]any), value) {
				bad("%v is not among %v", value, want)
			}
		case "type":
			types, several := want.([]any)
			if !several {
				types = []any{want}
			}
			if !slices.ContainsFunc(types, func(t any) bool { return isType(value, t.(string)) }) {
				bad("%v is no %v", value, want)
			}
		case "pattern":
			if s, ok := value.(string); ok && !regexp.MustCompile(want.(string)).MatchString(s) {
				bad("%q does not match %v", s, want)
			}
		case "minimum":
			if n, ok := value.(float64); ok && n < want.(float64) {
				bad("%v is less than %v", n, want)
			}
		case "required":
			object, _ := value.(map[string]any)
			for _, name := range want.([]any) {
				if _, ok := object[name.(string)]; !ok {
					bad("%v is missing", name)
				}
			}
		case "items":
			list, _ := value.([]any)
			for i, item := range list {
				problems = append(problems, c.check(fmt.Sprintf("%s[%d]", at, i), want.(map[string]any), item)...)
			}
		default:
			bad("the checker does not implement the keyword %s", keyword)
		}
	}
	if properties, ok := schema["properties"].(map[string]any); ok {
		object, _ := value.(map[string]any)
		for name, member := range object {
			if s, known := properties[name].(map[string]any); known {
				problems = append(problems, c.check(at+"."+name, s, member)...)
			} else {
				bad("%s is not documented", name)
			}
		}
	}
	return problems
}

func isType(value any, name string) bool {
	switch v := value.(type) {
	case nil:
		return name == "null"
	case string:
		return name == "string"
	case bool:
		return name == "boolean"
	case float64:
		return name == "integer" && v == math.Trunc(v)
	case []any:
		return name == "array"
	default:
		return name == "object"
	}
}
