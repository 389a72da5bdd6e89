package detect

import (
	"fmt"
	"slices"
	"strings"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/notify/finding"
)

func (m *model) compareRole(r *resource, live *liveRole) []found {
	want := m.wanted[r]
	if live.gone {
		f := r.finding(finding.ResourceGone, "", finding.GrantsLess)
		f.Expected, f.Actual = "role "+r.physicalID, "there is no such role"
		f.Details = []string{"With it went its inline policies and attachments."}
		f.Advice, f.SeenBy = adviceMakeAgain, []string{seenLive}
		return []found{{f, r, ""}}
	}
	var out []found
	out = append(out, m.compareTrust(r, want, live)...)
	out = append(out, m.compareBoundary(r, want, live)...)
	out = append(out, r.compareSettings(want, live)...)
	if !live.gaps.unreadable("Policies", "") && !isUnknown(r.props["Policies"]) {
		out = append(out, m.compareInline(r, want, live)...)
	}
	if !live.gaps.unreadable("ManagedPolicyArns", "") && !isUnknown(r.props["ManagedPolicyArns"]) {
		out = append(out, m.compareAttached(r, want, live)...)
	}
	if !live.gaps.unreadable("Tags", "") {
		out = append(out, r.compareTags(want.tags, live.tags)...)
	}
	for i := range out {
		out[i].SeenBy = []string{seenLive}
	}
	return append(out, r.unread(live.gaps)...)
}

func (m *model) compareTrust(r *resource, want wantedRole, live *liveRole) []found {
	if live.gaps.unreadable("AssumeRolePolicyDocument", "") || want.trust.unknown {
		return nil
	}
	have := readDocument(live.trust)
	f, differs := m.documentFinding(r, finding.TrustChanged, "", want.trust, have)
	if !differs {
		return nil
	}
	f.Advice = "See who may use the role now. If nobody meant this, put the trust policy back as the permission stack's template has it, and look in CloudTrail for UpdateAssumeRolePolicy and AssumeRole."
	return []found{{f, r, "AssumeRolePolicyDocument"}}
}

// documentFinding compares two documents that stand alone: a trust policy, a
// topic's policy, a managed policy.
func (m *model) documentFinding(r *resource, kind finding.Kind, subject string, want, have document) (draft, bool) {
	f := r.finding(kind, subject, finding.Changed)
	f.Expected, f.Actual = summary(want), summary(have)
	f.values = []string{meaning(m.account, want), meaning(m.account, have)}
	if want.err != nil || have.err != nil {
		if want.text == have.text {
			return f, false
		}
		f.Details = []string{"A document of the two cannot be read, so what it allows is not known."}
		return f, true
	}
	e := effectOf(m.account, docs(want), docs(have))
	if e.same {
		return f, false
	}
	f.Direction, f.Details = e.direction, e.details
	return f, true
}

func (m *model) compareBoundary(r *resource, want wantedRole, live *liveRole) []found {
	if live.gaps.unreadable("PermissionsBoundary", "") || isUnknown(want.boundary) || want.boundary == live.boundary {
		return nil
	}
	f := r.finding(finding.BoundaryChanged, "", finding.Changed)
	f.Expected, f.Actual = orNone(want.boundary, "no boundary"), orNone(live.boundary, "no boundary")
	f.values = []string{want.boundary, live.boundary}
	switch {
	case live.boundary == "":
		f.Direction = finding.GrantsMore
		f.Details = []string{"Nothing bounds any more what the role's policies grant."}
	case want.boundary == "":
		f.Direction = finding.GrantsLess
		f.Details = []string{"The role may now do no more than this boundary allows."}
	default:
		before, now := readDocument(live.documents[want.boundary]), readDocument(live.documents[live.boundary])
		if before.text == "" || now.text == "" || before.err != nil || now.err != nil {
			f.Details = []string{"The two boundaries could not be compared: one of them could not be read."}
			break
		}
		e := effectOf(m.account, docs(before), docs(now))
		f.Direction, f.Details = e.direction, e.details
		if e.same {
			f.Details = []string{"Both boundaries allow the same today."}
		}
	}
	f.Advice = "Put the permissions boundary back as it was: the launch parameter PermissionsBoundaryArn is the place to change it."
	return []found{{f, r, "PermissionsBoundary"}}
}

// compareSettings compares what IAM calls the role's settings.
func (r *resource) compareSettings(want wantedRole, live *liveRole) []found {
	if live.gaps.unreadable("MaxSessionDuration", "") {
		return nil
	}
	var out []found
	if have := live.maxSession; have != want.maxSession && have != 0 && !isUnknown(r.props["MaxSessionDuration"]) {
		f := r.finding(finding.SessionChanged, "", finding.GrantsMore)
		if have < want.maxSession {
			f.Direction = finding.GrantsLess
		}
		f.Expected, f.Actual = fmt.Sprintf("%d seconds", want.maxSession), fmt.Sprintf("%d seconds", have)
		f.Advice = "Set the role's maximum session duration back: a session that somebody took over lives as long."
		out = append(out, found{f, r, "MaxSessionDuration"})
	}
	if live.path != want.path && !isUnknown(want.path) {
		f := r.finding(finding.PropertyChanged, "Path", finding.Changed)
		f.Expected, f.Actual = want.path, live.path
		f.Details = []string{"IAM cannot move a role: this is another role of the same name."}
		f.Advice = "Find out who deleted our role and made this one. Delete it, then update the parent stack."
		out = append(out, found{f, r, "Path"})
	}
	return out
}

func (m *model) compareInline(r *resource, want wantedRole, live *liveRole) []found {
	var out []found
	all := m.effectivePolicies(want, "")
	for _, name := range sorted(live.inline) {
		if _, wanted := want.inline[name]; wanted || live.inline[name] == "" {
			continue
		}
		have := readDocument(live.inline[name])
		f := r.finding(finding.InlinePolicyAdded, name, finding.GrantsMore)
		f.Expected, f.Actual = "no inline policy of this name", summary(have)
		f.values = []string{meaning(m.account, have)}
		if have.err == nil {
			f.effect(effectOf(m.account, all, m.effectivePolicies(want, "", have)), "It grants and denies nothing that the role's own policies do not: the role may do the same with and without it.")
		}
		f.Advice = fmt.Sprintf("If nobody meant this, remove it: aws iam delete-role-policy --role-name %s --policy-name %s; CloudTrail's PutRolePolicy tells who added it.", r.physicalID, name)
		out = append(out, found{f, r, "Policies"})
	}
	for _, name := range sorted(want.inline) {
		w := want.inline[name]
		text, there := live.inline[name]
		property := "Policies"
		if w.owner != r {
			property = "PolicyDocument"
		}
		switch have := readDocument(text); {
		case w.unknown || there && text == "":
		case !there:
			f := w.owner.finding(finding.InlinePolicyRemoved, name, finding.GrantsLess)
			f.Expected, f.Actual = summary(w.document), "no such inline policy"
			f.values = []string{meaning(m.account, w.document)}
			f.effect(effectOf(m.account, all, m.effectivePolicies(want, name)), "What it granted, the role's other policies grant too.")
			f.Advice = adviceRevert
			out = append(out, found{f, w.owner, property})
		default:
			f, differs := m.documentFinding(w.owner, finding.InlinePolicyChanged, name, w.document, have)
			if !differs {
				continue
			}
			if have.err == nil && w.err == nil {
				f.effect(effectOf(m.account, all, m.effectivePolicies(want, name, have)), "With the role's other policies it comes to the same.")
			}
			f.Advice = adviceRevert + " CloudTrail's PutRolePolicy tells who changed it."
			out = append(out, found{f, w.owner, property})
		}
	}
	return out
}

func (m *model) compareAttached(r *resource, want wantedRole, live *liveRole) []found {
	var out []found
	all := m.effectivePolicies(want, "")
	for _, arn := range slices.Sorted(slices.Values(live.attached)) {
		if want.managed[arn] {
			continue
		}
		f := r.finding(finding.AttachmentAdded, arn, finding.GrantsMore)
		f.Expected = "this policy is not attached"
		text, read := live.documents[arn]
		have := readDocument(text)
		f.values = []string{meaning(m.account, have)}
		if read && have.err == nil {
			f.Actual = "attached: " + summary(have)
			f.effect(effectOf(m.account, all, m.effectivePolicies(want, "", have)), "It grants and denies nothing that the role's own policies do not: the role may do the same with and without it.")
		} else {
			f.Actual = "attached"
			f.Details = []string{"What the policy allows could not be read; it is taken to grant more."}
			if err := live.unread[arn]; err != nil {
				f.Details = append(f.Details, awserr.Message(err))
			}
			f.values = nil
		}
		f.Advice = fmt.Sprintf("If nobody meant this, detach it: aws iam detach-role-policy --role-name %s --policy-arn %s; CloudTrail's AttachRolePolicy tells who attached it.", r.physicalID, arn)
		out = append(out, found{f, r, "ManagedPolicyArns"})
	}
	for _, arn := range sorted(want.managed) {
		if slices.Contains(live.attached, arn) || m.policyGone(arn) || isUnknown(arn) {
			continue
		}
		f := r.finding(finding.AttachmentRemoved, arn, finding.GrantsLess)
		f.Expected, f.Actual = "attached", "not attached"
		if p := m.policies[arn]; p != nil {
			wanted := m.documents[p.physicalID]
			f.Expected = "attached: " + summary(wanted)
			f.effect(effectOf(m.account, all, m.effectivePolicies(want, arn)), "What it granted, the role's other policies grant too.")
		}
		f.Advice = adviceRevert
		out = append(out, found{f, r, "ManagedPolicyArns"})
	}
	return out
}

// comparePolicy compares a managed policy's default version. Its direction is
// that of the roles that have it, all their policies together; where none of
// ours has it, that of the document alone.
func (m *model) comparePolicy(r *resource, live *livePolicy) []found {
	want := m.documents[r.physicalID]
	holders := m.holders(r.physicalID)
	if live.gone {
		f := r.finding(finding.ResourceGone, "", finding.GrantsLess)
		f.Expected, f.Actual, f.SeenBy = summary(want), "there is no such policy", []string{seenLive}
		if want.err == nil && !want.unknown {
			f.effect(m.onHolders(holders, r.physicalID, want, nil), "What it granted, the roles' other policies grant too.")
		}
		for _, h := range holders {
			f.Details = append(f.Details, "It was attached to role "+h.physicalID+".")
		}
		f.Advice = adviceMakeAgain
		return []found{{f, r, ""}}
	}
	if live.gaps != nil || want.unknown {
		return r.unread(live.gaps)
	}
	have := readDocument(live.document)
	f, differs := m.documentFinding(r, finding.PolicyChanged, "", want, have)
	if !differs {
		return nil
	}
	if want.err == nil && have.err == nil {
		f.effect(m.onHolders(holders, r.physicalID, want, &have), "With the other policies of the roles that have it, it comes to the same.")
	}
	f.SeenBy, f.Actual = []string{seenLive}, "version "+live.version+": "+f.Actual
	f.Advice = adviceRevert + " CloudTrail's CreatePolicyVersion and SetDefaultPolicyVersion tell who changed it."
	return []found{{f, r, "PolicyDocument"}}
}

// holders are the roles of ours that are meant to have a managed policy.
func (m *model) holders(arn string) []*resource {
	var out []*resource
	for _, r := range m.resources {
		if r.typ == typeRole && r.props != nil && m.wanted[r].managed[arn] {
			out = append(out, r)
		}
	}
	return out
}

// onHolders is what the change of a managed policy does to its roles together.
func (m *model) onHolders(holders []*resource, arn string, want document, have *document) effect {
	now := []document{}
	if have != nil {
		now = append(now, *have)
	}
	if len(holders) == 0 {
		return effectOf(m.account, docs(want), docs(now...))
	}
	var all []effect
	for _, h := range holders {
		w := m.wanted[h]
		all = append(all, effectOf(m.account, m.effectivePolicies(w, ""), m.effectivePolicies(w, arn, now...)))
	}
	return joinEffects(all)
}

// joinEffects puts together what one change does to several roles.
func joinEffects(all []effect) effect {
	out := effect{direction: finding.Changed, same: true}
	for _, e := range all {
		switch {
		case e.same:
			continue
		case out.same:
			out = e
			continue
		case out.direction != e.direction:
			out.direction = finding.Changed
		}
		for _, d := range e.details {
			if !slices.Contains(out.details, d) && len(out.details) <= mostDetails {
				out.details = append(out.details, d)
			}
		}
	}
	return out
}

func (m *model) compareProfile(r *resource, live *liveProfile) []found {
	if live.gone {
		f := r.finding(finding.ResourceGone, "", finding.GrantsLess)
		f.Expected, f.Actual, f.SeenBy = "instance profile "+r.physicalID, "there is no such instance profile", []string{seenLive}
		f.Advice = adviceMakeAgain
		return []found{{f, r, ""}}
	}
	if live.gaps != nil || isUnknown(r.props["Roles"]) {
		return r.unread(live.gaps)
	}
	want := texts(r.props["Roles"])
	missing := slices.DeleteFunc(slices.Clone(want), func(n string) bool { return slices.Contains(live.roles, n) || m.roleGone(n) })
	added := slices.DeleteFunc(slices.Clone(live.roles), func(n string) bool { return slices.Contains(want, n) })
	if len(missing)+len(added) == 0 {
		return nil
	}
	f := r.finding(finding.ProfileChanged, "", finding.Changed)
	f.Expected, f.Actual, f.SeenBy = orNone(strings.Join(want, ", "), "no role"), orNone(strings.Join(live.roles, ", "), "no role"), []string{seenLive}
	switch {
	case len(added) == 0:
		f.Direction = finding.GrantsLess
		f.Details = []string{"Instances with this profile have no access any more."}
	case len(missing) == 0:
		f.Direction = finding.GrantsMore
	default:
		f.Details = []string{"Instances with this profile have the access of another role."}
	}
	f.values = []string{strings.Join(live.roles, ",")}
	f.Advice = adviceRevert
	return []found{{f, r, "Roles"}}
}
