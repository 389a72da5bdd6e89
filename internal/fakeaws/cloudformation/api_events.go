package cloudformation

import (
	"context"
	"slices"
	"strings"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/fakeaws/protocol"
)

// validation is a check of a resource before an operation starts: it returns the
// name of the validation that the resource fails, and the reason, or "".
type validation func(kind, logicalID string) (name, reason string)

// SetValidation makes CloudFormation validate the resources of a template before it
// creates or updates a stack. An operation that fails there changes nothing and has
// no events of resources: only DescribeEvents has the reason. nil ends that.
func (e *Engine) SetValidation(v func(kind, logicalID string) (name, reason string)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.validation = v
}

// validate runs the validation and reports whether all resources pass.
func (op *operation) validate(resources []*cfntemplate.Resource) bool {
	op.e.mu.Lock()
	defer op.e.mu.Unlock()
	if op.e.validation == nil {
		return true
	}
	passed := true
	for _, r := range resources {
		if name, reason := op.e.validation(r.Type, r.LogicalID); name != "" {
			passed = false
			op.e.appendEvent(op.s, event{
				logicalID: r.LogicalID, typ: r.Type, status: "FAILED", reason: reason, validation: name,
			})
		}
	}
	return passed
}

const validationFailed = "Validation failed for one or more resources. "

// xmlOperationEvent is types.OperationEvent of the SDK.
type xmlOperationEvent struct {
	ID                string     `xml:"EventId"`
	StackID           string     `xml:"StackId"`
	OperationID       string     `xml:"OperationId"`
	EventType         string     `xml:"EventType"`
	LogicalID         string     `xml:"LogicalResourceId"`
	PhysicalID        string     `xml:"PhysicalResourceId,omitempty"`
	Type              string     `xml:"ResourceType"`
	Time              timeMillis `xml:"Timestamp"`
	ResourceStatus    string     `xml:"ResourceStatus,omitempty"`
	ResourceReason    string     `xml:"ResourceStatusReason,omitempty"`
	Properties        string     `xml:"ResourceProperties,omitempty"`
	Token             string     `xml:"ClientRequestToken,omitempty"`
	ValidationName    string     `xml:"ValidationName,omitempty"`
	ValidationStatus  string     `xml:"ValidationStatus,omitempty"`
	ValidationReason  string     `xml:"ValidationStatusReason,omitempty"`
	ValidationPath    string     `xml:"ValidationPath,omitempty"`
	ValidationFailure string     `xml:"ValidationFailureMode,omitempty"`
}

// operationEvent returns an event as DescribeEvents shows it.
func (ev event) operationEvent(stackID string) xmlOperationEvent {
	out := xmlOperationEvent{
		ID: ev.id, StackID: stackID, OperationID: ev.operation, LogicalID: ev.logicalID, PhysicalID: ev.physicalID,
		Type: ev.typ, Time: timeMillis(ev.time), Token: ev.token, Properties: ev.properties,
	}
	if ev.validation != "" {
		out.EventType, out.ValidationName, out.ValidationStatus = "VALIDATION_ERROR", ev.validation, ev.status
		out.ValidationReason, out.ValidationFailure = ev.reason, "FAIL"
		out.ValidationPath = "/Resources/" + ev.logicalID
		return out
	}
	out.ResourceStatus, out.ResourceReason = ev.status, ev.reason
	switch {
	case ev.typ == stackType:
		out.EventType = "STACK_EVENT"
	case ev.failed():
		out.EventType = "PROVISIONING_ERROR"
	default:
		out.EventType = "PROGRESS_EVENT"
	}
	return out
}

func (ev event) failed() bool { return ev.validation != "" || strings.HasSuffix(ev.status, "_FAILED") }

func (e *Engine) describeEvents(_ context.Context, call *protocol.Call) (any, error) {
	if call.Has("ChangeSetName") || call.Has("OperationId") {
		return nil, protocol.NotImplemented("ChangeSetName and OperationId of DescribeEvents")
	}
	onlyFailed, err := call.Bool("Filters.FailedEvents", false)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.mustFind(call, call.Str("StackName"))
	if err != nil {
		return nil, err
	}
	var all []xmlOperationEvent
	for _, ev := range slices.Backward(s.events) {
		if !onlyFailed || ev.failed() {
			all = append(all, ev.operationEvent(s.id))
		}
	}
	page, next, err := paginate(call, all, 100)
	return &struct {
		Events []xmlOperationEvent `xml:"OperationEvents>member"`
		Next   string              `xml:"NextToken,omitempty"`
	}{page, next}, err
}
