package flows

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// Failure is a call whose decision is not the one that its flow promises.
type Failure struct {
	Flow     string
	Call     string // its name, if it has one
	Index    int    // of the call in the flow
	Role     string // entity
	Action   string
	Resource string
	Denied   bool // true: it must be refused and is allowed
	Source   string
}

func (f Failure) String() string {
	must := "must be allowed and is refused"
	if f.Denied {
		must = "must be refused and is allowed"
	}
	where := f.Flow
	if f.Call != "" {
		where += ": " + f.Call
	}
	return fmt.Sprintf("%s: %s on %s by %s %s (%s)", where, f.Action, f.Resource, f.Role, must, f.Source)
}

// Promised returns the flows that a selection promises in an environment: those
// whose uses are selected, in the release of the selection. A flow over shared
// resources is promised if the environment opens them.
func Promised(
	profile schema.Profile, list []schema.Flow, sel policies.Selection, env policies.Environment,
) []schema.Flow {
	var out []schema.Flow
	included := policies.Included(profile, sel)
	for _, f := range list {
		if policies.InRelease(f.In, sel.CatalogVersion) && included(f.For) && opened(f, env) {
			out = append(out, f)
		}
	}
	return out
}

func opened(f schema.Flow, env policies.Environment) bool {
	switch f.Sharing {
	case schema.OtherAccounts:
		return len(env.OtherAccounts) > 0
	case schema.Organization:
		return env.Organization
	case schema.AnySharing:
		return len(env.OtherAccounts) > 0 || env.Organization
	}
	return true
}

// Request is an authorization check of a flow, with the variables of an environment replaced.
type Request struct {
	Flow     string
	Call     string // its name, if it has one
	Index    int    // of the call in the flow
	Role     string // entity
	Action   string
	Resource string
	Context  map[string][]string
	Denied   bool // it must be refused
	Source   string
	// Documents are the identity policies of the role.
	Documents []iampolicy.Document

	uses   []schema.Use // of the flow
	newVPC bool         // the flow creates the VPC that it works in
}

// Check evaluates the calls of flows against the identity policies of a set. Key
// policies, bucket policies and the like are taken to allow. The environment
// must have a partition, an account and a Region.
func Check(set policies.Set, list []schema.Flow, env policies.Environment) []Failure {
	var out []Failure
	for _, r := range Requests(set, list, env) {
		request := eval.Request{Action: r.Action, Resource: r.Resource, Context: r.Context}
		if (eval.Documents(r.Documents, request) == eval.Allow) == r.Denied {
			out = append(out, Failure{
				Flow: r.Flow, Call: r.Call, Index: r.Index, Role: r.Role, Action: r.Action, Resource: r.Resource,
				Denied: r.Denied, Source: r.Source,
			})
		}
	}
	return out
}

// Requests returns the authorization checks of flows for a set.
func Requests(set policies.Set, list []schema.Flow, env policies.Environment) []Request {
	c := checker{set: set, variables: variables(set, env), documents: map[string][]iampolicy.Document{}}
	var out []Request
	for _, f := range list {
		out = append(out, c.requests(f)...)
	}
	return out
}

type checker struct {
	set       policies.Set
	variables *strings.Replacer
	documents map[string][]iampolicy.Document // by role entity
}

// OtherRegion is the value of ${OtherRegion} in flows: a Region that is never the
// one of the environment.
const OtherRegion = "xx-other-9"

// variables are those of package schema, and the roles, managed policies and topics of the set. A policy that is split
// represents its first part.
func variables(set policies.Set, env policies.Environment) *strings.Replacer {
	other := "888899990000"
	if len(env.OtherAccounts) > 0 {
		other = env.OtherAccounts[0]
	}
	dataPlane := env.DataPlaneAccountID
	if dataPlane == "" {
		dataPlane = env.Account
	}
	pairs := []string{
		"${Partition}", env.Partition, "${Account}", env.Account, "${Region}", env.Region, "${OtherRegion}", OtherRegion,
		"${DataPlaneAccount}", dataPlane, "${ControlPlaneAccount}", iampolicy.AccountInARN(env.ControlPlaneRoleARN),
		"${OtherAccount}", other,
	}
	for _, r := range set.Roles {
		arn := "arn:" + env.Partition + ":iam::" + env.Account + ":"
		pairs = append(pairs, "${roles:"+r.Entity+"}", arn+"role"+r.Path+r.Name)
		for _, p := range r.Managed {
			pairs = append(pairs, "${policies:"+p.Entity+"}", arn+"policy"+p.Path+p.Name)
		}
	}
	for _, t := range set.Topics {
		pairs = append(pairs, "${topics:"+t.Entity+"}", "arn:"+env.Partition+":sns:"+env.Region+":"+env.Account+":"+t.Name)
	}
	return strings.NewReplacer(pairs...)
}

func (c checker) requests(f schema.Flow) []Request {
	role := f.Role
	if role == "" && len(c.set.Roles) > 0 {
		role = c.set.Roles[0].Entity
	}
	documents := c.roleDocuments(role)
	newVPC := slices.ContainsFunc(f.Calls, func(call schema.Call) bool {
		return !call.Denied && slices.Contains(call.Actions, "ec2:CreateVpc")
	})
	var out []Request
	for i, call := range f.Calls {
		context := c.context(call.Context)
		for _, resource := range call.Resources {
			resource = c.variables.Replace(resource)
			for _, action := range call.Actions {
				out = append(out, Request{
					Flow: f.Name, Call: call.Name, Index: i, Role: role, Action: action, Resource: resource, Context: context,
					Denied: call.Denied, Source: call.Source, Documents: documents,
					uses: f.For, newVPC: newVPC,
				})
			}
		}
	}
	return out
}

func (c checker) roleDocuments(entity string) []iampolicy.Document {
	if d, ok := c.documents[entity]; ok {
		return d
	}
	var out []iampolicy.Document
	i := slices.IndexFunc(c.set.Roles, func(r policies.Role) bool { return r.Entity == entity })
	if i >= 0 {
		for _, p := range slices.Concat(c.set.Roles[i].Inline, c.set.Roles[i].Managed) {
			out = append(out, p.Document)
		}
	}
	c.documents[entity] = out
	return out
}

// organization is the customer's, in requests that say nothing else.
const organization = "o-customer00"

// context expands the variables of a call's condition keys, and adds the keys
// that AWS sends with every request of an account in an organization.
func (c checker) context(given map[string][]string) map[string][]string {
	out := map[string][]string{"aws:PrincipalOrgID": {organization}, "aws:ResourceOrgID": {organization}}
	for key, values := range given {
		for name := range maps.Keys(out) {
			if strings.EqualFold(name, key) {
				delete(out, name)
			}
		}
		expanded := make([]string, len(values))
		for i, v := range values {
			expanded[i] = c.variables.Replace(v)
		}
		out[key] = expanded
	}
	return out
}
