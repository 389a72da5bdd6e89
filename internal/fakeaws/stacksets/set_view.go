package stacksets

import (
	"slices"

	"permstack/internal/fakeaws/protocol"
)

type autoDeployment struct {
	Enabled bool
	Retains *bool `xml:"RetainStacksOnAccountRemoval,omitempty"`
}

func (set *stackSet) autoDeployment() *autoDeployment {
	if !set.serviceManaged {
		return nil
	}
	out := &autoDeployment{Enabled: set.automatic}
	if set.automatic {
		out.Retains = &set.retains
	}
	return out
}

type managedExecution struct{ Active bool }

type driftDetails struct{ DriftStatus string }

func (set *stackSet) model() string {
	if set.serviceManaged {
		return "SERVICE_MANAGED"
	}
	return "SELF_MANAGED"
}

// visible returns parameters for display: NoEcho ones as asterisks.
func (set *stackSet) visible(list []parameter) []parameter {
	var out []parameter
	for _, p := range list {
		if slices.Contains(set.hidden, p.Key) {
			p.Value = "****"
		}
		out = append(out, p)
	}
	return out
}

// allRegions returns the Regions of the targets and instances.
func (set *stackSet) allRegions() []string {
	var out []string
	for _, t := range set.targets {
		out = append(out, missing(t.regions, out)...)
	}
	for _, in := range set.instances {
		out = append(out, missing([]string{in.region}, out)...)
	}
	return out
}

func (s *Service) describeStackSet(call *protocol.Call) (any, error) {
	set, err := s.findSet(call)
	if err != nil {
		return nil, err
	}
	type view struct {
		Name          string            `xml:"StackSetName"`
		ID            string            `xml:"StackSetId"`
		ARN           string            `xml:"StackSetARN"`
		Description   string            `xml:"Description,omitempty"`
		Status        string            `xml:"Status"`
		Body          string            `xml:"TemplateBody"`
		Parameters    []parameter       `xml:"Parameters>member"`
		Capabilities  []string          `xml:"Capabilities>member"`
		Tags          []protocol.Tag    `xml:"Tags>member"`
		AdminRole     string            `xml:"AdministrationRoleARN,omitempty"`
		ExecutionRole string            `xml:"ExecutionRoleName,omitempty"`
		Drift         driftDetails      `xml:"StackSetDriftDetectionDetails"`
		Auto          *autoDeployment   `xml:"AutoDeployment"`
		Model         string            `xml:"PermissionModel"`
		Units         []string          `xml:"OrganizationalUnitIds>member"`
		Managed       *managedExecution `xml:"ManagedExecution"`
		Regions       []string          `xml:"Regions>member"`
	}
	out := view{
		Name: set.name, ID: set.id, ARN: set.arn(), Description: set.description, Status: set.status, Body: set.body,
		Parameters: set.visible(set.parameters), Capabilities: set.capabilities, Tags: set.tags,
		Drift: driftDetails{"NOT_CHECKED"}, Auto: set.autoDeployment(), Model: set.model(),
		Managed: &managedExecution{set.queues}, Regions: set.allRegions(),
	}
	if !set.serviceManaged {
		out.AdminRole, out.ExecutionRole = set.adminRoleARN(), set.executionRoleName()
	}
	for _, t := range set.targets {
		out.Units = append(out.Units, t.unit)
	}
	for _, in := range set.instances {
		if in.unit != "" {
			out.Units = append(out.Units, missing([]string{in.unit}, out.Units)...)
		}
	}
	return &struct{ StackSet view }{out}, nil
}

func (s *Service) listStackSets(call *protocol.Call) (any, error) {
	type summary struct {
		Name        string            `xml:"StackSetName"`
		ID          string            `xml:"StackSetId"`
		Description string            `xml:"Description,omitempty"`
		Status      string            `xml:"Status"`
		Auto        *autoDeployment   `xml:"AutoDeployment"`
		Model       string            `xml:"PermissionModel"`
		Drift       string            `xml:"DriftStatus"`
		Managed     *managedExecution `xml:"ManagedExecution"`
	}
	at, err := s.owner(call)
	if err != nil {
		return nil, err
	}
	var all []summary
	for _, set := range s.sets[at] {
		if wanted := call.Str("Status"); wanted != "" && wanted != set.status ||
			call.Str("CallAs") == "DELEGATED_ADMIN" && !set.serviceManaged {
			continue
		}
		all = append(all, summary{
			set.name, set.id, set.description, set.status, set.autoDeployment(), set.model(), "NOT_CHECKED",
			&managedExecution{set.queues},
		})
	}
	page, next, err := paginate(call, all, 100)
	return &struct {
		Summaries []summary `xml:"Summaries>member"`
		Next      string    `xml:"NextToken,omitempty"`
	}{page, next}, err
}

func (s *Service) listTargets(call *protocol.Call) (any, error) {
	type summary struct {
		Unit    string   `xml:"OrganizationalUnitId"`
		Regions []string `xml:"Regions>member"`
	}
	set, err := s.findSet(call)
	if err != nil {
		return nil, err
	}
	var all []summary
	for _, t := range set.targets {
		all = append(all, summary{t.unit, t.regions})
	}
	page, next, err := paginate(call, all, 100)
	return &struct {
		Summaries []summary `xml:"Summaries>member"`
		Next      string    `xml:"NextToken,omitempty"`
	}{page, next}, err
}
