package protocol

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Tag is a resource tag, in the form of every service here.
type Tag struct {
	Key   string `xml:"Key" json:"Key"`
	Value string `xml:"Value" json:"Value"`
}

// MaxTags is the limit of tags per resource, in every service here.
const MaxTags = 50

// Valid reports whether a tag meets the rules that all services share: a key of
// 1 to 128 characters that does not begin with "aws:", and a value of at most
// 256.
func (t Tag) Valid() bool {
	return t.Key != "" && utf8.RuneCountInString(t.Key) <= 128 && utf8.RuneCountInString(t.Value) <= 256 &&
		!strings.HasPrefix(strings.ToLower(t.Key), "aws:")
}

// MergeTags returns the tags of a resource after others are added; a key that
// exists gets the new value. The arguments are not modified.
func MergeTags(have, add []Tag) []Tag {
	out := slices.Clone(have)
	for _, t := range add {
		if i := slices.IndexFunc(out, func(o Tag) bool { return o.Key == t.Key }); i >= 0 {
			out[i] = t
			continue
		}
		out = append(out, t)
	}
	return out
}

// DropTags returns the tags of a resource without those with the keys.
func DropTags(have []Tag, keys []string) []Tag {
	return slices.DeleteFunc(slices.Clone(have), func(t Tag) bool { return slices.Contains(keys, t.Key) })
}
