// Package eval evaluates whether policies allow a request, by the rules of "Policy evaluation logic" and "IAM JSON
// policy elements" in the IAM User Guide. It does no I/O.
//
// It evaluates identity policies, a permissions boundary, service control and resource control policies of an
// Organization, and trust and resource policies with principals. It does not support session policies or VPC endpoint
// policies.
package eval

import (
	"strings"
	"unicode/utf8"

	"permstack/internal/iampolicy"
)

// Request is one call of an AWS API, as policies see it.
type Request struct {
	Principal Principal // compared with the Principal elements of trust and resource policies
	Action    string    // "iam:CreateRole"
	Resource  string    // an ARN, or "*" for an action without resource-level permissions

	// Context holds the values of the request's condition keys. Names are case-insensitive; a key without values is
	// present and empty.
	Context map[string][]string
}

// Decision is the result of evaluating one document, or several together.
type Decision int

const (
	// ImplicitDeny means that no statement applies to the request.
	ImplicitDeny Decision = iota
	// Allow means that at least one statement allows the request and none denies it.
	Allow
	// ExplicitDeny means that at least one statement denies the request.
	ExplicitDeny
)

func (d Decision) String() string {
	return [...]string{"implicit deny", "allow", "explicit deny"}[d]
}

// Documents evaluates a request by the statements of several documents together.
func Documents(docs []iampolicy.Document, r Request) Decision {
	d, _ := evaluate(docs, r)
	return d
}

// Result is a decision and, for a denial, the reason in the words of AWS's error messages.
type Result struct {
	Decision Decision
	Why      string
}

// Role evaluates a request of a role session: the role's identity policies must allow it, its permissions boundary (nil
// for none) must allow it too, and neither may deny it.
func Role(identity []iampolicy.Document, boundary *iampolicy.Document, r Request) Result {
	byIdentity := Documents(identity, r)
	if byIdentity == ExplicitDeny {
		return Result{ExplicitDeny, "with an explicit deny in an identity-based policy"}
	}
	byBoundary := Allow
	if boundary != nil {
		byBoundary = Documents([]iampolicy.Document{*boundary}, r)
	}
	switch {
	case byBoundary == ExplicitDeny:
		return Result{ExplicitDeny, "with an explicit deny in a permissions boundary"}
	case byIdentity == ImplicitDeny:
		return Result{ImplicitDeny, "because no identity-based policy allows the " + r.Action + " action"}
	case byBoundary == ImplicitDeny:
		return Result{ImplicitDeny, "because no permissions boundary allows the " + r.Action + " action"}
	}
	return Result{Decision: Allow}
}

// Trust evaluates a request by a resource or trust policy. The Match is how closely the allowing statement names the
// principal: with Account, the principal's identity policies have to allow the request as well; with Exact, within one
// account, they do not.
func Trust(doc iampolicy.Document, r Request) (Decision, Match) {
	return evaluate([]iampolicy.Document{doc}, r)
}

func evaluate(docs []iampolicy.Document, r Request) (Decision, Match) {
	context := lowerKeys(r.Context)
	decision, closest := ImplicitDeny, NoMatch
	for _, doc := range docs {
		for i := range doc.Statement {
			s := &doc.Statement[i]
			match, ok := applies(s, r, context, doc.Version == iampolicy.Version)
			if !ok {
				continue
			}
			if s.Effect == "Deny" {
				return ExplicitDeny, match
			}
			if s.Effect == "Allow" {
				decision, closest = Allow, max(closest, match)
			}
		}
	}
	return decision, closest
}

// applies reports whether a statement applies to the request. Policy variables are supported in documents of version
// 2012-10-17 only.
func applies(s *iampolicy.Statement, r Request, context map[string][]string, variables bool) (Match, bool) {
	match := Exact
	switch {
	case s.Principal != nil:
		if match = r.Principal.match(s.Principal); match == NoMatch {
			return NoMatch, false
		}
	case s.NotPrincipal != nil:
		if r.Principal.match(s.NotPrincipal) != NoMatch {
			return NoMatch, false
		}
	}
	if !matchesAction(s, r.Action) || !matchesResource(s, r.Resource, context, variables) {
		return NoMatch, false
	}
	for operator, keys := range s.Condition {
		for key, values := range keys {
			if !condition(operator, key, values, context, variables) {
				return NoMatch, false
			}
		}
	}
	return match, true
}

func matchesAction(s *iampolicy.Statement, action string) bool {
	any := func(patterns []string) bool {
		for _, p := range patterns {
			if matchesName(p, action) {
				return true
			}
		}
		return false
	}
	if len(s.NotAction) > 0 {
		return !any(s.NotAction)
	}
	return any(s.Action)
}

// matchesName reports whether the pattern of an action matches a name, without regard to case. Most patterns have no
// wildcard and differ from the name in an early letter, so that letters are compared until the first wildcard.
func matchesName(pattern, name string) bool {
	for i := range len(pattern) {
		p := pattern[i]
		if p == '*' || p == '?' {
			return Wildcard(strings.ToLower(pattern[i:]), strings.ToLower(name[i:]))
		}
		if i == len(name) {
			return false
		}
		if n := name[i]; p != n && (p|n >= utf8.RuneSelf || lower(p) != lower(n)) {
			return (p|n >= utf8.RuneSelf) && matchesUnicodeName(pattern, name)
		}
	}
	return len(pattern) == len(name)
}

// lower returns an ASCII letter in lower case.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// matchesUnicodeName is matchesName for letters other than those of ASCII, of which some are equal without regard to
// case although their lengths differ.
func matchesUnicodeName(pattern, name string) bool {
	i := strings.IndexAny(pattern, "*?")
	if i < 0 {
		return strings.EqualFold(pattern, name)
	}
	return len(name) >= i && strings.EqualFold(pattern[:i], name[:i]) &&
		Wildcard(strings.ToLower(pattern[i:]), strings.ToLower(name[i:]))
}

func matchesResource(s *iampolicy.Statement, resource string, context map[string][]string, variables bool) bool {
	any := func(patterns []string) bool {
		for _, p := range patterns {
			if differsEarly(p, resource) {
				continue
			}
			if tokens, ok := expand(p, context, variables); ok && matchARN(tokens, resource) {
				return true
			}
		}
		return false
	}
	switch {
	case len(s.NotResource) > 0:
		return !any(s.NotResource)
	case len(s.Resource) > 0:
		return any(s.Resource)
	}
	return true // a trust policy has no Resource element
}

// differsEarly reports whether a pattern differs from a resource before its first wildcard or variable, as most do.
func differsEarly(pattern, resource string) bool {
	for i := range len(pattern) {
		switch c := pattern[i]; {
		case c == '*' || c == '?' || c == '$':
			return false
		case i == len(resource) || c != resource[i]:
			return true
		}
	}
	return len(pattern) != len(resource)
}

// lowerKeys returns the context with lower-case key names.
func lowerKeys(context map[string][]string) map[string][]string {
	out := make(map[string][]string, len(context))
	for k, v := range context {
		out[strings.ToLower(k)] = v
	}
	return out
}
