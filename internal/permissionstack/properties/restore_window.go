package properties

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"permstack/internal/policies"
)

// Limits of a restore window, in hours.
const (
	DefaultMaxRestoreHours = 24
	maxMaxRestoreHours     = 720
)

func restoreUntil(p *Properties, v any) (err error) {
	s, ok := v.(string)
	if !ok {
		return fmt.Errorf("want a string, got %s", kind(v))
	}
	p.RestoreUntil, err = policies.ParseRestoreUntil(strings.TrimSpace(s))
	return err
}

func maxRestoreHours(p *Properties, v any) error {
	s, ok := v.(string)
	if n, isNumber := v.(float64); isNumber {
		s, ok = strconv.FormatFloat(n, 'f', -1, 64), true
	}
	if !ok {
		return fmt.Errorf("want a number of hours, got %s", kind(v))
	}
	if s = strings.TrimSpace(s); s == "" {
		return nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > maxMaxRestoreHours {
		return fmt.Errorf("want a number of hours from 1 to %d", maxMaxRestoreHours)
	}
	p.MaxRestoreHours = n
	return nil
}

// LongestRestore returns how long a restore window may be.
func (p Properties) LongestRestore() time.Duration {
	if p.MaxRestoreHours == 0 {
		return DefaultMaxRestoreHours * time.Hour
	}
	return time.Duration(p.MaxRestoreHours) * time.Hour
}
