// Package notify decides which findings of a drift check have to be reported,
// writes messages about them and about changes of access, and publishes them to
// SNS.
//
// The core is pure: Compare compares a report with the State of earlier runs and
// returns a Diff and the next State; DriftMessage and AccessMessage convert that
// to a Message; Message.Input converts a Message to one call of SNS. The texts
// about findings are in package wording.
package notify

import "permstack/internal/notify/finding"

// directions lists every direction, the most severe first.
var directions = [...]finding.Direction{
	finding.GrantsMore, finding.Monitoring, finding.GrantsLess, finding.Changed, finding.Unreadable,
}

// rank returns the position of a direction in directions.
func rank(d finding.Direction) int {
	for i, other := range directions {
		if d == other {
			return i
		}
	}
	return len(directions) - 1
}
