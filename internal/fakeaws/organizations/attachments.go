package organizations

import (
	"slices"

	"permstack/internal/fakeaws/protocol"
)

func targetNotFound() *protocol.Error {
	return protocol.Errorf("TargetNotFoundException",
		"We can't find a root, OU, account, or policy with the TargetId that you specified.")
}

type attachment struct {
	policyID
	TargetID string `json:"TargetId"`
}

// attachable returns the organization and the policy of a request to attach or detach it.
func (s *Service) attachable(call *protocol.Call, in attachment) (*organization, *policy, error) {
	o, err := s.manager(call)
	if err != nil {
		return nil, nil, err
	}
	p := o.policy(in.ID)
	switch {
	case p == nil:
		return nil, nil, policyNotFound()
	case !slices.Contains(o.targets(), in.TargetID):
		return nil, nil, targetNotFound()
	case !slices.Contains(o.enabled, p.kind):
		return nil, nil, protocol.Errorf("PolicyTypeNotEnabledException",
			"This operation can be performed only for enabled policy types.")
	}
	return o, p, nil
}

func (s *Service) attachPolicy(call *protocol.Call, in attachment) (any, error) {
	o, p, err := s.attachable(call, in)
	if err != nil {
		return nil, err
	}
	list := o.attachedTo(in.TargetID, p.kind)
	switch {
	case slices.Contains(list, p):
		return nil, protocol.Errorf("DuplicatePolicyAttachmentException",
			"A policy with the specified name and type already exists.")
	case len(list) == maxAttached:
		return nil, protocol.Errorf("ConstraintViolationException",
			"You have attained the maximum number of policies attached to the target: %d.", maxAttached)
	}
	o.attach(in.TargetID, p.kind, append(list, p))
	return nil, nil
}

func (s *Service) detachPolicy(call *protocol.Call, in attachment) (any, error) {
	o, p, err := s.attachable(call, in)
	if err != nil {
		return nil, err
	}
	list := o.attachedTo(in.TargetID, p.kind)
	switch {
	case !slices.Contains(list, p):
		return nil, protocol.Errorf("PolicyNotAttachedException", "The policy isn't attached to the specified target.")
	case p.id == "p-RCPFullAWSAccess":
		return nil, invalid("You can't detach the policy RCPFullAWSAccess.")
	case len(list) == 1:
		return nil, protocol.Errorf("ConstraintViolationException",
			"You can't remove the last policy of the type from an entity.")
	}
	o.attach(in.TargetID, p.kind, slices.DeleteFunc(list, func(other *policy) bool { return other == p }))
	return nil, nil
}

func (s *Service) listPoliciesForTarget(call *protocol.Call, in struct {
	paging
	TargetID string `json:"TargetId"`
	Filter   PolicyType
}) (any, error) {
	o, err := s.reader(call)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(o.targets(), in.TargetID) {
		return nil, targetNotFound()
	}
	var all []map[string]any
	for _, p := range o.attachedTo(in.TargetID, in.Filter) {
		all = append(all, o.summary(call, p))
	}
	out, next, err := page(all, in.paging)
	return map[string]any{"Policies": out, "NextToken": next}, err
}

func (s *Service) listTargetsForPolicy(call *protocol.Call, in struct {
	paging
	policyID
}) (any, error) {
	o, err := s.reader(call)
	if err != nil {
		return nil, err
	}
	p := o.policy(in.ID)
	if p == nil {
		return nil, policyNotFound()
	}
	types := map[string]string{"root": "ROOT", "ou": "ORGANIZATIONAL_UNIT", "account": "ACCOUNT"}
	var all []map[string]any
	for _, target := range o.targets() {
		if !slices.Contains(o.attachedTo(target, p.kind), p) {
			continue
		}
		name := "Root"
		if u := o.unit(target); u != nil {
			name = u.name
		} else if m := o.account(target); m != nil {
			name = m.name
		}
		all = append(all, map[string]any{
			"TargetId": target, "Arn": o.arn(call, kind(target), target), "Name": name, "Type": types[kind(target)],
		})
	}
	out, next, err := page(all, in.paging)
	return map[string]any{"Targets": out, "NextToken": next}, err
}

type rootType struct {
	RootID     string `json:"RootId"`
	PolicyType PolicyType
}

// checkRoot returns the organization of a request about the policy types of its root.
func (s *Service) checkRoot(call *protocol.Call, in rootType) (*organization, error) {
	o, err := s.manager(call)
	switch {
	case err != nil:
		return nil, err
	case in.RootID != o.root:
		return nil, protocol.Errorf("RootNotFoundException", "You specified a root that doesn't exist.")
	case policyTypes[in.PolicyType] == "":
		return nil, protocol.NotImplemented("policies of type %s", in.PolicyType)
	}
	return o, nil
}

func (s *Service) enablePolicyType(call *protocol.Call, in rootType) (any, error) {
	o, err := s.checkRoot(call, in)
	if err != nil {
		return nil, err
	}
	if slices.Contains(o.enabled, in.PolicyType) {
		return nil, protocol.Errorf("PolicyTypeAlreadyEnabledException",
			"The specified policy type is already enabled in the specified root.")
	}
	o.enabled = append(o.enabled, in.PolicyType)
	return map[string]any{"Root": o.rootView(call)}, nil
}

// disablePolicyType detaches all policies of the type, as AWS does. If it is enabled again, only AWS's policy that
// allows everything is attached.
func (s *Service) disablePolicyType(call *protocol.Call, in rootType) (any, error) {
	o, err := s.checkRoot(call, in)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(o.enabled, in.PolicyType) {
		return nil, protocol.Errorf("PolicyTypeNotEnabledException",
			"This operation can be performed only for enabled policy types.")
	}
	for _, target := range o.targets() {
		o.attach(target, in.PolicyType, slices.DeleteFunc(slices.Clone(fullAccess), func(p *policy) bool {
			return p.kind != in.PolicyType
		}))
	}
	o.enabled = slices.DeleteFunc(o.enabled, func(kind PolicyType) bool { return kind == in.PolicyType })
	return map[string]any{"Root": o.rootView(call)}, nil
}

// levels are the policies of a type that apply to an account: of the root, of each unit above the account, and its own.
type levels map[PolicyType][][]string

// publish stores which policies apply to each account, for Policies. s.mu is held.
func (s *Service) publish() {
	effective := map[string]levels{}
	for _, o := range s.organizations {
		for _, m := range o.members {
			if m.id == o.management { // never limited
				continue
			}
			all := levels{}
			for _, kind := range o.enabled {
				for _, target := range append(o.path(m.parent), m.id) {
					var contents []string
					for _, p := range o.attachedTo(target, kind) {
						contents = append(contents, p.content)
					}
					all[kind] = append(all[kind], contents)
				}
			}
			effective[m.id] = all
		}
	}
	s.effective.Store(&effective)
}

// Policies returns the policies of a type that apply to an account: those of the root, of each unit above the account,
// and of the account itself. Each of these levels has to allow a request (Organizations User Guide, "SCP evaluation").
// There are none for the management account, outside of organizations, and if the type is not enabled.
func (s *Service) Policies(account string, kind PolicyType) [][]string {
	effective := s.effective.Load()
	if effective == nil {
		return nil
	}
	return (*effective)[account][kind]
}
