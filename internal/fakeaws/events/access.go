package events

import (
	"encoding/json"
	"slices"

	"permstack/internal/fakeaws/protocol"
)

// request is what the permission of a call depends on, whichever call it is.
type request struct {
	Name, Rule, ResourceARN, RoleArn string
	Tags                             []protocol.Tag
	TagKeys                          []string
	Targets                          []struct{ Arn, RoleArn string }
}

// readRequest reads a call's body for its permissions; a body that does not read is
// left for the call itself to refuse.
func readRequest(call *protocol.Call) (request, bool) {
	var q request
	if err := json.Unmarshal(call.Body, &q); err != nil {
		return request{}, false
	}
	return q, true
}

// access says which permissions a call needs: all but ListRules are judged by
// the rule's ARN.
func (s *Service) access(call *protocol.Call) []protocol.Access {
	q, ok := readRequest(call)
	if !ok || call.Action == "ListRules" {
		return nil
	}
	if call.Action == "DescribeEventBus" {
		return []protocol.Access{{Action: "events:DescribeEventBus", Resource: busARN(call)}}
	}
	if call.Action == "PutTargets" || call.Action == "RemoveTargets" || call.Action == "ListTargetsByRule" {
		q.Name = q.Rule
	}
	arn := call.ARN("events", call.Region, call.Account, "rule/"+q.Name)
	if q.ResourceARN != "" {
		arn = q.ResourceARN
	}
	var have []protocol.Tag
	s.mu.Lock()
	for _, r := range s.bus(call) {
		if r.arn == arn {
			have = slices.Clone(r.tags)
		}
	}
	s.mu.Unlock()
	keys := protocol.TagContext(q.Tags, have)
	if len(q.TagKeys) > 0 {
		keys["aws:TagKeys"] = q.TagKeys
	}
	for _, t := range q.Targets {
		keys["events:TargetArn"] = append(keys["events:TargetArn"], t.Arn)
	}
	needed := []protocol.Access{{Action: "events:" + call.Action, Resource: arn, Context: keys}}
	if call.Action == "PutRule" && len(q.Tags) > 0 {
		needed = append(needed, protocol.Access{Action: "events:TagResource", Resource: arn, Context: keys})
	}
	return needed
}

// passRole asks for iam:PassRole where a call hands a role to EventBridge.
func (s *Service) passRole(call *protocol.Call) error {
	if call.Action != "PutRule" && call.Action != "PutTargets" {
		return nil
	}
	q, _ := readRequest(call)
	roles := []string{q.RoleArn}
	for _, t := range q.Targets {
		roles = append(roles, t.RoleArn)
	}
	for _, role := range roles {
		if role == "" {
			continue
		}
		if err := call.Authorize("iam:PassRole", role, map[string][]string{"iam:PassedToService": {"events.amazonaws.com"}}); err != nil {
			return err
		}
	}
	return nil
}
