package provisioner

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"permstack/internal/permissionstack/properties"
)

// TestRestoreWindowLimit checks the longest window, with the tolerance for clocks that differ.
func TestRestoreWindowLimit(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	o := &operation{
		Provisioner: &Provisioner{Now: func() time.Time { return now }}, log: slog.New(slog.DiscardHandler),
	}
	for _, c := range []struct {
		name  string
		until time.Time
		hours int // MaxRestoreHours
		valid bool
	}{
		{"no window", time.Time{}, 1, true},
		{"the default limit", now.Add(24 * time.Hour), 0, true},
		{"beyond the default limit", now.Add(25 * time.Hour), 0, false},
		{"the limit", now.Add(4 * time.Hour), 4, true},
		{"a clock that is four minutes ahead", now.Add(4*time.Hour + 4*time.Minute), 4, true},
		{"a clock that is six minutes ahead", now.Add(4*time.Hour + 6*time.Minute), 4, false},
		{"ended", now.Add(-time.Hour), 4, true},
		{"the largest year", time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), 720, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := o.checkRestoreWindow(properties.Properties{RestoreUntil: c.until, MaxRestoreHours: c.hours})
			if c.valid != (err == nil) {
				t.Errorf("got error %v, want valid %v", err, c.valid)
			}
			if err != nil && !strings.Contains(err.Error(), "Nothing was changed. Choose a time before 2026-1") {
				t.Errorf("got error %q, want what to do", err)
			}
		})
	}
}
