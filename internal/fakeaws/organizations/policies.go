package organizations

import (
	"cmp"
	"slices"

	"permstack/internal/fakeaws/protocol"
	"permstack/internal/iampolicy"
)

// PolicyType is a type of policies that limit the permissions in an organization.
type PolicyType string

const (
	// ServiceControl policies limit the principals of member accounts.
	ServiceControl PolicyType = "SERVICE_CONTROL_POLICY"
	// ResourceControl policies limit who may use the resources of member accounts.
	ResourceControl PolicyType = "RESOURCE_CONTROL_POLICY"
)

// policyTypes has the types and the path of each in ARNs.
var policyTypes = map[PolicyType]string{
	ServiceControl: "service_control_policy", ResourceControl: "resource_control_policy",
}

// Limits of AWS Organizations (User Guide, "Quotas for AWS Organizations").
const (
	maxPolicySize = 5120 // characters
	maxAttached   = 5    // policies of a type on the root, a unit or an account
)

// policy is a service control or resource control policy.
type policy struct {
	id, name, description, content string
	kind                           PolicyType
	managed                        bool // by AWS
}

// fullAccess are the policies of AWS that allow everything. They are attached to the root, and to each new unit and
// account, of an organization in which their type is enabled.
var fullAccess = []*policy{
	{id: "p-FullAWSAccess", name: "FullAWSAccess", description: "Allows access to every operation", kind: ServiceControl,
		content: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`, managed: true},
	{id: "p-RCPFullAWSAccess", name: "RCPFullAWSAccess", description: "Allow access to all resources",
		kind: ResourceControl, content: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",` +
			`"Action":"*","Resource":"*"}]}`, managed: true},
}

// policy returns a policy, or nil.
func (o *organization) policy(id string) *policy {
	for _, p := range slices.Concat(fullAccess, o.policies) {
		if p.id == id {
			return p
		}
	}
	return nil
}

// attachedTo returns the policies of a type that are attached to the root, a unit or an account.
func (o *organization) attachedTo(target string, kind PolicyType) []*policy {
	var out []*policy
	if !slices.Contains(o.enabled, kind) {
		return nil
	}
	list, changed := o.attached[target]
	if !changed {
		list = []string{"p-FullAWSAccess", "p-RCPFullAWSAccess"}
	}
	for _, id := range list {
		if p := o.policy(id); p != nil && p.kind == kind {
			out = append(out, p)
		}
	}
	return out
}

// attach replaces the policies of a type that are attached to a target.
func (o *organization) attach(target string, kind PolicyType, list []*policy) {
	var ids []string
	for _, p := range list {
		ids = append(ids, p.id)
	}
	for _, other := range []PolicyType{ServiceControl, ResourceControl} {
		if other == kind {
			continue
		}
		for _, p := range o.attachedTo(target, other) {
			ids = append(ids, p.id)
		}
		if !slices.Contains(o.enabled, other) { // its policy of AWS is attached when the type is enabled
			for _, p := range fullAccess {
				if p.kind == other {
					ids = append(ids, p.id)
				}
			}
		}
	}
	if o.attached == nil {
		o.attached = map[string][]string{}
	}
	o.attached[target] = ids
}

// targets returns the root, the units and the accounts.
func (o *organization) targets() []string {
	out := []string{o.root}
	for _, u := range o.units {
		out = append(out, u.id)
	}
	for _, m := range o.members {
		out = append(out, m.id)
	}
	return out
}

func (o *organization) policyARN(call *protocol.Call, p *policy) string {
	if p.managed {
		return call.ARN("organizations", "", "aws", "policy/"+policyTypes[p.kind]+"/"+p.id)
	}
	return o.arn(call, "policy", "") + "/" + policyTypes[p.kind] + "/" + p.id
}

func (o *organization) summary(call *protocol.Call, p *policy) map[string]any {
	return map[string]any{
		"Id": p.id, "Arn": o.policyARN(call, p), "Name": p.name, "Description": p.description, "Type": p.kind,
		"AwsManaged": p.managed,
	}
}

func (o *organization) policyView(call *protocol.Call, p *policy) any {
	return map[string]any{"Policy": map[string]any{"PolicySummary": o.summary(call, p), "Content": p.content}}
}

func (o *organization) typeViews() []policyType {
	out := []policyType{}
	for _, kind := range o.enabled {
		out = append(out, policyType{string(kind), "ENABLED"})
	}
	return out
}

// checkContent returns an error for a document that Organizations refuses.
func checkContent(kind PolicyType, content string) error {
	malformed := func(format string, args ...any) error {
		return protocol.Errorf("MalformedPolicyDocumentException", "The provided policy document does not meet the "+
			"requirements of the specified policy type: "+format, args...)
	}
	if len(content) > maxPolicySize {
		return protocol.Errorf("ConstraintViolationException", "You have exceeded the number of characters of a policy: "+
			"%d of %d.", len(content), maxPolicySize)
	}
	doc, err := iampolicy.Parse([]byte(content))
	if err != nil {
		return malformed("%v", err)
	}
	for _, s := range doc.Statement {
		switch {
		case kind == ServiceControl && (s.Principal != nil || s.NotPrincipal != nil):
			return malformed("a service control policy has no Principal.")
		case kind == ResourceControl && (s.Principal == nil || !s.Principal.Everyone):
			return malformed(`the Principal of a resource control policy is "*".`)
		case kind == ResourceControl && s.Effect != "Deny":
			return malformed("a resource control policy of a customer has the effect Deny.")
		}
	}
	return nil
}

func policyNotFound() *protocol.Error {
	return protocol.Errorf("PolicyNotFoundException", "We can't find a policy with the PolicyId that you specified.")
}

type newPolicy struct {
	Content, Description, Name string
	Type                       PolicyType
}

func (s *Service) createPolicy(call *protocol.Call, in newPolicy) (any, error) {
	o, err := s.manager(call)
	if err != nil {
		return nil, err
	}
	switch {
	case policyTypes[in.Type] == "":
		return nil, protocol.NotImplemented("policies of type %s", in.Type)
	case in.Name == "" || len(in.Name) > 128:
		return nil, invalid("You specified an invalid value for Name: it has 1 to 128 characters.")
	case slices.ContainsFunc(o.policies, func(p *policy) bool { return p.name == in.Name && p.kind == in.Type }):
		return nil, protocol.Errorf("DuplicatePolicyException", "A policy with the same name already exists.")
	}
	if err := checkContent(in.Type, in.Content); err != nil {
		return nil, err
	}
	p := &policy{id: "p-" + random(8, alphanumeric), name: in.Name, description: in.Description, content: in.Content,
		kind: in.Type}
	o.policies = append(o.policies, p)
	return o.policyView(call, p), nil
}

type policyID struct {
	ID string `json:"PolicyId"`
}

// own returns a policy of the customer, which may be changed.
func (o *organization) own(id string) (*policy, error) {
	p := o.policy(id)
	switch {
	case p == nil:
		return nil, policyNotFound()
	case p.managed:
		return nil, invalid("You can't change or delete a policy that AWS manages.")
	}
	return p, nil
}

func (s *Service) updatePolicy(call *protocol.Call, in struct {
	policyID
	newPolicy
}) (any, error) {
	o, err := s.manager(call)
	if err != nil {
		return nil, err
	}
	p, err := o.own(in.ID)
	if err != nil {
		return nil, err
	}
	if in.Content != "" {
		if err := checkContent(p.kind, in.Content); err != nil {
			return nil, err
		}
	}
	p.content, p.name = cmp.Or(in.Content, p.content), cmp.Or(in.Name, p.name)
	p.description = cmp.Or(in.Description, p.description)
	return o.policyView(call, p), nil
}

func (s *Service) deletePolicy(call *protocol.Call, in policyID) (any, error) {
	o, err := s.manager(call)
	if err != nil {
		return nil, err
	}
	p, err := o.own(in.ID)
	if err != nil {
		return nil, err
	}
	for _, target := range o.targets() {
		if slices.Contains(o.attachedTo(target, p.kind), p) {
			return nil, protocol.Errorf("PolicyInUseException", "The policy is attached to one or more entities.")
		}
	}
	o.policies = slices.DeleteFunc(o.policies, func(other *policy) bool { return other == p })
	return nil, nil
}

func (s *Service) describePolicy(call *protocol.Call, in policyID) (any, error) {
	o, err := s.reader(call)
	if err != nil {
		return nil, err
	}
	p := o.policy(in.ID)
	if p == nil {
		return nil, policyNotFound()
	}
	return o.policyView(call, p), nil
}

func (s *Service) listPolicies(call *protocol.Call, in struct {
	paging
	Filter PolicyType
}) (any, error) {
	o, err := s.reader(call)
	if err != nil {
		return nil, err
	}
	var all []map[string]any
	for _, p := range slices.Concat(fullAccess, o.policies) {
		if p.kind == in.Filter {
			all = append(all, o.summary(call, p))
		}
	}
	out, next, err := page(all, in.paging)
	return map[string]any{"Policies": out, "NextToken": next}, err
}
