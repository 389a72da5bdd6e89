// Package scope is what a customer narrows a selection to: tags, buckets, tables, databases, keys, Regions and VPCs.
// It parses and formats them. It does no I/O.
package scope

import (
	"fmt"
	"slices"
	"strings"
)

// Kind is what a scope names.
type Kind string

// The kinds. Their names are those of the flags: --only-tag, --bucket, --table, …
const (
	Tag      Kind = "tag"
	Bucket   Kind = "bucket"
	Table    Kind = "table"
	Database Kind = "db"
	Key      Kind = "key"
	Region   Kind = "region"
	VPC      Kind = "vpc"
)

// Kinds are all kinds, in the order in which they are shown.
var Kinds = []Kind{Tag, Bucket, Table, Database, Key, Region, VPC}

// words are the names of kinds in sentences.
var words = map[Kind][2]string{
	Tag: {"tag", "tags"}, Bucket: {"bucket", "buckets"}, Table: {"table", "tables"},
	Database: {"database", "databases"}, Key: {"KMS key", "KMS keys"}, Region: {"Region", "Regions"}, VPC: {"VPC", "VPCs"},
}

// Plural returns the name of several of a kind in sentences: "KMS keys".
func (k Kind) Plural() string { return words[k][1] }

// Noun returns the name of one of a kind in sentences: "KMS key".
func (k Kind) Noun() string { return words[k][0] }

// Scope limits a selection to resources. An empty list limits nothing. Names may end with *, which matches any text;
// nothing else is a wildcard.
type Scope struct {
	// Tags are of the form KEY=VALUE. A resource must have each key with one of the key's values.
	Tags      []string `json:"tags,omitempty"`
	Buckets   []string `json:"buckets,omitempty"`
	Tables    []string `json:"tables,omitempty"`    // names or ARNs of DynamoDB tables
	Databases []string `json:"databases,omitempty"` // identifiers of RDS instances and clusters
	Keys      []string `json:"keys,omitempty"`      // IDs or ARNs of KMS keys
	Regions   []string `json:"regions,omitempty"`
	VPCs      []string `json:"vpcs,omitempty"` // IDs
}

// list returns the list of a kind.
func (s *Scope) list(k Kind) *[]string {
	switch k {
	case Tag:
		return &s.Tags
	case Bucket:
		return &s.Buckets
	case Table:
		return &s.Tables
	case Database:
		return &s.Databases
	case Key:
		return &s.Keys
	case Region:
		return &s.Regions
	case VPC:
		return &s.VPCs
	}
	return nil
}

// Get returns the values of a kind.
func (s Scope) Get(k Kind) []string {
	if l := s.list(k); l != nil {
		return *l
	}
	return nil
}

// With returns the scope with other values of a kind.
func (s Scope) With(k Kind, values []string) Scope {
	if l := s.list(k); l != nil {
		*l = values
	}
	return s
}

// Has reports whether the scope limits a kind.
func (s Scope) Has(k Kind) bool { return len(s.Get(k)) > 0 }

// IsZero reports whether the scope limits nothing.
func (s Scope) IsZero() bool { return !slices.ContainsFunc(Kinds, s.Has) }

// Merge returns the scope with the values of both.
func (s Scope) Merge(other Scope) Scope {
	for _, k := range Kinds {
		s = s.With(k, slices.Concat(s.Get(k), other.Get(k)))
	}
	return s.Normal()
}

// Normal returns the scope with sorted and distinct values: the order in which they are given makes no difference to
// what is granted.
func (s Scope) Normal() Scope {
	for _, k := range Kinds {
		var out []string
		for _, v := range s.Get(k) {
			if v = strings.TrimSpace(v); v != "" {
				out = append(out, v)
			}
		}
		slices.Sort(out)
		s = s.With(k, slices.Compact(out))
	}
	return s
}

// Equal reports whether two scopes limit the same.
func (s Scope) Equal(other Scope) bool {
	s, other = s.Normal(), other.Normal()
	return !slices.ContainsFunc(Kinds, func(k Kind) bool { return !slices.Equal(s.Get(k), other.Get(k)) })
}

// String returns the scope as KIND:VALUE entries with commas between them, which ParseEntries parses.
func (s Scope) String() string { return strings.Join(s.Entries(), ",") }

// Entries returns the values in the form KIND:VALUE.
func (s Scope) Entries() []string {
	var out []string
	for _, k := range Kinds {
		for _, v := range s.Get(k) {
			out = append(out, string(k)+":"+v)
		}
	}
	return out
}

// shown is how many values of a kind Summary lists.
const shown = 3

// Summary returns the scope as a text for messages: "tables orders, invoices; Regions eu-central-1". Long lists are
// shortened.
func (s Scope) Summary() string {
	var parts []string
	for _, k := range Kinds {
		values := s.Get(k)
		if len(values) == 0 {
			continue
		}
		name := k.Plural()
		if len(values) == 1 {
			name = k.Noun()
		}
		text := strings.Join(values[:min(shown, len(values))], ", ")
		if more := len(values) - shown; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		parts = append(parts, name+" "+text)
	}
	return strings.Join(parts, "; ")
}

// ParseEntries parses entries of the form KIND:VALUE.
func ParseEntries(entries []string) (Scope, error) {
	var out Scope
	for _, e := range entries {
		if e = strings.TrimSpace(e); e == "" {
			continue
		}
		name, value, ok := strings.Cut(e, ":")
		kind := Kind(name)
		if !ok || value == "" || !slices.Contains(Kinds, kind) {
			return Scope{}, fmt.Errorf("%q: want KIND:VALUE, with a kind of %s", e, KindNames())
		}
		out = out.With(kind, append(out.Get(kind), value))
	}
	return out.Normal(), nil
}

// KindNames returns the names of all kinds, separated by commas.
func KindNames() string {
	names := make([]string, len(Kinds))
	for i, k := range Kinds {
		names[i] = string(k)
	}
	return strings.Join(names, ", ")
}

// TagValues returns the values of each key of the scope's tags, sorted.
func (s Scope) TagValues() map[string][]string {
	out := map[string][]string{}
	for _, t := range s.Tags {
		key, value, _ := strings.Cut(t, "=")
		out[key] = append(out[key], value)
	}
	return out
}
