package events

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
	"unicode/utf8"

	"permstack/internal/fakeaws/protocol"
)

type rule struct {
	name, arn, owner     string
	pattern, schedule    string
	filter               map[string]any // the decoded pattern; nil without one
	state                string
	description, roleARN string
	tags                 []protocol.Tag
	targets              []target // in the order of putting
	metrics              Metrics
	minutes              map[time.Time]Metrics // the metrics of each minute
}

// ruleResult is a rule in the responses of DescribeRule and ListRules.
type ruleResult struct {
	Name               string
	Arn                string
	EventPattern       string `json:",omitempty"`
	ScheduleExpression string `json:",omitempty"`
	State              string
	Description        string `json:",omitempty"`
	RoleArn            string `json:",omitempty"`
	EventBusName       string
	CreatedBy          string `json:",omitempty"`
}

func (r *rule) describe() ruleResult {
	return ruleResult{
		Name: r.name, Arn: r.arn, EventPattern: r.pattern, ScheduleExpression: r.schedule, State: r.state,
		Description: r.description, RoleArn: r.roleARN, EventBusName: "default",
	}
}

var states = []string{"ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"}

// putRule creates or replaces a rule. The targets of an existing rule stay, and
// tags are only applied to a new one.
func (s *Service) putRule(call *protocol.Call, in struct {
	Name, EventPattern, ScheduleExpression, State, Description, RoleArn, EventBusName string
	Tags                                                                              []protocol.Tag
}) (any, error) {
	if err := checkRuleName("name", in.Name); err != nil {
		return nil, err
	}
	if err := checkBus(call, in.EventBusName); err != nil {
		return nil, err
	}
	if in.EventPattern == "" && in.ScheduleExpression == "" {
		return nil, protocol.Errorf(
			"ValidationException",
			"Parameter(s) EventPattern or ScheduleExpression must be specified.",
		)
	}
	if in.State == "" {
		in.State = "ENABLED"
	}
	if !slices.Contains(states, in.State) {
		return nil, violation("state", in.State, fmt.Sprintf("Member must satisfy enum value set: %v", states))
	}
	if utf8.RuneCountInString(in.Description) > 512 {
		return nil, violation("description", in.Description, "Member must have length less than or equal to 512")
	}
	if in.ScheduleExpression != "" && !scheduling.MatchString(in.ScheduleExpression) {
		return nil, protocol.Errorf("ValidationException", "Parameter ScheduleExpression is not valid.")
	}
	var filter map[string]any
	if in.EventPattern != "" {
		var err error
		if filter, err = parsePattern(in.EventPattern); err != nil {
			return nil, err
		}
	}
	tags, err := mergeTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	bus := s.bus(call)
	r := bus[in.Name]
	if r == nil {
		if len(bus) >= maxRules {
			return nil, protocol.Errorf(
				"LimitExceededException",
				"The requested resource exceeds the maximum number allowed.",
			)
		}
		r = &rule{name: in.Name, arn: ruleARN(call, in.Name), owner: call.Account, tags: tags}
		bus[in.Name] = r
	}
	r.pattern, r.schedule, r.state = in.EventPattern, in.ScheduleExpression, in.State
	r.filter, r.description, r.roleARN = filter, in.Description, in.RoleArn
	return map[string]string{"RuleArn": r.arn}, nil
}

type named struct{ Name, EventBusName string }

func (s *Service) describeRule(call *protocol.Call, in named) (any, error) {
	r, err := s.find(call, "name", in.Name, in.EventBusName)
	if err != nil {
		return nil, err
	}
	out := r.describe()
	out.CreatedBy = r.owner
	return out, nil
}

// deleteRule succeeds for a rule that does not exist, as at AWS.
func (s *Service) deleteRule(call *protocol.Call, in named) (any, error) {
	r, err := s.find(call, "name", in.Name, in.EventBusName)
	if err != nil {
		if protocol.HasCode(err, "ResourceNotFoundException") {
			return nil, nil
		}
		return nil, err
	}
	if len(r.targets) > 0 {
		return nil, protocol.Errorf("ValidationException", "Rule can't be deleted since it has targets.")
	}
	delete(s.bus(call), r.name)
	return nil, nil
}

func (s *Service) enableRule(call *protocol.Call, in named) (any, error) {
	return s.setState(call, in, "ENABLED")
}

func (s *Service) disableRule(call *protocol.Call, in named) (any, error) {
	return s.setState(call, in, "DISABLED")
}

func (s *Service) setState(call *protocol.Call, in named, state string) (any, error) {
	r, err := s.find(call, "name", in.Name, in.EventBusName)
	if err != nil {
		return nil, err
	}
	r.state = state
	return nil, nil
}

func (s *Service) listRules(call *protocol.Call, in struct {
	NamePrefix, EventBusName, NextToken string
	Limit                               *int
}) (any, error) {
	if err := checkBus(call, in.EventBusName); err != nil {
		return nil, err
	}
	var rules []ruleResult
	for _, r := range s.bus(call) {
		if strings.HasPrefix(r.name, in.NamePrefix) {
			rules = append(rules, r.describe())
		}
	}
	sort.Slice(rules, func(i, j int) bool { return rules[i].Name < rules[j].Name })
	rules, next, err := paginate(rules, in.NextToken, in.Limit)
	if err != nil {
		return nil, err
	}
	return struct {
		Rules     []ruleResult
		NextToken string `json:",omitempty"`
	}{rules, next}, nil
}

// paginate returns one page of at most 100 items and the token of the next.
func paginate[T any](items []T, token string, limit *int) ([]T, string, error) {
	size := 100
	if limit != nil {
		size = *limit
	}
	if size < 1 || size > 100 {
		return nil, "", violation("limit", fmt.Sprint(size), "Member must have value between 1 and 100")
	}
	page, next, ok := protocol.Page(items, token, size)
	if !ok {
		return nil, "", protocol.Errorf("ValidationException", "Parameter NextToken is not valid.")
	}
	if page == nil {
		page = []T{} // the response has an empty list, not null
	}
	return page, next, nil
}
