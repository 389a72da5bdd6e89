package notify

import (
	"fmt"
	"strings"

	"permstack/internal/notify/finding"
)

// kindText is a kind of difference in words.
func kindText(k finding.Kind) string { return strings.ReplaceAll(string(k), "-", " ") }

// subjectLabel is a direction in the subject of a message.
func subjectLabel(d finding.Direction) string {
	switch d {
	case finding.GrantsMore:
		return "GRANTS MORE"
	case finding.GrantsLess:
		return "GRANTS LESS"
	case finding.Unreadable:
		return "UNREADABLE"
	default:
		return "CHANGED"
	}
}

// heading introduces the findings of a direction.
func heading(d finding.Direction) string {
	switch d {
	case finding.GrantsMore:
		return "GRANTS MORE than was deployed: a matter for your security team"
	case finding.GrantsLess:
		return "GRANTS LESS than was deployed: backups or restores will fail"
	case finding.Unreadable:
		return "COULD NOT BE READ: neither in order nor drifted"
	default:
		return "CHANGED, neither more nor less, or not to be told"
	}
}

// count is a number with its noun.
func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// ascii makes what an SNS subject takes: printable ASCII.
func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return '?'
		}
		return r
	}, s)
}
