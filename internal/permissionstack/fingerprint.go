package permissionstack

import (
	"strings"

	"permstack/internal/installation"
)

// Fingerprints returns the fingerprints of the stacks' templates in the form of
// installation.FingerprintsOutput. Unlike Template.Hash a fingerprint is not in
// the template itself.
func Fingerprints(stacks []Stack) string {
	var out []string
	for _, s := range stacks {
		out = append(out, installation.FormatFingerprint(s.Part, string(s.Template.body)))
	}
	return strings.Join(out, " ")
}
