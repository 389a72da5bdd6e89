package permissionstack

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"permstack/internal/installation"
)

// Fingerprint identifies a template as CloudFormation has it, byte for byte: 64
// hex digits. Unlike Template.Hash it does not stand in the template itself, where
// whoever edits that by hand can keep it.
func Fingerprint(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// Fingerprints writes those of some stacks as one text: "PART:HEX PART:HEX".
func Fingerprints(stacks []Stack) string {
	var out []string
	for _, s := range stacks {
		out = append(out, string(s.Part)+":"+Fingerprint(string(s.Template.body)))
	}
	return strings.Join(out, " ")
}

// ParseFingerprint returns the fingerprint of one part from the text that Fingerprints wrote; "" if it has none.
func ParseFingerprint(part installation.Part, text string) string {
	for _, field := range strings.Fields(text) {
		if hash, ok := strings.CutPrefix(field, string(part)+":"); ok {
			return hash
		}
	}
	return ""
}
