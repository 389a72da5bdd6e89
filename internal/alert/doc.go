// Package alert decides what of a drift report is news, words it, and keeps
// what was told.
//
// The core is pure: Compare holds a drift.Report against a State and gives News
// and the next State; DriftMessage and AccessMessage turn news into a Message;
// Message.Input turns that into one SNS message. Store keeps the State in one
// SSM parameter.
package alert

import "permstack/internal/drift"

// rank orders directions by how much they matter: the gravest first.
func rank(d drift.Direction) int {
	switch d {
	case drift.GrantsMore:
		return 0
	case drift.GrantsLess:
		return 1
	case drift.Changed:
		return 2
	default:
		return 3
	}
}

// directions lists every direction, the gravest first.
var directions = [...]drift.Direction{drift.GrantsMore, drift.GrantsLess, drift.Changed, drift.Unreadable}
