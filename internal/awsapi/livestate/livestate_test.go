package livestate_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"

	"permstack/internal/awsapi/livestate"
	"permstack/internal/fakeaws"
	"permstack/internal/fakeaws/apitest"
	"permstack/internal/iampolicy"
)

const (
	trust    = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`
	document = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`
)

// newReader returns a reader of an account with one of each resource.
func newReader(t *testing.T) *livestate.Reader {
	t.Helper()
	cfg := fakeaws.New(fakeaws.Options{}).Config("123456789012", "us-east-1")
	n := apitest.NewClients(cfg)
	ctx := t.Context()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	name := aws.String
	policy, err := n.IAM.CreatePolicy(ctx, &iam.CreatePolicyInput{
		PolicyName: name("Managed"), Path: name("/p/"), PolicyDocument: name(document),
	})
	check(err)
	_, err = n.IAM.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: name("Role"), Path: name("/p/"), Description: name("a role"), AssumeRolePolicyDocument: name(trust),
		PermissionsBoundary: policy.Policy.Arn,
	})
	check(err)
	for _, inline := range []string{"Second", "First"} {
		_, err = n.IAM.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
			RoleName: name("Role"), PolicyName: &inline, PolicyDocument: name(document),
		})
		check(err)
	}
	_, err = n.IAM.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: name("Role"), PolicyArn: policy.Policy.Arn})
	check(err)
	_, err = n.IAM.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{
		InstanceProfileName: name("Profile"), Path: name("/p/"),
	})
	check(err)
	_, err = n.IAM.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{
		InstanceProfileName: name("Profile"), RoleName: name("Role"),
	})
	check(err)
	topic, err := n.SNS.CreateTopic(ctx, &sns.CreateTopicInput{
		Name: name("Topic"), Tags: []snstypes.Tag{{Key: name("team"), Value: name("backup")}},
	})
	check(err)
	_, err = n.SNS.Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: topic.TopicArn, Protocol: name("email"), Endpoint: name("team@example.com"),
	})
	check(err)
	_, err = n.Events.PutRule(ctx, &eventbridge.PutRuleInput{
		Name: name("Rule"), EventPattern: name(`{"source": ["aws.s3"], "account": ["1"]}`), State: "DISABLED",
	})
	check(err)
	_, err = n.Events.PutTargets(ctx, &eventbridge.PutTargetsInput{
		Rule: name("Rule"), Targets: []eventtypes.Target{{Id: name("one"), Arn: topic.TopicArn}},
	})
	check(err)
	return livestate.NewReader(cfg)
}

func text(t *testing.T, d iampolicy.Document) string {
	t.Helper()
	out, err := d.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestReader(t *testing.T) {
	r := newReader(t)
	t.Run("role", func(t *testing.T) {
		role, err := r.ReadRole(t.Context(), "Role")
		if err != nil {
			t.Fatal(err)
		}
		const boundary = "arn:aws:iam::123456789012:policy/p/Managed"
		if role.Path != "/p/" || role.Description != "a role" || role.Boundary != boundary ||
			text(t, role.TrustPolicy) != trust {
			t.Errorf("got %+v", role)
		}
		if len(role.Attached) != 1 || role.Attached[0].Name != "Managed" || role.Attached[0].ARN != boundary {
			t.Errorf("got attached policies %+v", role.Attached)
		}
		if len(role.Inline) != 2 || role.Inline[0].Name != "First" || text(t, role.Inline[1].Document) != document {
			t.Errorf("got inline policies %+v, want them sorted", role.Inline)
		}
	})
	t.Run("role that does not exist", func(t *testing.T) {
		if _, err := r.ReadRole(t.Context(), "None"); err == nil || !strings.HasPrefix(err.Error(), "read role None: ") {
			t.Errorf("got %v", err)
		}
	})
	for prefix, want := range map[string][]string{"": {"/p/Role"}, "/p/": {"/p/Role"}, "/q/": nil} {
		t.Run("roles with the path prefix "+prefix, func(t *testing.T) {
			roles, err := r.Roles(t.Context(), prefix)
			var got []string
			for _, role := range roles {
				got = append(got, role.Path+role.Name)
			}
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("got %v, %v, want %v", got, err, want)
			}
		})
	}
	t.Run("policies", func(t *testing.T) {
		all, err := r.Policies(t.Context())
		if err != nil || len(all) != 1 || all[0].Path != "/p/" || text(t, all[0].Document) != document {
			t.Fatalf("got %+v, %v", all, err)
		}
		one, err := r.ReadPolicy(t.Context(), all[0].ARN)
		if err != nil || one.Name != "Managed" || text(t, one.Document) != document {
			t.Errorf("got %+v, %v", one, err)
		}
	})
	t.Run("what a policy is attached to", func(t *testing.T) {
		got, err := r.PolicyEntities(t.Context(), "arn:aws:iam::123456789012:policy/p/Managed")
		if err != nil || !slices.Equal(got, []livestate.Entity{{Kind: "role", Name: "Role"}}) {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("instance profiles", func(t *testing.T) {
		got, err := r.InstanceProfiles(t.Context(), "/p/")
		if err != nil || len(got) != 1 || got[0].Name != "Profile" || !slices.Equal(got[0].Roles, []string{"Role"}) {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("topics", func(t *testing.T) {
		got, err := r.Topics(t.Context())
		if err != nil || len(got) != 1 || got[0].Name != "Topic" || len(got[0].Policy.Statement) == 0 {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	for name, tc := range map[string]struct {
		list func(context.Context) ([]livestate.Name, error)
		want []string
	}{
		"policy names": {
			func(ctx context.Context) ([]livestate.Name, error) { return r.PolicyNames(ctx, "/p/") }, []string{"Managed"},
		},
		"policy names of another path": {
			func(ctx context.Context) ([]livestate.Name, error) { return r.PolicyNames(ctx, "/q/") }, nil,
		},
		"topic names": {r.TopicNames, []string{"Topic"}},
		"rule names":  {r.RuleNames, []string{"Rule"}},
	} {
		t.Run(name, func(t *testing.T) {
			names, err := tc.list(t.Context())
			var got []string
			for _, n := range names {
				got = append(got, n.Name)
			}
			if err != nil || !slices.Equal(got, tc.want) {
				t.Errorf("got %q, %v, want %q", got, err, tc.want)
			}
		})
	}
	t.Run("tags and subscriptions of a topic", func(t *testing.T) {
		const arn = "arn:aws:sns:us-east-1:123456789012:Topic"
		tags, err := r.TopicTags(t.Context(), arn)
		if err != nil || len(tags) != 1 || tags["team"] != "backup" {
			t.Errorf("got tags %v, %v", tags, err)
		}
		got, err := r.Subscriptions(t.Context(), arn)
		if err != nil || len(got) != 1 || got[0].Protocol != "email" || got[0].Endpoint != "team@example.com" ||
			got[0].Owner != "123456789012" || got[0].ARN != "PendingConfirmation" {
			t.Errorf("got subscriptions %+v, %v", got, err)
		}
	})
	t.Run("rule and tags", func(t *testing.T) {
		got, err := r.RuleSettings(t.Context(), "", "Rule")
		if err != nil || got.State != "DISABLED" || got.Schedule != "" {
			t.Fatalf("got %+v, %v", got, err)
		}
		if tags, err := r.RuleTags(t.Context(), got.ARN); err != nil || len(tags) != 0 {
			t.Errorf("got tags %v, %v, want none", tags, err)
		}
	})
	t.Run("rules", func(t *testing.T) {
		got, err := r.Rules(t.Context())
		if err != nil || len(got) != 1 {
			t.Fatalf("got %+v, %v", got, err)
		}
		target := livestate.Target{ID: "one", ARN: "arn:aws:sns:us-east-1:123456789012:Topic"}
		if got[0].State != "DISABLED" || got[0].Pattern != `{"account":["1"],"source":["aws.s3"]}` ||
			!slices.Equal(got[0].Targets, []livestate.Target{target}) {
			t.Errorf("got %+v", got[0])
		}
	})
}
