package denial

import (
	"maps"
	"slices"
	"strings"
	"time"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
	"permstack/internal/policies"
	"permstack/internal/policies/flows"
	"permstack/internal/policies/schema"
	"permstack/internal/review/explain"
)

// evaluator evaluates the request of a message by the policies of a set.
type evaluator struct {
	Input
	describer explain.Describer
	request   eval.Request
}

func newEvaluator(in Input) evaluator {
	e := evaluator{Input: in, describer: explain.NewDescriber(in.Selection, in.Environment)}
	resource := in.Message.Resource
	if resource == "" {
		resource = "*"
	}
	e.request = eval.Request{Action: in.Message.Action, Resource: resource, Context: e.context()}
	return e
}

// context returns the global condition keys that follow from the message, and those that it has.
func (e evaluator) context() map[string][]string {
	env := e.Environment
	account := iampolicy.AccountInARN(e.Message.Resource)
	if account == "" {
		account = env.Account
	}
	out := map[string][]string{
		"aws:PrincipalAccount": {env.Account}, "aws:ResourceAccount": {account}, "aws:SecureTransport": {"true"},
		"aws:PrincipalIsAWSService": {"false"}, "aws:CurrentTime": {e.Now.UTC().Format(time.RFC3339)},
	}
	// The call went to the resource's Region.
	if region := iampolicy.RegionInARN(e.Message.Resource); region != "" {
		out["aws:RequestedRegion"] = []string{region}
	}
	if strings.HasPrefix(e.Message.Action, "s3:") {
		out["s3:ResourceAccount"] = []string{account}
	}
	for k, v := range e.Message.Context {
		out[k] = v
	}
	return out
}

// has reports whether the request's context has a condition key. A message that is not decoded has only global ones.
func (e evaluator) has(key string) bool {
	if e.Message.Context != nil {
		return true // a key that a decoded message does not have was not sent
	}
	for k := range e.request.Context {
		if strings.EqualFold(k, key) {
			return true
		}
	}
	return false
}

// outcome is how the statements of a role decide a request.
type outcome struct {
	applies   []Statement // allow it, or deny it
	resource  []Statement // are about the action, on other resources
	condition []Statement // are about the action and resource, under a condition that is not met
	undecided []Statement // as condition, but the message does not have the keys
	expired   bool        // one of condition fails by a time only
}

// concerns reports whether a statement is about the action.
func (o outcome) concerns() bool {
	return len(o.applies)+len(o.resource)+len(o.condition)+len(o.undecided) > 0
}

// statements returns how the statements with an effect decide the request.
func (e evaluator) statements(set policies.Set, effect string) outcome {
	var out outcome
	for _, r := range set.Roles {
		if r.Entity != e.Role.Entity {
			continue
		}
		for _, p := range slices.Concat(r.Managed, r.Inline) {
			for i, s := range p.Document.Statement {
				if s.Effect == effect {
					e.decide(&out, p, s, p.Grants[i])
				}
			}
		}
	}
	return out
}

func (e evaluator) decide(out *outcome, p policies.Policy, s iampolicy.Statement, g policies.Grant) {
	m := eval.Compare(s, p.Document.Version, e.request)
	if m.Action {
		return
	}
	st := Statement{Policy: p.Entity, Sid: s.Sid, Why: g.Why, uses: g.For, OnlyIf: e.describer.Conditions(s.Condition)}
	for _, r := range s.Resource {
		st.On = append(st.On, e.describer.Resource(r))
	}
	onlyTime := true
	for _, c := range m.Conditions {
		text := e.describer.Conditions(iampolicy.Conditions{c.Operator: {c.Key: s.Condition[c.Operator][c.Key]}})
		if !e.has(c.Key) {
			st.Undecided = append(st.Undecided, text...)
			continue
		}
		st.Unmet = append(st.Unmet, text...)
		onlyTime = onlyTime && (strings.EqualFold(c.Key, "aws:CurrentTime") || strings.EqualFold(c.Key, "aws:EpochTime"))
	}
	unknownResource := e.Message.Resource == "" // older messages do not name it
	if unknownResource && s.Effect == "Deny" && !(e.Message.Explicit && e.isAboutService(s)) {
		return
	}
	switch {
	case m.Resource && !unknownResource:
		out.resource = append(out.resource, st)
	case m.Applies(), unknownResource && len(m.Conditions) == 0:
		out.applies = append(out.applies, st)
	case len(st.Unmet) == 0:
		out.undecided = append(out.undecided, st)
	default:
		out.condition = append(out.condition, st)
		out.expired = out.expired || onlyTime
	}
}

// isAboutService reports whether a statement has a resource of the action's service.
func (e evaluator) isAboutService(s iampolicy.Statement) bool {
	service, _, _ := strings.Cut(e.request.Action, ":")
	return slices.ContainsFunc(s.Resource, func(r string) bool { return r == "*" || serviceInARN(r) == service })
}

// promised returns the requests of promised flows that make the call by the role, on the same kind of resource.
func (e evaluator) promised() []flows.Request {
	var out []flows.Request
	list := flows.Promised(e.Profile, flows.Get(e.Profile.Name), e.Selection, e.Environment)
	for _, r := range flows.RequestsInScope(e.Profile, e.Set, list, e.Environment) {
		if !r.Denied && r.Role == e.Role.Entity && strings.EqualFold(r.Action, e.request.Action) &&
			sameKind(r.Resource, e.request.Resource) {
			out = append(out, r)
		}
	}
	return out
}

// sameKind reports whether two resources are of the same kind: of the same service and type. "*" is of every kind.
func sameKind(a, b string) bool {
	if a == "*" || b == "*" {
		return true
	}
	return kind(a) == kind(b)
}

func kind(arn string) string {
	a, ok := iampolicy.ParseARN(arn)
	if !ok {
		return arn
	}
	if a.Service == "s3" && a.AccountID == "" { // bucket or object
		if strings.Contains(a.Resource, "/") {
			return "s3:object"
		}
		return "s3:bucket"
	}
	i := strings.IndexAny(a.Resource, "/:")
	if i < 0 {
		i = len(a.Resource)
		if a.Service == "sns" || a.Service == "sqs" || a.Service == "s3" { // the resource is its name
			i = 0
		}
	}
	return a.Service + ":" + a.Resource[:i]
}

// fails returns the names of flows whose own request the set refuses: what permstack promises and does not grant. What
// was granted until a time is kept.
func fails(requests []flows.Request) []string {
	var out []string
	for _, r := range requests {
		request := eval.Request{Action: r.Action, Resource: r.Resource, Context: maps.Clone(r.Context)}
		request.Context["aws:CurrentTime"] = []string{"2000-01-01T00:00:00Z"} // before every end
		if eval.Documents(r.Documents, request) != eval.Allow {
			out = append(out, r.Flow)
		}
	}
	return slices.Compact(out)
}

func flowNames(requests []flows.Request) []string {
	var out []string
	for _, r := range requests {
		if !slices.Contains(out, r.Flow) {
			out = append(out, r.Flow)
		}
	}
	return out
}

// coversFlow reports whether the request on its own resource is allowed with the condition keys of a promised flow.
func (e evaluator) coversFlow(requests []flows.Request) bool {
	return slices.ContainsFunc(requests, func(r flows.Request) bool {
		request := eval.Request{Action: r.Action, Resource: e.request.Resource, Context: r.Context}
		return eval.Documents(r.Documents, request) == eval.Allow
	})
}

// uses returns the distinct uses of statements.
func uses(list []Statement) []schema.Use {
	var out []schema.Use
	for _, s := range list {
		for _, u := range s.uses {
			if !slices.Contains(out, u) {
				out = append(out, u)
			}
		}
	}
	return out
}
