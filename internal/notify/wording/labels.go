package wording

import (
	"fmt"
	"strings"

	"permstack/internal/notify/finding"
)

// Kind returns a kind of finding in words: "attachment added".
func Kind(k finding.Kind) string { return strings.ReplaceAll(string(k), "-", " ") }

// Title returns the kind and the subject of a finding, with a separator between
// the two.
func Title(k finding.Kind, separator, subject string) string {
	if subject == "" {
		return Kind(k)
	}
	return Kind(k) + separator + subject
}

// Direction returns a direction in lower case: "grants more".
func Direction(d finding.Direction) string { return strings.ReplaceAll(string(d), "-", " ") }

// Label returns a direction as subjects and tables show it.
func Label(d finding.Direction) string {
	switch d {
	case finding.GrantsMore:
		return "GRANTS MORE"
	case finding.Monitoring:
		return "MONITORING"
	case finding.GrantsLess:
		return "GRANTS LESS"
	case finding.Unreadable:
		return "UNREADABLE"
	default:
		return "CHANGED"
	}
}

// Heading introduces the findings of one direction in an e-mail.
func Heading(d finding.Direction) string {
	switch d {
	case finding.GrantsMore:
		return "GRANTS MORE than was deployed: a matter for your security team"
	case finding.Monitoring:
		return "MONITORING: the check or its notifications may no longer work; a matter for your security team"
	case finding.GrantsLess:
		return "GRANTS LESS than was deployed: backups or restores will fail"
	case finding.Unreadable:
		return "COULD NOT BE READ: neither in sync nor drifted"
	default:
		return "CHANGED: no additional access was proved"
	}
}

// Call returns an API call in words: who, what, when, from where.
func Call(c finding.Call) string {
	text := c.Principal + " called " + c.Action + ", " + c.Time.UTC().Format("2 Jan 2006 15:04:05 UTC")
	if c.Source != "" {
		text += ", from " + c.Source
	}
	return text
}

// Count returns a number with its noun: "1 finding", "2 findings".
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
