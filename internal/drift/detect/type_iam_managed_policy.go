package detect

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/awsapi/livestate"
	"permstack/internal/notify/finding"
)

const typeManagedPolicy = "AWS::IAM::ManagedPolicy"

var iamManagedPolicy = &resourceType{
	name:        typeManagedPolicy,
	rank:        2,
	readHandler: []string{"iam:GetPolicy", "iam:ListEntitiesForPolicy", "iam:GetPolicyVersion"},
	untagged:    true,
	physicalID: func(v *resolver, props map[string]any) string {
		if text(props["ManagedPolicyName"]) == "" { // CloudFormation chooses it
			return ""
		}
		path := text(props["Path"])
		if path == "" {
			path = "/"
		}
		return v.arn("iam", "", "policy"+path+text(props["ManagedPolicyName"]))
	},
	declared:   func(m *model, r *resource) liveState { return &livePolicy{document: m.policies[r.physicalID].text} },
	attributes: map[string]attribute{"PolicyArn": isPhysicalID},
	compared:   []string{"PolicyDocument", "Roles"},
	read: func(ctx context.Context, c *reader, m *model, r *resource) (liveState, readErrors) {
		live := c.readPolicy(ctx, r.physicalID)
		if m.installation != nil && !live.missing {
			live.readEntities(ctx, c, r.physicalID)
			live.readStaged(ctx, c, r)
		}
		return &live, live.errs
	},
	index: func(m *model, r *resource) { m.policies[r.physicalID] = parseDocument(r.props["PolicyDocument"]) },
	addToRole: func(r *resource, roleName string, role *expectedRole) {
		if slices.Contains(texts(r.props["Roles"]), roleName) {
			role.managed[r.physicalID] = true
		}
	},
}

// livePolicy is the default version of a managed policy.
type livePolicy struct {
	missing  bool
	document string
	version  string
	entities []livestate.Entity // that it is attached to
	staged   map[string]string  // documents of versions that somebody else created, by version
	errs     readErrors
}

func (live *livePolicy) deleted() bool          { return live.missing }
func (live *livePolicy) unreadable() readErrors { return live.errs }

// readPolicy reads a managed policy, once for all resources that refer to it.
func (c *reader) readPolicy(ctx context.Context, arn string) livePolicy {
	return c.policies.get(arn, func() livePolicy {
		var p livePolicy
		got, err := c.aws.DefaultVersion(ctx, arn)
		p.version, p.document = got.Version, got.Text
		if p.missing = awserr.IsNotFound(err); err != nil && !p.missing {
			p.errs.add(err, "", "PolicyDocument")
		}
		return p
	})
}

// readEntities reads what the policy is attached to.
func (live *livePolicy) readEntities(ctx context.Context, c *reader, arn string) {
	entities, err := c.aws.PolicyEntities(ctx, arn)
	if err != nil && !awserr.IsNotFound(err) {
		live.errs = append(slices.Clone(live.errs), readError{[]string{"Roles"}, "", err})
	}
	live.entities = entities
}

// readStaged reads the versions that the stack did not create: those that are newer
// than the default version, which CloudFormation's newest version always is, or than
// the stack's last change of the policy. iam:SetDefaultPolicyVersion alone puts such a
// version into force.
func (live *livePolicy) readStaged(ctx context.Context, c *reader, r *resource) {
	versions, err := c.aws.OtherVersions(ctx, r.physicalID)
	if err != nil && !awserr.IsNotFound(err) {
		live.errs = append(slices.Clone(live.errs), readError{[]string{"Versions"}, "", err})
	}
	for _, v := range versions {
		late := !r.updated.IsZero() && v.Created.After(r.updated)
		if !late && versionNumber(v.ID) < versionNumber(live.version) {
			continue
		}
		text, err := c.aws.VersionDocument(ctx, r.physicalID, v.ID)
		if err != nil {
			if !awserr.IsNotFound(err) {
				live.errs = append(slices.Clone(live.errs), readError{[]string{"Versions"}, v.ID, err})
			}
			continue
		}
		if live.staged == nil {
			live.staged = map[string]string{}
		}
		live.staged[v.ID] = text
	}
}

// versionNumber returns 3 for v3.
func versionNumber(id string) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(id, "v"))
	return n
}

// compareStaged reports the versions that would grant something else if they were put
// into force.
func (live *livePolicy) compareStaged(m *model, r *resource, expected document) []draft {
	var out []draft
	for _, id := range sorted(live.staged) {
		d, differs := m.documentDraft(r, finding.PolicyVersionAdded, "Versions", id, expected,
			parseDocument(live.staged[id]))
		if differs {
			out = append(out, d)
		}
	}
	return out
}

// attachedElsewhere reports what has the policy and is none of the expected roles. A
// role of the installation that should not have it is reported by its own
// comparison.
func (live *livePolicy) attachedElsewhere(m *model, r *resource) []draft {
	var out []draft
	for _, entity := range live.entities {
		if entity.Kind == "role" && m.find(typeRole, entity.Name) != nil {
			continue
		}
		subject := entity.Kind + " " + entity.Name
		d := r.liveDraft(finding.AttachedElsewhere, "Roles", subject, finding.GrantsMore, finding.None, finding.Text(subject))
		out = append(out, d)
	}
	return out
}

// compare compares the default version. The direction of a finding is that of
// the roles that have the policy, with all their policies; if no role has it,
// that of the document by itself.
func (live *livePolicy) compare(m *model, r *resource) []draft {
	expected := m.policies[r.physicalID]
	holders := m.holders(r.physicalID)
	if live.missing {
		d := r.deletedDraft()
		d.Expected = expected.value()
		if expected.err == nil && !expected.unknown {
			d.setEffect(m.effectOnHolders(holders, r.physicalID, expected))
		}
		for _, h := range holders {
			d.Roles = append(d.Roles, h.physicalID)
		}
		return []draft{d}
	}
	out := append(r.readErrorDrafts(live.errs), live.attachedElsewhere(m, r)...)
	if live.errs.affect("PolicyDocument") || expected.unknown {
		return out
	}
	out = append(out, live.compareStaged(m, r, expected)...)
	actual := parseDocument(live.document)
	d, differs := m.documentDraft(r, finding.PolicyChanged, "PolicyDocument", "", expected, actual)
	if !differs {
		return out
	}
	if expected.err == nil && actual.err == nil {
		d.setEffect(m.effectOnHolders(holders, r.physicalID, expected, actual))
	}
	d.Actual.Text, d.roles = live.version, holders
	return append(out, d)
}

// holders returns the roles that are expected to have a managed policy.
func (m *model) holders(arn string) []*resource {
	var out []*resource
	for _, r := range m.resources {
		if m.roles[r].managed[arn] {
			out = append(out, r)
		}
	}
	return out
}

// effectOnHolders returns how the change of a managed policy changes the access
// of its roles. Without actual the policy does not exist.
func (m *model) effectOnHolders(holders []*resource, arn string, expected document, actual ...document) effect {
	if len(holders) == 0 {
		return compareDocuments(m.account, parsed(expected), parsed(actual...))
	}
	var all []effect
	for _, h := range holders {
		role := m.roles[h]
		all = append(all, compareDocuments(m.account, m.effectivePolicies(role, ""),
			m.effectivePolicies(role, arn, actual...)))
	}
	return joinEffects(all)
}
