package iam

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"permstack/internal/fakeaws/protocol"
)

// tagged returns the tags of the resource that a call names.
type tagged func(*account, *protocol.Call) (*[]protocol.Tag, error)

func roleTags(a *account, call *protocol.Call) (*[]protocol.Tag, error) {
	r, err := a.role(call)
	if err != nil {
		return nil, err
	}
	return &r.tags, nil
}

// customerPolicyTags refuses AWS's own policies, whose tags cannot be changed.
func customerPolicyTags(a *account, call *protocol.Call) (*[]protocol.Tag, error) {
	p, err := a.customerPolicy(call)
	if err != nil {
		return nil, err
	}
	return &p.tags, nil
}

func policyTags(a *account, call *protocol.Call) (*[]protocol.Tag, error) {
	p, err := a.policy(call)
	if err != nil {
		return nil, err
	}
	return &p.tags, nil
}

func profileTags(a *account, call *protocol.Call) (*[]protocol.Tag, error) {
	p, err := a.profile(call)
	if err != nil {
		return nil, err
	}
	return &p.tags, nil
}

// addTags returns the action that adds tags to a resource: TagRole and the like.
func addTags(find tagged) action {
	return func(a *account, call *protocol.Call) (any, error) {
		tags, err := find(a, call)
		if err != nil {
			return nil, err
		}
		merged, err := mergeTags(*tags, call.Tags("Tags"))
		if err != nil {
			return nil, err
		}
		*tags = merged
		return nil, nil
	}
}

// removeTags returns the action that removes tags: UntagRole and the like.
func removeTags(find tagged) action {
	return func(a *account, call *protocol.Call) (any, error) {
		tags, err := find(a, call)
		if err != nil {
			return nil, err
		}
		*tags = dropTags(*tags, call.List("TagKeys"))
		return nil, nil
	}
}

// listTags returns the action that lists tags: ListRoleTags and the like.
func listTags(find tagged) action {
	return func(a *account, call *protocol.Call) (any, error) {
		tags, err := find(a, call)
		if err != nil {
			return nil, err
		}
		items := append([]protocol.Tag(nil), *tags...)
		items, p, err := paginate(call, items, func(t protocol.Tag) string { return t.Key })
		if err != nil {
			return nil, err
		}
		return struct {
			Tags []protocol.Tag `xml:"Tags>member"`
			page
		}{items, p}, nil
	}
}

// mergeTags returns the tags of a resource after others are added; a key that
// exists gets the new value. At most 50 tags, with keys of up to 128 and values
// of up to 256 characters.
func mergeTags(have, add []protocol.Tag) ([]protocol.Tag, error) {
	if len(add) > maxTags {
		return nil, constraint("tags",
			fmt.Sprint(len(add))+" tags", fmt.Sprintf("Member must have length less than or equal to %d", maxTags))
	}
	out := append([]protocol.Tag(nil), have...)
	seen := map[string]bool{}
	for i, t := range add {
		field := fmt.Sprintf("tags.%d.member", i+1)
		switch folded := strings.ToLower(t.Key); {
		case t.Key == "":
			return nil, constraint(field+".key", t.Key, "Member must have length greater than or equal to 1")
		case utf8.RuneCountInString(t.Key) > 128:
			return nil, constraint(field+".key", t.Key, "Member must have length less than or equal to 128")
		case utf8.RuneCountInString(t.Value) > 256:
			return nil, constraint(field+".value", t.Value, "Member must have length less than or equal to 256")
		case !tagPattern.MatchString(t.Key):
			return nil, constraint(field+".key", t.Key,
				`Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+`)
		case !tagPattern.MatchString(t.Value):
			return nil, constraint(field+".value", t.Value,
				`Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]*`)
		case strings.HasPrefix(folded, "aws:"):
			return nil, protocol.Errorf("InvalidInput", "System tags cannot be added/updated by requester")
		case seen[folded]:
			return nil, protocol.Errorf("InvalidInput",
				"Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		default:
			seen[folded] = true
		}
		out = setTag(out, t)
	}
	if len(out) > maxTags {
		return nil, limitExceeded("The number of tags has reached the maximum limit.")
	}
	return out, nil
}

func setTag(tags []protocol.Tag, t protocol.Tag) []protocol.Tag {
	for i := range tags {
		if strings.EqualFold(tags[i].Key, t.Key) {
			tags[i] = t
			return tags
		}
	}
	return append(tags, t)
}

func dropTags(tags []protocol.Tag, keys []string) []protocol.Tag {
	var out []protocol.Tag
next:
	for _, t := range tags {
		for _, k := range keys {
			if strings.EqualFold(k, t.Key) {
				continue next
			}
		}
		out = append(out, t)
	}
	return out
}
