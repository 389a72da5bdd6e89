package main

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"permstack/internal/policies"
)

// restoreUntilFlag is the value of --restore-until: a time, or a duration from now.
type restoreUntilFlag struct {
	text string
	time time.Time
}

func (f *restoreUntilFlag) register(flags *pflag.FlagSet) {
	flags.Var(f, "restore-until", "allow restores until a `TIME` in UTC, or for a duration from now such as 4h")
}

// Set implements pflag.Value.
func (f *restoreUntilFlag) Set(text string) error {
	t, err := parseRestoreUntil(text, time.Now())
	if err != nil {
		return err
	}
	f.text, f.time = text, t
	return nil
}

func (f *restoreUntilFlag) String() string { return f.text }

// Type implements pflag.Value.
func (f *restoreUntilFlag) Type() string { return "time" }

// parseRestoreUntil parses a time in UTC or a duration from now, of whole seconds.
func parseRestoreUntil(text string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(text); err == nil {
		if d < time.Second {
			return time.Time{}, fmt.Errorf("duration %s: want at least one second, such as 4h", text)
		}
		return now.Add(d).UTC().Truncate(time.Second), nil
	}
	t, err := policies.ParseRestoreUntil(text)
	switch {
	case err != nil:
		return time.Time{}, fmt.Errorf("%w, or a duration from now such as 4h", err)
	case t.IsZero():
		return time.Time{}, fmt.Errorf("it is empty: want a time in UTC, or a duration from now such as 4h")
	case !now.Before(t):
		return time.Time{}, fmt.Errorf("%s has passed: now it is %s", text, policies.FormatRestoreUntil(now))
	}
	return t, nil
}
