package detect

import (
	"encoding/json"
	"reflect"
	"slices"

	"permstack/internal/notify/finding"
)

// patternDirection returns GrantsLess if every event that the actual pattern
// matches is one that the expected pattern matches, GrantsMore if that is not
// proved: other events reach the target then.
func patternDirection(expected, actual string) finding.Direction {
	var want, have any
	switch {
	case actual == "":
		return finding.GrantsLess
	case json.Unmarshal([]byte(expected), &want) != nil || json.Unmarshal([]byte(actual), &have) != nil:
		return finding.GrantsMore
	case patternWithin(have, want):
		return finding.GrantsLess
	}
	return finding.GrantsMore
}

// patternWithin reports whether a pattern is provably narrower than another one: it
// has every field of the other one, with some of its values. The values of a field
// are alternatives; a field that a pattern does not have matches everything
// (EventBridge User Guide, "Event pattern syntax").
func patternWithin(narrow, wide any) bool {
	switch wide := wide.(type) {
	case map[string]any:
		narrow, ok := narrow.(map[string]any)
		if !ok {
			return false
		}
		for field := range wide {
			if field == "$or" && !reflect.DeepEqual(narrow[field], wide[field]) {
				return false
			}
			if _, exists := narrow[field]; !exists || field != "$or" && !patternWithin(narrow[field], wide[field]) {
				return false
			}
		}
		return true
	case []any:
		narrow, ok := narrow.([]any)
		return ok && !slices.ContainsFunc(narrow, func(value any) bool {
			return !slices.ContainsFunc(wide, func(w any) bool { return reflect.DeepEqual(value, w) })
		})
	}
	return false
}
