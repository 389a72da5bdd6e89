package permstack_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/fakeaws/lambda"
	localsns "permstack/internal/fakeaws/sns"
	"permstack/internal/fakeaws/standalone"
)

// world is an embedded AWS that runs this project's functions.
type world struct {
	t *testing.T
	*standalone.Server
}

func newWorld(t *testing.T) world {
	t.Helper()
	program := filepath.Join(t.TempDir(), "permstack")
	if out, err := exec.Command("go", "build", "-o", program, "./cmd/permstack").CombinedOutput(); err != nil {
		t.Fatalf("build the command: %v\n%s", err, out)
	}
	mains, err := filepath.Glob("functions/*/main.go")
	if err != nil || len(mains) == 0 {
		t.Fatalf("functions: %v, %v", mains, err)
	}
	var names []string
	for _, m := range mains {
		names = append(names, filepath.Base(filepath.Dir(m)))
	}
	l, err := standalone.Start("127.0.0.1:0", standalone.Options{BuiltIn: []string{program, "lambda-function"}, Names: names})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return world{t, l}
}

func (w world) cfn(account, region string) *cloudformation.Client {
	return cloudformation.NewFromConfig(w.Config(account, region))
}

// settled waits for a stack, wants a status, and gives the outputs.
func (w world) settled(account, region, stack, want string) map[string]string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Minute)
	defer cancel()
	status, reason, err := w.Stacks.Wait(ctx, account, region, stack)
	if status == "" { // gone
		status = "DELETE_COMPLETE"
	}
	if err != nil || status != want {
		events, _ := w.cfn(account, region).DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: &stack})
		var why []string
		if events != nil {
			for _, e := range events.StackEvents {
				if strings.HasSuffix(string(e.ResourceStatus), "_FAILED") {
					why = append(why, aws.ToString(e.LogicalResourceId)+": "+aws.ToString(e.ResourceStatusReason))
				}
			}
		}
		w.t.Fatalf("stack %s in %s %s is %s, want %s: %s, %v\n%s", stack, account, region, status, want, reason, err, strings.Join(why, "\n"))
	}
	outputs := map[string]string{}
	if want == "DELETE_COMPLETE" {
		return outputs
	}
	out, err := w.cfn(account, region).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, o := range out.Stacks[0].Outputs {
		outputs[*o.OutputKey] = *o.OutputValue
	}
	return outputs
}

// put makes a template an object and gives its URL.
func (w world) put(name string, template []byte) string {
	w.t.Helper()
	client := s3.NewFromConfig(w.Config("999999999999", "us-east-1"), func(o *s3.Options) { o.UsePathStyle = true })
	bucket, key := "templates-of-the-test", name
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::templates-of-the-test/*"}]}`
	if !w.S3().HasBucket(bucket) {
		_, err := client.CreateBucket(w.t.Context(), &s3.CreateBucketInput{Bucket: &bucket})
		_, err2 := client.PutBucketPolicy(w.t.Context(), &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &policy})
		if err := errors.Join(err, err2); err != nil {
			w.t.Fatal(err)
		}
	}
	if _, err := client.PutObject(w.t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(string(template))}); err != nil {
		w.t.Fatal(err)
	}
	return "https://" + bucket + ".s3.us-east-1.amazonaws.com/" + key
}

// empty wants nothing to be left in an account's Region.
func (w world) empty(account, region string) {
	w.t.Helper()
	ctx, cfg := w.t.Context(), w.Config(account, region)
	stacks, err1 := w.cfn(account, region).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{})
	roles, err2 := iam.NewFromConfig(cfg).ListRoles(ctx, &iam.ListRolesInput{})
	policies, err3 := iam.NewFromConfig(cfg).ListPolicies(ctx, &iam.ListPoliciesInput{Scope: iamtypes.PolicyScopeTypeLocal})
	profiles, err4 := iam.NewFromConfig(cfg).ListInstanceProfiles(ctx, &iam.ListInstanceProfilesInput{})
	topics, err5 := sns.NewFromConfig(cfg).ListTopics(ctx, &sns.ListTopicsInput{})
	rules, err6 := eventbridge.NewFromConfig(cfg).ListRules(ctx, &eventbridge.ListRulesInput{})
	parameters, err7 := ssm.NewFromConfig(cfg).DescribeParameters(ctx, &ssm.DescribeParametersInput{})
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7); err != nil {
		w.t.Fatal(err)
	}
	left := map[string]int{
		"stacks": len(stacks.Stacks), "roles": len(roles.Roles), "policies": len(policies.Policies), "instance profiles": len(profiles.InstanceProfiles),
		"topics": len(topics.Topics), "rules": len(rules.Rules), "parameters": len(parameters.Parameters),
	}
	for what, n := range left {
		if n > 0 {
			w.t.Errorf("%s %s: %d %s are left", account, region, n, what)
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestUpgrade launches every release that is kept, updates it to the template of
// today with the parameters as they were, and deletes it. The template is the
// old one; the functions that run are today's, since old zips are not kept.
func TestUpgrade(t *testing.T) {
	releases, err := filepath.Glob("testdata/releases/*/launch-stack.yaml")
	if err != nil || len(releases) == 0 {
		t.Fatalf("releases: %v, %v", releases, err)
	}
	w := newWorld(t)
	today := w.put("today.yaml", read(t, "templates/launch-stack.yaml"))
	for i, path := range releases {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			w := world{t, w.Server}
			account := fmt.Sprintf("%012d", 700000000001+i)
			client, stack := w.cfn(account, region), aws.String("backup")
			old, err := cfntemplate.Parse(read(t, path))
			if err != nil {
				t.Fatal(err)
			}
			values := []types.Parameter{
				{ParameterKey: aws.String("ControlPlaneRoleArn"), ParameterValue: aws.String("arn:aws:iam::111122223333:role/Control")},
				{ParameterKey: aws.String("ExternalId"), ParameterValue: aws.String("example")},
				{ParameterKey: aws.String("DataPlaneAccountId"), ParameterValue: aws.String("444455556666")},
				{ParameterKey: aws.String("ProtectS3"), ParameterValue: aws.String("yes")},
				{ParameterKey: aws.String("ProtectEC2MSSQL"), ParameterValue: aws.String("yes")},
				{ParameterKey: aws.String("ResourceTags"), ParameterValue: aws.String("team=storage")},
			}
			_, err = client.CreateStack(t.Context(), &cloudformation.CreateStackInput{
				StackName: stack, TemplateURL: aws.String(w.put(filepath.Base(filepath.Dir(path))+".yaml", read(t, path))),
				Parameters: values, Capabilities: []types.Capability{types.CapabilityCapabilityIam},
			})
			if err != nil {
				t.Fatal(err)
			}
			before := w.settled(account, region, "backup", "CREATE_COMPLETE")
			role := w.role(account, before["RoleArn"])

			var kept []types.Parameter
			for _, p := range old.Parameters {
				kept = append(kept, types.Parameter{ParameterKey: aws.String(p.Name), UsePreviousValue: aws.Bool(true)})
			}
			_, err = client.UpdateStack(t.Context(), &cloudformation.UpdateStackInput{
				StackName: stack, TemplateURL: &today, Parameters: kept, Capabilities: []types.Capability{types.CapabilityCapabilityIam},
			})
			if err != nil {
				t.Fatal(err)
			}
			after := w.settled(account, region, "backup", "UPDATE_COMPLETE")
			for _, name := range []string{"RoleArn", "EventTopicArn"} {
				if after[name] != before[name] || after[name] == "" {
					t.Errorf("%s was %q and is %q: the backup service would lose its access", name, before[name], after[name])
				}
			}
			if now := w.role(account, after["RoleArn"]); now != role {
				t.Errorf("the role was made anew: %s, %s", role, now)
			}
			if _, err := client.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: stack}); err != nil {
				t.Fatal(err)
			}
			w.settled(account, region, "backup", "DELETE_COMPLETE")
			w.empty(account, region)
		})
	}
}

// role gives a role's id, which a role made anew does not have.
func (w world) role(account, arn string) string {
	w.t.Helper()
	out, err := iam.NewFromConfig(w.Config(account, region)).GetRole(w.t.Context(), &iam.GetRoleInput{RoleName: aws.String(arn[strings.LastIndex(arn, "/")+1:])})
	if err != nil {
		w.t.Fatal(err)
	}
	return *out.Role.RoleId
}

// TestStackSetInstances launches what a stack set launches, with its parameters
// and under names as StackSets gives them: two accounts, two Regions each.
func TestStackSetInstances(t *testing.T) {
	set, err := cfntemplate.Parse(read(t, "templates/stackset.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	regions := []string{"us-east-1", "ap-southeast-2"}
	b, err := set.Bind(cfntemplate.Environment{
		Parameters: map[string]string{
			"OrganizationalUnitIds": "ou-ab12-11111111", "Regions": strings.Join(regions, ","), "ConnectionId": "org", "ExternalId": "example",
			"ControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Control", "RolePath": "/team/backup/",
		},
		Pseudo: cfntemplate.Pseudo{AccountID: "999999999999", Region: region, StackName: "permstack", StackID: "arn:aws:cloudformation:us-east-1:999999999999:stack/permstack/" + uuid},
	})
	if err != nil {
		t.Fatal(err)
	}
	var values []types.Parameter
	for _, p := range properties(t, b, "Members")["Parameters"].([]any) {
		pair := p.(map[string]any)
		values = append(values, types.Parameter{ParameterKey: aws.String(pair["ParameterKey"].(string)), ParameterValue: aws.String(cfntemplate.Text(pair["ParameterValue"]))})
	}
	w := newWorld(t)
	url := w.put("launch-stack.yaml", read(t, "templates/launch-stack.yaml"))
	name := func(account string) string {
		return "StackSet-" + strings.Repeat("permstack-", 5) + uuid[:len(uuid)-12] + account
	}
	accounts := []string{"111111111111", "222222222222"}
	each := func(do func(account, region, stack string)) {
		for _, account := range accounts {
			for _, region := range regions {
				do(account, region, name(account))
			}
		}
	}
	each(func(account, region, stack string) {
		_, err := w.cfn(account, region).CreateStack(t.Context(), &cloudformation.CreateStackInput{
			StackName: &stack, TemplateURL: &url, Parameters: values, Capabilities: []types.Capability{types.CapabilityCapabilityIam},
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	seen := map[string]bool{}
	each(func(account, region, stack string) {
		out := w.settled(account, region, stack, "CREATE_COMPLETE")
		if want := "arn:aws:iam::" + account + ":role/team/backup/"; !strings.HasPrefix(out["RoleArn"], want) || seen[out["RoleArn"]] {
			t.Errorf("%s %s: the role is %s", account, region, out["RoleArn"])
		}
		seen[out["RoleArn"]] = true
		// Names that CloudFormation makes are cut where the stack's is long: the check
		// must be able to read what has them.
		result, err := w.Functions.Invoke(t.Context(), lambda.Resolve(account, region, out["DriftFunction"]), []byte("{}"))
		if err != nil || result.FunctionError != "" || !strings.Contains(string(result.Payload), `{"status":"in-sync"`) {
			t.Errorf("%s %s: the check says %s %s, %v", account, region, result.FunctionError, result.Payload, err)
		}
	})
	each(func(account, region, stack string) {
		if _, err := w.cfn(account, region).DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: &stack}); err != nil {
			t.Fatal(err)
		}
	})
	each(func(account, region, stack string) { w.settled(account, region, stack, "DELETE_COMPLETE") })
	each(func(account, region, _ string) { w.empty(account, region) })
}

// TestHubIsTold: an account whose access was changed by hand tells the
// Organization's topic, which lies in another account and another Region; the
// topic of another Organization does not take it, and then the run fails.
func TestHubIsTold(t *testing.T) {
	const security, member = "888888888888", "777777777777"
	w := newWorld(t)
	hub := func(stack, organization string) string {
		t.Helper()
		_, err := w.cfn(security, "eu-west-1").CreateStack(t.Context(), &cloudformation.CreateStackInput{
			StackName: &stack, TemplateBody: aws.String(string(read(t, "templates/org-hub.yaml"))),
			Parameters: []types.Parameter{
				{ParameterKey: aws.String("OrganizationId"), ParameterValue: &organization},
				{ParameterKey: aws.String("EmailAddress"), ParameterValue: aws.String("security@example.com")},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		return w.settled(security, "eu-west-1", stack, "CREATE_COMPLETE")["TopicArn"]
	}
	ours, theirs := hub("hub", localsns.Organization), hub("other-hub", "o-a1b2c3d4e5")
	url := w.put("launch-stack.yaml", read(t, "templates/launch-stack.yaml"))
	for stack, topic := range map[string]string{"backup": ours, "other": theirs} {
		_, err := w.cfn(member, region).CreateStack(t.Context(), &cloudformation.CreateStackInput{
			StackName: aws.String(stack), TemplateURL: &url, Capabilities: []types.Capability{types.CapabilityCapabilityIam},
			Parameters: []types.Parameter{
				{ParameterKey: aws.String("ControlPlaneRoleArn"), ParameterValue: aws.String("arn:aws:iam::111122223333:role/Control")},
				{ParameterKey: aws.String("ExternalId"), ParameterValue: aws.String("example")},
				{ParameterKey: aws.String("ConnectionId"), ParameterValue: aws.String(stack)},
				{ParameterKey: aws.String("OrgHubTopicArn"), ParameterValue: aws.String(topic)},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		out := w.settled(member, region, stack, "CREATE_COMPLETE")
		_, err = iam.NewFromConfig(w.Config(member, region)).AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{
			RoleName:  aws.String(out["RoleArn"][strings.LastIndex(out["RoleArn"], "/")+1:]),
			PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess"),
		})
		if err != nil {
			t.Fatal(err)
		}
		result, err := w.Functions.Invoke(t.Context(), lambda.Resolve(member, region, out["DriftFunction"]), []byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		own, there := len(w.SNS().Messages(out["AlertTopicArn"])), len(w.SNS().Messages(topic))
		if own == 0 {
			t.Errorf("%s: the account's own topic was not told: %s", stack, result.Payload)
		}
		if told := topic == ours; (there > 0) != told || (result.FunctionError == "") != told {
			t.Errorf("%s: the hub has %d messages; the function said %s %s", stack, there, result.FunctionError, result.Payload)
		}
	}
}
