package stacksets

import (
	"net/url"
	"slices"
	"time"

	"permstack/internal/fakeaws/protocol"
)

// operation is one operation on a stack set. Service.mu guards it.
type operation struct {
	id, action, status, reason string
	preferences                preferences
	targets                    *deploymentTargets
	retain                     bool
	automatic                  bool // of automatic deployment, to which no preferences apply
	created, ended             time.Time
	results                    []*result
	stopping                   bool
}

// result is what an operation did in one account and Region.
type result struct {
	in                    *instance
	account, region, unit string
	status, reason        string
	gate, gateReason      string
}

type deploymentTargets struct {
	Accounts []string `xml:"Accounts>member"`
	Units    []string `xml:"OrganizationalUnitIds>member"`
	Filter   string   `xml:"AccountFilterType,omitempty"`
}

func operationInProgress(set *stackSet) *protocol.Error {
	id := ""
	for _, op := range set.operations {
		if op.ended.IsZero() {
			id = op.id
		}
	}
	return protocol.Errorf("OperationInProgressException", "Another Operation on StackSet %s is in progress: %s",
		set.arn(), id).WithStatus(409)
}

// newOperation returns the operation of a call, which begin starts; hold s.mu. An
// operation that conflicts with another one is refused, or queued with managed
// execution. Two operations on a stack set always conflict here.
func (s *Service) newOperation(call *protocol.Call, set *stackSet, action string) (*operation, error) {
	if set.running && !set.queues {
		return nil, operationInProgress(set)
	}
	if set.serviceManaged {
		if err := s.checkServiceManaged(set.location); err != nil {
			return nil, err
		}
	}
	op := &operation{id: call.Str("OperationId"), action: action}
	if op.id == "" {
		op.id = protocol.NewUUID()
	}
	if set.operation(op.id) != nil {
		return nil, protocol.Errorf("OperationIdAlreadyExistsException", "The operation id %s is already in use", op.id).
			WithStatus(409)
	}
	var err error
	if op.preferences, err = readPreferences(call); err != nil {
		return nil, err
	}
	if hasList(call, "DeploymentTargets") {
		op.targets = &deploymentTargets{
			call.List("DeploymentTargets.Accounts"), call.List("DeploymentTargets.OrganizationalUnitIds"),
			call.Str("DeploymentTargets.AccountFilterType"),
		}
	}
	return op, nil
}

// add adds instances to what the operation works on.
func (op *operation) add(instances []*instance) {
	for _, in := range instances {
		op.results = append(op.results, &result{
			in: in, account: in.account, region: in.region, unit: in.unit, status: "PENDING",
		})
	}
}

type operationID struct {
	ID string `xml:"OperationId"`
}

// begin starts an operation, after those in progress; hold s.mu.
func (s *Service) begin(set *stackSet, op *operation) *operationID {
	op.created, op.status = s.d.Clock(), "QUEUED"
	for _, r := range op.results {
		r.in.status, r.in.detail, r.in.reason, r.in.operation = "OUTDATED", "PENDING", "", op.id
	}
	set.operations = append(set.operations, op)
	if !set.running {
		op.status = "RUNNING"
		set.running = true
		s.work.Go(func() { s.runQueue(set) })
	}
	return &operationID{op.id}
}

func (set *stackSet) operation(id string) *operation {
	for _, op := range set.operations {
		if op.id == id {
			return op
		}
	}
	return nil
}

func (s *Service) findOperation(call *protocol.Call) (*stackSet, *operation, error) {
	set, err := s.findSet(call)
	if err != nil {
		return nil, nil, err
	}
	if op := set.operation(call.Str("OperationId")); op != nil {
		return set, op, nil
	}
	return nil, nil, protocol.Errorf("OperationNotFoundException", "Operation %s not found", call.Str("OperationId")).
		WithStatus(404)
}

type statusDetails struct{ FailedStackInstancesCount int }

func (op *operation) statusDetails() statusDetails {
	failed := 0
	for _, r := range op.results {
		if r.status == "FAILED" {
			failed++
		}
	}
	return statusDetails{failed}
}

func optionalTime(t time.Time) *protocol.Time {
	if t.IsZero() {
		return nil
	}
	out := protocol.Time(t)
	return &out
}

func (s *Service) describeOperation(call *protocol.Call) (any, error) {
	set, op, err := s.findOperation(call)
	if err != nil {
		return nil, err
	}
	type view struct {
		ID            string             `xml:"OperationId"`
		SetID         string             `xml:"StackSetId"`
		Action        string             `xml:"Action"`
		Status        string             `xml:"Status"`
		Preferences   preferences        `xml:"OperationPreferences"`
		Retain        *bool              `xml:"RetainStacks,omitempty"`
		AdminRole     string             `xml:"AdministrationRoleARN,omitempty"`
		ExecutionRole string             `xml:"ExecutionRoleName,omitempty"`
		Created       protocol.Time      `xml:"CreationTimestamp"`
		Ended         *protocol.Time     `xml:"EndTimestamp,omitempty"`
		Targets       *deploymentTargets `xml:"DeploymentTargets"`
		Reason        string             `xml:"StatusReason,omitempty"`
		Details       statusDetails      `xml:"StatusDetails"`
	}
	out := view{
		ID: op.id, SetID: set.id, Action: op.action, Status: op.status, Preferences: op.preferences,
		Created: protocol.Time(op.created), Ended: optionalTime(op.ended), Targets: op.targets, Reason: op.reason,
		Details: op.statusDetails(),
	}
	if op.action == "DELETE" {
		out.Retain = &op.retain
	}
	if !set.serviceManaged {
		out.AdminRole, out.ExecutionRole = set.adminRoleARN(), set.executionRoleName()
	}
	return &struct{ StackSetOperation view }{out}, nil
}

func (s *Service) listOperations(call *protocol.Call) (any, error) {
	type summary struct {
		ID          string         `xml:"OperationId"`
		Action      string         `xml:"Action"`
		Status      string         `xml:"Status"`
		Created     protocol.Time  `xml:"CreationTimestamp"`
		Ended       *protocol.Time `xml:"EndTimestamp,omitempty"`
		Reason      string         `xml:"StatusReason,omitempty"`
		Details     statusDetails  `xml:"StatusDetails"`
		Preferences preferences    `xml:"OperationPreferences"`
	}
	set, err := s.findSet(call)
	if err != nil {
		return nil, err
	}
	var all []summary
	for _, op := range slices.Backward(set.operations) {
		all = append(all, summary{
			op.id, op.action, op.status, protocol.Time(op.created), optionalTime(op.ended), op.reason, op.statusDetails(),
			op.preferences,
		})
	}
	page, next, err := paginate(call, all, 100)
	return &struct {
		Summaries []summary `xml:"Summaries>member"`
		Next      string    `xml:"NextToken,omitempty"`
	}{page, next}, err
}

func (s *Service) listResults(call *protocol.Call) (any, error) {
	type gate struct {
		Status string
		Reason string `xml:"StatusReason,omitempty"`
	}
	type summary struct {
		Account string `xml:"Account"`
		Region  string `xml:"Region"`
		Status  string `xml:"Status"`
		Reason  string `xml:"StatusReason,omitempty"`
		Gate    *gate  `xml:"AccountGateResult"`
		Unit    string `xml:"OrganizationalUnitId,omitempty"`
	}
	_, op, err := s.findOperation(call)
	if err != nil {
		return nil, err
	}
	var all []summary
	for _, r := range op.results {
		if slices.ContainsFunc(call.Structs("Filters"), func(f url.Values) bool {
			return f.Get("Values") != r.status // OPERATION_RESULT_STATUS is the only filter
		}) {
			continue
		}
		out := summary{r.account, r.region, r.status, r.reason, nil, r.unit}
		if r.gate != "" {
			out.Gate = &gate{r.gate, r.gateReason}
		}
		all = append(all, out)
	}
	page, next, err := paginate(call, all, 100)
	return &struct {
		Summaries []summary `xml:"Summaries>member"`
		Next      string    `xml:"NextToken,omitempty"`
	}{page, next}, err
}

func (s *Service) stopOperation(call *protocol.Call) (any, error) {
	_, op, err := s.findOperation(call)
	if err != nil {
		return nil, err
	}
	if !op.ended.IsZero() {
		return nil, protocol.Errorf("InvalidOperationException", "Operation %s is in %s state and cannot be stopped",
			op.id, op.status)
	}
	op.stopping = true
	if op.status == "RUNNING" {
		op.status = "STOPPING"
	}
	return nil, nil
}
