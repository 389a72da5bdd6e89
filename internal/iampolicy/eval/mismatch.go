package eval

import (
	"maps"
	"slices"

	"permstack/internal/iampolicy"
)

// ConditionKey is one test of a Condition element: an operator and a condition key.
type ConditionKey struct{ Operator, Key string }

// Mismatch is why a statement does not apply to a request. The zero value means that it applies.
type Mismatch struct {
	Action   bool // it is not about the action
	Resource bool // it is not about the resource
	// Conditions are the tests that the request does not meet, sorted.
	Conditions []ConditionKey
}

// Applies reports whether there is no mismatch.
func (m Mismatch) Applies() bool { return !m.Action && !m.Resource && len(m.Conditions) == 0 }

// Compare returns why a statement of an identity policy does not apply to a request. version is that of its document.
func Compare(s iampolicy.Statement, version string, r Request) Mismatch {
	context := lowerKeys(r.Context)
	variables := version == iampolicy.Version
	m := Mismatch{Action: !matchesAction(&s, r.Action), Resource: !matchesResource(&s, r.Resource, context, variables)}
	for _, operator := range slices.Sorted(maps.Keys(s.Condition)) {
		for _, key := range slices.Sorted(maps.Keys(s.Condition[operator])) {
			if !condition(operator, key, s.Condition[operator][key], context, variables) {
				m.Conditions = append(m.Conditions, ConditionKey{operator, key})
			}
		}
	}
	return m
}
