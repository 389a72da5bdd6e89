package wording

import "permstack/internal/notify/finding"

// Acceptance returns who accepted a difference, until when and why, or why that has no
// effect.
func Acceptance(a finding.Acceptance) string {
	switch {
	case a.State == finding.Ended:
		return "Its acceptance by " + a.By + " ended on " + a.Day() + "."
	case a.State == finding.Outdated:
		return "It is not the difference that " + a.By + " accepted until " + a.Day() + ": its values changed since."
	case a.State == finding.TooLong:
		return "Its acceptance until " + a.Day() + " has no effect: it must end within a year."
	case a.Until.IsZero():
		return "Accepted by the parameter " + a.By + ": " + a.Reason + "."
	}
	return "Accepted by " + a.By + " until " + a.Day() + ": " + a.Reason
}
