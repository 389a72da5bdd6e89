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
	action, ok := reference.Find(a.Action)
	if !ok {
		t.Errorf("AWS has no action %q", a.Action)
		return
	}
	var types []string
	for _, r := range action.Resources {
		types = append(types, r.Type+" ("+r.ARN+")")
	}
	switch {
	case a.Resource == "*" && len(types) > 0:
		t.Errorf("%s is required on *; AWS lists the resource types %s for it: derive the ARN from the call", a.Action,
			strings.Join(types, ", "))
	case a.Resource != "*" && len(types) == 0:
		t.Errorf("%s is required on %q; AWS lists no resource type for it: require it on *", a.Action, a.Resource)
	case a.Resource != "*" && !strings.HasPrefix(a.Resource, "arn:"):
		t.Errorf("%s is required on %q, which is no ARN", a.Action, a.Resource)
	}
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
