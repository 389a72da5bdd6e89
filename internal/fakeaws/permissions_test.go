package fakeaws

import (
	"context"
	"maps"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"permstack/internal/fakeaws/cloudformation"
	"permstack/internal/fakeaws/protocol"
	"permstack/internal/iampolicy/reference"
)

// noPermissions are the actions that may require no permission: everybody may
// call GetCallerIdentity, and AssumeRole checks the role's trust policy.
var noPermissions = []string{"sts:GetCallerIdentity", "sts:AssumeRole"}

// sampleCall is a call with every parameter from which a service derives the
// resource of an action.
func sampleCall(service, action string) *protocol.Call {
	const region, account = "eu-west-1", "111122223333"
	topic := "arn:aws:sns:" + region + ":" + account + ":sample"
	form := url.Values{
		"RoleName": {"sample"}, "PolicyName": {"sample"}, "InstanceProfileName": {"sample"}, "Name": {"sample"},
		"PolicyArn":       {"arn:aws:iam::" + account + ":policy/sample"},
		"PolicySourceArn": {"arn:aws:iam::" + account + ":role/sample"}, "Arn": {"arn:aws:iam::" + account + ":role/sample"},
		"TopicArn": {topic}, "ResourceArn": {topic}, "SubscriptionArn": {topic + ":1"},
		"StackName": {"sample"}, "Tags.member.1.Key": {"k"}, "Tags.member.1.Value": {"v"},
	}
	rule := "arn:aws:events:" + region + ":" + account + ":rule/sample"
	return &protocol.Call{
		Service: service, Action: action, Partition: "aws", Region: region, Account: account, Form: form,
		Body: []byte(
			`{"QueueName":"sample","QueueUrl":"https://sqs.eu-west-1.amazonaws.com/111122223333/sample",` +
				`"Name":"sample","Rule":"sample","Names":["sample"],"ResourceId":"sample","ResourceARN":"` + rule +
				`","Tags":[{"Key":"k","Value":"v"}]}`,
		),
		HTTP: httptest.NewRequest("GET", "http://localhost/bucket/key", nil),
	}
}

// TestEveryActionDeclaresPermissions checks each action of each service: it
// declares permissions, which name actions that AWS has, on resources that
// those actions can be on.
func TestEveryActionDeclaresPermissions(t *testing.T) {
	c := New(Options{})
	c.Register(cloudformation.New(cloudformation.Deps{}).Definition())
	for _, name := range c.serviceNames() {
		service, _ := c.service(name)
		if _, err := os.Stat(filepath.Join("..", "..", service.Source)); service.Source == "" || err != nil {
			t.Errorf("service %s: Source %q is not a file of this module", name, service.Source)
		}
		for _, action := range slices.Sorted(maps.Keys(service.Actions)) {
			call := name + ":" + action
			t.Run(call, func(t *testing.T) {
				declared := service.Actions[action].Permissions
				if declared == nil {
					t.Fatalf("%s declares no permissions: add them to its row in %s", call, service.Source)
				}
				required := declared(sampleCall(name, action))
				if len(required) == 0 && !slices.Contains(noPermissions, call) {
					t.Fatalf("%s requires no permission: name its IAM action in its row in %s", call, service.Source)
				}
				for _, a := range required {
					checkAccess(t, a)
				}
			})
		}
	}
}

// checkAccess checks that AWS has the action and that it can be on the resource.
func checkAccess(t *testing.T, a protocol.Access) {
	t.Helper()
	if _, ok := reference.Find(a.Action); !ok {
		t.Errorf("AWS has no action %q", a.Action)
	}
	switch {
	case a.Resource == "*" && !slices.Contains(withoutResources, a.Action):
		t.Errorf("%s is required on *: derive the ARN of its resource from the call", a.Action)
	case a.Resource != "*" && !strings.HasPrefix(a.Resource, "arn:"):
		t.Errorf("%s is required on %q, which is no ARN", a.Action, a.Resource)
	}
}

// withoutResources are the actions that policies can allow on * only (the column
// "Resource types" of the Service Authorization Reference is empty).
var withoutResources = []string{
	"cloudformation:BatchDescribeTypeConfigurations", "cloudformation:DescribeStackDriftDetectionStatus",
	"cloudformation:ListExports", "cloudformation:ListStacks", "cloudformation:ValidateTemplate",
	"cloudformation:ActivateOrganizationsAccess", "cloudformation:CreateStackSet",
	"cloudformation:DeactivateOrganizationsAccess", "cloudformation:DescribeOrganizationsAccess",
	"cloudformation:ListStackSets",
	"organizations:CreateAccount", "organizations:CreateOrganization", "organizations:DeleteOrganization",
	"organizations:ListPolicies",
	"organizations:DescribeCreateAccountStatus", "organizations:DescribeOrganization",
	"organizations:DisableAWSServiceAccess", "organizations:EnableAWSServiceAccess",
	"organizations:LeaveOrganization", "organizations:ListAWSServiceAccessForOrganization",
	"organizations:ListAccounts", "organizations:ListCreateAccountStatus", "organizations:ListDelegatedAdministrators",
	"organizations:ListHandshakesForAccount", "organizations:ListRoots",
	"events:ListEventBuses", "events:ListRuleNamesByTarget", "events:ListRules", "events:TestEventPattern",
	"iam:ListAccountAliases", "iam:ListInstanceProfiles", "iam:ListPolicies", "iam:ListRoles",
	"cloudtrail:LookupEvents", "kms:CreateKey", "kms:ListAliases", "kms:ListKeys", "s3:ListAllMyBuckets",
	"sns:ListSubscriptions", "sns:ListTopics",
	"sqs:ListQueues", "ssm:DescribeParameters", "sts:DecodeAuthorizationMessage",
}

// TestUndeclaredPermissionsFail calls an action without permissions, as a role
// and as the account's owner.
func TestUndeclaredPermissionsFail(t *testing.T) {
	c := New(Options{})
	service := protocol.Service{
		Name: "sns", Source: "internal/fakeaws/sns/sns.go",
		Actions: map[string]protocol.Action{"New": {Handle: func(context.Context, *protocol.Call) (any, error) {
			return nil, nil
		}}},
	}
	for name, caller := range map[string]protocol.Caller{"owner": {}, "role": {RoleName: "r"}} {
		t.Run(name, func(t *testing.T) {
			call := sampleCall("sns", "New")
			call.Caller = caller
			err := c.authorize(service, service.Actions["New"], call)
			if !protocol.HasCode(err, "InternalFailure") || !strings.Contains(err.Error(), service.Source) {
				t.Errorf("got error %v, want InternalFailure that names %s", err, service.Source)
			}
		})
	}
}
