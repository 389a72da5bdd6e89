package cloudformation

import (
	"context"
	"errors"
	"slices"
	"time"

	"permstack/internal/fakeaws/protocol"
)

// detection is one run of DetectStackDrift.
type detection struct {
	id, stackID, status, reason, drift string
	drifted                            int
	time                               time.Time
}

type driftInfo struct {
	Status string         `xml:"StackResourceDriftStatus"`
	Time   *protocol.Time `xml:"LastCheckTimestamp,omitempty"`
}

func (r *resource) driftInfo() *driftInfo {
	if r.drift == nil {
		return &driftInfo{Status: "NOT_CHECKED"}
	}
	t := protocol.Time(r.drift.time)
	return &driftInfo{Status: r.drift.status, Time: &t}
}

type resourceDrift struct {
	StackID     string        `xml:"StackId"`
	LogicalID   string        `xml:"LogicalResourceId"`
	PhysicalID  string        `xml:"PhysicalResourceId"`
	Type        string        `xml:"ResourceType"`
	Expected    string        `xml:"ExpectedProperties,omitempty"`
	Actual      string        `xml:"ActualProperties,omitempty"`
	Differences []difference  `xml:"PropertyDifferences>member"`
	Status      string        `xml:"StackResourceDriftStatus"`
	Reason      string        `xml:"DriftStatusReason,omitempty"`
	Time        protocol.Time `xml:"Timestamp"`
}

// describeDrift returns a drift without the values of NoEcho parameters.
func describeDrift(s *stack, r *resource, d *drift) resourceDrift {
	out := resourceDrift{
		StackID: s.id, LogicalID: r.logicalID, PhysicalID: r.id, Type: r.typ,
		Expected: s.mask(d.expected), Actual: s.mask(d.actual),
		Status: d.status, Reason: d.reason, Time: protocol.Time(d.time),
	}
	for _, diff := range d.differences {
		diff.Expected, diff.Actual = s.maskValue(diff.Expected), s.maskValue(diff.Actual)
		out.Differences = append(out.Differences, diff)
	}
	return out
}

func (e *Engine) detectStackResourceDrift(ctx context.Context, call *protocol.Call) (any, error) {
	e.mu.Lock()
	s, err := e.mustFind(call, call.Str("StackName"))
	if err == nil {
		err = checkDriftable(s)
	}
	var r *resource
	if err == nil {
		if r = s.resources[call.Str("LogicalResourceId")]; r == nil {
			err = invalid("Resource %s does not exist for stack %s", call.Str("LogicalResourceId"), s.name)
		} else {
			r = r.clone()
		}
	}
	e.mu.Unlock()
	if err != nil {
		return nil, err
	}
	d, err := e.detect(ctx, e.config(call, ""), s, r)
	if errors.Is(err, errNoDrift) {
		return nil, invalid("Resource type %s is not supported for drift detection.", r.typ)
	}
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if now := s.resources[r.logicalID]; now != nil && now.id == r.id {
		now.drift = d
	}
	return &struct {
		Drift resourceDrift `xml:"StackResourceDrift"`
	}{describeDrift(s, r, d)}, nil
}

func (e *Engine) detectStackDrift(_ context.Context, call *protocol.Call) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.mustFind(call, call.Str("StackName"))
	if err != nil {
		return nil, err
	}
	if err := checkDriftable(s); err != nil {
		return nil, err
	}
	ids := call.List("LogicalResourceIds")
	for _, id := range ids {
		if s.resources[id] == nil {
			return nil, invalid("Resource %s does not exist for stack %s", id, s.name)
		}
	}
	if ids == nil {
		ids = slices.Clone(s.order)
	}
	det := &detection{
		id:      protocol.NewUUID(),
		stackID: s.id,
		status:  "DETECTION_IN_PROGRESS",
		drift:   "UNKNOWN",
		time:    e.now(),
	}
	e.space(s.account, s.region).detections[det.id] = det
	e.emitDetection(s, det)
	cfg := e.config(call, "")
	e.work.Go(func() {
		drifted, err := e.detectAll(e.ctx, cfg, s, ids)
		e.mu.Lock()
		defer e.mu.Unlock()
		det.drifted, det.status, det.drift = drifted, "DETECTION_COMPLETE", "IN_SYNC"
		if drifted > 0 {
			det.drift = "DRIFTED"
		}
		if err != nil {
			det.status, det.reason = "DETECTION_FAILED", "Failed to detect drift on resource "+err.Error()
		}
		s.drift, s.driftTime = det.drift, e.now()
		e.emitDetection(s, det)
		e.broadcast()
	})
	return &struct {
		ID string `xml:"StackDriftDetectionId"`
	}{det.id}, nil
}

func (e *Engine) describeDetection(_ context.Context, call *protocol.Call) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	det := e.space(call.Account, call.Region).detections[call.Str("StackDriftDetectionId")]
	if det == nil {
		return nil, invalid("Drift detection id %s does not exist", call.Str("StackDriftDetectionId"))
	}
	return &struct {
		StackID string        `xml:"StackId"`
		ID      string        `xml:"StackDriftDetectionId"`
		Drift   string        `xml:"StackDriftStatus,omitempty"`
		Status  string        `xml:"DetectionStatus"`
		Reason  string        `xml:"DetectionStatusReason,omitempty"`
		Drifted int           `xml:"DriftedStackResourceCount"`
		Time    protocol.Time `xml:"Timestamp"`
	}{det.stackID, det.id, det.drift, det.status, det.reason, det.drifted, protocol.Time(det.time)}, nil
}

func (e *Engine) describeStackResourceDrifts(_ context.Context, call *protocol.Call) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.mustFind(call, call.Str("StackName"))
	if err != nil {
		return nil, err
	}
	filters := call.List("StackResourceDriftStatusFilters")
	all := []resourceDrift{}
	for _, id := range s.order {
		r := s.resources[id]
		if r == nil || r.drift == nil || filters != nil && !slices.Contains(filters, r.drift.status) {
			continue
		}
		all = append(all, describeDrift(s, r, r.drift))
	}
	page, next, err := paginate(call, all, 100)
	if err != nil {
		return nil, err
	}
	return &struct {
		Drifts []resourceDrift `xml:"StackResourceDrifts>member"`
		Next   string          `xml:"NextToken,omitempty"`
	}{page, next}, nil
}

// WaitDetection waits until a run of DetectStackDrift has ended.
func (e *Engine) WaitDetection(ctx context.Context, account, region, id string) error {
	for {
		e.mu.Lock()
		det, changed := e.space(account, region).detections[id], e.changed
		done := det == nil || det.status != "DETECTION_IN_PROGRESS"
		e.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
