package ceiling

import (
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/policies"
)

// longest replaces what a template fills in by its longest values.
var longest = strings.NewReplacer(
	"${AWS::Partition}", "aws-us-gov", "${AWS::AccountId}", "123456789012", "${AWS::Region}", "us-isof-south-1",
	"${AWS::URLSuffix}", "amazonaws.com.cn", "${ConnectionId}", strings.Repeat("c", 64),
)

// Document returns the policy of what included reports as selected, in a release of the catalogue. Its strings have
// pseudo parameters of CloudFormation and ${ConnectionId}.
func (c Ceiling) Document(included func(When) bool) iampolicy.Document {
	values := func(parts []Part) (out iampolicy.Values) {
		for _, p := range parts {
			if included(p.When) {
				out = append(out, p.Value)
			}
		}
		return out
	}
	all := iampolicy.Statement{Effect: "Allow", Resource: iampolicy.Values{"*"}}
	for _, g := range c.Actions {
		if included(g.When) {
			all.Action = append(all.Action, g.Actions...)
		}
	}
	d := iampolicy.Document{Version: iampolicy.Version, Statement: []iampolicy.Statement{all}}
	for _, s := range c.Statements {
		if !included(s.When) {
			continue
		}
		st := iampolicy.Statement{Effect: "Allow", Action: s.Actions, Resource: values(s.Resources)}
		if s.Operator != "" {
			st.Condition = iampolicy.Conditions{s.Operator: {s.Key: values(s.Values)}}
		}
		d.Statement = append(d.Statement, st)
	}
	return d
}

// size returns the characters of the largest policy, that of every choice in one release, with the longest names.
func (c Ceiling) size() int {
	most := 0
	for _, release := range policies.Releases {
		d := c.Document(func(w When) bool { return len(w.Releases) == 0 || slices.Contains(w.Releases, release) })
		text, err := d.JSON()
		if err != nil { // a document always marshals
			panic(err)
		}
		// A list with one value is written as a list by CloudFormation.
		most = max(most, iampolicy.CountedSize(longest.Replace(string(text)))+len("[]")*2*len(d.Statement))
	}
	return most
}
