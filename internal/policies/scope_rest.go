package policies

import (
	"cmp"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/policies/schema"
	"permstack/internal/policies/scope"
)

// NotNarrowed is access that a kind of the scope does not limit.
type NotNarrowed struct {
	Kind    scope.Kind
	Why     string
	Actions []string // sorted
}

// Reasons why access is not narrowed.
const (
	whyListing   = "AWS has no resource and no condition key for them"
	whyNew       = "restores use them on what they create, which has no tags yet"
	whyVendorTag = "they are limited by the tags of what the vendor creates instead"
	whyOther     = "they act on resources of other types, such as snapshots"
	whyBuckets   = "S3 compares tags only of buckets that have attribute-based access control enabled; list the buckets"
	whyNoKey     = "AWS does not send the key with them"
	whyGlobal    = "these services have no Regions"
)

// notNarrowed returns the access of a selection that the scope does not limit, with the reason.
func (n narrower) notNarrowed(profile schema.Profile, c choice) []NotNarrowed {
	found := map[[2]string]map[string]bool{}
	for _, r := range profile.Roles {
		if !c.hasAny(r.For) {
			continue
		}
		for _, p := range r.Policies {
			for _, st := range c.statements(p) {
				if st.Deny || isVendors(st.When) || len(filter(st.Resources, isVendorsARN)) == len(st.Resources) {
					continue
				}
				for _, k := range scope.Kinds {
					if !n.scope.Has(k) {
						continue
					}
					for _, a := range st.Actions {
						if why := n.whyNotNarrowed(k, st, a); why != "" {
							key := [2]string{string(k), why}
							if found[key] == nil {
								found[key] = map[string]bool{}
							}
							found[key][a] = true
						}
					}
				}
			}
		}
	}
	var out []NotNarrowed
	for key, set := range found {
		rest := NotNarrowed{Kind: scope.Kind(key[0]), Why: key[1]}
		for a := range set {
			rest.Actions = append(rest.Actions, a)
		}
		slices.Sort(rest.Actions)
		out = append(out, rest)
	}
	slices.SortFunc(out, func(a, b NotNarrowed) int {
		return cmp.Or(cmp.Compare(slices.Index(scope.Kinds, a.Kind), slices.Index(scope.Kinds, b.Kind)),
			strings.Compare(a.Why, b.Why))
	})
	return out
}

// isVendorsARN reports whether a resource of a profile is in the vendor's account.
func isVendorsARN(resource string) bool {
	return iampolicy.AccountInARN(resource) == "${DataPlaneAccount}"
}

// whyNotNarrowed returns why a kind does not narrow an action of a statement; "" if it does, or if the action is of
// another service.
func (n narrower) whyNotNarrowed(k scope.Kind, st schema.Statement, action string) string {
	service, _, _ := strings.Cut(action, ":")
	if k == scope.Region {
		if isRegional(action) {
			return ""
		}
		return whyGlobal
	}
	protects := k == scope.Tag &&
		len(actingOn([]string{action}, filter(st.Resources, scope.IsProtected))) > 0 && !slices.Contains(st.Resources, "*")
	if !slices.Contains(k.Services(), service) && !protects {
		return ""
	}
	if why := st.NotNarrowed[string(k)]; why != "" {
		return why
	}
	switch k {
	case scope.Tag, scope.VPC:
		if k == scope.Tag && n.isForRestores(st.For) && n.until.IsZero() {
			break
		}
		for _, by := range st.Narrow {
			if by.Kind == string(k) && (len(by.Actions) == 0 || slices.Contains(by.Actions, action)) {
				return ""
			}
		}
	default:
		named := filter(st.Resources, func(r string) bool { p, _ := scope.ParsePattern(r); return p.Kind == k })
		if len(actingOn([]string{action}, named)) > 0 {
			return ""
		}
	}
	return n.whyOfStatement(k, st, action)
}

func (n narrower) whyOfStatement(k scope.Kind, st schema.Statement, action string) string {
	service, _, _ := strings.Cut(action, ":")
	switch {
	case slices.Contains(st.Resources, "*"):
		return whyListing
	case k == scope.Tag && service == "s3":
		return whyBuckets
	case hasTagCondition(st.When):
		return whyVendorTag
	case k == scope.Tag && len(actingOn([]string{action}, filter(st.Resources, scope.IsProtected))) > 0:
		if n.isForRestores(st.For) {
			return whyNew
		}
		return whyNoKey
	}
	return whyOther
}

// hasTagCondition reports whether a statement has a condition on tags.
func hasTagCondition(when schema.Conditions) bool {
	for _, keys := range when {
		for key := range keys {
			if strings.Contains(key, "ResourceTag/") || strings.Contains(key, "RequestTag/") || key == "ec2:CreateAction" {
				return true
			}
		}
	}
	return false
}
