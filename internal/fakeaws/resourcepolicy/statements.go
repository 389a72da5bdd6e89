package resourcepolicy

import (
	"encoding/json"
	"fmt"
)

// EditStatements returns a policy whose statements edit has changed; "" if none are left. The policy "" has no
// statements and gets the members of initial, such as Version.
func EditStatements(
	policy string, initial map[string]any, edit func([]map[string]any) ([]map[string]any, error),
) (string, error) {
	document := initial
	if policy != "" {
		document = map[string]any{}
		if err := json.Unmarshal([]byte(policy), &document); err != nil {
			return "", fmt.Errorf("read the policy: %w", err)
		}
	}
	var statements []map[string]any
	switch have := document["Statement"].(type) {
	case []any:
		for _, s := range have {
			if s, ok := s.(map[string]any); ok {
				statements = append(statements, s)
			}
		}
	case map[string]any:
		statements = append(statements, have)
	}
	statements, err := edit(statements)
	if err != nil {
		return "", err
	}
	if len(statements) == 0 {
		return "", nil
	}
	document["Statement"] = statements
	text, err := json.Marshal(document)
	if err != nil {
		return "", fmt.Errorf("write the policy: %w", err)
	}
	return string(text), nil
}
