// Package consolefiles writes a policies.Set as files to paste into the IAM console:
// one JSON file for each policy and each trust policy, and the steps as README.md.
// It is pure: the same set has the same bytes.
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

// Files returns the content of every file by its name. It returns an error if the
// set has pseudo parameters.
//
// A policy of the vendor's permissions document may be split into several files,
// each within IAM's size limit, which does not count white space. A set is split for
// the longest Region name; here its policies are split for their own Region, which
// may need one file less.
func Files(set policies.Set) (map[string][]byte, error) {
	set = set.WithoutUnnamedStack()
	if hasPseudoParameter(set) {
		return nil, errors.New(
			"write files: the account, the Region or the stack name is missing; the console does not fill them in")
	}
	files := map[string][]byte{}
	add := func(name string, data []byte, err error) error {
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		if _, taken := files[name]; taken {
			return fmt.Errorf("write %s: two resources have this name", name)
		}
		files[name] = data
		return nil
	}
	p := plan{set: set}
	for _, r := range set.Roles {
		hr := role{Role: r, trust: "trust-" + r.Name + ".json"}
		data, err := oneStatementPerLine(r.Trust)
		if err := add(hr.trust, data, err); err != nil {
			return nil, err
		}
		for _, policy := range r.Managed {
			hr.managed = appendPolicy(hr.managed, policy)
		}
		hr.managed = repackAll(hr.managed)
		nameGuards(r.Name, r.Inline)
		for _, list := range [][]policies.Policy{hr.managed, r.Inline} {
			for _, policy := range list {
				data, err := oneStatementPerLine(policy.Document)
				if err := add(policy.Name+".json", data, err); err != nil {
					return nil, err
				}
			}
		}
		p.roles = append(p.roles, hr)
	}
	for _, t := range set.Topics {
		data, err := oneStatementPerLine(t.Policy)
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

// hasPseudoParameter reports whether the set has CloudFormation's pseudo parameters.
func hasPseudoParameter(set policies.Set) bool {
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

// appendPolicy appends a policy with a copy of its statements.
func appendPolicy(list []policies.Policy, p policies.Policy) []policies.Policy {
	p.Document.Statement = append([]iampolicy.Statement(nil), p.Document.Statement...)
	return append(list, p)
}

const (
	documentHead = `{"Version":"` + iampolicy.Version + `","Statement":[` + "\n"
	documentTail = "\n]}\n"
)

// repackAll splits every split policy again, if that takes fewer parts.
func repackAll(list []policies.Policy) []policies.Policy {
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

// repack returns the statements of a split policy in at most as many parts.
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
	bins := policies.Pack(sizes, policies.MaxManagedPolicy-len(documentHead)-len(documentTail)+len(",\n"))
	if len(bins) > len(parts) {
		return parts
	}
	out := parts[:len(bins)]
	for i, bin := range bins {
		out[i].Document.Statement = nil
		for _, k := range bin {
			out[i].Document.Statement = append(out[i].Document.Statement, statements[k])
		}
		out[i].Grants = nil // in the order of the other split
	}
	return out
}

// oneStatementPerLine returns the JSON of a document with one line per statement.
func oneStatementPerLine(d iampolicy.Document) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(documentHead)
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
	b.WriteString(documentTail)
	return b.Bytes(), nil
}

// nameGuards appends the role's name to the names of its guard and of the policy for Regions, which are the same in all
// roles: files need different names.
func nameGuards(role string, inline []policies.Policy) {
	for i := range inline {
		if e := inline[i].Entity; e == policies.GuardPolicy || e == policies.ScopePolicy {
			inline[i].Name += "-" + role
		}
	}
}
