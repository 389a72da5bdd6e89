package protocol

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Tag is a resource tag as every service here writes it.
type Tag struct {
	Key   string `xml:"Key" json:"Key"`
	Value string `xml:"Value" json:"Value"`
}

// MaxTags is how many tags a resource can have, in every service here.
const MaxTags = 50

// Valid keeps what all services ask of a tag: a key of 1 to 128 characters that
// does not begin with "aws:", and a value of at most 256.
func (t Tag) Valid() bool {
	return t.Key != "" && utf8.RuneCountInString(t.Key) <= 128 && utf8.RuneCountInString(t.Value) <= 256 &&
		!strings.HasPrefix(strings.ToLower(t.Key), "aws:")
}

// MergeTags gives the tags of a resource after others were added: a key given
// again gets the new value. The two slices stay as they are.
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

// DropTags gives the tags of a resource after some keys were taken off.
func DropTags(have []Tag, keys []string) []Tag {
	return slices.DeleteFunc(slices.Clone(have), func(t Tag) bool { return slices.Contains(keys, t.Key) })
}
