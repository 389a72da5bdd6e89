package protocol

import (
	"net/url"
	"sort"
	"strconv"
	"strings"
)

// Entry is one pair of a Query map, <entry><key>…</key><value>…</value></entry>.
type Entry struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

// Entries returns a map in its Query form, sorted by key. Use it with
// `xml:"Attributes>entry"`.
func Entries(m map[string]string) []Entry {
	out := make([]Entry, 0, len(m))
	for k, v := range m {
		out = append(out, Entry{k, v})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Key < out[j].Key })
	return out
}

// Str returns the Query parameter of that name, or "".
func (c *Call) Str(name string) string { return c.Form.Get(name) }

// Has reports whether the Query parameter was sent, even empty.
func (c *Call) Has(name string) bool { return c.Form.Has(name) }

// Int returns a Query parameter as a number, or def if it was not sent.
func (c *Call) Int(name string, def int) (int, error) {
	if !c.Form.Has(name) {
		return def, nil
	}
	n, err := strconv.Atoi(c.Form.Get(name))
	if err != nil {
		return 0, Errorf("MalformedInput", "%s is not a number: %q", name, c.Form.Get(name))
	}
	return n, nil
}

// Bool returns a Query parameter as a boolean, or def if it was not sent.
func (c *Call) Bool(name string, def bool) (bool, error) {
	if !c.Form.Has(name) {
		return def, nil
	}
	b, err := strconv.ParseBool(c.Form.Get(name))
	if err != nil {
		return false, Errorf("MalformedInput", "%s is neither true nor false: %q", name, c.Form.Get(name))
	}
	return b, nil
}

// Structs returns a Query list of structures in the order of its numbers:
// Tags.member.1.Key=a&Tags.member.1.Value=b is one url.Values with Key and
// Value. Maps (Attributes.entry.1.key) have the same form. An element of a list
// of plain values has its value under the empty name.
func Structs(form url.Values, prefix string) []url.Values {
	byIndex := map[int]url.Values{}
	for key, values := range form {
		rest, ok := strings.CutPrefix(key, prefix+".")
		if !ok {
			continue
		}
		if s, ok := strings.CutPrefix(rest, "member."); ok {
			rest = s
		} else if s, ok := strings.CutPrefix(rest, "entry."); ok {
			rest = s
		}
		number, name, _ := strings.Cut(rest, ".")
		i, err := strconv.Atoi(number)
		if err != nil {
			continue
		}
		if byIndex[i] == nil {
			byIndex[i] = url.Values{}
		}
		byIndex[i][name] = values
	}
	indexes := make([]int, 0, len(byIndex))
	for i := range byIndex {
		indexes = append(indexes, i)
	}
	sort.Ints(indexes)
	out := make([]url.Values, 0, len(indexes))
	for _, i := range indexes {
		out = append(out, byIndex[i])
	}
	return out
}

// Structs returns a Query list of structures; see the function of that name.
func (c *Call) Structs(prefix string) []url.Values { return Structs(c.Form, prefix) }

// List returns a Query list of plain values, TagKeys.member.1=a, or nil if it
// was not sent.
func (c *Call) List(prefix string) []string {
	var out []string
	for _, s := range Structs(c.Form, prefix) {
		if s.Has("") {
			out = append(out, s.Get(""))
		}
	}
	return out
}

// Map returns a Query map: Attributes.entry.1.key=a&Attributes.entry.1.value=b.
func (c *Call) Map(prefix string) map[string]string {
	out := map[string]string{}
	for _, s := range Structs(c.Form, prefix) {
		out[s.Get("key")] = s.Get("value")
	}
	return out
}

// Tags returns a Query list of tags: Tags.member.1.Key=a&Tags.member.1.Value=b.
func (c *Call) Tags(prefix string) []Tag {
	var out []Tag
	for _, s := range Structs(c.Form, prefix) {
		out = append(out, Tag{Key: s.Get("Key"), Value: s.Get("Value")})
	}
	return out
}
