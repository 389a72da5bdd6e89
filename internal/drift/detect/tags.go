package detect

import (
	"strings"

	"permstack/internal/notify/finding"
)

// compareTags reports expected tags that do not exist or have another value.
// Tags that others add are not drift: AWS's drift-aware change sets do not remove
// them either. aws:* tags are AWS's own, and not copied to every resource: Service
// Catalog sets aws:servicecatalog:* on stacks, IAM's resources do not get them. If
// those of CloudFormation exist they must name the stack. CloudFormation does not copy
// a stack's tags to event rules in every partition, so a rule without any tags is not
// a finding.
func (r *resource) compareTags(live map[string]string) []draft {
	expected := r.expectedTags()
	inheritedOnly := r.inheritedTags()
	var out []draft
	differs := func(key, want string, have finding.Value) {
		d := r.liveDraft(finding.TagsChanged, "Tags", key, finding.Changed, finding.Value{Text: want}, have)
		out = append(out, d)
	}
	for _, key := range sorted(expected) {
		value, ok := live[key]
		switch {
		case isUnknown(expected[key]), strings.HasPrefix(key, "aws:"):
		case !ok && inheritedOnly[key] && len(live) == 0:
		case !ok:
			differs(key, expected[key], finding.None)
		case value != expected[key]:
			differs(key, expected[key], finding.Value{Text: value})
		}
	}
	for key, want := range map[string]string{
		"aws:cloudformation:stack-id": r.stack.id, "aws:cloudformation:logical-id": r.logicalID,
	} {
		if value, ok := live[key]; ok && value != want {
			differs(key, want, finding.Value{Text: value})
		}
	}
	return out
}

// inheritedTags returns the keys of the tags that an event rule is expected to get
// from its stack.
func (r *resource) inheritedTags() map[string]bool {
	out := map[string]bool{}
	if r.typ != eventRule {
		return out
	}
	for key := range r.stack.tags {
		out[key] = true
	}
	for _, t := range objects(r.props["Tags"]) {
		delete(out, text(t["Key"]))
	}
	return out
}
