package policies

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"permstack/internal/iampolicy"
)

// Synthesis measures every statement once or twice, and encoding each as JSON only to count it needed most of its time.
// The functions below count the same characters without encoding; TestSizeMatchesJSON compares them with the text.

// emptyDocument is the size of a document without statements.
var emptyDocument = iampolicy.Document{Version: iampolicy.Version}.Size()

// size returns the number of a document's characters without white space, as IAM counts them, with the longest value of
// each pseudo parameter.
func size(d iampolicy.Document) int {
	n := len(`{"Statement":[]}`) + max(0, len(d.Statement)-1)
	if d.Version != "" {
		n += len(`"Version":,`) + stringSize(d.Version)
	}
	if d.ID != "" {
		n += len(`"Id":,`) + stringSize(d.ID)
	}
	for _, s := range d.Statement {
		n += statementSize(s)
	}
	return n
}

func statementSize(s iampolicy.Statement) int {
	n := len(`{"Effect":}`) + stringSize(s.Effect)
	if s.Sid != "" {
		n += len(`"Sid":,`) + stringSize(s.Sid)
	}
	for _, p := range []*iampolicy.Principal{s.Principal, s.NotPrincipal} {
		if p != nil {
			n += principalSize(*p)
		}
	}
	if s.Principal != nil {
		n += len(`,"Principal":`)
	}
	if s.NotPrincipal != nil {
		n += len(`,"NotPrincipal":`)
	}
	n += valuesSize(`,"Action":`, s.Action) + valuesSize(`,"NotAction":`, s.NotAction) +
		valuesSize(`,"Resource":`, s.Resource) + valuesSize(`,"NotResource":`, s.NotResource)
	if len(s.Condition) > 0 {
		n += len(`,"Condition":{}`) + len(s.Condition) - 1
		for operator, keys := range s.Condition {
			n += stringSize(operator) + len(`:{}`) + max(0, len(keys)-1)
			for key, values := range keys {
				n += stringSize(key) + len(`:`) + listSize(values)
			}
		}
	}
	return n
}

func principalSize(p iampolicy.Principal) int {
	if p.Everyone {
		return len(`"*"`)
	}
	n := len(`{}`) + max(0, len(p.ByType)-1)
	for kind, ids := range p.ByType {
		n += stringSize(kind) + len(`:`) + listSize(ids)
	}
	return n
}

// valuesSize returns the size of an element with its name; 0 if it is empty, because it is then omitted.
func valuesSize(name string, v iampolicy.Values) int {
	if len(v) == 0 {
		return 0
	}
	return len(name) + listSize(v)
}

// listSize returns the size of a single value or a list.
func listSize(v iampolicy.Values) int {
	if len(v) == 1 {
		return stringSize(v[0])
	}
	n := len(`[]`) + max(0, len(v)-1)
	for _, s := range v {
		n += stringSize(s)
	}
	return n
}

// stringSize returns the size of a JSON string.
func stringSize(s string) int {
	n := len(s) + len(`""`)
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ':
			n--
		case c == '$':
			end := strings.IndexByte(s[i:], '}')
			n += pseudoGrowth[s[i:i+end+1]] // 0 for an unknown name
		case c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf:
			return quotedSize(s)
		}
	}
	return n
}

// quotedSize returns the size of a string with characters to escape, which names and ARNs do not have.
func quotedSize(s string) int {
	quoted, err := json.Marshal(s)
	if err != nil { // a string always marshals
		panic(err)
	}
	n := iampolicy.CountedSize(string(quoted))
	for pseudo, growth := range pseudoGrowth {
		n += strings.Count(s, pseudo) * growth
	}
	return n
}
