package events

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"permstack/internal/fakeaws/protocol"
)

// maxEntry is the largest event in bytes (PutEvents, API reference; 1 MiB since
// January 2026).
const maxEntry = 1 << 20

// Event is an event that a service or a caller puts on a default bus.
type Event struct {
	Source     string // "aws.cloudformation"
	DetailType string
	Resources  []string // ARNs
	Detail     any      // a JSON object
	Time       time.Time
}

// envelope is an event as targets receive it ("Events in Amazon EventBridge",
// User Guide).
type envelope struct {
	Version    string    `json:"version"`
	ID         string    `json:"id"`
	DetailType string    `json:"detail-type"`
	Source     string    `json:"source"`
	Account    string    `json:"account"`
	Time       time.Time `json:"time"`
	Region     string    `json:"region"`
	Resources  []string  `json:"resources"`
	Detail     any       `json:"detail"`
}

// HasRules reports whether the default bus of an account and Region has a rule.
// Without one, nobody sees an event, and it need not be made.
func (s *Service) HasRules(account, region string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.buses[location{account, region}]) > 0
}

// Emit puts an event of an AWS service on the default bus of an account and
// Region. It returns at once; WaitDelivered waits for the delivery.
func (s *Service) Emit(account, region string, e Event) {
	if !s.HasRules(account, region) {
		return
	}
	s.enqueue(account, region, protocol.NewUUID(), e)
}

// enqueue queues the deliveries of an event to the targets of the rules that
// match it now.
func (s *Service) enqueue(account, region, id string, e Event) {
	resources := slices.Clone(e.Resources)
	if resources == nil {
		resources = []string{}
	}
	text, err := json.Marshal(envelope{
		Version: "0", ID: id, DetailType: e.DetailType, Source: e.Source, Account: account,
		Time: e.Time.UTC().Truncate(time.Second), Region: region, Resources: resources, Detail: e.Detail,
	})
	if err != nil {
		panic("an event that is not JSON: " + err.Error()) // the callers put JSON values
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.match(account, region, string(text))
	if len(s.pending) > 0 && !s.working {
		s.working = true
		go s.work()
	}
}

// match queues the deliveries of an event to the targets of the rules that match it;
// hold s.mu.
func (s *Service) match(account, region, event string) {
	rules := s.buses[location{account, region}]
	if len(rules) == 0 {
		return
	}
	var decoded map[string]any
	if err := json.Unmarshal([]byte(event), &decoded); err != nil {
		return // a detail of PutEvents that is not an object is refused before
	}
	for _, r := range rules {
		if !r.matches(decoded) {
			continue
		}
		r.count(Metrics{MatchedEvents: 1}, s.clock())
		for _, t := range r.targets {
			s.pending = append(s.pending, &delivery{
				rule: r, target: t, account: account, region: region, event: event, service: s, queued: s.clock(),
			})
		}
	}
}

type putEventsEntry struct {
	Source, DetailType, Detail, EventBusName string
	Resources                                []string
	Time                                     *float64 // seconds since 1970
}

type putEventsResult struct {
	EventId      string `json:",omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

// putEvents puts up to ten events on the default bus. An entry that is not valid
// is reported in the response, not as an error.
func (s *Service) putEvents(call *protocol.Call, in struct{ Entries []putEventsEntry }) (any, error) {
	if n := len(in.Entries); n < 1 || n > 10 {
		return nil, violation("entries", "[]", "Member must have length between 1 and 10")
	}
	out := struct {
		FailedEntryCount int
		Entries          []putEventsResult
	}{Entries: []putEventsResult{}}
	for _, entry := range in.Entries {
		e, failure := s.readEntry(call, entry)
		if failure.ErrorCode != "" {
			out.FailedEntryCount++
			out.Entries = append(out.Entries, failure)
			continue
		}
		id := protocol.NewUUID()
		s.enqueue(call.Account, call.Region, id, e)
		out.Entries = append(out.Entries, putEventsResult{EventId: id})
	}
	return out, nil
}

func (s *Service) readEntry(call *protocol.Call, entry putEventsEntry) (Event, putEventsResult) {
	e := Event{Source: entry.Source, DetailType: entry.DetailType, Resources: entry.Resources, Time: s.clock()}
	if entry.Time != nil {
		e.Time = time.Unix(int64(*entry.Time), 0)
	}
	size := len(entry.Source) + len(entry.DetailType) + len(entry.Detail)
	for _, r := range entry.Resources {
		size += len(r)
	}
	invalidArgument := func(text string) putEventsResult {
		return putEventsResult{ErrorCode: "InvalidArgument", ErrorMessage: text}
	}
	switch {
	case entry.Source == "":
		return e, invalidArgument("Parameter Source is not valid. Reason: Source is a required argument.")
	case entry.DetailType == "":
		return e, invalidArgument("Parameter DetailType is not valid. Reason: DetailType is a required argument.")
	case entry.Detail == "":
		return e, invalidArgument("Parameter Detail is not valid. Reason: Detail is a required argument.")
	case strings.HasPrefix(entry.Source, "aws.") && !s.allowServiceSources.Load():
		return e, putEventsResult{ErrorCode: "NotAuthorizedForSource", ErrorMessage: "Not authorized for the source."}
	case size > maxEntry:
		return e, invalidArgument("Total size of the entry is more than the limit.")
	case checkBus(call, entry.EventBusName) != nil:
		return e, invalidArgument("Event bus " + entry.EventBusName + " does not exist.")
	}
	var detail map[string]any
	if err := json.Unmarshal([]byte(entry.Detail), &detail); err != nil || detail == nil {
		return e, putEventsResult{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}
	}
	e.Detail = detail
	return e, putEventsResult{}
}
