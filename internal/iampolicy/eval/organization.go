package eval

import "permstack/internal/iampolicy"

// Organization evaluates a request by the service control policies, or by the resource control policies, that apply to
// an account: those of the root, of each unit above the account, and of the account itself. Each of these levels has to
// allow the request, and none may deny it (Organizations User Guide, "SCP evaluation"). Without levels it is allowed.
func Organization(levels [][]iampolicy.Document, r Request) Decision {
	out := Allow
	for _, docs := range levels {
		switch Documents(docs, r) {
		case ExplicitDeny:
			return ExplicitDeny
		case ImplicitDeny:
			out = ImplicitDeny
		}
	}
	return out
}

// Limits are the policies of an Organization that limit a request.
type Limits struct {
	ServiceControl  [][]iampolicy.Document // of the caller's account
	ResourceControl [][]iampolicy.Document // of the account that has the resource
}

// LimitedRole is Role for an account in an Organization.
func LimitedRole(limits Limits, identity []iampolicy.Document, boundary *iampolicy.Document, r Request) Result {
	byResource := Organization(limits.ResourceControl, r)
	byService := Organization(limits.ServiceControl, r)
	switch ExplicitDeny {
	case byResource:
		return Result{ExplicitDeny, "with an explicit deny in a resource control policy"}
	case byService:
		return Result{ExplicitDeny, "with an explicit deny in a service control policy"}
	}
	result := Role(identity, boundary, r)
	switch {
	case result.Decision == ExplicitDeny:
		return result
	case byResource != Allow:
		return Result{ImplicitDeny, "because no resource control policy allows the " + r.Action + " action"}
	case byService != Allow:
		return Result{ImplicitDeny, "because no service control policy allows the " + r.Action + " action"}
	}
	return result
}
