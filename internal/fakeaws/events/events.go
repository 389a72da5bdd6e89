// Package events is the EventBridge of the embedded AWS: rules and targets on
// the default event bus. Events, of PutEvents and of the other services, are
// matched and delivered to SNS, SQS and Lambda under the policy of the target,
// with the condition keys that EventBridge sends.
//
// An event can be forwarded to the default bus of another Region, with the target's
// role. There are no other buses, archives, connections or API destinations, and
// schedules do not run.
package events

import (
	"context"
	"regexp"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"permstack/internal/fakeaws/protocol"
)

// The quotas of EventBridge that this service enforces, at their default values.
const (
	maxTargets = 5    // of one rule
	maxRules   = 300  // of one bus
	maxPattern = 2048 // characters of an event pattern
)

// Service is the EventBridge of all accounts and Regions of one Cloud.
type Service struct {
	clock               func() time.Time
	allowServiceSources atomic.Bool

	mu      sync.Mutex
	idle    *sync.Cond
	buses   map[location]map[string]*rule // rules of the default bus by name
	targets Targets
	pending []*delivery // oldest first
	working bool        // a goroutine delivers
}

type location struct{ account, region string }

// New returns an EventBridge without rules.
func New(clock func() time.Time) *Service {
	s := &Service{clock: clock, buses: map[location]map[string]*rule{}}
	s.idle = sync.NewCond(&s.mu)
	return s
}

// bus returns the rules of the call's default bus, by name.
func (s *Service) bus(call *protocol.Call) map[string]*rule {
	p := location{call.Account, call.Region}
	if s.buses[p] == nil {
		s.buses[p] = map[string]*rule{}
	}
	return s.buses[p]
}

// Definition returns the service for the server to register: for each call its
// handler and the permissions that it requires.
func (s *Service) Definition() protocol.Service {
	return protocol.Service{
		Name: "events", Protocol: protocol.JSON, Version: "2015-10-07", TargetPrefix: "AWSEvents",
		Source: "internal/fakeaws/events/events.go",
		Actions: map[string]protocol.Action{
			"PutRule":      protocol.LockedJSON(&s.mu, s.putRule, s.onPutRule()),
			"DescribeRule": protocol.LockedJSON(&s.mu, s.describeRule, s.onRule()),
			"DeleteRule":   protocol.LockedJSON(&s.mu, s.deleteRule, s.onRule()),
			"EnableRule":   protocol.LockedJSON(&s.mu, s.enableRule, s.onRule()),
			"DisableRule":  protocol.LockedJSON(&s.mu, s.disableRule, s.onRule()),
			"ListRules": protocol.LockedJSON(
				&s.mu,
				s.listRules,
				protocol.OnAnyResource("events:ListRules"),
			),
			"PutEvents": protocol.NewAction(func(_ context.Context, call *protocol.Call) (any, error) {
				var in struct{ Entries []putEventsEntry }
				if err := call.Decode(&in); err != nil {
					return nil, err
				}
				return s.putEvents(call, in)
			}, onPutEvents),
			"PutTargets":        protocol.LockedJSON(&s.mu, s.putTargets, s.onTargets()),
			"RemoveTargets":     protocol.LockedJSON(&s.mu, s.removeTargets, s.onTargets()),
			"ListTargetsByRule": protocol.LockedJSON(&s.mu, s.listTargetsByRule, s.onTargets()),
			"ListRuleNamesByTarget": protocol.LockedJSON(
				&s.mu, s.listRuleNamesByTarget, protocol.OnAnyResource("events:ListRuleNamesByTarget")),
			"TestEventPattern": protocol.LockedJSON(
				&s.mu, testEventPattern, protocol.OnAnyResource("events:TestEventPattern")),
			"ListEventBuses": protocol.LockedJSON(
				&s.mu, listEventBuses, protocol.OnAnyResource("events:ListEventBuses")),
			"DescribeEventBus":    protocol.LockedJSON(&s.mu, s.describeEventBus, onBus),
			"TagResource":         protocol.LockedJSON(&s.mu, s.tagResource, s.onResource()),
			"UntagResource":       protocol.LockedJSON(&s.mu, s.untagResource, s.onResource()),
			"ListTagsForResource": protocol.LockedJSON(&s.mu, s.listTagsForResource, s.onResource()),
		},
	}
}

var (
	rulePattern = regexp.MustCompile(`^[.\-_A-Za-z0-9]{1,64}$`)
	idPattern   = regexp.MustCompile(`^[.\-_A-Za-z0-9]{1,64}$`)
	scheduling  = regexp.MustCompile(`^(rate\([1-9][0-9]* (minutes?|hours?|days?)\)|cron\([^()]+\))$`)
)

func violation(field, value, rule string) *protocol.Error {
	return protocol.Violation("ValidationException", field, value, rule)
}

func checkRuleName(field, name string) error {
	if rulePattern.MatchString(name) {
		return nil
	}
	return violation(
		field,
		name,
		`Member must satisfy regular expression pattern: [\.\-_A-Za-z0-9]+ and have 1 to 64 characters`,
	)
}

func ruleNotFound(name string) *protocol.Error {
	return protocol.Errorf("ResourceNotFoundException", "Rule %s does not exist on EventBus default.", name)
}

// checkBus accepts the default bus by name, by ARN or if no bus is named.
func checkBus(call *protocol.Call, bus string) error {
	if bus == "" || bus == "default" || bus == busARN(call) {
		return nil
	}
	return protocol.Errorf("ResourceNotFoundException", "Event bus %s does not exist.", bus)
}

func ruleARN(call *protocol.Call, name string) string {
	return call.ARN("events", call.Region, call.Account, "rule/"+name)
}

func busARN(call *protocol.Call) string {
	return call.ARN("events", call.Region, call.Account, "event-bus/default")
}

// find returns the rule of that name.
func (s *Service) find(call *protocol.Call, field, name, bus string) (*rule, error) {
	if err := checkRuleName(field, name); err != nil {
		return nil, err
	}
	if err := checkBus(call, bus); err != nil {
		return nil, err
	}
	r := s.bus(call)[name]
	if r == nil {
		return nil, ruleNotFound(name)
	}
	return r, nil
}

func (s *Service) describeEventBus(call *protocol.Call, in struct{ Name string }) (any, error) {
	if err := checkBus(call, in.Name); err != nil {
		return nil, err
	}
	return map[string]any{"Name": "default", "Arn": busARN(call)}, nil
}

// tagged returns the rule with an ARN.
func (s *Service) tagged(call *protocol.Call, arn string) (*rule, error) {
	name, ok := strings.CutPrefix(arn, ruleARN(call, ""))
	if !ok {
		return nil, violation("resourceARN", arn, "Member must be the ARN of a rule of this account and Region")
	}
	r := s.bus(call)[strings.TrimPrefix(name, "default/")]
	if r == nil {
		return nil, ruleNotFound(name)
	}
	return r, nil
}

func mergeTags(have, add []protocol.Tag) ([]protocol.Tag, error) {
	for _, t := range add {
		if !t.Valid() {
			return nil, violation(
				"tags",
				t.Key,
				"Member must have a key of 1 to 128 characters that does not begin with aws:, and a value of "+
					"at most 256",
			)
		}
	}
	out := protocol.MergeTags(have, add)
	if len(out) > protocol.MaxTags {
		return nil, protocol.Errorf(
			"LimitExceededException",
			"A resource can have at most %d tags.",
			protocol.MaxTags,
		)
	}
	return out, nil
}

func (s *Service) tagResource(call *protocol.Call, in struct {
	ResourceARN string
	Tags        []protocol.Tag
}) (any, error) {
	r, err := s.tagged(call, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	tags, err := mergeTags(r.tags, in.Tags)
	if err != nil {
		return nil, err
	}
	r.tags = tags
	return nil, nil
}

func (s *Service) untagResource(call *protocol.Call, in struct {
	ResourceARN string
	TagKeys     []string
}) (any, error) {
	r, err := s.tagged(call, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	r.tags = protocol.DropTags(r.tags, in.TagKeys)
	return nil, nil
}

func (s *Service) listTagsForResource(call *protocol.Call, in struct{ ResourceARN string }) (any, error) {
	r, err := s.tagged(call, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	tags := append([]protocol.Tag{}, r.tags...)
	sort.Slice(tags, func(i, j int) bool { return tags[i].Key < tags[j].Key })
	return map[string]any{"Tags": tags}, nil
}
