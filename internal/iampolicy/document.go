// Package policydoc is the IAM policy document as a value: its grammar in Go
// types, read from any form that IAM accepts and written in one stable form.
package iampolicy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"unicode/utf8"
)

// Version is the policy language version that every document of ours carries.
const Version = "2012-10-17"

// Document is an IAM policy document: identity, trust or resource policy.
type Document struct {
	Version   string      `json:"Version"`
	ID        string      `json:"Id,omitempty"`
	Statement []Statement `json:"Statement"`
}

// Statement is one statement. Exactly one of Action and NotAction is set, and
// at most one of Resource and NotResource, of Principal and NotPrincipal.
type Statement struct {
	Sid          string     `json:"Sid,omitempty"`
	Effect       string     `json:"Effect"`
	Principal    *Principal `json:"Principal,omitempty"`
	NotPrincipal *Principal `json:"NotPrincipal,omitempty"`
	Action       Values     `json:"Action,omitempty"`
	NotAction    Values     `json:"NotAction,omitempty"`
	Resource     Values     `json:"Resource,omitempty"`
	NotResource  Values     `json:"NotResource,omitempty"`
	Condition    Conditions `json:"Condition,omitempty"`
}

// Conditions is operator → condition key → values.
type Conditions map[string]map[string]Values

// Principal is who a trust or resource policy speaks of: everyone ("*"), or
// type ("AWS", "Service", "Federated", "CanonicalUser") → identifiers.
type Principal struct {
	Everyone bool
	ByType   map[string]Values
}

// Values is one string or a list of them; IAM takes either form. It is written
// as a bare string when there is one, which is also the shorter form.
type Values []string

// MarshalJSON writes a single value bare.
func (v Values) MarshalJSON() ([]byte, error) { return appendValues(nil, v), nil }

// UnmarshalJSON reads a string, boolean or number, or a list of them; IAM
// treats true and "true" alike.
func (v *Values) UnmarshalJSON(data []byte) error {
	var one any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&one); err != nil {
		return err
	}
	list, isList := one.([]any)
	if !isList {
		list = []any{one}
	}
	out := make(Values, 0, len(list))
	for _, item := range list {
		s, err := scalar(item)
		if err != nil {
			return err
		}
		out = append(out, s)
	}
	*v = out
	return nil
}

func scalar(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		return fmt.Sprint(v), nil
	case json.Number:
		return v.String(), nil
	default:
		return "", fmt.Errorf("want a string, a boolean or a number, have %T", v)
	}
}

// MarshalJSON writes "*" for everyone, else the map of types.
func (p Principal) MarshalJSON() ([]byte, error) { return appendPrincipal(nil, p), nil }

// UnmarshalJSON reads either form.
func (p *Principal) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err == nil {
		if s != "*" {
			return fmt.Errorf("principal %q: a principal is \"*\" or an object such as {\"AWS\": …}", s)
		}
		*p = Principal{Everyone: true}
		return nil
	}
	*p = Principal{}
	return json.Unmarshal(data, &p.ByType)
}

// Parse reads a document in any form that IAM accepts: a single statement or a
// list, single values or lists. Unknown elements are errors, as they are to IAM.
func Parse(data []byte) (Document, error) {
	var raw struct {
		Version   string
		ID        string `json:"Id"`
		Statement json.RawMessage
	}
	if err := strict(data, &raw); err != nil {
		return Document{}, fmt.Errorf("read policy document: %w", err)
	}
	doc := Document{Version: raw.Version, ID: raw.ID}
	if len(raw.Statement) == 0 || bytes.Equal(raw.Statement, []byte("null")) {
		return Document{}, fmt.Errorf("read policy document: it has no Statement")
	}
	if bytes.TrimSpace(raw.Statement)[0] == '{' {
		var one Statement
		if err := strict(raw.Statement, &one); err != nil {
			return Document{}, fmt.Errorf("read policy statement: %w", err)
		}
		doc.Statement = []Statement{one}
		return doc, nil
	}
	if err := strict(raw.Statement, &doc.Statement); err != nil {
		return Document{}, fmt.Errorf("read policy statements: %w", err)
	}
	return doc, nil
}

func strict(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if dec.More() {
		return fmt.Errorf("unexpected text after the document")
	}
	return nil
}

// JSON writes the document without white space, the same bytes for the same
// value: maps sorted, lists in their own order.
func (d Document) JSON() ([]byte, error) { return appendDocument(make([]byte, 0, 2048), d), nil }

// MarshalJSON is JSON, for documents within larger values.
func (d Document) MarshalJSON() ([]byte, error) { return d.JSON() }

// Size is the number of characters that IAM counts against its limits: all but
// white space (IAM quotas, "IAM and AWS STS character limits").
func (d Document) Size() int { return CountedSize(string(appendDocument(make([]byte, 0, 2048), d))) }

// CountedSize counts the characters of a policy text as IAM does, white space
// left out.
func CountedSize(policy string) int {
	n := utf8.RuneCountInString(policy)
	for i := range len(policy) {
		switch policy[i] {
		case ' ', '\t', '\r', '\n':
			n--
		}
	}
	return n
}

// Actions lists every action that the document's statements name, sorted, once each.
func (d Document) Actions() []string {
	seen := map[string]bool{}
	for _, s := range d.Statement {
		for _, a := range s.Action {
			seen[a] = true
		}
	}
	out := make([]string, 0, len(seen))
	for a := range seen {
		out = append(out, a)
	}
	sort.Strings(out)
	return out
}
