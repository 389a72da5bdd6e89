package permstack_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
	"permstack/internal/iampolicy/eval"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/installation"
)

// hostileResources are resources that somebody who runs code as the provisioner may put into a permission stack. The
// stack role must refuse each: with its rights, CloudFormation gets a denial.
var hostileResources = map[string]string{
	"role without the boundary": `{"Type":"AWS::IAM::Role","Properties":{"RoleName":"ClumioEvil","Path":"$path$",
		"AssumeRolePolicyDocument":$trust-outsider$}}`,
	"role with a boundary of its own": `{"Type":"AWS::IAM::Role","Properties":{"RoleName":"ClumioEvil","Path":"$path$",
		"AssumeRolePolicyDocument":$trust-outsider$,"PermissionsBoundary":"$administrator$"}}`,
	"role with another installation's boundary": `{"Type":"AWS::IAM::Role","Properties":{"RoleName":"ClumioEvil",
		"Path":"$path$","AssumeRolePolicyDocument":$trust-outsider$,"PermissionsBoundary":"$their-ceiling$"}}`,
	"role outside the path": `{"Type":"AWS::IAM::Role","Properties":{"RoleName":"ClumioEvil",
		"AssumeRolePolicyDocument":$trust-outsider$,"PermissionsBoundary":"$ceiling$"}}`,
	"role of another name": `{"Type":"AWS::IAM::Role","Properties":{"RoleName":"Evil","Path":"$path$",
		"AssumeRolePolicyDocument":$trust-outsider$,"PermissionsBoundary":"$ceiling$"}}`,
	"role under another installation's path": `{"Type":"AWS::IAM::Role","Properties":{"RoleName":"ClumioEvil",
		"Path":"/permstack/us-east-1/main-2/","AssumeRolePolicyDocument":$trust-outsider$,
		"PermissionsBoundary":"$ceiling$"}}`,
	"role under the path of permstack's roles": `{"Type":"AWS::IAM::Role","Properties":{"RoleName":"ClumioEvil",
		"Path":"$path$installer/","AssumeRolePolicyDocument":$trust-outsider$,"PermissionsBoundary":"$ceiling$"}}`,
	"role with AdministratorAccess": `{"Type":"AWS::IAM::Role","Properties":{"RoleName":"ClumioEvil","Path":"$path$",
		"AssumeRolePolicyDocument":$trust-outsider$,"PermissionsBoundary":"$ceiling$",
		"ManagedPolicyArns":["$administrator$"]}}`,
	"role with tags that open other policies": `{"Type":"AWS::IAM::Role","Properties":{"RoleName":"ClumioEvil",
		"Path":"$path$","AssumeRolePolicyDocument":$trust-outsider$,"PermissionsBoundary":"$ceiling$",
		"Tags":[{"Key":"team","Value":"admin"}]}}`,
	"policy outside the path": `{"Type":"AWS::IAM::ManagedPolicy","Properties":{"PolicyDocument":$admin$}}`,
	"policy of the provisioner": `{"Type":"AWS::IAM::Policy","Properties":{"PolicyName":"p","PolicyDocument":$admin$,
		"Roles":["$provisioner-role$"]}}`,
	"policy of the stack role": `{"Type":"AWS::IAM::Policy","Properties":{"PolicyName":"p","PolicyDocument":$admin$,
		"Roles":["$stack-role$"]}}`,
	"policy of another installation's role": `{"Type":"AWS::IAM::Policy","Properties":{"PolicyName":"p",
		"PolicyDocument":$admin$,"Roles":["$their-vendor-role$"]}}`,
	"topic":     `{"Type":"AWS::SNS::Topic","Properties":{"TopicName":"evil"}}`,
	"parameter": `{"Type":"AWS::SSM::Parameter","Properties":{"Name":"evil","Type":"String","Value":"x"}}`,
	"subscription to alerts": `{"Type":"AWS::SNS::Subscription","Properties":{"TopicArn":"$alerts$","Protocol":"https",
		"Endpoint":"https://example.com"}}`,
	"policy of the alert topic": `{"Type":"AWS::SNS::TopicInlinePolicy","Properties":{"TopicArn":"$alerts$",
		"PolicyDocument":$admin$}}`,
	"rule": `{"Type":"AWS::Events::Rule","Properties":{"Name":"evil","ScheduleExpression":"rate(1 day)"}}`,
	"rule that sends to an outsider": `{"Type":"AWS::Events::Rule","Properties":{"Name":"$api-rule$-2",
		"ScheduleExpression":"rate(1 day)","Targets":[{"Id":"x","Arn":"arn:aws:sns:us-east-1:$outsider$:t"}]}}`,
	"queue": `{"Type":"AWS::SQS::Queue","Properties":{"QueueName":"evil"}}`,
	"permission to invoke the provisioner": `{"Type":"AWS::Lambda::Permission","Properties":{
		"FunctionName":"$provisioner$","Action":"lambda:InvokeFunction","Principal":"$outsider$"}}`,
}

// TestTakeoverByTemplate deploys templates with the credentials of the provisioner and the stack role. Each resource of
// hostileResources is refused, and leaves nothing. A role for an outsider under the own path, with the boundary, can be
// created; it grants nothing beyond the ceiling.
func TestTakeoverByTemplate(t *testing.T) {
	policytest.RequireSlow(t, "it launches many stacks")
	t.Parallel()
	k := newTakeover(t)
	stacks := cloudformation.NewFromConfig(k.own.ConfigWith(region, k.replaceCode(hostileCode(t), "Provisioner")))
	access := k.own.PermissionStack(installation.Access)
	before := templateBody(t, k, access)
	deploy := func(t *testing.T, resource string) []types.StackEvent {
		t.Helper()
		body := `{"Resources":{"Evil":` + k.names.Replace(resource) + `,` + strings.TrimPrefix(
			before[strings.Index(before, `"Resources":{`):], `"Resources":{`)
		body = before[:strings.Index(before, `"Resources":{`)] + body[1:]
		_, err := stacks.UpdateStack(t.Context(), &cloudformation.UpdateStackInput{
			StackName: &access, TemplateBody: &body, RoleARN: aws.String(k.names.Replace("$stack-role-arn$")),
			Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
			Parameters: []types.Parameter{
				{ParameterKey: aws.String("ExternalId"), UsePreviousValue: aws.Bool(true)},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		return waitForStack(t, k, access)
	}
	for name, resource := range hostileResources {
		t.Run(name, func(t *testing.T) {
			events := deploy(t, resource)
			refused := slices.ContainsFunc(events, func(e types.StackEvent) bool {
				return aws.ToString(e.LogicalResourceId) == "Evil" && e.ResourceStatus == types.ResourceStatusCreateFailed &&
					strings.Contains(aws.ToString(e.ResourceStatusReason), "not authorized")
			})
			if !refused {
				t.Errorf("the resource is not refused: %s", reasons(events))
			}
			if templateBody(t, k, access) != before {
				t.Error("the stack was not rolled back")
			}
		})
	}

	deploy(t, `{"Type":"AWS::IAM::Role","Properties":{"RoleName":"ClumioEvil","Path":"$path$",
		"AssumeRolePolicyDocument":$trust-outsider$,"PermissionsBoundary":"$ceiling$",
		"Policies":[{"PolicyName":"p","PolicyDocument":$admin$}]}}`)
	k.requireCeiling()
	out, err := sts.NewFromConfig(k.own.Config(outsider, region)).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn:         aws.String("arn:aws:iam::" + k.own.ID + ":role" + k.names.Replace("$path$") + "ClumioEvil"),
		RoleSessionName: aws.String("evil"),
	})
	if err != nil {
		t.Fatal(err)
	}
	session := aws.Credentials{AccessKeyID: *out.Credentials.AccessKeyId,
		SecretAccessKey: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken}
	for _, r := range readTakeoverRequests(t) {
		if r.reads() {
			continue
		}
		t.Run("role for an outsider: "+r.name, func(t *testing.T) {
			_, code, text := k.send(t, session, k.names.Replace(r.call))
			if !strings.HasPrefix(code, "AccessDenied") && code != "AuthorizationError" {
				t.Errorf("%s: got %s, want that it is refused: %s", r.call, code, text)
			}
		})
	}
}

// requireCeiling requires that the boundary is the one that the parent created, in one version, and that a role with it
// may change nothing in IAM, whatever its policies allow, nor pass a role to other services than the catalogue's.
func (k *takeover) requireCeiling() {
	k.t.Helper()
	arn := aws.String(k.own.PhysicalID("VendorCeiling"))
	versions, err := k.own.IAM.ListPolicyVersions(k.t.Context(), &iam.ListPolicyVersionsInput{PolicyArn: arn})
	if err != nil || len(versions.Versions) != 1 {
		k.t.Fatalf("versions of the ceiling: %v, %v", versions, err)
	}
	version, err := k.own.IAM.GetPolicyVersion(k.t.Context(), &iam.GetPolicyVersionInput{
		PolicyArn: arn, VersionId: versions.Versions[0].VersionId,
	})
	if err != nil {
		k.t.Fatal(err)
	}
	text, err := url.QueryUnescape(*version.PolicyVersion.Document)
	if err != nil {
		k.t.Fatal(err)
	}
	boundary, err := iampolicy.Parse([]byte(text))
	if err != nil {
		k.t.Fatal(err)
	}
	admin, err := iampolicy.Parse([]byte(allowEverything))
	if err != nil {
		k.t.Fatal(err)
	}
	allowed := func(action, resource, service string) bool {
		q := eval.Request{Action: action, Resource: resource, Context: map[string][]string{
			"iam:PassedToService": {service}, "aws:RequestedRegion": {region},
		}}
		return eval.Role([]iampolicy.Document{admin}, &boundary, q).Decision == eval.Allow
	}
	for _, a := range actions.Matching("iam:*") {
		for _, resource := range []string{
			"arn:aws:iam::" + account + ":role/Admin", k.names.Replace("$vendor-arn$"), *arn,
			"arn:aws:iam::" + account + ":user/x",
		} {
			if !reads.MatchString(a.Name) && a.Name != "iam:PassRole" && allowed(a.Name, resource, "") {
				k.t.Errorf("the ceiling allows %s on %s", a.Name, resource)
			}
		}
	}
	for _, service := range []string{"lambda.amazonaws.com", "cloudformation.amazonaws.com", "ecs-tasks.amazonaws.com"} {
		if allowed("iam:PassRole", "arn:aws:iam::"+account+":role/Admin", service) {
			k.t.Errorf("the ceiling allows to pass a role to %s", service)
		}
	}
}
