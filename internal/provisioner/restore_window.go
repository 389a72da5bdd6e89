package provisioner

import (
	"fmt"
	"time"

	"permstack/internal/permissionstack/properties"
	"permstack/internal/policies"
)

// clockSkew is by how much the clock of whoever chose the end of a restore window may
// be ahead of the function's.
const clockSkew = 5 * time.Minute

// checkRestoreWindow returns an error if the restore window is longer than the
// customer's limit. The remaining time counts, so a window that was accepted stays
// acceptable in later updates and in rollbacks.
//
// A window that has ended is accepted: it allows no restores, and an update of other
// parameters after its end, the rollback of one, and the accounts that join a stack set
// later still have it.
func (o *operation) checkRestoreWindow(p properties.Properties) error {
	if p.RestoreUntil.IsZero() {
		return nil
	}
	now, longest := o.now().UTC(), p.LongestRestore()
	if p.RestoreUntil.After(now.Add(longest + clockSkew)) {
		return fmt.Errorf("property RestoreUntil: restores would be allowed until %s, which is more than %d hours from now. "+
			"Nothing was changed. Choose a time before %s, or raise MaxRestoreHours",
			policies.FormatRestoreUntil(p.RestoreUntil), int(longest.Hours()),
			policies.FormatRestoreUntil(now.Add(longest).Truncate(time.Second)))
	}
	return nil
}
