package livestate_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/awsapi/livestate"
	"permstack/internal/fakeaws"
	"permstack/internal/iampolicy"
)

const (
	trust    = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`
	document = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`
)

// newReader returns a reader of an account with one of each resource.
func newReader(t *testing.T) *livestate.Reader {
	t.Helper()
	r := livestate.NewReader(fakeaws.New(fakeaws.Options{}).Config("123456789012", "us-east-1"))
	ctx := t.Context()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	name := aws.String
	policy, err := r.IAM.CreatePolicy(ctx, &iam.CreatePolicyInput{
		PolicyName: name("Managed"), Path: name("/p/"), PolicyDocument: name(document),
	})
	check(err)
	_, err = r.IAM.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: name("Role"), Path: name("/p/"), Description: name("a role"), AssumeRolePolicyDocument: name(trust),
		PermissionsBoundary: policy.Policy.Arn,
	})
	check(err)
	for _, inline := range []string{"Second", "First"} {
		_, err = r.IAM.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
			RoleName: name("Role"), PolicyName: &inline, PolicyDocument: name(document),
		})
		check(err)
	}
	_, err = r.IAM.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: name("Role"), PolicyArn: policy.Policy.Arn})
	check(err)
	_, err = r.IAM.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{
		InstanceProfileName: name("Profile"), Path: name("/p/"),
	})
	check(err)
	_, err = r.IAM.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{
		InstanceProfileName: name("Profile"), RoleName: name("Role"),
	})
	check(err)
	topic, err := r.SNS.CreateTopic(ctx, &sns.CreateTopicInput{Name: name("Topic")})
	check(err)
	_, err = r.Events.PutRule(ctx, &eventbridge.PutRuleInput{
		Name: name("Rule"), EventPattern: name(`{"source": ["aws.s3"], "account": ["1"]}`), State: "DISABLED",
	})
	check(err)
	_, err = r.Events.PutTargets(ctx, &eventbridge.PutTargetsInput{
		Rule: name("Rule"), Targets: []eventtypes.Target{{Id: name("one"), Arn: topic.TopicArn}},
	})
	check(err)
	return r
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
		if role.Path != "/p/" || role.Description != "a role" || role.Boundary != boundary || text(t, role.Trust) != trust {
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
	t.Run("role names", func(t *testing.T) {
		for prefix, want := range map[string][]livestate.RoleName{"": {{Name: "Role", Path: "/p/"}}, "/q/": nil} {
			if got, err := r.RoleNames(t.Context(), prefix); err != nil || !slices.Equal(got, want) {
				t.Errorf("prefix %q: got %v, %v, want %v", prefix, got, err, want)
			}
		}
	})
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
	t.Run("instance profiles", func(t *testing.T) {
		got, err := r.InstanceProfiles(t.Context())
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
