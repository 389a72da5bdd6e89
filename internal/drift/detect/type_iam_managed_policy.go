package detect

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/notify/finding"
)

const typeManagedPolicy = "AWS::IAM::ManagedPolicy"

var iamManagedPolicy = &resourceType{
	name:        typeManagedPolicy,
	rank:        2,
	readHandler: []string{"iam:GetPolicy", "iam:ListEntitiesForPolicy", "iam:GetPolicyVersion"},
	untagged:    true,
	physicalID: func(v *resolver, props map[string]any) string {
		path := text(props["Path"])
		if path == "" {
			path = "/"
		}
		return v.arn("iam", "", "policy"+path+text(props["ManagedPolicyName"]))
	},
	declared:   func(m *model, r *resource) liveState { return &livePolicy{document: m.policies[r.physicalID].text} },
	attributes: map[string]attribute{"PolicyArn": isPhysicalID},
	compared:   []string{"PolicyDocument", "Roles"},
	read: func(ctx context.Context, c *reader, _ *model, r *resource) (liveState, readErrors) {
		live := c.readPolicy(ctx, r.physicalID)
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
	errs     readErrors
}

func (live *livePolicy) deleted() bool          { return live.missing }
func (live *livePolicy) unreadable() readErrors { return live.errs }

// readPolicy reads a managed policy, once for all resources that refer to it.
func (c *reader) readPolicy(ctx context.Context, arn string) livePolicy {
	return c.policies.get(arn, func() livePolicy {
		var p livePolicy
		got, err := call(ctx, c.iam, c.clients.IAM.GetPolicy, &iam.GetPolicyInput{PolicyArn: &arn})
		if err == nil {
			p.version = aws.ToString(got.Policy.DefaultVersionId)
			var version *iam.GetPolicyVersionOutput
			version, err = call(ctx, c.iam, c.clients.IAM.GetPolicyVersion,
				&iam.GetPolicyVersionInput{PolicyArn: &arn, VersionId: &p.version})
			if err == nil {
				p.document = decode(version.PolicyVersion.Document)
			}
		}
		if p.missing = awserr.IsNotFound(err); err != nil && !p.missing {
			p.errs.add(err, "", "PolicyDocument")
		}
		return p
	})
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
	if live.errs != nil || expected.unknown {
		return r.readErrorDrafts(live.errs)
	}
	actual := parseDocument(live.document)
	d, differs := m.documentDraft(r, finding.PolicyChanged, "PolicyDocument", "", expected, actual)
	if !differs {
		return nil
	}
	if expected.err == nil && actual.err == nil {
		d.setEffect(m.effectOnHolders(holders, r.physicalID, expected, actual))
	}
	d.Actual.Text, d.roles = live.version, holders
	return []draft{d}
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
