package iampolicy

import (
	"encoding/json"
	"maps"
	"slices"
	"unicode/utf8"
)

// The JSON is written without encoding/json because synthesis measures hundreds of statements in well under a
// millisecond: encoding/json uses reflection and compacts the result of nested MarshalJSON methods once for each level.

func appendDocument(b []byte, d Document) []byte {
	b = append(b, '{')
	if d.Version != "" {
		b = appendString(append(b, `"Version":`...), d.Version)
		b = append(b, ',')
	}
	if d.ID != "" {
		b = appendString(append(b, `"Id":`...), d.ID)
		b = append(b, ',')
	}
	b = append(b, `"Statement":[`...)
	for i, s := range d.Statement {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendStatement(b, s)
	}
	return append(b, "]}"...)
}

// MarshalJSON returns the statement's elements in the order of IAM's grammar.
func (s Statement) MarshalJSON() ([]byte, error) { return appendStatement(nil, s), nil }

func appendStatement(b []byte, s Statement) []byte {
	b = append(b, '{')
	if s.Sid != "" {
		b = appendString(append(b, `"Sid":`...), s.Sid)
		b = append(b, ',')
	}
	b = appendString(append(b, `"Effect":`...), s.Effect)
	if s.Principal != nil {
		b = appendPrincipal(append(b, `,"Principal":`...), *s.Principal)
	}
	if s.NotPrincipal != nil {
		b = appendPrincipal(append(b, `,"NotPrincipal":`...), *s.NotPrincipal)
	}
	for _, element := range []struct {
		name   string
		values Values
	}{
		{`,"Action":`, s.Action}, {`,"NotAction":`, s.NotAction},
		{`,"Resource":`, s.Resource}, {`,"NotResource":`, s.NotResource},
	} {
		if len(element.values) > 0 {
			b = appendValues(append(b, element.name...), element.values)
		}
	}
	if len(s.Condition) > 0 {
		b = appendSorted(append(b, `,"Condition":`...), s.Condition, func(b []byte, keys map[string]Values) []byte {
			return appendSorted(b, keys, appendValues)
		})
	}
	return append(b, '}')
}

func appendPrincipal(b []byte, p Principal) []byte {
	if p.Everyone {
		return append(b, `"*"`...)
	}
	return appendSorted(b, p.ByType, appendValues)
}

func appendSorted[V any](b []byte, m map[string]V, value func([]byte, V) []byte) []byte {
	b = append(b, '{')
	for i, k := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, k), ':')
		b = value(b, m[k])
	}
	return append(b, '}')
}

func appendValues(b []byte, v Values) []byte {
	if len(v) == 1 {
		return appendString(b, v[0])
	}
	b = append(b, '[')
	for i, s := range v {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, s)
	}
	return append(b, ']')
}

// appendString appends a JSON string. Strings with characters to escape are encoded by encoding/json; the names and
// ARNs of policies have none.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			quoted, err := json.Marshal(s)
			if err != nil { // a string always marshals
				panic(err)
			}
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
