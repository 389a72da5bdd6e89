package ssm

import (
	"encoding/json"
	"slices"
	"strings"

	"permstack/internal/fakeaws/protocol"
)

// request is the part of a call's body on which its permissions depend,
// whichever call it is.
type request struct {
	Name, ResourceId string
	Names, TagKeys   []string
	Tags             []protocol.Tag
}

func (r request) name() []string       { return []string{r.Name} }
func (r request) resourceID() []string { return []string{r.ResourceId} }
func (r request) names() []string      { return r.Names }

// on returns the permissions on the parameters that parameters picks from the
// body: GetParameters requires one for each. A body that cannot be read, or
// that names none, is refused by the call itself; until then the action is
// required on every resource.
func (s *Service) on(parameters func(request) []string) protocol.Permissions {
	return func(call *protocol.Call) []protocol.Access {
		var r request
		if err := json.Unmarshal(call.Body, &r); err != nil || len(parameters(r)) == 0 {
			return protocol.OnAnyResource("ssm:" + call.Action)(call)
		}
		var out []protocol.Access
		for _, name := range parameters(r) {
			arn := name
			if !strings.HasPrefix(name, "arn:") {
				plain, _, _ := strings.Cut(name, ":")
				arn = parameterARN(call, plain)
			}
			context := protocol.TagContext(r.Tags, r.TagKeys, s.resourceTags(call, arn))
			out = append(out, protocol.Access{Action: "ssm:" + call.Action, Resource: arn, Context: context})
			if call.Action == "PutParameter" && len(r.Tags) > 0 {
				out = append(out, protocol.Access{Action: "ssm:AddTagsToResource", Resource: arn, Context: context})
			}
		}
		return out
	}
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
