package policies_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
	"permstack/internal/iampolicy/compare"
	"permstack/internal/policies"
)

// equivalent reports whether a mutant allows and denies the same requests as the original in every choice.
// internal/iampolicy/compare proves it: its result Same is never a guess.
func equivalent(t testing.TB, m mutant, evaluated []*evaluatedChoice) bool {
	return !slices.ContainsFunc(evaluated, func(b *evaluatedChoice) bool {
		set, err := policies.SynthesizeProfile(m.profile, b.sel, b.env)
		if err != nil {
			t.Fatalf("%s/%s: %s: %v", m.policy, m.sid, m.what, err)
		}
		was, now := findStatement(b.set, m), findStatement(set, m)
		if was == nil && now == nil || was != nil && now != nil && reflect.DeepEqual(*was, *now) {
			return false
		}
		documents := documentsByRole(b.set)[m.role]
		if was == nil && now.Effect == "Deny" && !allowsAny(documents, now.Action) {
			return false // denies what nothing allows
		}
		if was != nil && now != nil && sameDenial(documents, *was, *now) {
			return false
		}
		changed := documentsByRole(set)[m.role]
		return compare.Compare(documents, changed).Direction != compare.Same &&
			compare.Compare(askable(documents, was), askable(changed, now)).Direction != compare.Same
	})
}

// askable returns documents in which a statement that allows several actions is replaced by one for each action, with
// the resources that the action has in AWS's service reference. AWS never makes the other requests: one statement for
// CopyDBSnapshot and CopyDBClusterSnapshot allows, as text, the latter on snapshots of instances too.
func askable(documents []iampolicy.Document, s *iampolicy.Statement) []iampolicy.Document {
	if s == nil || s.Effect != "Allow" {
		return documents
	}
	out := slices.Clone(documents)
	for i, d := range out {
		at := slices.IndexFunc(d.Statement, func(x iampolicy.Statement) bool { return reflect.DeepEqual(x, *s) })
		if at < 0 {
			continue
		}
		out[i].Statement = slices.Delete(slices.Clone(d.Statement), at, at+1)
		for n, action := range s.Action {
			one := *s
			one.Sid, one.Action = fmt.Sprintf("%s%d", s.Sid, n), iampolicy.Values{action}
			one.Resource = slices.DeleteFunc(slices.Clone(s.Resource), func(r string) bool { return !actions.ActsOn(action, r) })
			if len(one.Resource) > 0 {
				out[i].Statement = append(out[i].Statement, one)
			}
		}
	}
	return out
}

// sameDenial reports whether two statements with the same condition deny the same part of what the documents allow.
func sameDenial(documents []iampolicy.Document, was, now iampolicy.Statement) bool {
	return was.Effect == "Deny" && now.Effect == "Deny" && reflect.DeepEqual(was.Condition, now.Condition) &&
		maps.Equal(denies(documents, was), denies(documents, now))
}

// denies returns the actions and resources of the documents' permissions that a statement denies under its condition:
// the permission's own pattern where the statement's covers it, otherwise the statement's.
func denies(documents []iampolicy.Document, deny iampolicy.Statement) map[[4]string]bool {
	common := func(allowed, denied string, overlap func(a, b string) bool) (string, bool) {
		if iampolicy.Covers(denied, allowed) {
			return allowed, true
		}
		return denied, allowed == "*" || overlap(allowed, denied)
	}
	out := map[[4]string]bool{}
	for i, d := range documents {
		for j, s := range d.Statement {
			if s.Effect != "Allow" {
				continue
			}
			for _, allowed := range s.Action {
				for _, denied := range deny.Action {
					action, ok := common(strings.ToLower(allowed), strings.ToLower(denied), iampolicy.Overlap)
					if !ok {
						continue
					}
					for _, mine := range s.Resource {
						for _, other := range deny.Resource {
							if resource, ok := common(mine, other, iampolicy.OverlapARN); ok {
								out[[4]string{fmt.Sprint(i, " ", j), action, mine, resource}] = true
							}
						}
					}
				}
			}
		}
	}
	return out
}

// allowsAny reports whether a statement of the documents allows one of the actions, on any resource.
func allowsAny(documents []iampolicy.Document, actions []string) bool {
	for _, d := range documents {
		for _, s := range d.Statement {
			for _, a := range s.Action {
				if s.Effect == "Allow" && slices.ContainsFunc(actions, func(x string) bool { return glob(a, x) }) {
					return true
				}
			}
		}
	}
	return false
}
