// Package evaluate decides what policies allow, by the rules of "Policy
// evaluation logic" and "IAM JSON policy elements" in the IAM User Guide. It is
// pure: documents and a request in, a decision out.
//
// It judges identity policies, a permissions boundary and the principals of a
// resource or trust policy. It knows nothing of organization policies (SCP,
// RCP), session policies or VPC endpoint policies.
package eval

import (
	"strings"

	"permstack/internal/iampolicy"
)

// Request is what someone wants to do.
type Request struct {
	Principal Principal // asked of documents whose statements name principals
	Action    string    // "iam:CreateRole"
	Resource  string    // an ARN, or "*" for an action that knows no resource

	// Context holds the condition keys of the request. Names have no case; a
	// key with no values is present and empty.
	Context map[string][]string
}

// Decision is what a document, or several together, say of a request.
type Decision int

const (
	// ImplicitDeny is silence: no statement speaks of the request.
	ImplicitDeny Decision = iota
	// Allow is at least one statement that allows and none that denies.
	Allow
	// ExplicitDeny is at least one statement that denies.
	ExplicitDeny
)

func (d Decision) String() string {
	return [...]string{"implicit deny", "allow", "explicit deny"}[d]
}

// Documents judges a request by the statements of several documents together.
func Documents(docs []iampolicy.Document, r Request) Decision {
	d, _ := evaluate(docs, r)
	return d
}

// Result is a decision and, for a denial, the words AWS ends its refusal with.
type Result struct {
	Decision Decision
	Why      string
}

// Role judges a request of a role session: the role's identity policies must
// allow it, its permissions boundary (nil for none) must allow it too, and
// neither may deny it.
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

// Trust judges a request by a resource or trust policy. The match says how
// closely the allowing statement names the principal: by Account, the
// principal's own identity policies have to allow the request as well; by
// Exact, within one account, they need not.
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

// applies says whether a statement speaks of the request. Policy variables work
// in documents of version 2012-10-17 only.
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
			if Wildcard(strings.ToLower(p), strings.ToLower(action)) {
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

func matchesResource(s *iampolicy.Statement, resource string, context map[string][]string, variables bool) bool {
	any := func(patterns []string) bool {
		for _, p := range patterns {
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
	return true // a trust policy names no resource
}

// lowerKeys gives the context with lower-case key names.
func lowerKeys(context map[string][]string) map[string][]string {
	out := make(map[string][]string, len(context))
	for k, v := range context {
		out[strings.ToLower(k)] = v
	}
	return out
}
