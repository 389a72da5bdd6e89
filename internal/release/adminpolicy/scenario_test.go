package adminpolicy_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"permstack"
	"permstack/internal/cfn/stacks"
	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/release/adminpolicy"
	"permstack/internal/release/launch"
	"permstack/internal/release/launchlink"
)

func TestMain(m *testing.M) { fakeawstest.Main(m) }

// deployer is one who deploys with a role of its own.
type deployer struct {
	scope  adminpolicy.Scope
	client *cloudformation.Client
	url    string // of the template
	unit   string // of the organization, for StackSets
	// signing is the ARN of a code signing configuration that the functions have after one of two deployments.
	signing string
}

// newDeployer returns a deployer in an account of its own, whose bucket has a release.
func newDeployer(t *testing.T, cloud *fakeawstest.AWS, number int, who string, d adminpolicy.Document) deployer {
	t.Helper()
	scope := adminpolicy.Example
	scope.Account = fmt.Sprintf("3%011d", number)
	scope.BucketPrefix = "release-" + scope.Account
	text, err := d.JSON()
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.ReplaceAll(text, []byte(adminpolicy.Example.Account), []byte(scope.Account))
	text = bytes.ReplaceAll(text, []byte(adminpolicy.Example.BucketPrefix), []byte(scope.BucketPrefix))
	owner := cloud.Config(scope.Account, scope.Region)
	role, trust := "Deployer", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"`+
		scope.Account+`"},"Action":"sts:AssumeRole"}]}`
	client := iam.NewFromConfig(owner)
	made, err := client.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &role, AssumeRolePolicyDocument: &trust})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{
		RoleName: &role, PolicyName: aws.String("deploy"), PolicyDocument: aws.String(string(text)),
	})
	if err != nil {
		t.Fatal(err)
	}
	signing, err := lambda.NewFromConfig(owner).CreateCodeSigningConfig(t.Context(), &lambda.CreateCodeSigningConfigInput{
		AllowedPublishers: &lambdatypes.AllowedPublishers{SigningProfileVersionArns: []string{
			"arn:aws:signer:us-east-1:" + scope.Account + ":/signing-profiles/Release/WlXrTjGnKQ",
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	out := deployer{
		signing: *signing.CodeSigningConfig.CodeSigningConfigArn,
		scope:   scope, client: cloudformation.NewFromConfig(cloud.ConfigAs(scope.Account, scope.Region, *made.Role.Arn)),
		url: publish(t, cloud, owner, scope, who),
	}
	if who == adminpolicy.StackSets {
		organization := cloud.NewOrganization(scope.Account, scope.Region)
		out.unit = organization.CreateUnit(organization.Root, "production")
	}
	return out
}

// publish uploads a release to the deployer's bucket and returns the template's URL.
func publish(t *testing.T, cloud *fakeawstest.AWS, owner aws.Config, scope adminpolicy.Scope, who string) string {
	t.Helper()
	r := launch.Unreleased(launch.Functions(permstack.Template)...)
	r.BucketPrefix, r.Signed = scope.BucketPrefix, true
	template, err := launch.Stack(permstack.Template, r)
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string][]byte{launchlink.Key(r.Version, "launch-stack.yaml"): template}
	if who == adminpolicy.StackSets {
		if template, err = launch.StackSet(template, r); err != nil {
			t.Fatal(err)
		}
	}
	var code bytes.Buffer
	w := zip.NewWriter(&code)
	if _, err := w.Create("bootstrap"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	store := s3.NewFromConfig(owner, func(o *s3.Options) { o.UsePathStyle = true })
	bucket := scope.BucketPrefix + "-" + scope.Region
	if _, err := store.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	objects["template.yaml"] = template
	for _, keys := range r.Code {
		for _, key := range keys {
			objects[key] = code.Bytes()
		}
	}
	for key, body := range objects {
		in := &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body)}
		if _, err := store.PutObject(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	return cloud.Endpoint + "/" + bucket + "/template.yaml"
}

// scenarios deploy the stack, update it and delete it, and return the first error.
var scenarios = map[string]func(context.Context, deployer) error{
	adminpolicy.Launch: func(ctx context.Context, d deployer) error {
		if _, err := d.client.GetTemplateSummary(ctx, &cloudformation.GetTemplateSummaryInput{
			TemplateURL: &d.url,
		}); err != nil {
			return err
		}
		_, err := d.client.CreateStack(ctx, &cloudformation.CreateStackInput{
			StackName: &d.scope.StackName, TemplateURL: &d.url, Parameters: d.stackParameters("30", d.signing), Tags: tags("1"),
			Capabilities: []types.Capability{types.CapabilityCapabilityIam},
		})
		if err := d.wait(ctx, err, types.StackStatusCreateComplete); err != nil {
			return err
		}
		_, err = d.client.UpdateStack(ctx, &cloudformation.UpdateStackInput{
			StackName: &d.scope.StackName, TemplateURL: &d.url, Parameters: d.stackParameters("60", ""), Tags: tags("2"),
			Capabilities: []types.Capability{types.CapabilityCapabilityIam},
		})
		if err := d.wait(ctx, err, types.StackStatusUpdateComplete); err != nil {
			return err
		}
		return d.delete(ctx)
	},
	adminpolicy.Pipeline: func(ctx context.Context, d deployer) error {
		if _, err := d.client.GetTemplateSummary(ctx, &cloudformation.GetTemplateSummaryInput{
			TemplateURL: &d.url,
		}); err != nil {
			return err
		}
		if err := d.deploy(ctx, types.ChangeSetTypeCreate, "30", ""); err != nil {
			return err
		}
		if err := d.deploy(ctx, types.ChangeSetTypeUpdate, "60", d.signing); err != nil {
			return err
		}
		return d.delete(ctx)
	},
	adminpolicy.StackSets: func(ctx context.Context, d deployer) error {
		if _, err := d.client.ValidateTemplate(ctx, &cloudformation.ValidateTemplateInput{TemplateURL: &d.url}); err != nil {
			return err
		}
		_, err := d.client.CreateStack(ctx, &cloudformation.CreateStackInput{
			StackName: &d.scope.StackName, TemplateURL: &d.url, Parameters: d.setParameters("0"), Tags: tags("1"),
		})
		if err := d.wait(ctx, err, types.StackStatusCreateComplete); err != nil {
			return err
		}
		_, err = d.client.UpdateStack(ctx, &cloudformation.UpdateStackInput{
			StackName: &d.scope.StackName, TemplateURL: &d.url, Parameters: d.setParameters("10"), Tags: tags("2"),
		})
		if err := d.wait(ctx, err, types.StackStatusUpdateComplete); err != nil {
			return err
		}
		return d.delete(ctx)
	},
}

// deploy creates and executes a change set, as `aws cloudformation deploy` does.
func (d deployer) deploy(ctx context.Context, kind types.ChangeSetType, retention, signing string) error {
	name := "deploy-" + retention
	_, err := d.client.CreateChangeSet(ctx, &cloudformation.CreateChangeSetInput{
		StackName: &d.scope.StackName, ChangeSetName: &name, ChangeSetType: kind, TemplateURL: &d.url,
		Parameters: d.stackParameters(retention, signing), Tags: tags(retention),
		Capabilities: []types.Capability{types.CapabilityCapabilityIam},
	})
	if err != nil {
		return err
	}
	for status := types.ChangeSetStatusCreatePending; status != types.ChangeSetStatusCreateComplete; {
		out, err := d.client.DescribeChangeSet(ctx, &cloudformation.DescribeChangeSetInput{
			StackName: &d.scope.StackName, ChangeSetName: &name,
		})
		if err != nil {
			return err
		}
		if status = out.Status; status == types.ChangeSetStatusFailed {
			return errors.New(aws.ToString(out.StatusReason))
		}
	}
	_, err = d.client.ExecuteChangeSet(ctx, &cloudformation.ExecuteChangeSetInput{
		StackName: &d.scope.StackName, ChangeSetName: &name,
	})
	want := map[types.ChangeSetType]types.StackStatus{
		types.ChangeSetTypeCreate: types.StackStatusCreateComplete,
		types.ChangeSetTypeUpdate: types.StackStatusUpdateComplete,
	}
	return d.wait(ctx, err, want[kind])
}

func (d deployer) delete(ctx context.Context) error {
	stack, err := stacks.Describe(ctx, d.client, d.scope.StackName)
	if err != nil {
		return err
	}
	d.scope.StackName = aws.ToString(stack.StackId) // a deleted stack is found by its id only
	_, err = d.client.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &d.scope.StackName})
	return d.wait(ctx, err, types.StackStatusDeleteComplete)
}

// wait returns err, or waits for the stack, which must have a status.
func (d deployer) wait(ctx context.Context, err error, want types.StackStatus) error {
	if err != nil {
		return err
	}
	sleep := func(ctx context.Context, _ time.Duration) error {
		time.Sleep(20 * time.Millisecond)
		return ctx.Err()
	}
	stack, err := stacks.WaitUntilStable(ctx, d.client, d.scope.StackName, sleep, nil)
	if err != nil {
		return err
	}
	if stack.StackStatus == want {
		return nil
	}
	events, err := d.client.DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{
		StackName: stack.StackId,
	})
	if err != nil {
		return err
	}
	for _, e := range slices.Backward(events.StackEvents) {
		if strings.HasSuffix(string(e.ResourceStatus), "_FAILED") {
			return fmt.Errorf("status %s: %s: %s", stack.StackStatus, *e.LogicalResourceId, aws.ToString(e.ResourceStatusReason))
		}
	}
	return fmt.Errorf("status %s: %s", stack.StackStatus, aws.ToString(stack.StackStatusReason))
}

func tags(value string) []types.Tag {
	return []types.Tag{{Key: aws.String("deployed"), Value: &value}}
}

func (d deployer) stackParameters(retention, signing string) []types.Parameter {
	return parameters(map[string]string{
		"ControlPlaneRoleArn": fakeawstest.ControlPlaneARN, "ExternalId": fakeawstest.ExternalID,
		"DataPlaneAccountId": fakeawstest.DataPlaneID, "LogRetentionDays": retention, "Revision": retention,
		"NotificationEmail": "security@example.com", "CodeSigningConfigArn": signing,
	})
}

func (d deployer) setParameters(tolerance string) []types.Parameter {
	return parameters(map[string]string{
		"OrganizationalUnitIds": d.unit, "Regions": d.scope.Region, "CodeBucketPrefix": d.scope.BucketPrefix,
		"ControlPlaneRoleArn": fakeawstest.ControlPlaneARN, "ExternalId": fakeawstest.ExternalID, "ConnectionId": "org",
		"DataPlaneAccountId": fakeawstest.DataPlaneID, "FailureTolerancePercentage": tolerance,
	})
}

func parameters(values map[string]string) []types.Parameter {
	var out []types.Parameter
	for name, value := range values {
		out = append(out, types.Parameter{ParameterKey: aws.String(name), ParameterValue: aws.String(value)})
	}
	return out
}

// TestPolicies deploys, updates and deletes with each policy, and again without each
// one of its statements, which must fail with a denial.
func TestPolicies(t *testing.T) {
	cloud := fakeawstest.Start(t, fakeawstest.Options{})
	number := 0
	for _, who := range adminpolicy.Roles() {
		policy, err := adminpolicy.Policy(who, adminpolicy.Default(), adminpolicy.Example)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(who, func(t *testing.T) {
			number++
			if err := scenarios[who](t.Context(), newDeployer(t, cloud, number, who, policy)); err != nil {
				t.Fatal(err)
			}
			for i, s := range policy.Statement {
				if !policytest.Slow() && i%4 != 0 {
					continue
				}
				t.Run("without "+s.Sid, func(t *testing.T) {
					number++
					less := policy
					less.Statement = slices.Delete(slices.Clone(policy.Statement), i, i+1)
					err := scenarios[who](t.Context(), newDeployer(t, cloud.For(t), number, who, less))
					if err == nil || !strings.Contains(err.Error(), "is not authorized to perform") &&
						!strings.Contains(err.Error(), "Access Denied") { // of a template in S3
						t.Errorf("got error %v, want a denial", err)
					}
				})
			}
		})
	}
}

// TestSize checks that each policy is within IAM's quota for managed policies, which
// does not count white space, with the longest names.
func TestSize(t *testing.T) {
	const quota = 6144
	scope := adminpolicy.Example
	scope.Region, scope.StackName = "ap-southeast-2", strings.Repeat("s", 35)
	scope.BucketPrefix = strings.Repeat("b", 40)
	for _, who := range adminpolicy.Roles() {
		policy, err := adminpolicy.Policy(who, adminpolicy.Default(), scope)
		if err != nil {
			t.Fatal(err)
		}
		text, err := policy.JSON()
		if err != nil {
			t.Fatal(err)
		}
		if size := len(strings.Join(strings.Fields(string(text)), "")); size > quota {
			t.Errorf("%s: got %d characters, want at most %d", who, size, quota)
		}
	}
}
