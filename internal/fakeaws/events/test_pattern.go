package events

import (
	"encoding/json"
	"slices"
	"strings"

	"permstack/internal/fakeaws/eventpattern"
	"permstack/internal/fakeaws/protocol"
)

// eventFields are the fields that an event of TestEventPattern must have (API reference, TestEventPattern).
var eventFields = []string{"id", "account", "source", "time", "region", "resources", "detail-type"}

// testEventPattern reports whether a pattern matches an event.
func testEventPattern(_ *protocol.Call, in struct{ EventPattern, Event string }) (any, error) {
	pattern, err := parsePattern(in.EventPattern)
	if err != nil {
		return nil, err
	}
	var event map[string]any
	if err := json.Unmarshal([]byte(in.Event), &event); err != nil {
		return nil, protocol.Errorf("ValidationException", "Parameter Event is not valid. Reason: %v", err)
	}
	for _, name := range eventFields {
		if _, ok := event[name]; !ok {
			return nil, protocol.Errorf("ValidationException",
				"Parameter Event is not valid. Reason: the event lacks the field %s.", name)
		}
	}
	return map[string]bool{"Result": eventpattern.Match(pattern, event)}, nil
}

// listRuleNamesByTarget returns the names of the rules that have a target.
func (s *Service) listRuleNamesByTarget(call *protocol.Call, in struct {
	TargetArn, EventBusName, NextToken string
	Limit                              int
}) (any, error) {
	if err := checkBus(call, in.EventBusName); err != nil {
		return nil, err
	}
	names := []string{}
	for name, r := range s.bus(call) {
		if slices.ContainsFunc(r.targets, func(t target) bool { return t.settings().Arn == in.TargetArn }) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if in.Limit == 0 {
		in.Limit = 100
	}
	page, next, ok := protocol.Page(names, in.NextToken, in.Limit)
	if !ok {
		return nil, protocol.Errorf("ValidationException", "Parameter NextToken is not valid.")
	}
	return struct {
		RuleNames []string
		NextToken string `json:",omitempty"`
	}{page, next}, nil
}

// listEventBuses returns the default bus, the only one.
func listEventBuses(call *protocol.Call, in struct{ NamePrefix string }) (any, error) {
	buses := []map[string]string{}
	if strings.HasPrefix("default", in.NamePrefix) {
		buses = append(buses, map[string]string{"Name": "default", "Arn": busARN(call)})
	}
	return map[string]any{"EventBuses": buses}, nil
}
