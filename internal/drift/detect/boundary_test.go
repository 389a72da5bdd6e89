package detect_test

import "strings"

// boundaryPlaceholder is replaced by the boundary of the backup service's roles in a template of updateStack: the stack
// role creates no role without it.
const boundaryPlaceholder = "BOUNDARY"

// boundary returns the ARN of the boundary of the backup service's roles.
func (w *environment) boundary() string {
	w.t.Helper()
	_, after, _ := strings.Cut(w.template(w.accessStack()), `"PermissionsBoundary":"`)
	arn, _, _ := strings.Cut(after, `"`)
	return arn
}
