package detect

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"permstack/internal/cfn/cfntemplate"
)

// text, texts and objects convert evaluated properties. Numbers and booleans may
// be written as text.
func text(v any) string { return cfntemplate.Text(v) }

func texts(v any) []string {
	items, _ := v.([]any)
	out := make([]string, 0, len(items))
	for _, item := range items {
		out = append(out, text(item))
	}
	return out
}

func objects(v any) []map[string]any {
	items, _ := v.([]any)
	var out []map[string]any
	for _, item := range items {
		if m, ok := item.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// toJSON converts a value of the SDK to what encoding/json decodes from it,
// without unset fields. The fields are named as CloudFormation's properties.
func toJSON(v any) map[string]any {
	data, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	var out map[string]any
	if json.Unmarshal(data, &out) != nil {
		return nil
	}
	removeUnset(out)
	return out
}

func removeUnset(m map[string]any) {
	for k, v := range m {
		switch v := v.(type) {
		case nil:
			delete(m, k)
		case map[string]any:
			removeUnset(v)
		}
	}
}

// samePattern compares an event pattern of a template with one in text. The
// values of a field are alternatives: their order makes no difference.
func samePattern(expected any, actual string) bool {
	if s, ok := expected.(string); ok {
		var v any
		if json.Unmarshal([]byte(s), &v) != nil {
			return s == actual
		}
		expected = v
	}
	if expected == nil || actual == "" {
		return expected == nil && actual == ""
	}
	var v any
	if json.Unmarshal([]byte(actual), &v) != nil {
		return false
	}
	return reflect.DeepEqual(sortLists(expected), sortLists(v))
}

// sortLists sorts every list and converts every number to float64.
func sortLists(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = sortLists(e)
		}
		slices.SortFunc(out, func(a, b any) int { return strings.Compare(jsonText(a), jsonText(b)) })
		return out
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			if k == "numeric" { // the order of {"numeric": [">", 0, "<=", 5]} has a meaning
				out[k] = jsonText(e)
			} else {
				out[k] = sortLists(e)
			}
		}
		return out
	case int64:
		return float64(v)
	case int:
		return float64(v)
	default:
		return v
	}
}

// jsonText returns a value as JSON; a text is returned unchanged.
func jsonText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}
