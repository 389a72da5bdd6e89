package policies

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"permstack/internal/policies/schema"
)

// Restore windows. Access that only operations that restore need is limited to the
// time before a moment: IAM compares it with aws:CurrentTime in every request (IAM
// User Guide, "AWS global condition context keys" and "Date condition operators"),
// also of sessions that began before.

// The condition of access that ends.
const (
	windowOperator = "DateLessThan"
	windowKey      = "aws:CurrentTime"
)

// exampleTime is a time in the form that ParseRestoreUntil accepts.
const exampleTime = "2027-03-31T16:00:00Z"

// ParseRestoreUntil parses a time of RFC 3339 in UTC, to the second; empty text is
// the zero time. Its errors contain no part of the text but the same time in UTC.
func ParseRestoreUntil(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	switch {
	case err != nil:
		return time.Time{}, errors.New("want a time in UTC such as " + exampleTime)
	case t.Nanosecond() != 0:
		return time.Time{}, errors.New("want a time without fractions of a second: " + FormatRestoreUntil(t))
	case !strings.HasSuffix(text, "Z"):
		return time.Time{}, errors.New("want a time in UTC, which ends with Z, and not one with an offset: " +
			FormatRestoreUntil(t))
	}
	return t.UTC(), nil
}

// FormatRestoreUntil formats a time as policies contain it; "" for the zero time.
func FormatRestoreUntil(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// restoreWindow returns the selection with the operations that its window adds.
func (c *checker) restoreWindow(profile schema.Profile, sel Selection) Selection {
	switch {
	case sel.RestoreUntil.IsZero():
	case len(profile.RestoreOperations) == 0:
		c.add("a time until which restores are allowed is given, but profile %s has no operation that restores; "+
			"leave it out", profile.Name)
	default:
		sel.Operations = slices.Concat(sel.Operations, profile.RestoreOperations)
	}
	return sel
}

// RestoresPermanently reports whether a selection includes an operation that restores
// without a restore window.
func RestoresPermanently(profile schema.Profile, sel Selection) bool {
	sel.RestoreUntil = time.Time{}
	var c checker
	sel = c.selection(profile, c.preset(profile, sel))
	return slices.ContainsFunc(sel.Operations, func(o schema.Operation) bool {
		return slices.Contains(profile.RestoreOperations, o)
	})
}

// WithoutEndedWindow returns the selection of what is granted at a time: without the
// operations that restore, if its restore window has ended by then and other operations
// remain.
func WithoutEndedWindow(profile schema.Profile, sel Selection, now time.Time) Selection {
	if sel.RestoreUntil.IsZero() || now.Before(sel.RestoreUntil) {
		return sel
	}
	var c checker
	complete := c.selection(profile, c.preset(profile, sel))
	lasting := filter(complete.Operations, func(o schema.Operation) bool {
		return !slices.Contains(profile.RestoreOperations, o)
	})
	if len(lasting) > 0 {
		sel.Operations, sel.RestoreUntil = lasting, time.Time{}
	}
	return sel
}

// withRestoreWindow returns the profile for a complete selection with the end of its
// restore window as a condition of every statement that only operations that restore
// need: those whose uses, or whose policy's or role's, include no other operation of
// the selection. Denies are never limited.
func withRestoreWindow(profile schema.Profile, sel Selection) schema.Profile {
	if sel.RestoreUntil.IsZero() {
		return profile
	}
	lasting := sel
	lasting.Operations = filter(sel.Operations, func(o schema.Operation) bool {
		return !slices.Contains(profile.RestoreOperations, o)
	})
	without := newChoice(profile, lasting)
	until := []string{FormatRestoreUntil(sel.RestoreUntil)}
	profile.Roles = slices.Clone(profile.Roles)
	for i := range profile.Roles {
		r := &profile.Roles[i]
		roleLasts := without.hasAny(r.For)
		r.Trust = slices.Clone(r.Trust)
		for j := range r.Trust {
			if t := &r.Trust[j]; !roleLasts || !without.hasAny(t.For) {
				t.When = withEnd(t.When, until)
			}
		}
		r.Policies = slices.Clone(r.Policies)
		for j := range r.Policies {
			p := &r.Policies[j]
			p.Statements = slices.Clone(p.Statements)
			for k := range p.Statements {
				st := &p.Statements[k]
				uses := st.For
				if len(uses) == 0 {
					uses = p.For
				}
				if !st.Deny && (!roleLasts || !without.hasAny(uses)) {
					st.When = withEnd(st.When, until)
				}
			}
		}
	}
	return profile
}

// withEnd returns conditions that hold until a time only.
func withEnd(when schema.Conditions, until []string) schema.Conditions {
	out := maps.Clone(when)
	if out == nil {
		out = schema.Conditions{}
	}
	keys := maps.Clone(out[windowOperator])
	if keys == nil {
		keys = map[string][]string{}
	}
	keys[windowKey] = until
	out[windowOperator] = keys
	return out
}
