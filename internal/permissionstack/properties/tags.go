package properties

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"permstack/internal/installation"
	"permstack/internal/policies"
)

// maxTags is how many tags a customer may set: CloudFormation and IAM allow 50,
// of which the ownership tags need some.
const maxTags = 45

// isTagText reports whether a key or value has only characters that IAM allows
// (API reference, "Tag": [\p{L}\p{Z}\p{N}_.:/=+\-@]*). Compiling that regular
// expression would add half a millisecond to every cold start.
func isTagText(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.Z, unicode.N) && !strings.ContainsRune("_.:/=+-@", r)
	})
}

// tags decodes a list of {Key, Value} objects, a list of "k=v" strings, or one
// string "k=v,k2=v2".
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
		return policies.Tag{}, fmt.Errorf("want an object with Key and Value, got %s", kind(v))
	}
	for name := range object {
		if name != "Key" && name != "Value" {
			return policies.Tag{}, fmt.Errorf("unknown property %q: want Key and Value", name)
		}
	}
	key, ok := object["Key"].(string)
	if !ok {
		return policies.Tag{}, fmt.Errorf("Key: want a string, got %s", kind(object["Key"]))
	}
	value, ok := object["Value"].(string)
	if !ok {
		return policies.Tag{}, fmt.Errorf("Value: want a string, got %s", kind(object["Value"]))
	}
	return policies.Tag{Key: key, Value: value}, nil
}

// checkTags rejects tags that AWS would only reject in the middle of a stack
// operation.
func checkTags(list []policies.Tag) error {
	if len(list) > maxTags {
		return fmt.Errorf("%d tags: at most %d", len(list), maxTags)
	}
	seen := map[string]bool{} // IAM compares keys case-insensitively
	for _, t := range list {
		key := strings.ToLower(t.Key)
		switch {
		case t.Key == "" || utf8.RuneCountInString(t.Key) > 128:
			return fmt.Errorf("key %q: a key has 1 to 128 characters", t.Key)
		case utf8.RuneCountInString(t.Value) > 256:
			return fmt.Errorf("key %q: a value has at most 256 characters", t.Key)
		case strings.HasPrefix(key, "aws:"), strings.HasPrefix(key, installation.TagPrefix):
			return fmt.Errorf("key %q: the prefixes aws: and %s are reserved", t.Key, installation.TagPrefix)
		case !isTagText(t.Key), !isTagText(t.Value):
			return fmt.Errorf("key %q: keys and values may contain letters, digits, spaces and _ . : / = + - @", t.Key)
		case seen[key]:
			return fmt.Errorf("key %q appears more than once", t.Key)
		}
		seen[key] = true
	}
	return nil
}
