package properties_test

import (
	"strings"
	"testing"
	"time"

	"permstack/internal/permissionstack/properties"
)

// TestRestoreWindow decodes the end of a restore window and its limit.
func TestRestoreWindow(t *testing.T) {
	for _, c := range []struct {
		name, problem string
		raw           map[string]any
		until         string
		longest       time.Duration
	}{
		{name: "none", raw: map[string]any{}, longest: 24 * time.Hour},
		{name: "empty", raw: map[string]any{"RestoreUntil": "", "MaxRestoreHours": ""}, longest: 24 * time.Hour},
		{
			name: "both", raw: map[string]any{"RestoreUntil": "2026-11-27T16:00:00Z", "MaxRestoreHours": "4"},
			until: "2026-11-27T16:00:00Z", longest: 4 * time.Hour,
		},
		{name: "a number", raw: map[string]any{"MaxRestoreHours": 4.0}, longest: 4 * time.Hour},
		{
			name: "an offset", raw: map[string]any{"RestoreUntil": "2026-11-27T18:00:00+02:00"},
			problem: "property RestoreUntil: want a time in UTC, which ends with Z, and not one with an offset: " +
				"2026-11-27T16:00:00Z",
		},
		{
			name: "no time", raw: map[string]any{"RestoreUntil": "tomorrow"},
			problem: "property RestoreUntil: want a time in UTC such as",
		},
		{
			name: "no limit", raw: map[string]any{"MaxRestoreHours": "0"},
			problem: "property MaxRestoreHours: want a number of hours from 1 to 720",
		},
		{
			name: "half an hour", raw: map[string]any{"MaxRestoreHours": 0.5},
			problem: "property MaxRestoreHours: want a number of hours from 1 to 720",
		},
		{name: "a list", raw: map[string]any{"RestoreUntil": []any{}}, problem: "want a string, got a list"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := properties.Decode(c.raw)
			if c.problem != "" {
				if err == nil || !strings.Contains(err.Error(), c.problem) {
					t.Errorf("got error %v, want %q", err, c.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if end := p.Selection().RestoreUntil; !end.IsZero() {
				got = end.Format(time.RFC3339)
			}
			if got != c.until || p.LongestRestore() != c.longest {
				t.Errorf("got end %q, longest %v, want %q, %v", got, p.LongestRestore(), c.until, c.longest)
			}
		})
	}
}
