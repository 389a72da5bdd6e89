package policies

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"permstack/internal/iampolicy"
)

// Synthesis measures every statement once or twice; writing each as JSON only to
// count it took most of its time. What follows counts the same characters without
// writing them; a test holds it against the text.

// emptyDocument is the size of a document without statements.
var emptyDocument = iampolicy.Document{Version: iampolicy.Version}.Size()

// size counts a document's characters as IAM does, white space left out, with
// pseudo parameters as long as they may become.
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

// valuesSize is that of an element, which is left out where it is empty.
func valuesSize(name string, v iampolicy.Values) int {
	if len(v) == 0 {
		return 0
	}
	return len(name) + listSize(v)
}

// listSize is that of one value, or of a list.
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

// stringSize is that of a JSON string.
func stringSize(s string) int {
	n := len(s) + len(`""`)
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ':
			n--
		case c == '$' && strings.HasPrefix(s[i:], "${AWS::"):
			end := strings.IndexByte(s[i:], '}')
			n += pseudoGrowth[s[i:i+end+1]] // 0 for what is none
		case c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf:
			return quotedSize(s)
		}
	}
	return n
}

// quotedSize is for strings that need an escape; names and ARNs do not.
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
