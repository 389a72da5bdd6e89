package compare

import (
	"slices"
	"strings"

	"permstack/internal/iampolicy"
)

// principal is one identifier of a Principal element ("AWS JSON policy elements:
// Principal" in the IAM User Guide).
type principal struct {
	kind    string // "AWS", "Service", "Federated", "CanonicalUser"; "*" for everyone
	id      string // as written, an account by its number
	account string // the account that an AWS identity belongs to, where the id says so
}

const everyone = "*"

// unnamed is the principal of an identity policy, which names none.
var unnamed = principal{}

// newPrincipal reads an identifier. An account's number and its root ARN are the
// same, in any partition ("The account ARN and the shortened account ID behave
// the same way").
func newPrincipal(kind, id string) principal {
	p := principal{kind: kind, id: id}
	if kind != "AWS" {
		return p
	}
	if isAccount(id) {
		p.account = id
		return p
	}
	parts := strings.SplitN(id, ":", arnParts)
	if len(parts) == arnParts && parts[0] == "arn" && (parts[2] == "iam" || parts[2] == "sts") && isAccount(parts[4]) {
		p.account = parts[4]
		if parts[2] == "iam" && parts[3] == "" && parts[5] == "root" {
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

func (p principal) key() string { return p.kind + "\x00" + p.id }

// String is the identifier for people: "AWS:111122223333", "*".
func (p principal) String() string {
	switch p.kind {
	case "":
		return ""
	case everyone:
		return everyone
	}
	return p.kind + ":" + p.id
}

// includes says whether a statement that names p speaks of all that q names, and
// as strongly.
//
// "*" is everyone. {"AWS":"*"} is everyone but services: AWS calls the two
// equivalent for anonymous users only, and services are principals of a kind of
// their own. So the step from {"AWS":"*"} to "*" counts as one to more.
//
// An account that is denied is denied with all that is in it. An account that is
// allowed has been delegated to: its own administrators must allow the identity
// too. For another account that holds of a role named by its ARN as well, so the
// account includes the role; within the owner's own account a named role needs
// nothing else, so there the account does not. owner is the account that the
// documents belong to, or "" if unknown; then the account does not either.
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

// isRoleSession says whether an assumed-role session is one of a role. Role names
// are unique within an account whatever their path.
func isRoleSession(session, role string) bool {
	s, r := strings.SplitN(session, ":", arnParts), strings.SplitN(role, ":", arnParts)
	if len(s) != arnParts || len(r) != arnParts || s[1] != r[1] || s[2] != "sts" || r[2] != "iam" || s[4] != r[4] {
		return false
	}
	name, isRole := strings.CutPrefix(r[5], "role/")
	name = name[strings.LastIndexByte(name, '/')+1:]
	return isRole && name != "" && strings.HasPrefix(s[5], "assumed-role/"+name+"/")
}
