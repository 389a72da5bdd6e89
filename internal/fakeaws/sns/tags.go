package sns

import (
	"maps"
	"net/http"
	"slices"

	"permstack/internal/fakeaws/protocol"
)

// mergeTags returns the tags of a topic after others are added: at most 50, with
// keys of up to 128 and values of up to 256 characters. Keys are case-sensitive.
func mergeTags(have, add []protocol.Tag) ([]protocol.Tag, error) {
	for _, t := range add {
		if !t.Valid() {
			return nil, invalid("Tags Reason: tag key %q or its value is not valid", t.Key)
		}
	}
	out := protocol.MergeTags(have, add)
	if len(out) > protocol.MaxTags {
		return nil, protocol.Errorf(
			"TagLimitExceeded",
			"Could not complete request: tag quota of per resource exceeded",
		)
	}
	return out, nil
}

func sameTags(a, b []protocol.Tag) bool {
	byKey := func(tags []protocol.Tag) map[string]string {
		m := map[string]string{}
		for _, t := range tags {
			m[t.Key] = t.Value
		}
		return m
	}
	return maps.Equal(byKey(a), byKey(b))
}

// tagged returns the topic of a tagging call, whose errors have other codes.
func (s *Service) tagged(call *protocol.Call) (*topic, error) {
	t, err := s.findTopic(call, "ResourceArn")
	if protocol.HasCode(err, "NotFound") {
		return nil, protocol.Errorf("ResourceNotFound", "Resource does not exist").WithStatus(http.StatusNotFound)
	}
	return t, err
}

func (s *Service) tagResource(call *protocol.Call) (any, error) {
	t, err := s.tagged(call)
	if err != nil {
		return nil, err
	}
	tags, err := mergeTags(t.tags, call.Tags("Tags"))
	if err != nil {
		return nil, err
	}
	t.tags = tags
	return nil, nil
}

func (s *Service) untagResource(call *protocol.Call) (any, error) {
	t, err := s.tagged(call)
	if err != nil {
		return nil, err
	}
	keys := call.List("TagKeys")
	t.tags = protocol.DropTags(t.tags, keys)
	return nil, nil
}

func (s *Service) listTagsForResource(call *protocol.Call) (any, error) {
	t, err := s.tagged(call)
	if err != nil {
		return nil, err
	}
	return struct {
		Tags []protocol.Tag `xml:"Tags>member"`
	}{slices.Clone(t.tags)}, nil
}
