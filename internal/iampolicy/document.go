// Package iampolicy defines IAM policy documents as Go types. It parses every form that IAM accepts and writes one
// canonical form.
package iampolicy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"unicode/utf8"
)

// Version is the version of the policy language, which every generated document has.
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

// Conditions maps condition operators to condition keys to values.
type Conditions map[string]map[string]Values

// Principal is the Principal element of a trust or resource policy: everyone ("*"), or identifiers by type ("AWS",
// "Service", "Federated", "CanonicalUser").
type Principal struct {
	Everyone bool
	ByType   map[string]Values
}

// Values is one string or a list of strings; IAM accepts either form. A single value is written as a string, which is
// the shorter form.
type Values []string

// MarshalJSON returns a string for a single value, else a list.
func (v Values) MarshalJSON() ([]byte, error) { return appendValues(nil, v), nil }

// UnmarshalJSON parses a string, boolean or number, or a list of them. IAM treats true and "true" alike.
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
		return "", fmt.Errorf("want a string, a boolean or a number, got %T", v)
	}
}

// MarshalJSON returns "*" for everyone, else an object of identifiers by type.
func (p Principal) MarshalJSON() ([]byte, error) { return appendPrincipal(nil, p), nil }

// UnmarshalJSON parses either form.
func (p *Principal) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err == nil {
		if s != "*" {
			return fmt.Errorf("invalid principal %q: want \"*\" or an object such as {\"AWS\": …}", s)
		}
		*p = Principal{Everyone: true}
		return nil
	}
	*p = Principal{}
	return json.Unmarshal(data, &p.ByType)
}

// Parse parses a document in any form that IAM accepts: a single statement or a list, single values or lists. Unknown
// elements are errors, as in IAM.
func Parse(data []byte) (Document, error) {
	var raw struct {
		Version   string
		ID        string `json:"Id"`
		Statement json.RawMessage
	}
	if err := strict(data, &raw); err != nil {
		return Document{}, fmt.Errorf("parse policy document: %w", err)
	}
	doc := Document{Version: raw.Version, ID: raw.ID}
	if len(raw.Statement) == 0 || bytes.Equal(raw.Statement, []byte("null")) {
		return Document{}, fmt.Errorf("parse policy document: it has no Statement")
	}
	if bytes.TrimSpace(raw.Statement)[0] == '{' {
		var one Statement
		if err := strict(raw.Statement, &one); err != nil {
			return Document{}, fmt.Errorf("parse policy statement: %w", err)
		}
		doc.Statement = []Statement{one}
		return doc, nil
	}
	if err := strict(raw.Statement, &doc.Statement); err != nil {
		return Document{}, fmt.Errorf("parse policy statements: %w", err)
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

// JSON returns the document without white space. Equal documents have equal bytes: maps are sorted, lists keep their
// order. The error is always nil.
func (d Document) JSON() ([]byte, error) { return appendDocument(make([]byte, 0, 2048), d), nil }

// MarshalJSON implements json.Marshaler with the result of JSON.
func (d Document) MarshalJSON() ([]byte, error) { return d.JSON() }

// Size returns the number of characters that IAM counts against its limits: all but white space (IAM quotas, "IAM and
// AWS STS character limits").
func (d Document) Size() int { return CountedSize(string(appendDocument(make([]byte, 0, 2048), d))) }

// CountedSize returns the number of characters of a policy text without white space, as IAM counts them.
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

// Actions returns the distinct actions in the Action elements of all statements, sorted.
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
