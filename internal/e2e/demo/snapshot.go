package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/iampolicy"
	"permstack/internal/policies"
)

// granted is what IAM, SNS and EventBridge say that a connection has.
type granted struct {
	roles  []role
	topics []string // names
	rules  []string
}

type role struct {
	name    string
	managed []policy
	inline  []policy
}

type policy struct {
	name string
	size int // characters as IAM counts them
	doc  iampolicy.Document
}

// granted reads what the account holds under our path for a connection.
func (run *runner) granted(ctx context.Context, connection string) (granted, error) {
	var g granted
	roles := iam.NewListRolesPaginator(run.iam, &iam.ListRolesInput{PathPrefix: aws.String(policies.DefaultPath)})
	for roles.HasMorePages() {
		page, err := roles.NextPage(ctx)
		if err != nil {
			return g, fmt.Errorf("list roles: %w", err)
		}
		for _, r := range page.Roles {
			// The roles of the launched stack itself lie one path deeper.
			if aws.ToString(r.Path) != policies.DefaultPath ||
				!strings.HasSuffix(*r.RoleName, "-"+connection) && !run.madeBy(connection, *r.RoleName) {
				continue
			}
			one, err := run.role(ctx, *r.RoleName)
			if err != nil {
				return g, err
			}
			g.roles = append(g.roles, one)
		}
	}
	topics, err := run.topicNames(ctx)
	if err != nil {
		return g, err
	}
	rules, err := run.ruleNames(ctx)
	// Those of the launched stacks themselves tell the customer, not the vendor.
	ours := func(name string) bool {
		return strings.HasPrefix(name, stackName+"-") || strings.HasPrefix(name, otherStackName+"-") ||
			strings.HasPrefix(name, "permstack-")
	}
	g.topics, g.rules = slices.DeleteFunc(topics, ours), slices.DeleteFunc(rules, ours)
	return g, err
}

// madeBy tells a shortened name of a connection by synthesizing it.
func (run *runner) madeBy(connection, name string) bool {
	set, err := policies.Synthesize(selection(choice{assets: run.options.Assets}), environment(connection))
	return err == nil && slices.ContainsFunc(set.Roles, func(r policies.Role) bool { return r.Name == name })
}

func (run *runner) role(ctx context.Context, name string) (role, error) {
	r := role{name: name}
	attached := iam.NewListAttachedRolePoliciesPaginator(run.iam, &iam.ListAttachedRolePoliciesInput{RoleName: &name})
	for attached.HasMorePages() {
		page, err := attached.NextPage(ctx)
		if err != nil {
			return r, fmt.Errorf("list policies attached to role %s: %w", name, err)
		}
		for _, a := range page.AttachedPolicies {
			text, err := run.managed(ctx, *a.PolicyArn)
			if err != nil {
				return r, err
			}
			p, err := read(*a.PolicyName, text)
			if err != nil {
				return r, err
			}
			r.managed = append(r.managed, p)
		}
	}
	inline := iam.NewListRolePoliciesPaginator(run.iam, &iam.ListRolePoliciesInput{RoleName: &name})
	for inline.HasMorePages() {
		page, err := inline.NextPage(ctx)
		if err != nil {
			return r, fmt.Errorf("list inline policies of role %s: %w", name, err)
		}
		for _, n := range page.PolicyNames {
			out, err := run.iam.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &name, PolicyName: &n})
			if err != nil {
				return r, fmt.Errorf("read inline policy %s of role %s: %w", n, name, err)
			}
			p, err := read(n, *out.PolicyDocument)
			if err != nil {
				return r, err
			}
			r.inline = append(r.inline, p)
		}
	}
	return r, nil
}

func (run *runner) managed(ctx context.Context, arn string) (string, error) {
	p, err := run.iam.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &arn})
	if err != nil {
		return "", fmt.Errorf("read policy %s: %w", arn, err)
	}
	v, err := run.iam.GetPolicyVersion(
		ctx,
		&iam.GetPolicyVersionInput{PolicyArn: &arn, VersionId: p.Policy.DefaultVersionId},
	)
	if err != nil {
		return "", fmt.Errorf("read policy %s: %w", arn, err)
	}
	return *v.PolicyVersion.Document, nil
}

// cached takes a document as IAM sends it, URL-encoded.
func read(name, text string) (policy, error) {
	text, err := url.QueryUnescape(text)
	if err != nil {
		return policy{}, fmt.Errorf("read policy %s: %w", name, err)
	}
	p := policy{name: name}
	if err := json.Unmarshal([]byte(text), &p.doc); err != nil {
		return policy{}, fmt.Errorf("read policy %s: %w", name, err)
	}
	p.size = p.doc.Size()
	return p, nil
}

func (run *runner) topicNames(ctx context.Context) ([]string, error) {
	var names []string
	pages := sns.NewListTopicsPaginator(run.topics, &sns.ListTopicsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list topics: %w", err)
		}
		for _, topic := range page.Topics {
			arn := aws.ToString(topic.TopicArn)
			names = append(names, arn[strings.LastIndex(arn, ":")+1:])
		}
	}
	slices.Sort(names)
	return names, nil
}

func (run *runner) ruleNames(ctx context.Context) ([]string, error) {
	var names []string
	in := &eventbridge.ListRulesInput{}
	for {
		page, err := run.events.ListRules(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list event rules: %w", err)
		}
		for _, r := range page.Rules {
			names = append(names, aws.ToString(r.Name))
		}
		if page.NextToken == nil {
			slices.Sort(names)
			return names, nil
		}
		in.NextToken = page.NextToken
	}
}

func (r role) actions() int {
	return countActions([]role{r})
}

func (r role) size() (n int) {
	for _, p := range slices.Concat(r.managed, r.inline) {
		n += p.size
	}
	return n
}

func (g granted) actions() int { return countActions(g.roles) }

func countActions(roles []role) int {
	seen := map[string]bool{}
	for _, r := range roles {
		for _, p := range slices.Concat(r.managed, r.inline) {
			for _, a := range p.doc.Actions() {
				seen[a] = true
			}
		}
	}
	return len(seen)
}
