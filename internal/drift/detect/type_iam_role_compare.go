package detect

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/notify/finding"
)

func (live *liveRole) compare(m *model, r *resource) []draft {
	if live.missing {
		return []draft{r.deletedDraft()}
	}
	expected := m.roles[r]
	var out []draft
	out = append(out, live.compareTrust(m, r, expected)...)
	out = append(out, live.compareBoundary(m, r, expected)...)
	out = append(out, live.compareSettings(r, expected)...)
	out = append(out, live.compareIdentity(r)...)
	out = append(out, live.addedProfiles(m, r)...)
	var ofPolicies []draft
	if !live.errs.unknown("Policies") && !isUnknown(r.props["Policies"]) {
		ofPolicies = append(ofPolicies, live.addedInline(m, r, expected)...)
		ofPolicies = append(ofPolicies, live.changedInline(m, r, expected)...)
	}
	if !live.errs.unknown("ManagedPolicyArns") && !isUnknown(r.props["ManagedPolicyArns"]) {
		ofPolicies = append(ofPolicies, live.addedAttachments(m, r, expected)...)
		ofPolicies = append(ofPolicies, live.removedAttachments(m, r, expected)...)
	}
	for i := range ofPolicies {
		ofPolicies[i].roles = []*resource{r}
	}
	out = append(out, ofPolicies...)
	if !live.errs.unknown("Tags") {
		out = append(out, r.compareTags(live.tags)...)
	}
	return append(out, r.readErrorDrafts(live.errs)...)
}

func (live *liveRole) compareTrust(m *model, r *resource, expected expectedRole) []draft {
	const property = "AssumeRolePolicyDocument"
	actual := parseDocument(live.trust)
	trust := expected.trust
	if !live.declared {
		trust = trust.withExternalID(actual)
	}
	if live.errs.unknown(property) || trust.unknown {
		return nil
	}
	d, differs := m.documentDraft(r, finding.TrustChanged, property, "", trust, actual)
	if !differs {
		return nil
	}
	if id, restored := restoreDeletedPrincipal(trust, actual); id != "" {
		if _, differs := m.documentDraft(r, finding.TrustChanged, property, "", trust, restored); !differs {
			d.Direction, d.Reason, d.Actual = finding.GrantsLess, finding.PrincipalRecreated, finding.Text(id)
			d.values = []string{id}
		}
	}
	rest, removed := m.guardrails.withoutPrincipals(actual)
	if _, differs := m.documentDraft(r, finding.TrustChanged, property, "", trust, rest); !differs {
		d.Acceptance = m.guardrails.accepted("principals " + strings.Join(removed, ", "))
	}
	return []draft{d}
}

// uniqueID is the unique id of a role or user (IAM User Guide, "IAM identifiers").
var uniqueID = regexp.MustCompile(`^A(ROA|IDA)[A-Z0-9]{12,}$`)

// restoreDeletedPrincipal returns the unique ids in a trust policy, separated by
// commas, and the policy with the expected principals in their place. IAM replaces the
// ARN of a principal that was deleted by its unique id; a principal that was created
// again under the same name has another id, and no access (IAM User Guide, "AWS JSON
// policy elements: Principal").
func restoreDeletedPrincipal(expected, actual document) (string, document) {
	if expected.err != nil || actual.err != nil || len(expected.Statement) != len(actual.Statement) {
		return "", actual
	}
	var ids []string
	for i, s := range actual.Statement {
		names := principals(expected.Statement[i].Principal)
		for j, name := range principals(s.Principal) {
			if uniqueID.MatchString(name) && j < len(names) {
				ids = append(ids, name)
				actual = parseDocument(strings.ReplaceAll(actual.text, name, names[j]))
			}
		}
	}
	return strings.Join(ids, ","), actual
}

// compareIdentity reports a role that was created after the stack's last change of it:
// somebody deleted the stack's role and created this one. What names the role by its
// unique id, such as trust policies of others, no longer means it.
func (live *liveRole) compareIdentity(r *resource) []draft {
	if r.updated.IsZero() || !live.created.After(r.updated) {
		return nil
	}
	return []draft{r.liveDraft(finding.RoleIdentityChanged, "", "", finding.Changed,
		finding.Text("created before "+r.updated.UTC().Format(time.RFC3339)),
		finding.Text("created "+live.created.UTC().Format(time.RFC3339)))}
}

// addedProfiles reports instance profiles that have the role and that no template
// declares: instances with them have the role's access.
func (live *liveRole) addedProfiles(m *model, r *resource) []draft {
	var out []draft
	for _, name := range live.profiles {
		if m.find("AWS::IAM::InstanceProfile", name) != nil { // reported by its own comparison
			continue
		}
		out = append(out, r.liveDraft(finding.ProfileAdded, "InstanceProfiles", name, finding.GrantsMore, finding.None,
			finding.Text(name)))
	}
	return out
}

func (live *liveRole) compareBoundary(m *model, r *resource, expected expectedRole) []draft {
	const property = "PermissionsBoundary"
	if live.errs.unknown(property) || isUnknown(expected.boundary) || expected.boundary == live.boundary {
		return nil
	}
	d := r.liveDraft(finding.BoundaryChanged, property, "", finding.Changed,
		finding.Text(expected.boundary), finding.Text(live.boundary))
	d.values = []string{expected.boundary, live.boundary}
	switch {
	case live.boundary == "":
		d.Direction = finding.GrantsMore
	case expected.boundary == "":
		d.Direction = finding.GrantsLess
	default:
		before, now := parseDocument(live.documents[expected.boundary]), parseDocument(live.documents[live.boundary])
		if before.text == "" || now.text == "" || before.err != nil || now.err != nil {
			d.Reason = finding.BoundaryUnreadable
			break
		}
		d.values = append(d.values, now.meaning(m.account))
		d.setEffect(compareDocuments(m.account, parsed(before), parsed(now)))
	}
	return []draft{d}
}

// compareSettings compares the session duration and the path.
func (live *liveRole) compareSettings(r *resource, expected expectedRole) []draft {
	if live.errs.unknown("MaxSessionDuration") {
		return nil
	}
	var out []draft
	differs := func(direction finding.Direction) {
		out = append(out, r.liveDraft(finding.SessionChanged, "MaxSessionDuration", "", direction,
			finding.Text(strconv.Itoa(expected.maxSession)), finding.Text(strconv.Itoa(live.maxSession))))
	}
	switch {
	case live.maxSession == 0, isUnknown(r.props["MaxSessionDuration"]):
	case live.maxSession > expected.maxSession:
		differs(finding.GrantsMore)
	case live.maxSession < expected.maxSession:
		differs(finding.GrantsLess)
	}
	if live.path != expected.path && !isUnknown(expected.path) {
		d := r.liveDraft(finding.PropertyChanged, "Path", "Path", finding.Changed,
			finding.Text(expected.path), finding.Text(live.path))
		d.Reason = finding.RoleRecreated
		out = append(out, d)
	}
	return out
}

func (live *liveRole) addedInline(m *model, r *resource, expected expectedRole) []draft {
	var out []draft
	all := m.effectivePolicies(expected, "")
	for _, name := range sorted(live.inline) {
		if _, declared := expected.inline[name]; declared || live.inline[name] == "" {
			continue
		}
		actual := parseDocument(live.inline[name])
		d := r.liveDraft(finding.InlinePolicyAdded, "Policies", name, finding.GrantsMore, finding.None, actual.value())
		d.values = []string{actual.meaning(m.account)}
		if actual.err == nil {
			d.setEffect(compareDocuments(m.account, all, m.effectivePolicies(expected, "", actual)))
		}
		out = append(out, d)
	}
	return out
}

// changedInline compares the declared inline policies. Its findings are about the
// resources that declare them.
func (live *liveRole) changedInline(m *model, r *resource, expected expectedRole) []draft {
	var out []draft
	all := m.effectivePolicies(expected, "")
	for _, name := range sorted(expected.inline) {
		policy := expected.inline[name]
		body, exists := live.inline[name]
		property := "Policies"
		if policy.owner != r {
			property = "PolicyDocument"
		}
		switch actual := parseDocument(body); {
		case policy.unknown || exists && body == "":
		case !exists:
			d := policy.owner.liveDraft(finding.InlinePolicyRemoved, property, name, finding.GrantsLess, policy.value(),
				finding.None)
			d.values = []string{policy.meaning(m.account)}
			d.setEffect(compareDocuments(m.account, all, m.effectivePolicies(expected, name)))
			out = append(out, d)
		default:
			d, differs := m.documentDraft(policy.owner, finding.InlinePolicyChanged, property, name, policy.document, actual)
			if differs && actual.err == nil && policy.err == nil {
				d.setEffect(compareDocuments(m.account, all, m.effectivePolicies(expected, name, actual)))
			}
			if differs {
				out = append(out, d)
			}
		}
	}
	return out
}

func (live *liveRole) addedAttachments(m *model, r *resource, expected expectedRole) []draft {
	var out []draft
	all := m.effectivePolicies(expected, "")
	for _, arn := range slices.Sorted(slices.Values(live.attached)) {
		if expected.managed[arn] {
			continue
		}
		d := r.liveDraft(finding.AttachmentAdded, "ManagedPolicyArns", arn, finding.GrantsMore, finding.None,
			finding.Text(arn))
		body, exists := live.documents[arn]
		actual := parseDocument(body)
		if exists && actual.err == nil {
			d.Actual.Document = actual.value().Document
			d.values = []string{actual.meaning(m.account)}
			d.setEffect(compareDocuments(m.account, all, m.effectivePolicies(expected, "", actual)))
		} else {
			d.Reason, d.values = finding.PolicyUnreadable, []string{}
			if err := live.unreadDocuments[arn]; err != nil {
				d.ReadErrors = []finding.ReadError{
					{Target: finding.TargetPolicy, Name: arn, Message: awserr.Message(err)},
				}
			}
		}
		out = append(out, d)
	}
	return out
}

func (live *liveRole) removedAttachments(m *model, r *resource, expected expectedRole) []draft {
	var out []draft
	all := m.effectivePolicies(expected, "")
	for _, arn := range sorted(expected.managed) {
		if slices.Contains(live.attached, arn) || m.isDeleted(typeManagedPolicy, arn) || isUnknown(arn) {
			continue
		}
		d := r.liveDraft(finding.AttachmentRemoved, "ManagedPolicyArns", arn, finding.GrantsLess, finding.Text(arn),
			finding.None)
		if m.find(typeManagedPolicy, arn) != nil {
			d.Expected.Document = m.policies[arn].value().Document
			d.setEffect(compareDocuments(m.account, all, m.effectivePolicies(expected, arn)))
		}
		out = append(out, d)
	}
	return out
}
