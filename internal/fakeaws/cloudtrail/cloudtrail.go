// Package cloudtrail is the event history of the embedded AWS's CloudTrail: it returns the
// calls that changed something, as the server recorded them, at once. AWS delivers them
// some minutes later, keeps them for 90 days, and allows two LookupEvents a second for an
// account and Region (CloudTrail API reference, LookupEvents); this one keeps the newest.
package cloudtrail

import (
	"encoding/json"
	"slices"
	"strconv"
	"sync"
	"time"

	"permstack/internal/fakeaws/protocol"
)

// maxRecords is how many events are kept of all accounts and Regions.
const maxRecords = 5000

// Service is the event history of all accounts and Regions of one Cloud.
type Service struct {
	mu      sync.Mutex
	records []record // oldest first
}

// record is one event.
type record struct {
	account, region string
	time            time.Time
	detail          map[string]any // CloudTrail's record
	user            string
}

// New returns an empty event history.
func New() *Service { return &Service{} }

// Definition returns the service for the server to register: for each call its handler
// and the permissions that it requires.
func (s *Service) Definition() protocol.Service {
	return protocol.Service{
		Name: "cloudtrail", Protocol: protocol.JSON, Version: "2013-11-01",
		TargetPrefix: "CloudTrail_20131101", Source: "internal/fakeaws/cloudtrail/cloudtrail.go",
		Actions: map[string]protocol.Action{
			"LookupEvents": protocol.LockedJSON(&s.mu, s.lookupEvents, protocol.OnAnyResource("cloudtrail:LookupEvents")),
		},
	}
}

// Add adds an event. detail is CloudTrail's record, which is not modified afterwards; user
// is the name of the caller.
func (s *Service) Add(account, region string, at time.Time, user string, detail map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.records) >= maxRecords {
		s.records = slices.Clone(s.records[maxRecords/2:])
	}
	s.records = append(s.records, record{account, region, at, detail, user})
}

type lookupRequest struct {
	LookupAttributes   []struct{ AttributeKey, AttributeValue string }
	StartTime, EndTime *float64 // seconds since 1970
	MaxResults         int
	NextToken          string
	EventCategory      string
}

// event is an event as LookupEvents returns it.
type event struct {
	EventId, EventName, EventSource, Username, ReadOnly string
	AccessKeyId                                         string `json:",omitempty"`
	EventTime                                           protocol.Time
	Resources                                           []struct{}
	CloudTrailEvent                                     string
}

type lookupResponse struct {
	Events    []event
	NextToken string `json:",omitempty"`
}

// attributes are the attributes by which events can be selected, and the names in the
// record. Resources are not recorded.
var attributes = map[string]string{
	"EventId": "eventID", "EventName": "eventName", "EventSource": "eventSource",
}

const maxResults = 50

func (s *Service) lookupEvents(call *protocol.Call, in lookupRequest) (any, error) {
	if len(in.LookupAttributes) > 1 {
		return nil, protocol.Errorf("InvalidLookupAttributesException", "You can only have one LookupAttribute")
	}
	for _, a := range in.LookupAttributes {
		if attributes[a.AttributeKey] == "" && a.AttributeKey != "Username" {
			return nil, protocol.NotImplemented("cloudtrail:LookupEvents by %s (it has EventId, EventName, EventSource and "+
				"Username)", a.AttributeKey)
		}
	}
	if in.MaxResults < 0 || in.MaxResults > maxResults {
		return nil, protocol.Errorf("InvalidMaxResultsException", "MaxResults must be between 1 and %d", maxResults)
	}
	if in.MaxResults == 0 {
		in.MaxResults = maxResults
	}
	skip := 0
	if in.NextToken != "" {
		var err error
		if skip, err = strconv.Atoi(in.NextToken); err != nil {
			return nil, protocol.Errorf("InvalidNextTokenException", "NextToken %s is invalid", in.NextToken)
		}
	}
	out := lookupResponse{Events: []event{}}
	for _, r := range slices.Backward(s.records) {
		if !in.selects(call, r) {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		if len(out.Events) == in.MaxResults {
			offset, _ := strconv.Atoi(in.NextToken)
			out.NextToken = strconv.Itoa(offset + in.MaxResults)
			break
		}
		e, err := r.event()
		if err != nil {
			return nil, err
		}
		out.Events = append(out.Events, e)
	}
	return out, nil
}

func (in lookupRequest) selects(call *protocol.Call, r record) bool {
	seconds := float64(r.time.UnixMilli()) / 1000
	if r.account != call.Account || r.region != call.Region || in.StartTime != nil && seconds < *in.StartTime ||
		in.EndTime != nil && seconds > *in.EndTime {
		return false
	}
	for _, a := range in.LookupAttributes {
		value := r.user
		if name := attributes[a.AttributeKey]; name != "" {
			value, _ = r.detail[name].(string)
		}
		if value != a.AttributeValue {
			return false
		}
	}
	return true
}

func (r record) event() (event, error) {
	data, err := json.Marshal(r.detail)
	if err != nil {
		return event{}, err
	}
	text := func(name string) string {
		s, _ := r.detail[name].(string)
		return s
	}
	return event{
		EventId: text("eventID"), EventName: text("eventName"), EventSource: text("eventSource"), Username: r.user,
		ReadOnly: "false", EventTime: protocol.Time(r.time), Resources: []struct{}{}, CloudTrailEvent: string(data),
	}, nil
}
