package detect

import (
	"testing"

	"permstack/internal/notify/finding"
)

// TestPatternDirection checks when another event pattern provably matches fewer events (EventBridge User Guide, "Event
// pattern syntax"): with more fields, or fewer values of a field.
func TestPatternDirection(t *testing.T) {
	for _, tc := range []struct {
		name, expected, actual string
		want                   finding.Direction
	}{
		{"no pattern", `{"source":["a"]}`, "", finding.GrantsLess},
		{"fewer values", `{"source":["a","b"]}`, `{"source":["a"]}`, finding.GrantsLess},
		{"no value", `{"source":["a","b"]}`, `{"source":[]}`, finding.GrantsLess},
		{"another field", `{"source":["a"]}`, `{"source":["a"],"detail":{"x":[1]}}`, finding.GrantsLess},
		{"more values", `{"source":["a"]}`, `{"source":["a","b"]}`, finding.GrantsMore},
		{"a field less", `{"source":["a"],"detail":{"x":[1]}}`, `{"source":["a"]}`, finding.GrantsMore},
		{"a nested field less", `{"detail":{"x":[1],"y":[2]}}`, `{"detail":{"x":[1]}}`, finding.GrantsMore},
		{"nested, fewer values", `{"detail":{"x":[1,2]}}`, `{"detail":{"x":[2]}}`, finding.GrantsLess},
		{"a list in place of fields", `{"detail":{"x":[1]}}`, `{"detail":[{"x":[1]}]}`, finding.GrantsMore},
		{"fields in place of a list", `{"detail":[1]}`, `{"detail":{"x":[1]}}`, finding.GrantsMore},
		{"a value in place of a list", `{"detail":"x"}`, `{"detail":"x"}`, finding.GrantsMore},
		{"the same alternatives", `{"$or":[{"a":[1]},{"b":[1]}],"source":["a","b"]}`,
			`{"$or":[{"a":[1]},{"b":[1]}],"source":["a"]}`, finding.GrantsLess},
		{"other alternatives", `{"$or":[{"a":[1]},{"b":[1]}]}`, `{"$or":[{"a":[1]}]}`, finding.GrantsMore},
		{"no alternatives", `{"$or":[{"a":[1]},{"b":[1]}]}`, `{"a":[1]}`, finding.GrantsMore},
		{"invalid expected pattern", `{`, `{"source":["a"]}`, finding.GrantsMore},
		{"invalid actual pattern", `{"source":["a"]}`, `{`, finding.GrantsMore},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := patternDirection(tc.expected, tc.actual); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// TestSamePattern checks that the order of values makes no difference, except where it has a meaning.
func TestSamePattern(t *testing.T) {
	for _, tc := range []struct {
		name     string
		expected any
		actual   string
		want     bool
	}{
		{"none", nil, "", true},
		{"none expected", nil, `{}`, false},
		{"none expected, and null", nil, `null`, false},
		{"none in AWS", jsonObject(`{"source":["a"]}`), "", false},
		{"another order", jsonObject(`{"source":["a","b"]}`), `{"source":["b","a"]}`, true},
		{"as text", `{"source":["a","b"]}`, `{"source":["b","a"]}`, true},
		{"numbers", map[string]any{"detail": []any{1, int64(2)}}, `{"detail":[1,2]}`, true},
		{"other values", jsonObject(`{"source":["a"]}`), `{"source":["b"]}`, false},
		{"another order of a comparison", jsonObject(`{"n":[{"numeric":[">",0,"<",5]}]}`),
			`{"n":[{"numeric":["<",5,">",0]}]}`, false},
		{"the same comparison", jsonObject(`{"n":[{"numeric":[">",0,"<",5]}]}`), `{"n":[{"numeric":[">",0,"<",5]}]}`, true},
		{"invalid", jsonObject(`{"source":["a"]}`), `{`, false},
		{"the same invalid text", `{`, `{`, true},
		{"another invalid text", `{`, `{{`, false},
		{"invalid text, none in AWS", `{`, ``, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := samePattern(tc.expected, tc.actual); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
