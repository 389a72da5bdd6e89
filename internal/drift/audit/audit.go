// Package audit searches an account for access of the backup service that no
// installation of permstack granted: roles under an installation's IAM path or with its
// names that no stack holds, roles that trust the backup service or an installation's
// role, policies of keys, buckets, topics and queues and grants of keys that name them,
// and permission stacks whose parent does not exist.
//
// # Calls
//
// 1 ListStacks for every 100 stacks, 1 ListStackResources for each stack of an
// installation, 1 ListRoles for every 100 roles, 1 ListKeys, GetKeyPolicy and ListGrants
// for each key of the Region, 1 ListBuckets and 1 GetBucketPolicy for each bucket of the
// account, 1 GetTopicAttributes for each topic and 1 GetQueueAttributes for each queue
// of the Region.
//
// # What is not found
//
// Access that names nobody, such as a bucket that everybody may read, and access by an
// Organization's id: package audit searches for what names the backup service. Roles of
// other installations are those of their own checks.
package audit

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/cfn/stacks"
	"permstack/internal/installation"
	"permstack/internal/notify/finding"
	"permstack/internal/policies"
)

// Clients are the API clients of an audit.
type Clients struct {
	cloudformation *cloudformation.Client
	iam            *iam.Client
	kms            *kms.Client
	s3             *s3.Client
	sns            *sns.Client
	sqs            *sqs.Client
}

// maxAttempts is how often a call is tried if AWS throttles: an account may have
// thousands of keys and buckets.
const maxAttempts = 8

// NewClients creates the SDK's clients.
func NewClients(cfg aws.Config) Clients {
	cfg = cfg.Copy()
	cfg.Retryer = func() aws.Retryer { return retry.AddWithMaxAttempts(retry.NewStandard(), maxAttempts) }
	return Clients{
		cloudformation.NewFromConfig(cfg), iam.NewFromConfig(cfg), kms.NewFromConfig(cfg), s3.NewFromConfig(cfg),
		sns.NewFromConfig(cfg), sqs.NewFromConfig(cfg),
	}
}

// Options configures an audit.
type Options struct {
	// Parent is the name or id of the stack that was launched; "" is every installation
	// of the Region.
	Parent string
	// Principals are further ARNs and account ids to search for.
	Principals []string
	Now        func() time.Time // nil is time.Now
	// Progress is called with how many resources of a kind, such as "keys", have been searched; nil for none.
	Progress func(kind string, done int)
}

type audit struct {
	Clients
	o       Options
	stack   string // of the findings
	stackID string

	parents []installation.Parent // that exist
	chosen  []chosen
	held    map[string]bool // type and physical id of what the stacks of installations have
	target  target
	found   []finding.Finding
	failed  map[string]*finding.Finding // by the call

	searchedKind string // of the resources that were searched last
	searched     int
}

// chosen is an installation that is audited.
type chosen struct {
	parent     installation.Parent
	parameters map[string]string
	roles      []string // names of its roles for the backup service
}

// profile returns the profile of an installation: the parameter of the template of all profiles, or else the profile
// whose names the installation's roles have.
func (c chosen) profile() string {
	if name := c.parameters["Profile"]; name != "" {
		return name
	}
	for _, name := range policies.ProfileNames() {
		profile, _ := policies.Profile(name)
		for _, role := range c.roles {
			if strings.HasPrefix(role, policies.NamePrefix(profile)) {
				return name
			}
		}
	}
	return ""
}

// Run audits the account. What could not be read is a finding. Run returns an error if
// the stacks cannot be listed or the parent does not exist.
func Run(ctx context.Context, clients Clients, o Options) (finding.Report, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &audit{Clients: clients, o: o, held: map[string]bool{}, failed: map[string]*finding.Finding{}}
	report := finding.Report{Started: o.Now()}
	accepted, err := a.readInstallations(ctx, &report)
	if err != nil {
		return report, err
	}
	for _, search := range []func(context.Context){a.roles, a.keys, a.buckets, a.topics, a.queues} {
		search(ctx)
	}
	for _, name := range slices.Sorted(mapsKeys(a.failed)) {
		a.add(*a.failed[name], name)
	}
	slices.SortFunc(a.found, func(x, y finding.Finding) int {
		return strings.Compare(string(x.Kind)+x.PhysicalID+x.Subject, string(y.Kind)+y.PhysicalID+y.Subject)
	})
	report.Findings, report.Accepted = finding.Accept(a.found, accepted, o.Now())
	report.Took = o.Now().Sub(report.Started)
	return report, ctx.Err()
}

// add completes a finding. values are what its hash covers.
func (a *audit) add(f finding.Finding, values ...string) {
	f.Stack, f.LogicalID, f.SeenBy = a.stack, finding.AuditID, []finding.Source{finding.Live}
	f.Complete(values...)
	if !slices.ContainsFunc(a.found, func(g finding.Finding) bool { return g.ID == f.ID }) {
		a.found = append(a.found, f)
	}
}

// progress reports that one more resource of a kind has been searched.
func (a *audit) progress(kind string) {
	if a.searchedKind != kind {
		a.searchedKind, a.searched = kind, 0
	}
	a.searched++
	if a.o.Progress != nil {
		a.o.Progress(kind, a.searched)
	}
}

// fail reports a call that failed for a resource; one finding for each call.
func (a *audit) fail(action, name string, err error) {
	if awserr.IsNotFound(err) || awserr.IsContextDone(err) {
		return
	}
	f := a.failed[action]
	if f == nil {
		f = &finding.Finding{
			PhysicalID: a.stackID, Type: "AWS::CloudFormation::Stack", Kind: finding.NotReadable, Subject: action,
			Direction: finding.Unreadable, Reason: finding.ReadFailed,
		}
		a.failed[action] = f
	}
	if denied := awserr.DeniedAction(err); denied != "" {
		f.Reason, f.Permission = finding.AccessDenied, denied
	}
	const most = 20
	if len(f.ReadErrors) < most {
		f.ReadErrors = append(f.ReadErrors, finding.ReadError{
			Target: finding.TargetAudit, Name: name, Message: awserr.Message(err),
		})
	}
}

// readInstallations lists the stacks, reads the chosen installations, and reports
// permission stacks without a parent. It returns the accepted differences.
func (a *audit) readInstallations(ctx context.Context, report *finding.Report) ([]finding.Acceptance, error) {
	ids := map[string]string{} // by name
	in := &cloudformation.ListStacksInput{}
	for _, status := range cfntypes.StackStatus("").Values() {
		if status != cfntypes.StackStatusDeleteComplete {
			in.StackStatusFilter = append(in.StackStatusFilter, status)
		}
	}
	for pages := cloudformation.NewListStacksPaginator(a.cloudformation, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list stacks: %w", awserr.Concise(err))
		}
		for _, s := range page.StackSummaries {
			ids[aws.ToString(s.StackName)] = aws.ToString(s.StackId)
		}
	}
	var accepted []finding.Acceptance
	owned := map[string]bool{}
	for _, name := range slices.Sorted(mapsKeys(ids)) {
		p, err := installation.ParseParent(ids[name])
		if err != nil || ids[p.StackName(installation.Access)] == "" {
			continue
		}
		a.parents = append(a.parents, p)
		choose := a.o.Parent == "" || a.o.Parent == p.Name || a.o.Parent == p.ID
		c := chosen{parent: p, parameters: map[string]string{}}
		for _, stack := range append(p.StackNames(), p.Name) {
			owned[stack] = true
			roles, err := a.hold(ctx, p.Region, ids[stack])
			if err != nil {
				a.fail("cloudformation:ListStackResources", stack, err)
			}
			if stack != p.Name {
				c.roles = append(c.roles, roles...)
			}
		}
		if !choose {
			continue
		}
		described, err := stacks.Describe(ctx, a.cloudformation, p.ID)
		if err != nil || described == nil {
			a.fail("cloudformation:DescribeStacks", p.Name, err)
			continue
		}
		for _, parameter := range described.Parameters {
			c.parameters[aws.ToString(parameter.ParameterKey)] = aws.ToString(parameter.ParameterValue)
		}
		a.chosen = append(a.chosen, c)
		accepted = append(accepted, finding.ParseAcceptances(c.parameters[finding.AcceptedChoice])...)
		a.stack, a.stackID = p.Name, p.ID
		report.ParentStackID, report.Account, report.Region = p.ID, p.Account, p.Region
		report.Profile = c.profile()
		report.Stacks = append(report.Stacks, p.ID)
	}
	if a.o.Parent != "" && len(a.chosen) == 0 {
		return nil, fmt.Errorf("stack %s is no stack that was launched from permstack's template, or has no "+
			"permission stack", a.o.Parent)
	}
	a.target = newTarget(a.chosen, a.o.Principals)
	a.orphans(ids, owned)
	return accepted, nil
}

// orphans reports permission stacks whose parent does not exist: nothing checks them,
// and what they grant remains.
func (a *audit) orphans(ids map[string]string, owned map[string]bool) {
	for _, name := range slices.Sorted(mapsKeys(ids)) {
		if owned[name] || !permissionStackName.MatchString(name) {
			continue
		}
		if a.stack == "" {
			a.stack = name
		}
		a.add(finding.Finding{
			PhysicalID: ids[name], Type: "AWS::CloudFormation::Stack", Kind: finding.StackOrphaned, Subject: name,
			Direction: finding.GrantsMore, Expected: finding.None, Actual: finding.Text(name),
		}, ids[name])
	}
}

// hold records the resources of a stack and returns the names of its roles.
func (a *audit) hold(ctx context.Context, region, stackID string) ([]string, error) {
	if stackID == "" {
		return nil, nil
	}
	var roles []string
	pages := cloudformation.NewListStackResourcesPaginator(a.cloudformation,
		&cloudformation.ListStackResourcesInput{StackName: &stackID})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx, func(o *cloudformation.Options) { o.Region = region })
		if err != nil {
			return roles, err
		}
		for _, r := range page.StackResourceSummaries {
			typ, id := aws.ToString(r.ResourceType), aws.ToString(r.PhysicalResourceId)
			a.held[typ+" "+id] = true
			if typ == typeRole {
				roles = append(roles, id)
			}
		}
	}
	return roles, nil
}
