package cloudformation

import (
	"permstack/internal/fakeaws/events"
)

// The forms of events are from "CloudFormation events detail reference" in the
// CloudFormation User Guide.

// emitStatus emits the status of a stack or a resource; hold e.mu.
func (e *Engine) emitStatus(s *stack, ev event) {
	if e.d.Emit == nil {
		return
	}
	status := map[string]any{"status": ev.status, "status-reason": ev.reason}
	out := events.Event{
		Source: "aws.cloudformation", DetailType: "CloudFormation Stack Status Change", Resources: []string{s.id},
		Detail: map[string]any{"stack-id": s.id, "status-details": status, "client-request-token": ev.token},
		Time:   ev.time,
	}
	if ev.typ != stackType {
		out.DetailType = "CloudFormation Resource Status Change"
		out.Detail = map[string]any{
			"stack-id": s.id, "logical-resource-id": ev.logicalID, "physical-resource-id": ev.physicalID,
			"status-details": status, "resource-type": ev.typ, "client-request-token": ev.token,
		}
	}
	e.d.Emit(s.account, s.region, out)
}

// emitDetection emits the status of a drift detection; hold e.mu. The number of
// drifted resources is -1 while it runs.
func (e *Engine) emitDetection(s *stack, det *detection) {
	if e.d.Emit == nil {
		return
	}
	drifted := det.drifted
	if det.status == "DETECTION_IN_PROGRESS" {
		drifted = -1
	}
	e.d.Emit(s.account, s.region, events.Event{
		Source: "aws.cloudformation", DetailType: "CloudFormation Drift Detection Status Change", Resources: []string{s.id},
		Detail: map[string]any{
			"stack-id": s.id, "stack-drift-detection-id": det.id,
			"status-details":          map[string]any{"stack-drift-status": det.drift, "detection-status": det.status},
			"drift-detection-details": map[string]any{"drifted-stack-resource-count": drifted},
		},
		Time: e.now(),
	})
}
