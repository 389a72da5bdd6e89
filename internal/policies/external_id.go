package policies

import (
	"slices"
	"strings"

	"permstack/internal/policies/profiles"
)

// minExternalID is the shortest external id that is not called short: with 16
// characters, random letters and digits have more than 80 bits.
const minExternalID = 16

// commonExternalIDs are words that documentation and people use, beside the names of the profiles.
var commonExternalIDs = []string{
	"changeme", "default", "example", "externalid", "password", "permstack", "secret", "test", "vendor",
}

// ExternalIDWeakness returns why an external id can be guessed, as the end of a
// sentence about it; "" if it is empty or cannot be. The text has no part of the id.
func ExternalIDWeakness(id string) string {
	if id == "" {
		return ""
	}
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(id))
	word := strings.TrimRight(plain, "0123456789")
	switch {
	case slices.ContainsFunc(slices.Concat(commonExternalIDs, profiles.Names()), func(common string) bool {
		return strings.ReplaceAll(word, common, "") == "" && word != ""
	}):
		return "is a common word"
	case distinct(plain) < 6:
		return "has few different characters"
	case len(id) < minExternalID:
		return "is short"
	case strings.Trim(plain, "0123456789") == "" && len(plain) < 24:
		return "consists of few digits"
	}
	return ""
}

// distinct returns the number of different characters.
func distinct(s string) int {
	seen := map[rune]bool{}
	for _, r := range s {
		seen[r] = true
	}
	return len(seen)
}
