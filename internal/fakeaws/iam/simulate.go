package iam

import (
	"net/url"
	"slices"
	"sort"
	"strings"

	"permstack/internal/fakeaws/protocol"
	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
)

// namedPolicy is a policy of a simulation.
type namedPolicy struct {
	id   string
	docs []iampolicy.Document // the one document
}

// xmlEvaluation is the result for one action. There is one for each action, with the most restrictive decision of its
// resources ("EvaluationResult", IAM API Reference).
type xmlEvaluation struct {
	EvalActionName                    string
	EvalResourceName                  string
	EvalDecision                      string
	MatchedStatements                 []xmlStatement       `xml:"MatchedStatements>member"`
	MissingContextValues              []string             `xml:"MissingContextValues>member"`
	OrganizationsDecisionDetail       *xmlOrganizations    `xml:",omitempty"`
	PermissionsBoundaryDecisionDetail *xmlBoundaryDecision `xml:",omitempty"`
	ResourceSpecificResults           []xmlResourceResult  `xml:"ResourceSpecificResults>member"`
}

type xmlStatement struct{ SourcePolicyId, SourcePolicyType string }

type xmlBoundaryDecision struct{ AllowedByPermissionsBoundary bool }

type xmlOrganizations struct{ AllowedByOrganizations bool }

type xmlResourceResult struct {
	EvalResourceName                  string
	EvalResourceDecision              string
	MissingContextValues              []string             `xml:"MissingContextValues>member"`
	PermissionsBoundaryDecisionDetail *xmlBoundaryDecision `xml:",omitempty"`
}

// decisionNames are the decisions as the simulator names them.
var decisionNames = map[eval.Decision]string{
	eval.Allow: "allowed", eval.ImplicitDeny: "implicitDeny", eval.ExplicitDeny: "explicitDeny",
}

// SetControlPolicies sets a function that returns the service control policies which apply to an account, by level:
// see package organizations, Policies. It must not call the service.
func (s *Service) SetControlPolicies(f func(account string) [][]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.controlPolicies = f
}

// simulatePrincipalPolicy evaluates actions by the policies and the boundary of a role and by the service control
// policies of its account, whose decision is OrganizationsDecisionDetail. Resource control policies take no part, as at
// AWS. Further policies of the request are not implemented.
func simulatePrincipalPolicy(a *account, call *protocol.Call) (any, error) {
	r := a.roleByARN(call.Str("PolicySourceArn"))
	if r == nil {
		return nil, noSuchEntity("The entity %s cannot be found.", call.Str("PolicySourceArn"))
	}
	for _, p := range []string{"PolicyInputList", "PermissionsBoundaryPolicyInputList"} {
		if len(call.List(p)) > 0 {
			return nil, protocol.NotImplemented("SimulatePrincipalPolicy with %s", p)
		}
	}
	if call.Has("ResourcePolicy") || call.Has("CallerArn") {
		return nil, protocol.NotImplemented("SimulatePrincipalPolicy with a resource-based policy")
	}
	names := call.List("ActionNames")
	if len(names) == 0 {
		return nil, constraint("actionNames", "", "Member must not be null")
	}
	for _, n := range names {
		if !strings.Contains(n, ":") {
			return nil, protocol.Errorf("InvalidInput", "Invalid action name: %s", n)
		}
	}
	resources := call.List("ResourceArns")
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	s, err := a.newSimulation(call, r)
	if err != nil {
		return nil, err
	}
	results := []xmlEvaluation{}
	for _, n := range names {
		results = append(results, s.action(n, resources))
	}
	results, p, err := paginate(call, results, func(e xmlEvaluation) string { return e.EvalActionName })
	if err != nil {
		return nil, err
	}
	return struct {
		EvaluationResults []xmlEvaluation `xml:"EvaluationResults>member"`
		page
	}{results, p}, nil
}

// roleByARN returns the role with an ARN, or nil.
func (a *account) roleByARN(arn string) *role {
	r := a.roles[lower(arn[strings.LastIndex(arn, "/")+1:])]
	if r == nil || r.arn != arn {
		return nil
	}
	return r
}

// onPrincipal is for actions on the role that an ARN parameter names.
func onPrincipal(parameter string) permissions {
	return func(a *account, call *protocol.Call) []protocol.Access {
		return require(call, call.Str(parameter), nil)
	}
}

type simulation struct {
	identity []namedPolicy
	boundary *namedPolicy
	control  [][]iampolicy.Document // service control policies by level; nil if there are none
	context  map[string][]string
}

func (a *account) newSimulation(call *protocol.Call, r *role) (simulation, error) {
	s := simulation{context: map[string][]string{}}
	for _, e := range call.Structs("ContextEntries") {
		s.context[strings.ToLower(e.Get("ContextKeyName"))] = values(e, "ContextKeyValues")
	}
	add := func(id, text string) error {
		doc, err := iampolicy.Parse([]byte(text))
		if err != nil {
			return err // IAM has accepted the document: a defect of the embedded AWS
		}
		s.identity = append(s.identity, namedPolicy{id, []iampolicy.Document{doc}})
		return nil
	}
	for name, p := range r.inline {
		if err := add("role_"+r.name+"_"+name, p.document); err != nil {
			return s, err
		}
	}
	for _, arn := range r.attached {
		if p := a.policyByARN(call.Partition, arn); p != nil {
			if err := add(arn[strings.LastIndex(arn, "/")+1:], p.current().document); err != nil {
				return s, err
			}
		}
	}
	if a.service.controlPolicies != nil && !strings.Contains(r.arn, ":role/aws-service-role/") {
		for _, level := range a.service.controlPolicies(a.id) {
			docs := []iampolicy.Document{}
			for _, text := range level {
				doc, err := iampolicy.Parse([]byte(text))
				if err != nil {
					return s, err
				}
				docs = append(docs, doc)
			}
			s.control = append(s.control, docs)
		}
	}
	sort.Slice(s.identity, func(i, j int) bool { return s.identity[i].id < s.identity[j].id })
	if r.boundary == "" {
		return s, nil
	}
	s.boundary = &namedPolicy{id: r.boundary[strings.LastIndex(r.boundary, "/")+1:]}
	if p := a.policyByARN(call.Partition, r.boundary); p != nil {
		doc, err := iampolicy.Parse([]byte(p.current().document))
		s.boundary.docs = []iampolicy.Document{doc}
		return s, err
	}
	return s, nil // a boundary that does not exist allows nothing
}

// values returns a list of a structure of a Query request.
func values(form url.Values, name string) []string {
	out := []string{}
	for _, v := range protocol.Structs(form, name) {
		out = append(out, v.Get(""))
	}
	return out
}

// action evaluates an action on each resource.
func (s simulation) action(name string, resources []string) xmlEvaluation {
	out := xmlEvaluation{EvalActionName: name, EvalResourceName: resources[0], EvalDecision: decisionNames[eval.Allow]}
	severity := []string{"allowed", "implicitDeny", "explicitDeny"}
	for _, resource := range resources {
		one := xmlResourceResult{EvalResourceName: resource, MissingContextValues: s.missing(name)}
		request := eval.Request{Action: name, Resource: resource, Context: s.context}
		decision, matched := s.decide(request)
		if s.boundary != nil {
			byBoundary := eval.Documents(s.boundary.docs, request)
			one.PermissionsBoundaryDecisionDetail = &xmlBoundaryDecision{byBoundary == eval.Allow}
			switch {
			case decision == eval.ExplicitDeny:
			case byBoundary != eval.Allow:
				decision, matched = byBoundary, []xmlStatement{{s.boundary.id, "IAM Policy"}}
			}
		}
		if s.control != nil {
			byControl := eval.Organization(s.control, request)
			// One result for all resources: the worst.
			if out.OrganizationsDecisionDetail == nil || byControl != eval.Allow {
				out.OrganizationsDecisionDetail = &xmlOrganizations{byControl == eval.Allow}
			}
			if byControl == eval.ExplicitDeny || byControl == eval.ImplicitDeny && decision != eval.ExplicitDeny {
				decision, matched = byControl, nil
			}
		}
		one.EvalResourceDecision = decisionNames[decision]
		if slices.Index(severity, one.EvalResourceDecision) >= slices.Index(severity, out.EvalDecision) {
			out.EvalDecision, out.MatchedStatements = one.EvalResourceDecision, matched
			out.PermissionsBoundaryDecisionDetail = one.PermissionsBoundaryDecisionDetail
		}
		if resource == "*" {
			out.MissingContextValues = one.MissingContextValues
			continue
		}
		out.ResourceSpecificResults = append(out.ResourceSpecificResults, one)
	}
	return out
}

// decide evaluates the identity policies, with the policies whose statements decide.
func (s simulation) decide(request eval.Request) (eval.Decision, []xmlStatement) {
	decision := eval.ImplicitDeny
	var matched []xmlStatement
	for _, p := range s.identity {
		d := eval.Documents(p.docs, request)
		if d == eval.ImplicitDeny || d == eval.Allow && decision == eval.ExplicitDeny {
			continue
		}
		if d == eval.ExplicitDeny && decision != d {
			matched = nil
		}
		decision, matched = d, append(matched, xmlStatement{p.id, "IAM Policy"})
	}
	return decision, matched
}

// missing returns the condition keys of statements about the action that the request does not have, sorted.
func (s simulation) missing(action string) []string {
	var out []string
	for _, p := range s.identity {
		for _, st := range p.docs[0].Statement {
			if eval.Compare(st, p.docs[0].Version, eval.Request{Action: action, Resource: "*"}).Action {
				continue
			}
			for _, keys := range st.Condition {
				for key := range keys {
					if _, ok := s.context[strings.ToLower(key)]; !ok && !slices.Contains(out, key) {
						out = append(out, key)
					}
				}
			}
		}
	}
	slices.Sort(out)
	return out
}
