package policies

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
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

// of names an entity. Where the name would pass 64 characters the connection id
// gives way to a hash of itself (40 bits); the entity and the Region stay readable.
func (n names) of(entity string) string {
	connection := n.env.ConnectionID
	if len(entity)+1+maxRegion+1+len(connection) > maxName {
		sum := sha256.Sum256([]byte(connection))
		connection = strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:hashLength])
	}
	return entity + "-" + orPseudo(n.env.Region, pseudoRegion) + "-" + connection
}

// part names the i-th part of a split policy; the first keeps the plain name, so
// that a policy that grows does not rename what is there.
func (n names) part(entity string, i int) string {
	if i > 0 {
		entity = fmt.Sprintf("%s-%d", entity, i+1)
	}
	return n.of(entity)
}
