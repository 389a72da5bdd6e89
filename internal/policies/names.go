package policies

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
)

const (
	// maxName is IAM's limit for role and instance profile names; policies,
	// topics and rules keep to it too, so that one rule fits all.
	maxName = 64
	// maxRegion is the length of the longest Region name, "us-isof-south-1".
	// Names are fitted as if every Region were as long, so that an entity is
	// named by the same rule in every Region.
	maxRegion = 15
	// maxEntity leaves room for the Region and the hash of a connection id.
	maxEntity  = maxName - 1 - maxRegion - 1 - hashLength
	hashLength = 8
)

// names gives physical names: <Entity>-<region>-<connection id>. Two Regions or
// two connections never share one.
type names struct{ env Environment }

// physical names an entity. Where the name would pass 64 characters the connection id
// gives way to a hash of itself (40 bits); the entity and the Region stay readable.
func (n names) physical(entity string) string { return entity + n.ending(entity) }

// ending is what a name has behind its entity.
func (n names) ending(entity string) string {
	connection := n.env.ConnectionID
	if len(entity)+1+maxRegion+1+len(connection) > maxName {
		sum := sha256.Sum256([]byte(connection))
		connection = strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:hashLength])
	}
	return "-" + orPseudo(n.env.Region, pseudoRegion) + "-" + connection
}

// all matches the names of several entities of one connection and Region, with
// a pattern for each ending that they have: a list of fourteen rules costs more
// physical a policy than it narrows. Entities without a common beginning, and a single
// one, are named to the letter.
func (n names) all(entities []string) []string {
	common := commonPrefix(entities)
	var out []string
	for _, e := range entities {
		name := n.physical(e)
		if len(entities) > 1 && common != "" {
			name = common + "*" + n.ending(e)
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

func commonPrefix(list []string) string {
	if len(list) == 0 {
		return ""
	}
	common := list[0]
	for _, s := range list[1:] {
		for !strings.HasPrefix(s, common) {
			common = common[:len(common)-1]
		}
	}
	// To the end of a word: "ClumioE" of EC2 and EBS would say less than "Clumio".
	for common != "" && common != list[0] && !isWordEnd(common, list) {
		common = common[:len(common)-1]
	}
	return common
}

// isWordEnd reports whether every entity goes on with a capital letter and the
// prefix ends with a small one.
func isWordEnd(prefix string, list []string) bool {
	last := prefix[len(prefix)-1]
	return last >= 'a' && last <= 'z' && !slices.ContainsFunc(list, func(s string) bool {
		return len(s) > len(prefix) && (s[len(prefix)] < 'A' || s[len(prefix)] > 'Z')
	})
}

// part names the i-th part of a split policy; the first keeps the plain name, so
// that a policy that grows does not rename what is there.
func (n names) part(entity string, i int) string { return n.physical(partEntity(entity, i)) }

func partEntity(entity string, i int) string {
	if i > 0 {
		return fmt.Sprintf("%s-%d", entity, i+1)
	}
	return entity
}
