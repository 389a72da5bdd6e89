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

// accountAndRegion returns the account and the Region that a set was made for, with
// their pseudo parameters, as pairs for a strings.Replacer. They are those of the
// most ARNs in its policies; the ARNs in a topic's policy have precedence.
func (s *AccessSet) accountAndRegion() []string {
	count := map[[2]string]int{}
	addARNs := func(d iampolicy.Document, weight int) {
		for _, st := range d.Statement {
			for _, r := range st.Resource {
				if m := ownARN.FindStringSubmatch(r); m != nil {
					count[[2]string{m[1], m[2]}] += weight
				}
			}
		}
	}
	for _, d := range s.Topics {
		addARNs(d, 1000)
	}
	for _, r := range s.Roles {
		for _, d := range r.Policies {
			addARNs(d, 1)
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

// installerPath is the end of the IAM path of an installation's own boundary. The Region and the connection are removed
// from names, see addPath.
var installerPath = regexp.MustCompile(`/\$\{AWS::Region\}/[^/]+/installer/`)

// replace returns a copy of a set with replaced values in its documents and targets.
func (s *AccessSet) replace(change func(string) string) *AccessSet {
	out := newAccessSet(s.Label)
	out.NotCompared, out.externalIDMasked, out.As = s.NotCompared, s.externalIDMasked, s.As
	for name, d := range s.Loose {
		out.Loose[name] = mapDocument(change, d)
	}
	documents := func(docs []iampolicy.Document) []iampolicy.Document {
		list := make([]iampolicy.Document, len(docs))
		for i, d := range docs {
			list[i] = mapDocument(change, d)
		}
		return list
	}
	for name, r := range s.Roles {
		r.Trust, r.Policies = documents(r.Trust), documents(r.Policies)
		r.Boundary = installerPath.ReplaceAllString(change(r.Boundary), "/installer/")
		foreign := make([]string, len(r.ExternalPolicies))
		for i, arn := range r.ExternalPolicies {
			foreign[i] = change(arn)
		}
		r.ExternalPolicies = foreign
		out.Roles[name] = r
	}
	for name, d := range s.Topics {
		out.Topics[name] = mapDocument(change, d)
	}
	for name, r := range s.Rules {
		targets := make([]string, len(r.Targets))
		for i, t := range r.Targets {
			targets[i] = change(t)
		}
		slices.Sort(targets)
		out.Rules[name] = Rule{Pattern: r.Pattern, Targets: targets}
	}
	return out
}
