package notify

import (
	"fmt"
	"strings"
	"time"
)

// RestoreEndedMessage returns the message that the time for which restores were allowed
// has passed.
func RestoreEndedMessage(o Origin, until, now time.Time) Message {
	return AccessMessage(o, Altered, Access{RestoreUntil: until.UTC().Format(time.RFC3339), RestoreEnded: true}, now)
}

// windowEffect reports whether restores are allowed for longer than before, or for
// less. Without a time they are allowed always, or never: a window that was removed
// without removing an action made them permanent.
func (a Access) windowEffect(added, removed bool) (longer, shorter bool) {
	switch {
	case a.RestoreEnded:
		return false, true
	case a.RestoreUntil == a.RestoreBefore:
		return false, false
	case a.RestoreBefore == "":
		return added, !added
	case a.RestoreUntil == "":
		return !removed, removed
	}
	return a.RestoreUntil > a.RestoreBefore, a.RestoreUntil < a.RestoreBefore // UTC in one format sorts by time
}

// hasPassed reports whether a time of an Access is not after now.
func hasPassed(until string, now time.Time) bool {
	t, err := time.Parse(time.RFC3339, until)
	return err == nil && !now.Before(t)
}

// restoreSubject returns what a message about another restore window is about.
func restoreSubject(a Access, now time.Time) string {
	switch {
	case a.RestoreUntil == "" && len(a.Changes) > 0:
		if longer, _ := a.windowEffect(false, hasRemoved(a.Changes)); longer {
			return "restores no longer end"
		}
		return "restore window closed"
	case a.RestoreUntil == "":
		return "restore window closed"
	case hasPassed(a.RestoreUntil, now):
		return "restore window in the past"
	}
	return "restores allowed until " + a.RestoreUntil
}

func hasRemoved(changes []AccessChange) bool {
	for _, c := range changes {
		if len(c.Removed) > 0 {
			return true
		}
	}
	return false
}

// writeRestoreWindow writes until when restores are allowed.
func (a *Access) writeRestoreWindow(b *strings.Builder, m Message) {
	format := func(text string) string {
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return text
		}
		return formatTime(t)
	}
	switch {
	case m.Status == Removed || a.RestoreUntil == "" && a.RestoreBefore == "":
		return
	case a.RestoreUntil == "" && hasRemoved(a.Changes):
		fmt.Fprintf(b, "\nThe restore window until %s is closed.\n", format(a.RestoreBefore))
	case a.RestoreUntil == "":
		fmt.Fprintf(b, "\nRestores were limited to the time until %s. They are no longer limited.\n",
			format(a.RestoreBefore))
	case hasPassed(a.RestoreUntil, m.Time):
		fmt.Fprintf(b, "\nRestores were allowed until %s. That time has passed: they are not allowed.\n",
			format(a.RestoreUntil))
	default:
		fmt.Fprintf(b, "\nRestores are allowed until %s.\n", format(a.RestoreUntil))
	}
}
