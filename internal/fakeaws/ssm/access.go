package ssm

import (
	"encoding/json"
	"slices"
	"strings"

	"permstack/internal/fakeaws/protocol"
)

// access says which permissions a call needs: all but DescribeParameters are
// judged by the parameter's ARN, GetParameters by each.
func (s *Service) access(call *protocol.Call) []protocol.Access {
	var q struct {
		Name, ResourceId string
		Names, TagKeys   []string
		Tags             []protocol.Tag
	}
	if err := json.Unmarshal(call.Body, &q); err != nil || call.Action == "DescribeParameters" {
		return nil
	}
	names := q.Names
	if len(names) == 0 {
		names = []string{q.Name + q.ResourceId} // a call has one or the other
	}
	var needed []protocol.Access
	for _, name := range names {
		arn := name
		if !strings.HasPrefix(name, "arn:") {
			plain, _, _ := strings.Cut(name, ":")
			arn = parameterARN(call, plain)
		}
		keys := protocol.TagContext(q.Tags, s.resourceTags(call, arn))
		if len(q.TagKeys) > 0 {
			keys["aws:TagKeys"] = q.TagKeys
		}
		needed = append(needed, protocol.Access{Action: "ssm:" + call.Action, Resource: arn, Context: keys})
		if call.Action == "PutParameter" && len(q.Tags) > 0 {
			needed = append(needed, protocol.Access{Action: "ssm:AddTagsToResource", Resource: arn, Context: keys})
		}
	}
	return needed
}

func (s *Service) resourceTags(call *protocol.Call, arn string) []protocol.Tag {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.store(call) {
		if p.arn == arn {
			return slices.Clone(p.tags)
		}
	}
	return nil
}
