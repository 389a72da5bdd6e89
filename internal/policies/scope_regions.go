package policies

import (
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/policies/scope"
)

// ScopePolicy is the name of the inline policy that denies requests to Regions outside the scope.
const ScopePolicy = "PermstackScope"

// global are actions of services that have one endpoint for all Regions, or that AWS evaluates in a Region that is not
// the one of the resource: aws:RequestedRegion says nothing about them (IAM User Guide, "AWS global condition context
// keys", aws:RequestedRegion, and "AWS: Denies access to AWS based on the requested Region").
var global = iampolicy.Values{
	"account:*", "aws-portal:*", "budgets:*", "ce:*", "cloudfront:*", "cur:*", "globalaccelerator:*", "health:*", "iam:*",
	"organizations:*", "pricing:*", "route53:*", "s3:GetAccountPublic*", "s3:GetBucketLocation", "s3:GetMultiRegion*",
	"s3:ListAllMyBuckets", "s3:ListMultiRegion*", "shield:*", "sts:*", "support:*", "trustedadvisor:*",
}

// regionScope returns the policy that limits a role to the Regions of the scope, and false if there is none.
func (s synthesis) regionScope(role Role) (Policy, bool) {
	const why = "deny requests to Regions that are not in the scope"
	if !s.scope.Has(scope.Region) {
		return Policy{}, false
	}
	var notActions iampolicy.Values
	regional := false
	for _, g := range global {
		if role.allows(func(st iampolicy.Statement) bool {
			return slices.ContainsFunc(st.Action, func(a string) bool { return iampolicy.Overlap(a, g) })
		}) {
			notActions = append(notActions, g)
		}
	}
	regional = role.allows(func(st iampolicy.Statement) bool { return slices.ContainsFunc(st.Action, isRegional) })
	if !regional {
		return Policy{}, false
	}
	if len(notActions) == 0 {
		notActions = iampolicy.Values{"sts:*"} // a NotAction needs one action
	}
	return Policy{
		Entity: ScopePolicy, Name: ScopePolicy, Description: sentence(why),
		Document: iampolicy.Document{Version: iampolicy.Version, Statement: []iampolicy.Statement{{
			Sid: "OnlyRegions", Effect: "Deny", NotAction: notActions, Resource: iampolicy.Values{"*"},
			Condition: iampolicy.Conditions{"StringNotEquals": {"aws:RequestedRegion": s.scope.Regions}},
		}}},
		Grants: []Grant{{Sid: "OnlyRegions", Why: why}},
	}, true
}

// isRegional reports whether an action, which may have wildcards, is not one of global.
func isRegional(action string) bool {
	return !slices.ContainsFunc(global, func(g string) bool {
		return strings.HasPrefix(action, strings.TrimSuffix(g, "*")) && (strings.HasSuffix(g, "*") || action == g)
	})
}
