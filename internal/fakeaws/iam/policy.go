package iam

import (
	"slices"
	"strings"
	"time"

	"permstack/internal/fakeaws/protocol"
)

type policy struct {
	name, path, id, arn string
	description         string
	created, updated    time.Time
	versions            []version // oldest first
	nextVersion         int
	tags                []protocol.Tag
}

type version struct {
	id        string
	document  string
	created   time.Time
	isDefault bool
}

func (p *policy) current() version {
	i := slices.IndexFunc(p.versions, func(v version) bool { return v.isDefault })
	return p.versions[i] // there is always a default
}

type xmlPolicy struct {
	PolicyName                    string
	PolicyId                      string
	Arn                           string
	Path                          string
	DefaultVersionId              string
	AttachmentCount               int
	PermissionsBoundaryUsageCount int
	IsAttachable                  bool
	Description                   string `xml:",omitempty"`
	CreateDate                    protocol.Time
	UpdateDate                    protocol.Time
	Tags                          *xmlTags `xml:",omitempty"`
}

// brief returns the policy as in lists: without description and tags.
func (a *account) brief(p *policy) xmlPolicy {
	x := xmlPolicy{
		PolicyName: p.name, PolicyId: p.id, Arn: p.arn, Path: p.path, DefaultVersionId: p.current().id,
		IsAttachable: true, CreateDate: protocol.Time(p.created), UpdateDate: protocol.Time(p.updated),
	}
	for _, r := range a.roles {
		if slices.Contains(r.attached, p.arn) {
			x.AttachmentCount++
		}
		if r.boundary == p.arn {
			x.PermissionsBoundaryUsageCount++
		}
	}
	return x
}

func (a *account) full(p *policy) xmlPolicy {
	x := a.brief(p)
	x.Description, x.Tags = p.description, tagsXML(p.tags)
	return x
}

// policyByARN returns a customer managed policy of this account or an AWS
// managed policy, or nil.
func (a *account) policyByARN(partition, arn string) *policy {
	if p := awsManaged(partition, arn); p != nil {
		return p
	}
	p := a.policies[lower(arn[strings.LastIndexByte(arn, '/')+1:])]
	if p == nil || p.arn != arn {
		return nil
	}
	return p
}

// policy returns the policy that a call names by its ARN.
func (a *account) policy(call *protocol.Call) (*policy, error) {
	arn := call.Str("PolicyArn")
	if err := checkPolicyARN(arn); err != nil {
		return nil, err
	}
	p := a.policyByARN(call.Partition, arn)
	if p == nil {
		return nil, noPolicy(arn)
	}
	return p, nil
}

// customerPolicy is policy for calls that change it, which are denied for AWS
// managed policies.
func (a *account) customerPolicy(call *protocol.Call) (*policy, error) {
	p, err := a.policy(call)
	if err != nil {
		return nil, err
	}
	if isAWSManaged(p.arn) {
		return nil, denied(call, p.arn)
	}
	return p, nil
}

type policyResult struct{ Policy xmlPolicy }

func createPolicy(a *account, call *protocol.Call) (any, error) {
	in, err := parseCreation(call, "PolicyName", 128)
	if err != nil {
		return nil, err
	}
	doc, err := parseManagedPolicy(call)
	if err != nil {
		return nil, err
	}
	if a.policies[lower(in.name)] != nil {
		return nil, alreadyExists("A policy called %s already exists. Duplicate names are not allowed.", in.name)
	}
	now := a.clock()
	p := &policy{
		name: in.name, path: in.path, id: newID("ANPA"), arn: call.ARN("iam", "", a.id, "policy"+in.path+in.name),
		description: in.description, created: now, updated: now, tags: in.tags,
		versions: []version{{id: "v1", document: doc, created: now, isDefault: true}}, nextVersion: 2,
	}
	a.policies[lower(in.name)] = p
	return policyResult{a.full(p)}, nil
}

func getPolicy(a *account, call *protocol.Call) (any, error) {
	p, err := a.policy(call)
	if err != nil {
		return nil, err
	}
	return policyResult{a.full(p)}, nil
}

func deletePolicy(a *account, call *protocol.Call) (any, error) {
	p, err := a.customerPolicy(call)
	if err != nil {
		return nil, err
	}
	if x := a.brief(p); x.AttachmentCount > 0 || x.PermissionsBoundaryUsageCount > 0 {
		return nil, deleteConflict("Cannot delete a policy attached to entities.")
	}
	if len(p.versions) > 1 {
		return nil, deleteConflict(
			"This policy has more than one version. Before you delete a policy, you must delete the policy's " +
				"versions. The default version is deleted with the policy.")
	}
	delete(a.policies, lower(p.name))
	return nil, nil
}

func listPolicies(a *account, call *protocol.Call) (any, error) {
	onlyAttached, err := call.Bool("OnlyAttached", false)
	if err != nil {
		return nil, err
	}
	scope := call.Str("Scope")
	if !slices.Contains([]string{"", "All", "AWS", "Local"}, scope) {
		return nil, constraint("scope", scope, "Member must satisfy enum value set: [AWS, Local, All]")
	}
	var all []*policy
	if scope != "AWS" {
		for _, p := range a.policies {
			all = append(all, p)
		}
	}
	if scope != "Local" {
		all = append(all, awsManagedPolicies(call.Partition)...)
	}
	prefix, usage := call.Str("PathPrefix"), call.Str("PolicyUsageFilter")
	var out []xmlPolicy
	for _, p := range all {
		x := a.brief(p)
		used := x.AttachmentCount
		if usage == "PermissionsBoundary" {
			used = x.PermissionsBoundaryUsageCount
		}
		if strings.HasPrefix(p.path, prefix) && (used > 0 || !onlyAttached && usage != "PermissionsBoundary") {
			out = append(out, x)
		}
	}
	out, pg, err := paginate(call, out, func(p xmlPolicy) string { return p.Arn })
	if err != nil {
		return nil, err
	}
	return struct {
		Policies []xmlPolicy `xml:"Policies>member"`
		page
	}{out, pg}, nil
}

// denied returns the refusal to change an AWS managed policy, which IAM also
// sends to an administrator.
func denied(call *protocol.Call, resource string) *protocol.Error {
	return protocol.Errorf("AccessDenied", "User: %s is not authorized to perform: iam:%s on resource: %s",
		call.Caller.ARN, call.Action, "policy "+resource).
		WithStatus(403)
}
