package detect

import "permstack/internal/notify/finding"

// compareTags reports expected tags that do not exist or have another value.
// Tags that others add are not drift: AWS's drift-aware change sets do not remove
// them either. aws:* tags are AWS's own; if they exist they must name the stack.
func (r *resource) compareTags(live map[string]string) []draft {
	expected := r.expectedTags()
	var out []draft
	differs := func(key, want string, have finding.Value) {
		d := r.liveDraft(finding.TagsChanged, "Tags", key, finding.Changed, finding.Value{Text: want}, have)
		out = append(out, d)
	}
	for _, key := range sorted(expected) {
		value, ok := live[key]
		switch {
		case isUnknown(expected[key]):
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
