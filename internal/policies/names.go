package policies

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
)

const (
	// maxName is IAM's limit for the names of roles and instance profiles. Policies, topics and rules, which may have
	// longer ones, use the same limit.
	maxName = 64
	// maxRegion is the length of the longest Region name, "us-isof-south-1".
	// Names are shortened as if every Region's name were as long, so that an entity is named by the same rule in every
	// Region.
	maxRegion = 15
	// maxEntity leaves space for the Region and the hash of a connection ID.
	maxEntity  = maxName - 1 - maxRegion - 1 - hashLength
	hashLength = 8
)

// names generates physical names: <Entity>-<region>-<connection ID>. Two Regions or two connections never share a name.
// Roles, policies and instance profiles also have a path of their own for each Region and connection, so that a
// policy can name those of one connection whatever their names contain.
type names struct{ env Environment }

// path returns the IAM path of roles, policies and instance profiles.
func (n names) path() string { return n.env.RolePath() }

// physical returns the physical name of an entity. In a name of more than maxName characters the short ID of the
// installation replaces the connection ID, <Entity>-<region>_<short ID>. The parent's template can write it, too, and
// the underscore distinguishes it from a connection ID. Without an installation it is a hash of the connection ID (40
// bits).
func (n names) physical(entity string) string { return entity + n.ending(entity) }

// ending returns the part of a physical name after its entity.
func (n names) ending(entity string) string {
	connection := n.env.ConnectionID
	if len(entity)+1+maxRegion+1+len(connection) > maxName {
		if n.env.InstallationID != "" {
			return "-" + orPseudo(n.env.Region, pseudoRegion) + "_" + n.env.InstallationID
		}
		sum := sha256.Sum256([]byte(connection))
		connection = strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:hashLength])
	}
	return "-" + orPseudo(n.env.Region, pseudoRegion) + "-" + connection
}

// all returns patterns that match the physical names of several entities of one connection and Region: one for each
// ending that they have, because a list of fourteen rules needs more of a policy's size than it restricts. A single
// entity, and entities without a common prefix, are named exactly.
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
	// Only whole words: "Clumio" is clearer than "ClumioE", the common prefix of EC2 and EBS.
	for common != "" && common != list[0] && !isWordEnd(common, list) {
		common = common[:len(common)-1]
	}
	return common
}

// isWordEnd reports whether the prefix ends with a lower-case letter and every entity continues with an upper-case one.
func isWordEnd(prefix string, list []string) bool {
	last := prefix[len(prefix)-1]
	return last >= 'a' && last <= 'z' && !slices.ContainsFunc(list, func(s string) bool {
		return len(s) > len(prefix) && (s[len(prefix)] < 'A' || s[len(prefix)] > 'Z')
	})
}

// part returns the physical name of the i-th part of a split policy. The first part has the name of the unsplit policy,
// so that a policy that grows is not renamed.
func (n names) part(entity string, i int) string { return n.physical(partEntity(entity, i)) }

func partEntity(entity string, i int) string {
	if i > 0 {
		return fmt.Sprintf("%s-%d", entity, i+1)
	}
	return entity
}
