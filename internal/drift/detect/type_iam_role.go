package detect

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/awsapi/ratelimit"
	"permstack/internal/iampolicy"
	"permstack/internal/notify/finding"
)

const (
	typeRole      = "AWS::IAM::Role"
	trustProperty = "AssumeRolePolicyDocument"
)

var iamRole = &resourceType{
	name: typeRole,
	rank: 1,
	readHandler: []string{
		"iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:GetRolePolicy",
	},
	physicalID: func(_ *resolver, props map[string]any) string { return text(props["RoleName"]) },
	attributes: map[string]attribute{"Arn": iamARN("role")},
	compared: []string{
		"AssumeRolePolicyDocument", "ManagedPolicyArns", "MaxSessionDuration", "Path", "PermissionsBoundary", "Policies",
		"Tags",
	},
	read:  readRole,
	index: func(m *model, r *resource) { m.roles[r] = m.expectedRole(r) },
	declared: func(m *model, r *resource) liveState {
		role := m.roles[r]
		live := &liveRole{
			declared: true, path: role.path, trust: role.trust.text, maxSession: role.maxSession, boundary: role.boundary,
			tags: r.expectedTags(), inline: map[string]string{}, attached: sorted(role.managed),
			documents: map[string]string{},
		}
		for name, policy := range role.inline {
			live.inline[name] = policy.text
		}
		for arn, policy := range m.policies {
			live.documents[arn] = policy.text
		}
		return live
	},
	secrets: func(r *resource) []string {
		return parseDocument(r.props["AssumeRolePolicyDocument"]).externalIDs()
	},
	reverts: map[finding.Kind]revert{
		finding.InlinePolicyAdded: {first: true, do: removeRolePolicy},
		finding.AttachmentAdded:   {first: true, do: removeRolePolicy},
	},
}

// expectedRole is a role as the templates declare it.
type expectedRole struct {
	trust      document
	path       string
	maxSession int // seconds
	boundary   string
	inline     map[string]expectedInline
	managed    map[string]bool // ARNs
}

// expectedInline is an inline policy and the resource that declares it: the role,
// or an AWS::IAM::RolePolicy or AWS::IAM::Policy beside it.
type expectedInline struct {
	document
	owner *resource
}

const defaultSession = 3600 // IAM's default (API reference, CreateRole: MaxSessionDuration)

func (m *model) expectedRole(r *resource) expectedRole {
	role := expectedRole{
		trust: parseDocument(r.props["AssumeRolePolicyDocument"]), path: text(r.props["Path"]), maxSession: defaultSession,
		boundary: text(r.props["PermissionsBoundary"]), inline: map[string]expectedInline{}, managed: map[string]bool{},
	}
	if role.path == "" {
		role.path = "/"
	}
	if n, err := strconv.Atoi(text(r.props["MaxSessionDuration"])); err == nil {
		role.maxSession = n
	}
	for _, p := range objects(r.props["Policies"]) {
		role.inline[text(p["PolicyName"])] = expectedInline{parseDocument(p["PolicyDocument"]), r}
	}
	for _, arn := range texts(r.props["ManagedPolicyArns"]) {
		role.managed[arn] = true
	}
	for _, other := range m.resources {
		if other.typ.addToRole != nil {
			other.typ.addToRole(other, r.physicalID, &role)
		}
	}
	return role
}

// effectivePolicies returns all policies that a role is expected to have, without
// one (an inline policy by its name, a managed one by its ARN) and with others.
func (m *model) effectivePolicies(role expectedRole, without string, with ...document) []iampolicy.Document {
	var out []iampolicy.Document
	add := func(d document) {
		if d.err == nil && !d.unknown && d.text != "" {
			out = append(out, d.Document)
		}
	}
	for _, name := range sorted(role.inline) {
		if name != without {
			add(role.inline[name].document)
		}
	}
	for _, arn := range sorted(role.managed) {
		if arn != without {
			add(m.policies[arn])
		}
	}
	for _, d := range with {
		add(d)
	}
	return out
}

// liveRole is a role as IAM has it.
type liveRole struct {
	missing    bool
	declared   bool // by a template, not live
	path       string
	trust      string
	maxSession int // seconds
	boundary   string
	tags       map[string]string
	inline     map[string]string // documents by name; "" if it could not be read
	attached   []string          // ARNs
	created    time.Time
	profiles   []string // instance profiles that have the role; nil if they were not read
	// documents of policies that are attached, or are the boundary, and that the
	// templates do not contain; by ARN. unreadDocuments are the errors of others.
	documents       map[string]string
	unreadDocuments map[string]error
	errs            readErrors
}

func (live *liveRole) deleted() bool          { return live.missing }
func (live *liveRole) unreadable() readErrors { return live.errs }
func (live *liveRole) secrets() []string      { return parseDocument(live.trust).externalIDs() }

// readRole reads a role with its policies, and the documents of attached policies
// and boundaries that the templates do not contain.
func readRole(ctx context.Context, c *reader, m *model, r *resource) (liveState, readErrors) {
	live := &liveRole{inline: map[string]string{}, documents: map[string]string{}, unreadDocuments: map[string]error{}}
	live.readSettings(ctx, c, r.physicalID)
	if live.missing {
		return live, nil
	}
	live.readInline(ctx, c, r.physicalID)
	live.readAttached(ctx, c, r.physicalID)
	if m.installation != nil {
		var err error
		if live.profiles, err = c.aws.RoleInstanceProfiles(ctx, r.physicalID); err != nil && !awserr.IsNotFound(err) {
			live.errs.add(err, "", "InstanceProfiles")
		}
	}
	expected := m.roles[r]
	foreign := slices.DeleteFunc(slices.Clone(live.attached), func(arn string) bool { return expected.managed[arn] })
	if live.boundary != expected.boundary && !live.errs.unknown("PermissionsBoundary") {
		foreign = append(foreign, live.boundary, expected.boundary)
	}
	errs := slices.Clone(live.errs)
	for _, arn := range foreign {
		if arn == "" || isUnknown(arn) {
			continue
		}
		p := c.readPolicy(ctx, arn)
		if p.document != "" {
			live.documents[arn] = p.document
			continue
		}
		errs = append(errs, p.errs...)
		for _, e := range p.errs {
			live.unreadDocuments[arn] = e.err
		}
	}
	return live, errs
}

func (live *liveRole) readSettings(ctx context.Context, c *reader, name string) {
	got, err := c.aws.RoleSettings(ctx, name)
	switch {
	case awserr.IsNotFound(err):
		live.missing = true
	case err != nil:
		live.errs.add(err, "", "AssumeRolePolicyDocument", "MaxSessionDuration", "Path", "PermissionsBoundary", "Tags")
	default:
		live.path, live.trust, live.maxSession = got.Path, got.Trust, got.MaxSession
		live.boundary, live.tags, live.created = got.Boundary, got.Tags, got.Created
	}
}

func (live *liveRole) readInline(ctx context.Context, c *reader, role string) {
	names, err := c.aws.InlinePolicyNames(ctx, role)
	if err != nil {
		live.errs.add(err, "", "Policies")
		return
	}
	for _, n := range names {
		document, err := c.aws.InlinePolicy(ctx, role, n)
		switch {
		case awserr.IsNotFound(err): // removed since it was listed
			continue
		case err != nil:
			live.errs.add(err, n, "Policies")
		}
		live.inline[n] = document
	}
}

func (live *liveRole) readAttached(ctx context.Context, c *reader, name string) {
	attached, err := c.aws.AttachedPolicies(ctx, name)
	if err != nil {
		live.errs.add(err, "", "ManagedPolicyArns")
	}
	for _, p := range attached {
		live.attached = append(live.attached, p.ARN)
	}
}

// removeRolePolicy removes a policy that no template declares from a role.
func removeRolePolicy(ctx context.Context, v *reverter, r *resource, f finding.Finding) outcome {
	expected := v.model.roles[r]
	_, inline := expected.inline[f.Subject]
	if f.Kind == finding.InlinePolicyAdded && inline ||
		f.Kind == finding.AttachmentAdded && expected.managed[f.Subject] {
		return outcome{result: finding.PolicyDeclared}
	}
	if isUnknown(r.props["Policies"]) || isUnknown(r.props["ManagedPolicyArns"]) {
		return outcome{result: finding.ValueUnknown}
	}
	var err error
	result := finding.PolicyDeleted
	if f.Kind == finding.InlinePolicyAdded {
		_, err = ratelimit.Call(ctx, v.aws.Limits.IAM, v.clients.RolePolicies.DeleteRolePolicy,
			&iam.DeleteRolePolicyInput{RoleName: &r.physicalID, PolicyName: &f.Subject})
	} else {
		result = finding.PolicyDetached
		_, err = ratelimit.Call(ctx, v.aws.Limits.IAM, v.clients.RolePolicies.DetachRolePolicy,
			&iam.DetachRolePolicyInput{RoleName: &r.physicalID, PolicyArn: &f.Subject})
	}
	switch {
	case awserr.IsNotFound(err):
		return outcome{result: finding.PolicyRemoved}
	case err != nil:
		return failed(fmt.Errorf("remove policy %s from role %s: %w", f.Subject, r.physicalID, err))
	}
	return outcome{result: result}
}
