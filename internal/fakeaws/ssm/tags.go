package ssm

import (
	"sort"

	"permstack/internal/fakeaws/protocol"
)

func mergeTags(have, add []protocol.Tag) ([]protocol.Tag, error) {
	for _, t := range add {
		if !t.Valid() {
			return nil, protocol.Errorf("ValidationException",
				"tag key %q or its value is not valid: keys have 1 to 128 characters and do not begin with "+
					"aws:, values at most 256", t.Key)
		}
	}
	out := protocol.MergeTags(have, add)
	if len(out) > protocol.MaxTags {
		return nil, protocol.Errorf("TooManyTagsError", "A parameter can have at most %d tags.", protocol.MaxTags)
	}
	return out, nil
}

// tagged returns the parameter of a tagging call; its id is the parameter's
// name.
func (s *Service) tagged(call *protocol.Call, kind, id string) (*parameter, error) {
	if kind != "Parameter" {
		return nil, protocol.Errorf("InvalidResourceType", "permstack local has tags of parameters only, not of %q",
			kind)
	}
	p := s.store(call)[id]
	if p == nil {
		return nil, protocol.Errorf("InvalidResourceId",
			"The resource ID %q is not valid. Verify that you entered the correct ID and try again.", id)
	}
	return p, nil
}

func (s *Service) addTagsToResource(call *protocol.Call, in struct {
	ResourceType, ResourceId string
	Tags                     []protocol.Tag
}) (any, error) {
	p, err := s.tagged(call, in.ResourceType, in.ResourceId)
	if err != nil {
		return nil, err
	}
	tags, err := mergeTags(p.tags, in.Tags)
	if err != nil {
		return nil, err
	}
	p.tags = tags
	return nil, nil
}

func (s *Service) removeTagsFromResource(call *protocol.Call, in struct {
	ResourceType, ResourceId string
	TagKeys                  []string
}) (any, error) {
	p, err := s.tagged(call, in.ResourceType, in.ResourceId)
	if err != nil {
		return nil, err
	}
	p.tags = protocol.DropTags(p.tags, in.TagKeys)
	return nil, nil
}

func (s *Service) listTagsForResource(
	call *protocol.Call,
	in struct{ ResourceType, ResourceId string },
) (any, error) {
	p, err := s.tagged(call, in.ResourceType, in.ResourceId)
	if err != nil {
		return nil, err
	}
	tags := append([]protocol.Tag{}, p.tags...)
	sort.Slice(tags, func(i, j int) bool { return tags[i].Key < tags[j].Key })
	return map[string]any{"TagList": tags}, nil
}
