package provisioner

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"permstack/internal/installation"
	"permstack/internal/policies"
)

// maxTags leaves room for our own among the 50 that CloudFormation and IAM allow.
const maxTags = 45

// isTagText tells whether a key or value holds what IAM allows (API reference,
// "Tag": [\p{L}\p{Z}\p{N}_.:/=+\-@]*). As a regular expression it would cost
// every cold start half a millisecond.
func isTagText(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.Z, unicode.N) && !strings.ContainsRune("_.:/=+-@", r)
	})
}

// tags reads a list of {Key, Value}, or of "k=v", or one string "k=v,k2=v2".
func tags(v any) ([]policies.Tag, error) {
	if items, isList := v.([]any); isList && slices.ContainsFunc(items, isObject) {
		var out []policies.Tag
		for i, item := range items {
			t, err := tagObject(item)
			if err != nil {
				return nil, fmt.Errorf("entry %d: %w", i+1, err)
			}
			out = append(out, t)
		}
		return out, checkTags(out)
	}
	pairs, err := stringList(v)
	if err != nil {
		return nil, fmt.Errorf("%w (or a list of objects with Key and Value)", err)
	}
	var out []policies.Tag
	for i, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, fmt.Errorf("entry %d: want key=value", i+1)
		}
		out = append(out, policies.Tag{Key: strings.TrimSpace(key), Value: strings.TrimSpace(value)})
	}
	return out, checkTags(out)
}

func isObject(v any) bool { _, ok := v.(map[string]any); return ok }

func tagObject(v any) (policies.Tag, error) {
	object, ok := v.(map[string]any)
	if !ok {
		return policies.Tag{}, fmt.Errorf("want an object with Key and Value, have %s", kind(v))
	}
	for name := range object {
		if name != "Key" && name != "Value" {
			return policies.Tag{}, fmt.Errorf("unknown property %q: want Key and Value", name)
		}
	}
	key, ok := object["Key"].(string)
	if !ok {
		return policies.Tag{}, fmt.Errorf("Key: want a string, have %s", kind(object["Key"]))
	}
	value, ok := object["Value"].(string)
	if !ok {
		return policies.Tag{}, fmt.Errorf("Value: want a string, have %s", kind(object["Value"]))
	}
	return policies.Tag{Key: key, Value: value}, nil
}

// checkTags finds what AWS would refuse half-way through a stack.
func checkTags(list []policies.Tag) error {
	if len(list) > maxTags {
		return fmt.Errorf("%d tags: at most %d", len(list), maxTags)
	}
	seen := map[string]bool{} // IAM tells keys apart without regard to case
	for _, t := range list {
		key := strings.ToLower(t.Key)
		switch {
		case t.Key == "" || utf8.RuneCountInString(t.Key) > 128:
			return fmt.Errorf("key %q: a key has 1 to 128 characters", t.Key)
		case utf8.RuneCountInString(t.Value) > 256:
			return fmt.Errorf("key %q: a value has at most 256 characters", t.Key)
		case strings.HasPrefix(key, "aws:"), strings.HasPrefix(key, installation.TagPrefix):
			return fmt.Errorf("key %q: keys that begin with aws: or %s are reserved", t.Key, installation.TagPrefix)
		case !isTagText(t.Key), !isTagText(t.Value):
			return fmt.Errorf("key %q: keys and values hold letters, digits, blanks and _ . : / = + - @", t.Key)
		case seen[key]:
			return fmt.Errorf("key %q stands twice", t.Key)
		}
		seen[key] = true
	}
	return nil
}
