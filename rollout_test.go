package permstack_test

import (
	"archive/zip"
	"bytes"
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/iampolicy/policytest"
)

// TestRollOut rolls clumio-stackset.yaml out to the accounts of a unit in two Regions,
// with org-hub.yaml in another account: an account that joins later gets a stack,
// a drift alert of a member reaches the hub, a bad update stops at the failure
// tolerance and is rolled back, and a delete removes everything.
func TestRollOut(t *testing.T) {
	policytest.RequireSlow(t, "it waits as long as AWS")
	t.Parallel()
	const prefix, hubRegion = "example-releases", "eu-west-1"
	regions := []string{"us-east-1", "eu-central-1"}
	cloud := fakeawstest.Start(t, fakeawstest.Options{})
	organization := cloud.NewOrganization("999999999999", "us-east-1")
	unit := organization.CreateUnit(organization.Root, "production")
	outside := organization.CreateUnit(organization.Root, "outside")
	security := cloud.In("888888888888", hubRegion)
	members := []string{"111111111111", "222222222222"}
	organization.Join(security.ID, outside)
	for _, m := range members {
		organization.Join(m, unit)
	}
	organization.Join("333333333333", outside)
	for _, r := range regions {
		putRelease(t, organization, prefix, r)
	}

	hub := security.Launch(fakeawstest.Launch{
		Name: "permstack-hub", Template: read(t, "templates/org-hub.yaml"),
		Parameters: map[string]string{
			"OrganizationId": organization.OrganizationID, "EmailAddress": "security@example.com",
		},
	})
	admin := organization.Launch(fakeawstest.Launch{
		Name: "permstack", Template: read(t, "templates/clumio-stackset.yaml"),
		Parameters: map[string]string{
			"OrganizationalUnitIds": unit, "Regions": strings.Join(regions, ","), "CodeBucketPrefix": prefix,
			"ControlPlaneRoleArn": fakeawstest.ControlPlaneARN, "ExternalId": fakeawstest.ExternalID, "ConnectionId": "org",
			"MaxConcurrentPercentage": "100", "FailureTolerancePercentage": "50", "OrgHubTopicArn": hub.Outputs["TopicArn"],
		},
	})
	want := map[string]string{}
	for _, m := range members {
		for _, r := range regions {
			want[m+" "+r] = "CURRENT"
		}
	}
	if got := organization.StackSetInstances("permstack"); !maps.Equal(got, want) {
		t.Fatalf("first roll-out: got instances %v, want %v", got, want)
	}

	organization.Move("333333333333", outside, unit)
	for _, r := range regions {
		want["333333333333 "+r] = "CURRENT"
	}
	if got := organization.StackSetInstances("permstack"); !maps.Equal(got, want) {
		t.Fatalf("after an account joined: got instances %v, want %v", got, want)
	}

	stack := memberStack(t, cloud.In("333333333333", "eu-central-1"))
	stack.AttachPolicy(stack.RoleName(), fakeawstest.AdministratorAccess)
	stack.CheckDrift()
	alerts := cloud.SNS().Messages(hub.Outputs["TopicArn"])
	if len(alerts) != 1 || !strings.Contains(alerts[0].Subject, "GRANTS MORE") ||
		!strings.Contains(alerts[0].Body, "333333333333") {
		t.Errorf("messages of the hub: got %+v, want one alert of account 333333333333", alerts)
	}
	stack.DetachPolicy(stack.RoleName(), fakeawstest.AdministratorAccess)

	// The path of the roles cannot be changed: every account refuses that update.
	before := roleNames(t, cloud, want)
	in := &cloudformation.UpdateStackInput{UsePreviousTemplate: aws.Bool(true)}
	for _, p := range admin.Describe().Parameters {
		if *p.ParameterKey == "RolePath" {
			p.ParameterValue = aws.String("/another/")
		} else {
			p.ParameterValue, p.UsePreviousValue = nil, aws.Bool(true)
		}
		in.Parameters = append(in.Parameters, p)
	}
	admin.BeginUpdate(in)
	admin.Wait("UPDATE_ROLLBACK_COMPLETE")
	if got := organization.StackSetInstances("permstack"); !maps.Equal(got, want) {
		t.Errorf("after a bad update: got instances %v, want %v", got, want)
	}
	if got := roleNames(t, cloud, want); !maps.Equal(got, before) {
		t.Errorf("roles after a bad update: got %v, want %v", got, before)
	}
	requireStopped(t, organization)

	admin.Delete()
	hub.Delete()
	security.RequireEmpty()
	for _, m := range append(members, "333333333333") {
		roles, err := cloud.In(m, "us-east-1").Live.Roles(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		for _, role := range roles {
			if !strings.HasPrefix(role.Name, "stacksets-exec-") && !strings.HasPrefix(role.Name, "AWSServiceRoleFor") {
				t.Errorf("account %s after the delete: got role %s, want only those of StackSets", m, role.Name)
			}
		}
	}
}

// putRelease publishes what clumio-stackset.yaml and the functions read from the bucket
// of a Region, which the organization can read. The zips have no program for this
// machine, so that the functions of the test's own program run.
func putRelease(t *testing.T, o *fakeawstest.Organization, prefix, region string) {
	t.Helper()
	client := s3.NewFromConfig(o.Config(o.ID, region), func(o *s3.Options) { o.UsePathStyle = true })
	bucket := prefix + "-" + region
	in := &s3.CreateBucketInput{Bucket: &bucket}
	if region != "us-east-1" {
		in.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{
			LocationConstraint: s3types.BucketLocationConstraint(region),
		}
	}
	if _, err := client.CreateBucket(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject",` +
		`"Resource":"arn:aws:s3:::` + bucket + `/permstack/*",` +
		`"Condition":{"StringEquals":{"aws:PrincipalOrgID":"` + o.OrganizationID + `"}}}]}`
	readable := &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &policy}
	if _, err := client.PutBucketPolicy(t.Context(), readable); err != nil {
		t.Fatal(err)
	}
	var code bytes.Buffer
	archive := zip.NewWriter(&code)
	w, err := archive.Create("bootstrap")
	if err == nil {
		_, err = w.Write([]byte("not a program for this machine"))
	}
	if err == nil {
		err = archive.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string][]byte{"clumio.yaml": read(t, "templates/clumio.yaml")}
	for _, function := range fakeawstest.FunctionNames() {
		for _, architecture := range []string{"amd64", "arm64"} {
			objects[function+"-"+architecture+".zip"] = code.Bytes()
		}
	}
	for name, data := range objects {
		if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: &bucket, Key: aws.String("permstack/unreleased/" + name), Body: bytes.NewReader(data),
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// memberStack returns the stack that the stack set created in an account.
func memberStack(t *testing.T, a *fakeawstest.Account) *fakeawstest.Stack {
	t.Helper()
	out, err := a.CloudFormation.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range out.Stacks {
		if strings.HasPrefix(*s.StackName, "StackSet-permstack-") && !strings.Contains(*s.StackName, "-permstack-access") &&
			!strings.Contains(*s.StackName, "-permstack-inventory") {
			stack := &fakeawstest.Stack{Account: a, Name: *s.StackName, StackID: *s.StackId, Outputs: map[string]string{}}
			for _, o := range s.Outputs {
				stack.Outputs[*o.OutputKey] = *o.OutputValue
			}
			stack.Outputs["RoleArn"] = stack.Outputs["ClumioIAMRoleArn"] // which RoleName reads
			return stack
		}
	}
	t.Fatalf("account %s, %s: no stack of the stack set", a.ID, a.Region)
	return nil
}

// roleNames returns the vendor's role of each instance, "account Region".
func roleNames(t *testing.T, cloud *fakeawstest.AWS, instances map[string]string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for place := range instances {
		account, region, _ := strings.Cut(place, " ")
		stack := memberStack(t, cloud.In(account, region))
		out[place] = stack.Role(stack.RoleName()).ARN
	}
	return out
}

// requireStopped requires that one update stopped at the failure tolerance of 50 %
// of three accounts: two failed in the first Region, and the rest was not reached.
func requireStopped(t *testing.T, o *fakeawstest.Organization) {
	t.Helper()
	operations, err := o.CloudFormation.ListStackSetOperations(t.Context(),
		&cloudformation.ListStackSetOperationsInput{StackSetName: aws.String("permstack")})
	if err != nil {
		t.Fatal(err)
	}
	for _, summary := range operations.Summaries {
		if summary.Status != "FAILED" {
			continue
		}
		op := o.WaitOperation("permstack", summary.OperationId)
		if op.Count("FAILED") != 2 || op.Count("CANCELLED") != 4 {
			t.Errorf("bad update: got %d failed, %d cancelled, want 2 and 4", op.Count("FAILED"), op.Count("CANCELLED"))
		}
		for _, r := range op.Results {
			if r.Status == "FAILED" && !strings.Contains(aws.ToString(r.StatusReason), "RolePath") &&
				!strings.Contains(aws.ToString(r.StatusReason), "path") {
				t.Errorf("bad update: got reason %q, want one about the path", aws.ToString(r.StatusReason))
			}
		}
		return
	}
	t.Errorf("bad update: no operation failed: %+v", operations.Summaries)
}
