package detect

import (
	"permstack/internal/awsapi/awserr"
	"permstack/internal/notify/finding"
)

// found is a finding on its way: of which resource, and which of its properties.
type found struct {
	draft
	resource *resource
	property string
}

// compare holds what is wanted against what was seen, and joins what both eyes
// saw. It is pure: everything has been read.
func (m *model) compare() []draft {
	byResource := map[*resource][]found{}
	folded := map[*resource]bool{}
	add := func(all []found) {
		for _, f := range all {
			byResource[f.resource] = append(byResource[f.resource], f)
		}
	}
	for _, r := range m.resources {
		if r.live == nil {
			continue
		}
		switch live := r.live.(type) {
		case *liveRole:
			add(m.compareRole(r, live))
		case *livePolicy:
			add(m.comparePolicy(r, live))
		case *liveProfile:
			add(m.compareProfile(r, live))
		case *liveTopicTags:
			add(m.compareTopic(r, live))
		case map[string]liveTopic:
			add(m.compareTopicPolicy(r, live))
		case *liveRule:
			add(m.compareRule(r, live))
		}
	}
	for _, r := range m.resources {
		folded[r] = m.followsFrom(r)
	}
	var out []draft
	denied := map[*stack]map[string]draft{}
	for _, r := range m.resources {
		if folded[r] {
			continue
		}
		for _, f := range r.join(byResource[r]) {
			// Where the very call to detect is denied, every resource of the stack
			// says so: one finding is enough.
			if f.Kind == finding.NotReadable && f.Permission == "cloudformation:DetectStackResourceDrift" {
				if denied[r.stack] == nil {
					denied[r.stack] = map[string]draft{}
				}
				f.LogicalID, f.PhysicalID, f.Type = "", r.stack.id, stackType
				denied[r.stack][f.Permission] = f
				continue
			}
			out = append(out, f)
		}
	}
	for _, of := range denied {
		for _, f := range of {
			out = append(out, f)
		}
	}
	return out
}

// followsFrom tells whether all that can be said of a resource follows from
// another that is gone: a topic's policy goes with the topic, an inline policy
// with its role.
func (m *model) followsFrom(r *resource) bool {
	switch r.typ {
	case typeTopicInlinePolicy, typeTopicPolicy:
		for _, arn := range topicsOf(r) {
			if !m.topicGone(arn) {
				return false
			}
		}
		return len(topicsOf(r)) > 0
	case typeRolePolicy:
		return m.roleGone(text(r.props["RoleName"]))
	}
	return false
}

// gone tells whether a resource of ours is no more, by either eye.
func (r *resource) gone() bool {
	if r == nil {
		return false
	}
	switch live := r.live.(type) {
	case *liveRole:
		return live.gone
	case *livePolicy:
		return live.gone
	case *liveProfile:
		return live.gone
	case *liveTopicTags:
		return live.gone
	case *liveRule:
		return live.gone
	}
	return r.detection != nil && r.detection.status == "DELETED"
}

func (m *model) roleGone(name string) bool  { return m.roles[name].gone() }
func (m *model) policyGone(arn string) bool { return m.policies[arn].gone() }
func (m *model) topicGone(arn string) bool  { return m.topics[arn].gone() }

// unread makes a finding of each call that did not answer. What the time left
// out is no finding.
func (r *resource) unread(all readErrors) []found {
	var out []found
	for _, g := range all {
		if awserr.IsContextDone(g.err) {
			continue
		}
		what := "property " + g.properties[0]
		if g.name != "" {
			what = "policy " + g.name
		}
		f := r.finding(finding.NotReadable, operationOf(g.err), finding.Unreadable)
		f.SeenBy = []string{seenLive}
		f.readError(what, g.err)
		out = append(out, found{f, r, ""})
	}
	return out
}

// compareTags looks for tags of ours that are gone or changed. What others add
// is theirs. aws:* tags are AWS's own: where they are, they must name our stack.
func (r *resource) compareTags(want, have map[string]string) []found {
	var out []found
	difference := func(key, expected, actual string) {
		f := r.finding(finding.TagsChanged, key, finding.Changed)
		f.SeenBy, f.Expected, f.Actual = []string{seenLive}, expected, actual
		f.Advice = "Put the tag back as it was; cost reports, and policies that ask for tags, may rest on it."
		f.values = []string{expected, actual}
		out = append(out, found{f, r, "Tags"})
	}
	for _, key := range sorted(want) {
		value, ok := have[key]
		switch {
		case isUnknown(want[key]):
		case !ok:
			difference(key, quoted(want[key]), "no such tag")
		case value != want[key]:
			difference(key, quoted(want[key]), quoted(value))
		}
	}
	for key, expected := range map[string]string{
		"aws:cloudformation:stack-id": r.stack.id, "aws:cloudformation:logical-id": r.logicalID,
	} {
		if value, ok := have[key]; ok && value != expected {
			difference(key, quoted(expected), quoted(value))
		}
	}
	return out
}
