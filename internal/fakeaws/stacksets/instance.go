package stacksets

import (
	"permstack/internal/fakeaws/protocol"
)

// instance is one stack instance. Service.mu guards it.
type instance struct {
	account, region, unit string
	stackID               string
	overrides             []parameter
	status                string // CURRENT, OUTDATED, INOPERABLE
	detail                string // PENDING, RUNNING, SUCCEEDED, FAILED, CANCELLED, INOPERABLE, SKIPPED_SUSPENDED_ACCOUNT
	reason                string
	operation             string // id of the last operation
}

func (set *stackSet) instance(account, region string) *instance {
	for _, in := range set.instances {
		if in.account == account && in.region == region {
			return in
		}
	}
	return nil
}

type comprehensiveStatus struct{ DetailedStatus string }

type instanceSummary struct {
	StackSetID string              `xml:"StackSetId"`
	Region     string              `xml:"Region"`
	Account    string              `xml:"Account"`
	StackID    string              `xml:"StackId,omitempty"`
	Status     string              `xml:"Status"`
	Reason     string              `xml:"StatusReason,omitempty"`
	Detail     comprehensiveStatus `xml:"StackInstanceStatus"`
	Unit       string              `xml:"OrganizationalUnitId,omitempty"`
	Drift      string              `xml:"DriftStatus"`
	Operation  string              `xml:"LastOperationId,omitempty"`
}

func (set *stackSet) summary(in *instance) instanceSummary {
	return instanceSummary{
		set.id, in.region, in.account, in.stackID, in.status, in.reason, comprehensiveStatus{in.detail}, in.unit,
		"NOT_CHECKED", in.operation,
	}
}

func (s *Service) listInstances(call *protocol.Call) (any, error) {
	set, err := s.findSet(call)
	if err != nil {
		return nil, err
	}
	var all []instanceSummary
	for _, in := range set.instances {
		if passes(call, "StackInstanceAccount", in.account) && passes(call, "StackInstanceRegion", in.region) &&
			matches(call, in) {
			all = append(all, set.summary(in))
		}
	}
	page, next, err := paginate(call, all, 100)
	return &struct {
		Summaries []instanceSummary `xml:"Summaries>member"`
		Next      string            `xml:"NextToken,omitempty"`
	}{page, next}, err
}

// passes reports whether a parameter is absent or has the value.
func passes(call *protocol.Call, name, value string) bool {
	return call.Str(name) == "" || call.Str(name) == value
}

// matches reports whether an instance matches the Filters of a call.
func matches(call *protocol.Call, in *instance) bool {
	for _, f := range call.Structs("Filters") {
		have := map[string]string{
			"DETAILED_STATUS": in.detail, "LAST_OPERATION_ID": in.operation, "DRIFT_STATUS": "NOT_CHECKED",
		}[f.Get("Name")]
		if have != f.Get("Values") {
			return false
		}
	}
	return true
}

func (s *Service) describeInstance(call *protocol.Call) (any, error) {
	set, err := s.findSet(call)
	if err != nil {
		return nil, err
	}
	in := set.instance(call.Str("StackInstanceAccount"), call.Str("StackInstanceRegion"))
	if in == nil {
		return nil, instanceNotFound(call.Str("StackInstanceAccount"), call.Str("StackInstanceRegion"))
	}
	type view struct {
		instanceSummary
		Overrides []parameter `xml:"ParameterOverrides>member"`
	}
	return &struct{ StackInstance view }{view{set.summary(in), set.visible(in.overrides)}}, nil
}

func instanceNotFound(account, region string) *protocol.Error {
	return protocol.Errorf("StackInstanceNotFoundException", "Stack instance not found for account %s in region %s",
		account, region).WithStatus(404)
}

func (s *Service) createInstances(call *protocol.Call) (any, error) {
	set, err := s.findSet(call)
	if err != nil {
		return nil, err
	}
	op, err := s.newOperation(call, set, "CREATE")
	if err != nil {
		return nil, err
	}
	where, err := s.readTargets(call, set)
	if err != nil {
		return nil, err
	}
	overrides, err := readOverrides(call, "ParameterOverrides", nil)
	if err != nil {
		return nil, err
	}
	set.addTargets(where)
	op.add(set.addInstances(where.accounts, where.regions, overrides))
	return s.begin(set, op), nil
}

// addInstances returns the instances of accounts and Regions, new ones among
// them.
func (set *stackSet) addInstances(accounts []place, regions []string, overrides []parameter) []*instance {
	var out []*instance
	for _, region := range regions {
		for _, a := range accounts {
			in := set.instance(a.account, region)
			if in == nil {
				in = &instance{account: a.account, region: region, status: "OUTDATED"}
				set.instances = append(set.instances, in)
			}
			in.unit, in.overrides = a.unit, overrides
			out = append(out, in)
		}
	}
	return out
}

func (s *Service) updateInstances(call *protocol.Call) (any, error) {
	set, err := s.findSet(call)
	if err != nil {
		return nil, err
	}
	op, err := s.newOperation(call, set, "UPDATE")
	if err != nil {
		return nil, err
	}
	chosen, err := s.existing(call, set)
	if err != nil {
		return nil, err
	}
	if hasList(call, "ParameterOverrides") {
		for _, in := range chosen {
			if in.overrides, err = readOverrides(call, "ParameterOverrides", in.overrides); err != nil {
				return nil, err
			}
		}
	}
	op.add(chosen)
	return s.begin(set, op), nil
}

func (s *Service) deleteInstances(call *protocol.Call) (any, error) {
	set, err := s.findSet(call)
	if err != nil {
		return nil, err
	}
	if !call.Has("RetainStacks") {
		return nil, invalid("1 validation error detected: Value null at 'retainStacks' failed to satisfy constraint: " +
			"Member must not be null")
	}
	op, err := s.newOperation(call, set, "DELETE")
	if err != nil {
		return nil, err
	}
	if op.retain, err = call.Bool("RetainStacks", false); err != nil {
		return nil, err
	}
	where, err := s.readTargets(call, set)
	if err != nil {
		return nil, err
	}
	set.removeTargets(where)
	var chosen []*instance
	for _, in := range set.instances {
		if where.has(in, set.serviceManaged) {
			chosen = append(chosen, in)
		}
	}
	op.add(chosen)
	return s.begin(set, op), nil
}

// existing returns the instances that a call chooses; each must exist.
func (s *Service) existing(call *protocol.Call, set *stackSet) ([]*instance, error) {
	where, err := s.readTargets(call, set)
	if err != nil {
		return nil, err
	}
	var out []*instance
	for _, region := range where.regions {
		for _, a := range where.accounts {
			in := set.instance(a.account, region)
			if in == nil {
				return nil, instanceNotFound(a.account, region)
			}
			out = append(out, in)
		}
	}
	return out, nil
}
