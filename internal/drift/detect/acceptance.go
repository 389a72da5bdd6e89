package detect

import (
	"slices"
	"strings"

	"permstack/internal/cfn/stacks"
	"permstack/internal/iampolicy"
	"permstack/internal/notify/finding"
)

// acceptances returns the accepted differences in the parameters of the parent stack.
func (s *stack) acceptances() []finding.Acceptance {
	if s.described == nil {
		return nil
	}
	return finding.ParseAcceptances(stacks.Parameter(s.described, finding.AcceptedChoice))
}

// guardrails are what guardrails of the account add to every role: policies and
// principals, by their ARNs, and tags.
type guardrails struct{ arns, tags []string }

// tagPrefix begins a tag's key in the list of guardrails.
const tagPrefix = "tag:"

// guardrails returns those in the parameters of the parent stack.
func (s *stack) guardrails() guardrails {
	var g guardrails
	if s.described == nil {
		return g
	}
	for entry := range strings.SplitSeq(stacks.Parameter(s.described, finding.GuardrailsChoice), ",") {
		entry = strings.TrimSpace(entry)
		if key, ok := strings.CutPrefix(entry, tagPrefix); ok {
			g.tags = append(g.tags, key)
		} else if strings.HasPrefix(entry, "arn:") && !strings.ContainsAny(entry, "*?") {
			g.arns = append(g.arns, entry)
		}
	}
	return g
}

// accepted is the acceptance of what a guardrail adds.
func (g guardrails) accepted(reason string) *finding.Acceptance {
	return &finding.Acceptance{By: finding.GuardrailsChoice, Reason: reason, State: finding.InForce}
}

// acceptDraft marks a finding that a guardrail explains. An attached policy is accepted
// only while it grants no more: its contents may change. The tags by which permstack
// finds its resources are not accepted.
func (g guardrails) acceptDraft(d *draft) {
	switch {
	case d.Acceptance != nil:
	case d.Kind == finding.AttachmentAdded && slices.Contains(g.arns, d.Subject) && d.Acceptable() &&
		d.Direction != finding.GrantsMore:
		d.Acceptance = g.accepted("policy " + d.Subject + ", which grants no more")
	case d.Kind == finding.TagsChanged && slices.Contains(g.tags, d.Subject) &&
		!strings.HasPrefix(d.Subject, "permstack:") && !strings.HasPrefix(d.Subject, "aws:"):
		d.Acceptance = g.accepted("tag " + d.Subject)
	}
}

// assumeActions are those with which a principal assumes a role.
var assumeActions = []string{"sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"}

// withoutPrincipals returns a trust policy without the statements that only let accepted
// principals assume the role, and the principals of these.
func (g guardrails) withoutPrincipals(trust document) (document, []string) {
	if trust.err != nil || trust.unknown {
		return trust, nil
	}
	var removed []string
	out := trust
	out.Statement = slices.DeleteFunc(slices.Clone(trust.Statement), func(s iampolicy.Statement) bool {
		names := principals(s.Principal)
		if s.Effect != "Allow" || s.NotPrincipal != nil || len(s.NotAction) > 0 || len(names) == 0 ||
			slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(g.arns, name) }) ||
			slices.ContainsFunc(s.Action, func(a string) bool { return !slices.Contains(assumeActions, a) }) {
			return false
		}
		removed = append(removed, names...)
		return true
	})
	return out, removed
}
