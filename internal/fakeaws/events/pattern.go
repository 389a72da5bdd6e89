package events

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"unicode/utf8"

	"permstack/internal/fakeaws/protocol"
)

// filters are the comparison operators of event patterns ("Comparison
// operators for use in event patterns", EventBridge User Guide).
var filters = []string{
	"prefix",
	"suffix",
	"anything-but",
	"numeric",
	"exists",
	"cidr",
	"equals-ignore-case",
	"wildcard",
}

func badPattern(format string, args ...any) *protocol.Error {
	return protocol.Errorf("InvalidEventPatternException", "Event pattern is not valid. Reason: "+format, args...)
}

// parsePattern decodes an event pattern and checks its form: a JSON object whose leaves
// are non-empty arrays of plain values and comparison operators.
func parsePattern(pattern string) (map[string]any, error) {
	if n := utf8.RuneCountInString(pattern); n > maxPattern {
		return nil, protocol.Errorf(
			"LimitExceededException",
			"The event pattern has %d characters; the limit is %d.",
			n,
			maxPattern,
		)
	}
	var top map[string]any
	dec := json.NewDecoder(bytes.NewReader([]byte(pattern)))
	if err := dec.Decode(&top); err != nil {
		return nil, badPattern("Filter is not an object: %v", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, badPattern("Filter has text after its end")
	}
	if len(top) == 0 {
		return nil, badPattern("Empty event pattern")
	}
	return top, checkObject("", top)
}

func checkObject(path string, object map[string]any) error {
	for name, value := range object {
		at := path + name
		switch value := value.(type) {
		case map[string]any:
			if len(value) == 0 {
				return badPattern("Empty objects are not allowed: %q", at)
			}
			if err := checkObject(at+".", value); err != nil {
				return err
			}
		case []any:
			if len(value) == 0 {
				return badPattern("Empty arrays are not allowed: %q", at)
			}
			if name == "$or" && len(value) < 2 {
				return badPattern("There must have at least 2 Objects in $or relationship: %q", at)
			}
			if err := checkLeaf(at, name == "$or", value); err != nil {
				return err
			}
		default:
			return badPattern("%q must be an object or an array", at)
		}
	}
	return nil
}

func checkLeaf(at string, or bool, list []any) error {
	for _, item := range list {
		switch item := item.(type) {
		case string, float64, bool, nil:
			if or {
				return badPattern("%q must hold objects", at)
			}
		case map[string]any:
			if or {
				if err := checkObject(at+".", item); err != nil {
					return err
				}
				continue
			}
			if err := checkFilter(at, item); err != nil {
				return err
			}
		default:
			return badPattern("Match value must be String, number, true, false, or null: %q", at)
		}
	}
	return nil
}

func checkFilter(at string, filter map[string]any) error {
	if len(filter) != 1 {
		return badPattern("Only one key allowed in match expression: %q", at)
	}
	for operator, value := range filter {
		if !slices.Contains(filters, operator) {
			return badPattern("Unrecognized match type %s: %q", operator, at)
		}
		if reason := checkOperator(operator, value); reason != "" {
			return badPattern("%s: %q", reason, at)
		}
	}
	return nil
}
