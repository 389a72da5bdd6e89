package policyinput

import (
	"encoding/json"
	"time"

	"go.yaml.in/yaml/v3"
)

// wrapStatements returns as a JSON document what people paste of a policy: a document in YAML, a list of statements, or
// one statement. It returns nil for anything else, also for a document in JSON.
func wrapStatements(data []byte) []byte {
	isJSON := json.Valid(data)
	var parsed any
	if err := yaml.Unmarshal(data, &parsed); err != nil { // JSON is YAML
		return nil
	}
	switch v := parsed.(type) {
	case []any:
		if !areStatements(v) {
			return nil
		}
		parsed = map[string]any{"Version": "2012-10-17", "Statement": v}
	case map[string]any:
		switch {
		case isStatement(v):
			parsed = map[string]any{"Version": "2012-10-17", "Statement": v}
		case isJSON || v["Statement"] == nil:
			return nil
		}
		if version, ok := v["Version"].(time.Time); ok { // without quotes it is a date in YAML
			v["Version"] = version.Format(time.DateOnly)
		}
	default:
		return nil
	}
	out, err := json.Marshal(parsed)
	if err != nil {
		return nil // a map with keys that are no strings
	}
	return out
}

func areStatements(list []any) bool {
	for _, item := range list {
		statement, ok := item.(map[string]any)
		if !ok || !isStatement(statement) {
			return false
		}
	}
	return len(list) > 0
}

// isStatement reports whether a value has the elements that every statement of an identity-based policy has.
func isStatement(v map[string]any) bool {
	return v["Effect"] != nil && (v["Action"] != nil || v["NotAction"] != nil)
}
