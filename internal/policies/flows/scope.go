package flows

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
	"permstack/internal/policies/scope"
)

// ScopeError is returned for a scope with which a flow fails that the selection promises.
type ScopeError struct {
	Scope    scope.Scope
	Failures []Failure // of at least one flow
}

func (e *ScopeError) Error() string {
	var names []string
	for _, f := range e.Failures {
		if !slices.Contains(names, f.Flow) {
			names = append(names, f.Flow)
		}
	}
	first := e.Failures[0]
	const most = 3
	more := ""
	if len(names) > most {
		more = fmt.Sprintf(" and %d more", len(names)-most)
		names = names[:most]
	}
	return fmt.Sprintf("the scope (%s) breaks what the choice promises: %s%s; for example %s on %s would be refused. "+
		"Leave these operations out, or widen the scope", e.Scope.Summary(), strings.Join(names, "; "), more,
		first.Action, first.Resource)
}

// CheckScope evaluates the flows that a selection promises for resources inside its scope, and returns a *ScopeError
// for those that fail. Flows that fail without the scope are left to Check. The environment may lack its account and
// Region. The error is nil for a selection without a scope.
func CheckScope(
	profile schema.Profile, list []schema.Flow, sel policies.Selection, env policies.Environment,
) error {
	if sel.Scope.IsZero() {
		return nil
	}
	env = concrete(env, sel.Scope)
	set, err := policies.SynthesizeProfile(profile, sel, env)
	if err != nil {
		return fmt.Errorf("synthesize with example values: %w", err)
	}
	e := &ScopeError{Scope: set.Scope}
	for _, r := range Requests(set, Promised(profile, list, sel, env), env) {
		if r.Denied {
			continue
		}
		for _, inside := range r.Inside(profile, set.Scope, env) {
			if !set.RestoreUntil.IsZero() { // what only restores need works before the end of the window
				inside.Context["aws:CurrentTime"] = []string{policies.FormatRestoreUntil(set.RestoreUntil.Add(-time.Second))}
			}
			if eval.Documents(inside.Documents, inside.request()) != eval.Allow {
				e.Failures = append(e.Failures, Failure{
					Flow: r.Flow, Call: r.Call, Index: r.Index, Role: r.Role, Action: r.Action, Resource: inside.Resource,
					Source: r.Source,
				})
				break
			}
		}
	}
	if len(e.Failures) > 0 {
		return e
	}
	return nil
}

// concrete returns an environment with example values for those that it lacks and that flows need.
func concrete(env policies.Environment, s scope.Scope) policies.Environment {
	if env.Region == "" {
		env.Region = "eu-central-1"
		if len(s.Regions) > 0 {
			env.Region = s.Regions[0]
		}
		for _, arn := range slices.Concat(s.Tables, s.Keys) {
			if a, ok := iampolicy.ParseARN(arn); ok && !s.Has(scope.Region) {
				env.Region = a.Region
			}
		}
	}
	if env.Partition == "" {
		env.Partition = policies.Partition(env.Region)
	}
	if env.Account == "" {
		env.Account = "111111111111"
		for _, arn := range slices.Concat(s.Tables, s.Keys) {
			if a, ok := iampolicy.ParseARN(arn); ok && !slices.Contains(env.OtherAccounts, a.AccountID) {
				env.Account = a.AccountID
			}
		}
	}
	if len(env.StackNames) == 0 {
		env.StackNames = []string{"stack"}
	}
	return env
}

func (r Request) request() eval.Request {
	return eval.Request{Action: r.Action, Resource: r.Resource, Context: r.Context}
}

// RequestsInScope returns the authorization checks of flows for a set, for resources inside its scope.
func RequestsInScope(
	profile schema.Profile, set policies.Set, list []schema.Flow, env policies.Environment,
) []Request {
	requests := Requests(set, list, env)
	if set.Scope.IsZero() {
		return requests
	}
	var out []Request
	for _, r := range requests {
		if r.Denied {
			out = append(out, r)
			continue
		}
		out = append(out, r.Inside(profile, set.Scope, env)...)
	}
	return out
}

// Outside returns the request for a resource outside a scope, by one kind, and false if the kind says nothing about it.
func (r Request) Outside(
	profile schema.Profile, s scope.Scope, env policies.Environment, by scope.Kind,
) (Request, bool) {
	inside := r.Inside(profile, s, env)
	if len(inside) == 0 || !s.Has(by) {
		return Request{}, false
	}
	out := inside[0]
	out.Context = maps.Clone(out.Context)
	switch by {
	case scope.Region:
		out.Context["aws:RequestedRegion"] = []string{"xx-outside-1"}
		return out, true
	case scope.Tag:
		if !scope.IsProtected(out.Resource) || r.isUntagged(profile) {
			return Request{}, false
		}
		for key := range s.TagValues() {
			out.Context["aws:ResourceTag/"+key] = []string{"outside-of-the-scope"}
		}
		return out, true
	case scope.VPC:
		if _, ok := out.Context["ec2:Vpc"]; ok {
			out.Context["ec2:Vpc"] = []string{"arn:aws:ec2:eu-central-1:111111111111:vpc/vpc-00000outside"}
			return out, true
		}
	}
	kind, _, with, _ := scope.Name(out.Resource)
	if kind != by || out.foreign(env) {
		return Request{}, false
	}
	out.Resource = with("outside-of-the-scope")
	return out, true
}

// samples is how many values of a kind are tried: the first ones and the last.
const samples = 3

// Inside returns the request for resources inside a scope: with names of the scope in place of the flow's, and the
// context keys that AWS sends for such a resource. It is one request for each of some values of the scope.
func (r Request) Inside(profile schema.Profile, s scope.Scope, env policies.Environment) []Request {
	r.Context = maps.Clone(r.Context)
	r.Context["aws:RequestedRegion"] = []string{r.region(env)}
	if s.Has(scope.Region) {
		// The other Region is another one of the scope, or the only one.
		r.Resource = strings.ReplaceAll(r.Resource, OtherRegion, s.Regions[len(s.Regions)-1])
		r.Context["aws:RequestedRegion"] = []string{r.region(env)}
	}
	if scope.IsProtected(r.Resource) && !r.isUntagged(profile) {
		for key, values := range s.TagValues() {
			r.Context["aws:ResourceTag/"+key] = values[:1]
		}
	}
	if len(s.VPCs) > 0 && inVPC(r.Resource) && !r.newVPC {
		place := "arn:" + env.Partition + ":ec2:" + r.region(env) + ":" + env.Account
		r.Context["ec2:Vpc"] = []string{place + ":vpc/" + s.VPCs[0]}
	}
	kind, _, with, _ := scope.Name(r.Resource)
	if !s.Has(kind) || r.foreign(env) || kind == scope.VPC && r.newVPC {
		return []Request{r}
	}
	values := s.Get(kind)
	if len(values) > samples {
		values = append(slices.Clone(values[:samples-1]), values[len(values)-1])
	}
	var out []Request
	for _, v := range values {
		if a, ok := iampolicy.ParseARN(v); ok {
			if a.Region != r.region(env) || a.AccountID != env.Account {
				continue // it is another request
			}
			_, v, _ = strings.Cut(a.Resource, "/")
		}
		request := r
		request.Resource = with(strings.ReplaceAll(v, "*", "x"))
		out = append(out, request)
	}
	return out
}

// isUntagged reports whether the flow only restores: its resources are new and have no tags of the customer yet.
func (r Request) isUntagged(profile schema.Profile) bool {
	return len(r.uses) > 0 && !slices.ContainsFunc(r.uses, func(u schema.Use) bool {
		return !slices.Contains(profile.RestoreOperations, u.Operation)
	})
}

// region returns the Region of the request's resource, or of the environment.
func (r Request) region(env policies.Environment) string {
	return cmp.Or(iampolicy.RegionInARN(r.Resource), env.Region)
}

// foreign reports whether the resource is the vendor's, or of another account: a scope says nothing about it.
func (r Request) foreign(env policies.Environment) bool {
	for _, key := range []string{"s3:ResourceAccount", "aws:ResourceAccount"} {
		if v := r.Context[key]; len(v) > 0 && v[0] != env.Account {
			return true
		}
	}
	account := iampolicy.AccountInARN(r.Resource)
	return account != "" && account != env.Account
}

// inVPC reports whether a resource is of a type with which AWS sends ec2:Vpc (service authorization reference, Amazon
// EC2).
func inVPC(resource string) bool {
	for _, t := range []string{"subnet/", "security-group/", "network-interface/", "route-table/", "network-acl/"} {
		if strings.Contains(resource, ":ec2:") && strings.Contains(resource, ":"+t) {
			return true
		}
	}
	return false
}
