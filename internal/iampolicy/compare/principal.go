package compare

import (
	"slices"
	"strconv"
	"strings"

	"permstack/internal/iampolicy"
)

// principal is one identifier of a Principal element ("AWS JSON policy elements:
// Principal" in the IAM User Guide).
type principal struct {
	kind    string // "AWS", "Service", "Federated", "CanonicalUser"; "*" for everyone
	id      string // as written, an account by its number
	account string // the account that an AWS identity belongs to, if the id contains it
}

const everyone = "*"

// unnamed is the principal of an identity policy, which names none.
var unnamed = principal{}

// newPrincipal parses an identifier. An account's number and its root ARN are equal, in any partition ("The account ARN
// and the shortened account ID behave the same way").
func newPrincipal(kind, id string) principal {
	p := principal{kind: kind, id: id}
	if kind != "AWS" {
		return p
	}
	if isAccount(id) {
		p.account = id
		return p
	}
	a, _ := iampolicy.ParseARN(id)
	if (a.Service == "iam" || a.Service == "sts") && isAccount(a.AccountID) {
		p.account = a.AccountID
		if a.Service == "iam" && a.Region == "" && a.Resource == "root" {
			p.id = p.account
		}
	}
	return p
}

func isAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

func readPrincipals(element *iampolicy.Principal) []principal {
	if element.Everyone {
		return []principal{{kind: everyone, id: everyone}}
	}
	var out []principal
	for kind, ids := range element.ByType {
		for _, id := range ids {
			out = append(out, newPrincipal(kind, id))
		}
	}
	slices.SortFunc(out, func(a, b principal) int { return strings.Compare(a.key(), b.key()) })
	return slices.Compact(out)
}

func (p principal) key() string { return strconv.Quote(p.kind) + strconv.Quote(p.id) }

// String returns the identifier with its type: "AWS:111122223333", or "*".
func (p principal) String() string {
	switch p.kind {
	case "":
		return ""
	case everyone:
		return everyone
	}
	return p.kind + ":" + p.id
}

// includes reports whether a statement that names p has at least the effect, on every identity of q, of one that names
// q.
//
// "*" is everyone. {"AWS":"*"} is everyone but services: AWS calls the two equivalent for anonymous users only, and
// services are another type of principal. So a change from {"AWS":"*"} to "*" grants more.
//
// Denying an account denies every identity in it. Allowing an account delegates to it: its own administrators must
// allow the identity too. For another account the same is true of a role named by its ARN, so the account includes the
// role. Within the owner's account a named role needs no further permission, so the account does not include it. owner
// is the account that the documents belong to; if it is unknown (""), the account does not include the role either.
func (p principal) includes(q principal, effect, owner string) bool {
	switch {
	case p == q:
		return true
	case p.kind == everyone:
		return q.kind != ""
	case p.kind != "AWS" || q.kind != "AWS":
		return false
	case p.id == everyone:
		return true
	case p.account != "" && p.id == p.account:
		return q.account == p.account && (effect == deny || owner != "" && owner != p.account)
	case effect == deny:
		return isRoleSession(q.id, p.id)
	}
	return false
}

// isRoleSession reports whether the first ARN is an assumed-role session of the role with the second ARN. Role names
// are unique within an account whatever their path.
func isRoleSession(session, role string) bool {
	s, _ := iampolicy.ParseARN(session)
	r, _ := iampolicy.ParseARN(role)
	if s.Service != "sts" || r.Service != "iam" || s.Partition != r.Partition || s.AccountID != r.AccountID {
		return false
	}
	name, isRole := strings.CutPrefix(r.Resource, "role/")
	name = name[strings.LastIndexByte(name, '/')+1:]
	return isRole && name != "" && strings.HasPrefix(s.Resource, "assumed-role/"+name+"/")
}
