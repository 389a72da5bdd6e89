package accessdiff

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
)

// ownARN is an ARN with a Region and an account.
var ownARN = regexp.MustCompile(`^arn:[^:]+:[a-z0-9-]+:([a-z]{2,4}(?:-[a-z]+)+-[0-9]+):([0-9]{12}):`)

// place finds the account and the Region that a side is made for, in the ARNs of
// its policies, and gives them as pairs for a replacer. The customer's own are the
// most frequent; a topic's own policy names them first of all.
func (s *AccessSet) place() []string {
	count := map[[2]string]int{}
	look := func(d iampolicy.Document, weight int) {
		for _, st := range d.Statement {
			for _, r := range st.Resource {
				if m := ownARN.FindStringSubmatch(r); m != nil {
					count[[2]string{m[1], m[2]}] += weight
				}
			}
		}
	}
	for _, d := range s.Topics {
		look(d, 1000)
	}
	for _, r := range s.Roles {
		for _, d := range r.Policies {
			look(d, 1)
		}
	}
	found := slices.SortedFunc(maps.Keys(count), func(a, b [2]string) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), strings.Compare(a[0]+a[1], b[0]+b[1]))
	})
	if len(found) == 0 {
		return nil
	}
	return []string{found[0][0], "${AWS::Region}", found[0][1], "${AWS::AccountId}"}
}

// replaced is a copy of a side with other texts in its documents and targets.
func (s *AccessSet) replaced(put *strings.Replacer) *AccessSet {
	out := newSide(s.Label)
	out.Ignored = s.Ignored
	documents := func(docs []iampolicy.Document) []iampolicy.Document {
		list := make([]iampolicy.Document, len(docs))
		for i, d := range docs {
			list[i] = renamed(put, d)
		}
		return list
	}
	for name, r := range s.Roles {
		r.Trust, r.Policies, r.Boundary = documents(r.Trust), documents(r.Policies), put.Replace(r.Boundary)
		foreign := make([]string, len(r.Foreign))
		for i, arn := range r.Foreign {
			foreign[i] = put.Replace(arn)
		}
		r.Foreign = foreign
		out.Roles[name] = r
	}
	for name, d := range s.Topics {
		out.Topics[name] = renamed(put, d)
	}
	for name, r := range s.Rules {
		targets := make([]string, len(r.Targets))
		for i, t := range r.Targets {
			targets[i] = put.Replace(t)
		}
		slices.Sort(targets)
		out.Rules[name] = Rule{Pattern: r.Pattern, Targets: targets}
	}
	return out
}
