package installation

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Fingerprint identifies a template as CloudFormation has it, byte for byte: the
// SHA-256 in 64 hex digits. It is not in the template itself, where whoever edits
// the template by hand could keep it.
func Fingerprint(templateBody string) string {
	sum := sha256.Sum256([]byte(templateBody))
	return hex.EncodeToString(sum[:])
}

// FormatFingerprint returns one field of FingerprintsOutput: "PART:HEX". The
// output's fields are separated by spaces.
func FormatFingerprint(part Part, templateBody string) string {
	return string(part) + ":" + Fingerprint(templateBody)
}

// ParseFingerprint returns the fingerprint of one part from FingerprintsOutput;
// "" if it has none.
func ParseFingerprint(part Part, output string) string {
	for _, field := range strings.Fields(output) {
		if hash, ok := strings.CutPrefix(field, string(part)+":"); ok {
			return hash
		}
	}
	return ""
}
