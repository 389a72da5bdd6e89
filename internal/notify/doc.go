// Package alert decides what of a drift report is news, words it and sends it.
//
// The core is pure: Compare holds a driftreport.Report against a State and gives
// News and the next State; DriftMessage and AccessMessage turn news into a
// Message; Message.Input turns that into one SNS message. Who keeps the State
// decides where.
package notify

import "permstack/internal/notify/finding"

// rank orders directions by how much they matter: the gravest first.
func rank(d finding.Direction) int {
	switch d {
	case finding.GrantsMore:
		return 0
	case finding.GrantsLess:
		return 1
	case finding.Changed:
		return 2
	default:
		return 3
	}
}

// directions lists every direction, the gravest first.
var directions = [...]finding.Direction{finding.GrantsMore, finding.GrantsLess, finding.Changed, finding.Unreadable}
