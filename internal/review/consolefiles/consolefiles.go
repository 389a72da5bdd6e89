// Package handfiles writes a policies.Set as files for people who paste policies
// into the IAM console by hand: one JSON file a policy, one for the trust of each
// role, and the steps. It is pure: the same set gives the same bytes.
package consolefiles

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/policies"
)

// ReadMe is the name of the file with the steps.
const ReadMe = "README.md"

// Files gives every file by its name.
//
// A policy that the vendor's page has as one may stand in several files, each
// within IAM's limit, even where white space is counted: one statement a line. A
// set is split for the longest Region; here each is packed for the place that it
// is for, which may take a file less.
func Files(set policies.Set) (map[string][]byte, error) {
	if open(set) {
		return nil, errors.New("write files: the account, the Region or the stack is open; what is pasted by hand must name them")
	}
	files := map[string][]byte{}
	add := func(name string, data []byte, err error) error {
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		if _, taken := files[name]; taken {
			return fmt.Errorf("write %s: two of the set have this name", name)
		}
		files[name] = data
		return nil
	}
	p := plan{set: set}
	for _, r := range set.Roles {
		hr := role{Role: r, trust: "trust-" + r.Name + ".json"}
		data, err := lines(r.Trust)
		if err := add(hr.trust, data, err); err != nil {
			return nil, err
		}
		for _, policy := range r.Managed {
			hr.managed = appendPolicy(hr.managed, policy)
		}
		hr.managed = packed(hr.managed)
		for _, list := range [][]policies.Policy{hr.managed, r.Inline} {
			for _, policy := range list {
				data, err := lines(policy.Document)
				if err := add(policy.Name+".json", data, err); err != nil {
					return nil, err
				}
			}
		}
		p.roles = append(p.roles, hr)
	}
	for _, t := range set.Topics {
		data, err := lines(t.Policy)
		if err := add("topic-"+t.Name+".json", data, err); err != nil {
			return nil, err
		}
	}
	for _, r := range set.Rules {
		data, err := json.MarshalIndent(r.Pattern, "", "  ")
		if err := add("rule-"+r.Name+".json", append(data, '\n'), err); err != nil {
			return nil, err
		}
	}
	files[ReadMe] = p.readMe()
	return files, nil
}

// open reports whether CloudFormation would have to fill something in.
func open(set policies.Set) bool {
	for _, r := range set.Roles {
		for _, p := range append(append([]policies.Policy(nil), r.Managed...), r.Inline...) {
			data, err := p.Document.JSON()
			if err != nil || bytes.Contains(data, []byte("${AWS::")) {
				return true
			}
		}
		if strings.Contains(r.Name, "${AWS::") {
			return true
		}
	}
	return false
}

// appendPolicy appends the policy with its own copy of the statements.
func appendPolicy(list []policies.Policy, p policies.Policy) []policies.Policy {
	p.Document.Statement = append([]iampolicy.Statement(nil), p.Document.Statement...)
	return append(list, p)
}

const (
	head = `{"Version":"` + iampolicy.Version + `","Statement":[` + "\n"
	tail = "\n]}\n"
)

// packed packs the parts of each split policy anew, where that saves a part.
func packed(list []policies.Policy) []policies.Policy {
	var out []policies.Policy
	for i := 0; i < len(list); {
		j := i
		for j < len(list) && list[j].Entity == list[i].Entity {
			j++
		}
		out = append(out, repack(list[i:j])...)
		i = j
	}
	return out
}

func repack(parts []policies.Policy) []policies.Policy {
	var statements []iampolicy.Statement
	var sizes []int
	for _, p := range parts {
		for _, s := range p.Document.Statement {
			data, err := json.Marshal(s)
			if err != nil { // strings always marshal
				panic(err)
			}
			statements = append(statements, s)
			sizes = append(sizes, len(data)+len(",\n"))
		}
	}
	bins := policies.Pack(sizes, policies.MaxManagedPolicy-len(head)-len(tail)+len(",\n"))
	if len(bins) > len(parts) {
		return parts
	}
	out := parts[:len(bins)]
	for i, bin := range bins {
		out[i].Document.Statement = nil
		for _, k := range bin {
			out[i].Document.Statement = append(out[i].Document.Statement, statements[k])
		}
		out[i].Grants = nil // of another packing
	}
	return out
}

// lines writes a document with one statement a line.
func lines(d iampolicy.Document) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(head)
	for i, s := range d.Statement {
		if i > 0 {
			b.WriteString(",\n")
		}
		data, err := s.MarshalJSON()
		if err != nil {
			return nil, err
		}
		b.Write(data)
	}
	b.WriteString(tail)
	return b.Bytes(), nil
}
