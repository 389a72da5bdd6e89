package eval

import (
	"strings"

	"permstack/internal/iampolicy"
)

// Principal is the caller of a request: an AWS identity, or a service.
type Principal struct {
	Account string // 12 digits; of an AWS identity
	ARN     string // of the identity itself: a root, or an assumed-role session
	RoleARN string // of the role, when the identity is a session of one
	Service string // "cloudformation.amazonaws.com", for a service
}

// Match is how closely a Principal element names a principal.
type Match int

const (
	// NoMatch means that the element does not name the principal.
	NoMatch Match = iota
	// Everyone means that the element is "*".
	Everyone
	// Account means that the element names the account that the principal belongs to.
	Account
	// Exact means that the element names the role, the session or the service itself.
	Exact
)

func (p Principal) match(element *iampolicy.Principal) Match {
	if element.Everyone {
		return Everyone
	}
	best := NoMatch
	if p.Service != "" {
		for _, id := range element.ByType["Service"] {
			if id == p.Service {
				best = Exact
			}
		}
		return best
	}
	for _, id := range element.ByType["AWS"] {
		switch {
		case id == "*":
			best = max(best, Everyone)
		case p.Account != "" && (id == p.Account || isAccountRoot(id, p.Account)):
			best = max(best, Account)
		case id == p.ARN || id == p.RoleARN && id != "":
			best = Exact
		}
	}
	return best
}

// isAccountRoot reports whether an ARN is arn:<partition>:iam::<account>:root.
func isAccountRoot(arn, account string) bool {
	return strings.HasPrefix(arn, "arn:") && strings.HasSuffix(arn, ":iam::"+account+":root")
}
