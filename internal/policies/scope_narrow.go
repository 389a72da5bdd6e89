package policies

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
	"permstack/internal/policies/schema"
	"permstack/internal/policies/scope"
)

// Narrowing. A customer's scope replaces "any table" in the resources of statements by the tables that it lists, and
// adds conditions on tags and VPCs to the statements with which AWS sends the keys. Regions are limited for whole roles
// (regionScope). Denies are not narrowed, nor is what belongs to the vendor.

// narrower narrows the statements of one profile.
type narrower struct {
	scope scope.Scope
	terms terms
	env   Environment
	// restores are the chosen operations that restore. What they need, too, is not
	// narrowed by tags: what a restore creates has none yet. It ends at until, if the
	// selection has a restore window.
	restores []schema.Operation
	until    time.Time
}

func newNarrower(profile schema.Profile, c choice, sel Selection, env Environment) narrower {
	n := narrower{scope: sel.Scope, terms: newTerms(profile, c, env), env: env, until: sel.RestoreUntil}
	for _, o := range profile.RestoreOperations {
		if c.operations[o] {
			n.restores = append(n.restores, o)
		}
	}
	return n
}

// isForRestores reports whether restores of the selection need a statement.
func (n narrower) isForRestores(uses []schema.Use) bool {
	return len(n.restores) > 0 && (len(uses) == 0 || slices.ContainsFunc(uses, func(u schema.Use) bool {
		return u.Operation == "" || slices.Contains(n.restores, u.Operation)
	}))
}

// narrowed returns the profile with the statements of a selection narrowed to its scope. Statements without a resource
// in the scope are left out.
func (n narrower) narrowed(profile schema.Profile, c choice) schema.Profile {
	profile.Roles = slices.Clone(profile.Roles)
	for i := range profile.Roles {
		r := &profile.Roles[i]
		r.Policies = slices.Clone(r.Policies)
		for j := range r.Policies {
			p := &r.Policies[j]
			var out []schema.Statement
			for _, st := range c.statements(*p) {
				st.Since, st.Until = nil, nil // they are applied
				out = append(out, n.statement(st)...)
			}
			p.Statements = out
		}
	}
	return profile
}

// statement returns what a statement becomes: itself, narrowed, or a narrowed one and others for the actions and
// resources with which AWS sends no key of the scope.
func (n narrower) statement(st schema.Statement) []schema.Statement {
	if st.Deny {
		return []schema.Statement{st}
	}
	pieces := []schema.Statement{st}
	for _, by := range st.Narrow {
		when := n.condition(scope.Kind(by.Kind))
		restores := scope.Kind(by.Kind) == scope.Tag && n.isForRestores(st.For)
		if when == nil || restores && n.until.IsZero() {
			continue
		}
		var split []schema.Statement
		for _, piece := range pieces {
			split = append(split, splitByKey(piece, by, when)...)
		}
		if restores { // until the end of the window without the condition
			window := st
			window.When = withEnd(st.When, []string{FormatRestoreUntil(n.until)})
			split = append(split, window)
		}
		pieces = split
	}
	var out []schema.Statement
	for i, piece := range pieces {
		piece.Resources = n.resources(piece, piece.Resources, false)
		piece.Shared = n.resources(piece, piece.Shared, true)
		if len(piece.Resources)+len(piece.Shared) == 0 {
			continue
		}
		if i > 0 {
			piece.Sid = fmt.Sprintf("%sOther%s", st.Sid, strings.TrimPrefix(fmt.Sprint(i), "1"))
		}
		out = append(out, piece)
	}
	return out
}

// condition returns the condition of a kind that narrows by a key; nil if the scope does not have the kind.
func (n narrower) condition(kind scope.Kind) schema.Conditions {
	if !n.scope.Has(kind) {
		return nil
	}
	switch kind {
	case scope.Tag:
		keys := map[string][]string{}
		for key, values := range n.scope.TagValues() {
			keys["aws:ResourceTag/"+key] = values
		}
		return schema.Conditions{"StringEquals": keys}
	case scope.VPC:
		// The ID of a VPC is unique; subnets that another account shares are in a VPC of that account.
		var arns []string
		for _, id := range n.scope.VPCs {
			arns = append(arns, "arn:*:ec2:*:*:vpc/"+id)
		}
		return schema.Conditions{"ArnLike": {"ec2:Vpc": arns}}
	}
	return nil
}

// splitByKey returns the part of a statement that a narrowing is about, with a condition, and up to two for the rest.
func splitByKey(st schema.Statement, by schema.Narrowing, when schema.Conditions) []schema.Statement {
	sent := func(list, part []string) (in, out []string) {
		if len(part) == 0 {
			return list, nil
		}
		for _, v := range list {
			if slices.Contains(part, v) {
				in = append(in, v)
			} else {
				out = append(out, v)
			}
		}
		return in, out
	}
	actions, otherActions := sent(st.Actions, by.Actions)
	resources, otherResources := sent(st.Resources, by.Resources)
	if len(actions) == 0 || len(resources) == 0 {
		return []schema.Statement{st}
	}
	with := func(actions, resources []string) schema.Statement {
		piece := st
		piece.Actions, piece.Resources = actions, resources
		piece.Shared = filter(st.Shared, func(r string) bool { return slices.Contains(resources, r) })
		return piece
	}
	narrowed := with(actions, resources)
	narrowed.When = mergedConditions(st.When, when)
	out := []schema.Statement{narrowed}
	if len(otherResources) > 0 {
		out = append(out, with(actions, otherResources))
	}
	if len(otherActions) > 0 {
		out = append(out, with(otherActions, st.Resources))
	}
	return out
}

// actingOn returns the actions that act on one of the resources of a profile.
func actingOn(list, resources []string) []string {
	return filter(list, func(action string) bool {
		return slices.ContainsFunc(resources, func(r string) bool {
			return actions.IsPattern(action) || actions.ActsOn(action, iampolicy.VariablesAsWildcards(r))
		})
	})
}

func mergedConditions(a, b schema.Conditions) schema.Conditions {
	out := schema.Conditions{}
	for _, c := range []schema.Conditions{a, b} {
		for operator, keys := range c {
			if out[operator] == nil {
				out[operator] = map[string][]string{}
			}
			maps.Copy(out[operator], keys)
		}
	}
	return out
}

// resources returns resources of a statement with those of the scope's kinds replaced by the listed ones.
func (n narrower) resources(st schema.Statement, list []string, shared bool) []string {
	var out []string
	for _, r := range list {
		p, ok := scope.ParsePattern(r)
		if !ok || !n.scope.Has(p.Kind) || st.NotNarrowed[string(p.Kind)] != "" || isVendors(st.When) {
			out = append(out, r)
			continue
		}
		at, below := actsAt(st.Actions, p, false), actsAt(st.Actions, p, true)
		for _, value := range n.scope.Get(p.Kind) {
			out = append(out, n.named(p, value, at, below, shared)...)
		}
	}
	return out
}

// isVendors reports whether a condition limits a statement to resources of the vendor's account.
func isVendors(when schema.Conditions) bool {
	for _, keys := range when {
		for _, key := range []string{"s3:ResourceAccount", "aws:ResourceAccount"} {
			if slices.Equal(keys[key], []string{"${DataPlaneAccount}"}) {
				return true
			}
		}
	}
	return false
}

// named returns a pattern's ARNs for one value of the scope: the resource, if the statement's actions act at it, and
// what is below it, if they act there.
func (n narrower) named(p scope.Pattern, value string, at, below, shared bool) []string {
	if a, ok := iampolicy.ParseARN(value); ok {
		if !n.isIn(p, a.Region, a.AccountID, shared) {
			return nil
		}
		region := strings.Replace(p.Frame, ":"+p.Region()+":", ":"+a.Region+":", 1)
		p.Frame = strings.Replace(region, p.Account(), a.AccountID, 1)
		_, value, _ = strings.Cut(a.Resource, "/")
	}
	if p.Suffix != "" || p.Kind == scope.Key || p.Kind == scope.Database || p.Kind == scope.VPC {
		return []string{p.With(value)}
	}
	var out []string
	if at {
		out = append(out, p.With(value))
	}
	if below {
		p.Suffix = "/*"
		out = append(out, p.With(value))
	}
	return out
}

// isIn reports whether a pattern of a profile matches resources of a Region and an account.
func (n narrower) isIn(p scope.Pattern, region, account string, shared bool) bool {
	matches := func(pattern, value, pseudo string) bool {
		expanded := n.terms.expand(pattern)
		return expanded == value || expanded == "*" || expanded == pseudo
	}
	if !matches(p.Region(), region, pseudoRegion) {
		return false
	}
	others := slices.Contains(n.env.OtherAccounts, account)
	if shared || p.Account() == otherAccount {
		return others || n.env.Organization
	}
	return matches(p.Account(), account, pseudoAccount) && !others
}

// actsAt reports whether one of the actions acts on the resources of a kind or, with below, on what is below them: the
// objects of a bucket, the indexes, streams, exports and backups of a table. Unknown actions act on both.
func actsAt(list []string, p scope.Pattern, below bool) bool {
	frame, _ := iampolicy.ParseARN(p.Frame)
	base := strings.Count(frame.Resource, "/")
	return slices.ContainsFunc(list, func(action string) bool {
		arns := actions.ResourceARNs(action)
		return len(arns) == 0 || slices.ContainsFunc(arns, func(arn string) bool {
			a, ok := iampolicy.ParseARN(arn)
			return ok && a.Service == frame.Service &&
				(p.Kind != scope.Bucket || a.Region+a.AccountID == "") && // no access point
				strings.HasPrefix(a.Resource, frame.Resource) &&
				(strings.Count(a.Resource, "/") > base) == below
		})
	})
}
