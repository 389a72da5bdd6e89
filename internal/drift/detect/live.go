package detect

import (
	"context"
	"net/url"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/awsapi/awserr"
)

// reader reads through the clients, each service behind its gate.
type reader struct {
	clients        Clients
	cloudformation *gate
	detections     *gate // CloudFormation's slowest call, with a rate of its own
	iam            *gate
	sns            *gate
	events         *gate

	policies cache[livePolicy]
	topics   cache[liveTopic]
}

func newReader(clients Clients, o Options) *reader {
	gate := func() *gate { return newGate(o.Concurrency, o.Now, o.Sleep) }
	return &reader{clients: clients, cloudformation: gate(), detections: gate(), iam: gate(), sns: gate(), events: gate()}
}

// cache reads each thing once, whoever asks first.
type cache[T any] struct {
	mu      sync.Mutex
	entries map[string]*entry[T]
}

type entry[T any] struct {
	once  sync.Once
	value T
}

func (c *cache[T]) get(key string, read func() T) T {
	c.mu.Lock()
	if c.entries == nil {
		c.entries = map[string]*entry[T]{}
	}
	e := c.entries[key]
	if e == nil {
		e = &entry[T]{}
		c.entries[key] = e
	}
	c.mu.Unlock()
	e.once.Do(func() { e.value = read() })
	return e.value
}

// readError is something that could not be read: the properties that stay unknown.
type readError struct {
	properties []string
	name       string // the policy, where it is one of several
	err        error
}

// readErrors collects them.
type readErrors []readError

func (g *readErrors) add(err error, name string, properties ...string) {
	*g = append(*g, readError{properties, name, err})
}

// unreadable tells whether a property could not be read, as a whole or of one policy.
func (g readErrors) unreadable(property, name string) bool {
	return slices.ContainsFunc(g, func(g readError) bool {
		return slices.Contains(g.properties, property) && (g.name == "" || g.name == name)
	})
}

// over tells whether the time ended while reading.
func (g readErrors) over() bool {
	return slices.ContainsFunc(g, func(g readError) bool { return awserr.IsContextDone(g.err) })
}

// liveRole is a role as IAM has it.
type liveRole struct {
	gone       bool
	path       string
	trust      string
	maxSession int
	boundary   string
	tags       map[string]string
	inline     map[string]string // documents by name; "" where unread
	attached   []string          // ARNs
	// documents of policies that are attached, or are the boundary, and that the
	// templates do not hold; by ARN. Absent where they could not be read.
	documents map[string]string
	unread    map[string]error // why they could not
	gaps      readErrors
}

// readRole reads a role with everything on it.
func (c *reader) readRole(ctx context.Context, name string) *liveRole {
	role := &liveRole{inline: map[string]string{}, documents: map[string]string{}, unread: map[string]error{}}
	got, err := call(ctx, c.iam, c.clients.IAM.GetRole, &iam.GetRoleInput{RoleName: &name})
	switch {
	case awserr.IsNotFound(err):
		role.gone = true
		return role
	case err != nil:
		role.gaps.add(err, "", "AssumeRolePolicyDocument", "MaxSessionDuration", "Path", "PermissionsBoundary", "Tags")
	default:
		r := got.Role
		role.path, role.trust, role.maxSession = aws.ToString(r.Path), decode(r.AssumeRolePolicyDocument), int(aws.ToInt32(r.MaxSessionDuration))
		if r.PermissionsBoundary != nil {
			role.boundary = aws.ToString(r.PermissionsBoundary.PermissionsBoundaryArn)
		}
		role.tags = map[string]string{}
		for _, t := range r.Tags {
			role.tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
		}
	}
	c.readInline(ctx, name, role)
	c.readAttached(ctx, name, role)
	return role
}

func (c *reader) readInline(ctx context.Context, name string, role *liveRole) {
	var names []string
	for in := (&iam.ListRolePoliciesInput{RoleName: &name}); ; {
		page, err := call(ctx, c.iam, c.clients.IAM.ListRolePolicies, in)
		if err != nil {
			role.gaps.add(err, "", "Policies")
			return
		}
		names = append(names, page.PolicyNames...)
		if !page.IsTruncated {
			break
		}
		in.Marker = page.Marker
	}
	for _, n := range names {
		got, err := call(ctx, c.iam, c.clients.IAM.GetRolePolicy, &iam.GetRolePolicyInput{RoleName: &name, PolicyName: &n})
		switch {
		case awserr.IsNotFound(err): // removed since it was listed
			continue
		case err != nil:
			role.gaps.add(err, n, "Policies")
			role.inline[n] = ""
		default:
			role.inline[n] = decode(got.PolicyDocument)
		}
	}
}

func (c *reader) readAttached(ctx context.Context, name string, role *liveRole) {
	for in := (&iam.ListAttachedRolePoliciesInput{RoleName: &name}); ; {
		page, err := call(ctx, c.iam, c.clients.IAM.ListAttachedRolePolicies, in)
		if err != nil {
			role.gaps.add(err, "", "ManagedPolicyArns")
			return
		}
		for _, p := range page.AttachedPolicies {
			role.attached = append(role.attached, aws.ToString(p.PolicyArn))
		}
		if !page.IsTruncated {
			return
		}
		in.Marker = page.Marker
	}
}

// livePolicy is a managed policy's default version.
type livePolicy struct {
	gone     bool
	document string
	version  string
	gaps     readErrors
}

// readPolicy reads a managed policy, once for all who ask.
func (c *reader) readPolicy(ctx context.Context, arn string) livePolicy {
	return c.policies.get(arn, func() livePolicy {
		var p livePolicy
		got, err := call(ctx, c.iam, c.clients.IAM.GetPolicy, &iam.GetPolicyInput{PolicyArn: &arn})
		if err == nil {
			p.version = aws.ToString(got.Policy.DefaultVersionId)
			var version *iam.GetPolicyVersionOutput
			version, err = call(ctx, c.iam, c.clients.IAM.GetPolicyVersion, &iam.GetPolicyVersionInput{PolicyArn: &arn, VersionId: &p.version})
			if err == nil {
				p.document = decode(version.PolicyVersion.Document)
			}
		}
		if p.gone = awserr.IsNotFound(err); err != nil && !p.gone {
			p.gaps.add(err, "", "PolicyDocument")
		}
		return p
	})
}

// liveProfile is an instance profile.
type liveProfile struct {
	gone  bool
	roles []string
	gaps  readErrors
}

func (c *reader) readProfile(ctx context.Context, name string) *liveProfile {
	p := &liveProfile{}
	got, err := call(ctx, c.iam, c.clients.IAM.GetInstanceProfile, &iam.GetInstanceProfileInput{InstanceProfileName: &name})
	switch {
	case awserr.IsNotFound(err):
		p.gone = true
	case err != nil:
		p.gaps.add(err, "", "Roles")
	default:
		for _, r := range got.InstanceProfile.Roles {
			p.roles = append(p.roles, aws.ToString(r.RoleName))
		}
	}
	return p
}

// decode gives a document as it was written: IAM answers it URL-encoded (API
// reference, GetRolePolicy: "compliant with RFC 3986").
func decode(document *string) string {
	plain, err := url.PathUnescape(aws.ToString(document))
	if err != nil {
		return aws.ToString(document)
	}
	return plain
}
