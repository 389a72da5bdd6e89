package provisioner

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"

	"permstack/internal/awsapi/livestate"
	"permstack/internal/installation"
)

// remainingRoles is an IAM with one role. An error of a call is returned by it.
type remainingRoles struct {
	livestate.IAM
	trust            string
	attached, inline []string
	errs             map[string]error
}

func (r remainingRoles) GetRole(
	_ context.Context, in *iam.GetRoleInput, _ ...func(*iam.Options),
) (*iam.GetRoleOutput, error) {
	return &iam.GetRoleOutput{Role: &iamtypes.Role{
		RoleName: in.RoleName, Arn: in.RoleName, RoleId: in.RoleName, Path: aws.String("/"),
		AssumeRolePolicyDocument: &r.trust,
	}}, r.errs["GetRole"]
}

func (r remainingRoles) ListAttachedRolePolicies(
	context.Context, *iam.ListAttachedRolePoliciesInput, ...func(*iam.Options),
) (*iam.ListAttachedRolePoliciesOutput, error) {
	out := &iam.ListAttachedRolePoliciesOutput{}
	for _, name := range r.attached {
		out.AttachedPolicies = append(out.AttachedPolicies,
			iamtypes.AttachedPolicy{PolicyName: aws.String(name), PolicyArn: aws.String("arn:" + name)})
	}
	return out, r.errs["ListAttachedRolePolicies"]
}

func (r remainingRoles) ListRolePolicies(
	context.Context, *iam.ListRolePoliciesInput, ...func(*iam.Options),
) (*iam.ListRolePoliciesOutput, error) {
	return &iam.ListRolePoliciesOutput{PolicyNames: r.inline}, r.errs["ListRolePolicies"]
}

// TestRemainingAccess checks what a failed deletion reports about a role that still exists.
func TestRemainingAccess(t *testing.T) {
	const role = "ClumioIAMRole-us-east-1-c"
	const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["b","a"]},"Action":"*"},` +
		`{"Effect":"Deny","Principal":"*","Action":"*"}]}`
	const exists = "Role " + role + " still exists and can be assumed by a, b."
	denied := &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}
	for name, tt := range map[string]struct {
		iam  remainingRoles
		want string
	}{
		"its own policies": {remainingRoles{trust: trust, inline: []string{"ec2", "s3"}}, exists},
		"policies of others": {remainingRoles{trust: trust, attached: []string{"Admin"}, inline: []string{"ec2", "x"}},
			exists + " Another principal added policies to it. Remove them, then delete again: " +
				"aws iam detach-role-policy --role-name " + role + " --policy-arn arn:Admin; " +
				"aws iam delete-role-policy --role-name " + role + " --policy-name x."},
		"no role": {remainingRoles{errs: map[string]error{"GetRole": &iamtypes.NoSuchEntityException{}}}, ""},
		"role that cannot be read": {remainingRoles{errs: map[string]error{"GetRole": denied}},
			"Role " + role + " may still exist ("},
		"attached policies that cannot be read": {remainingRoles{trust: trust,
			errs: map[string]error{"ListAttachedRolePolicies": denied}}, exists + " Its policies could not be read: "},
		"inline policies that cannot be read": {remainingRoles{trust: trust,
			errs: map[string]error{"ListRolePolicies": denied}}, exists + " Its policies could not be read: "},
	} {
		t.Run(name, func(t *testing.T) {
			o := createOperation(t, testProperties())
			o.Roles = &livestate.Reader{IAM: tt.iam}
			got := o.remainingAccess(t.Context())
			if got != tt.want && (!strings.HasSuffix(tt.want, " ") && !strings.HasSuffix(tt.want, "(") ||
				!strings.HasPrefix(got, tt.want)) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	o := createOperation(t, map[string]any{})
	o.Roles = &livestate.Reader{IAM: remainingRoles{trust: trust}}
	if got := o.remainingAccess(t.Context()); got != "" {
		t.Errorf("without valid properties: %q", got)
	}
	for document, want := range map[string]string{
		`{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*"}]}`:                 "can be assumed by everyone",
		`{"Statement":[{"Effect":"Allow","Action":"*"}]}`:                                 "can be assumed by everyone",
		`{"Statement":[{"Effect":"Deny","Principal":{"AWS":"a"},"Action":"*"}]}`:          "can be assumed by nobody",
		`{"Statement":[{"Effect":"Allow","Principal":{"Service":"s"},"Action":"*"}]}`:     "can be assumed by s",
		`{"Statement":[{"Effect":"Allow","Principal":{"AWS":["a","a"]},"Action":["b"]}]}`: "can be assumed by a",
		`{`: "has a trust policy that cannot be parsed",
	} {
		if got := trustText(document); got != want {
			t.Errorf("%s: %q, want %q", document, got, want)
		}
	}
}

// createOperation returns the operation of a Create event with the small catalogue.
func createOperation(t *testing.T, properties map[string]any) *operation {
	t.Helper()
	parent, err := installation.ParseParent(parentID)
	if err != nil {
		t.Fatal(err)
	}
	return &operation{
		Provisioner: &Provisioner{Client: newFake(), StackRoleARN: stackRole, Synthesize: synthesize},
		event:       event(cfn.RequestCreate, properties), parent: parent, log: discard,
	}
}

// TestTagsMatch checks that a stack has the expected tags and no others but those of AWS.
func TestTagsMatch(t *testing.T) {
	o := createOperation(t, testProperties())
	tag := func(key, value string) types.Tag { return types.Tag{Key: aws.String(key), Value: aws.String(value)} }
	own := []types.Tag{tag(installation.ParentTag, parentID), tag(installation.ResourceTag, "Permissions")}
	for name, tt := range map[string]struct {
		more []types.Tag
		want bool
	}{
		"the same":            {[]types.Tag{tag("Owner", "me")}, true},
		"with tags of AWS":    {[]types.Tag{tag("Owner", "me"), tag("aws:x", "y")}, true},
		"another value":       {[]types.Tag{tag("Owner", "you")}, false},
		"another key":         {[]types.Tag{tag("Team", "me")}, false},
		"one too few":         {nil, false},
		"one too many":        {[]types.Tag{tag("Owner", "me"), tag("Team", "me")}, false},
		"one of AWS too many": {[]types.Tag{tag("aws:Owner", "me")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := o.tagsMatch(&types.Stack{Tags: append(own[:2:2], tt.more...)}); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// TestValidationErrors checks the reason of an operation that CloudFormation refused before it deployed anything: the
// first error of the last such operation.
func TestValidationErrors(t *testing.T) {
	result := func(operation, resource, path string) types.OperationEvent {
		return types.OperationEvent{
			OperationId: aws.String(operation), EventType: types.EventTypeValidationError,
			ResourceType: aws.String("AWS::SNS::Topic"), LogicalResourceId: aws.String(resource),
			PhysicalResourceId: aws.String(resource), ValidationName: aws.String("NAME_CONFLICT"),
			ValidationPath: aws.String(path), ValidationStatusReason: aws.String("It exists."),
		}
	}
	another := result("2", "C", "")
	another.EventType = types.EventTypeStackEvent
	for name, tt := range map[string]struct {
		events []types.OperationEvent
		want   string
	}{
		"none": {nil, ""},
		"one":  {[]types.OperationEvent{result("2", "A", "")}, "AWS::SNS::Topic A: NAME_CONFLICT: It exists"},
		"with its place": {[]types.OperationEvent{result("2", "A", "/TopicName")},
			"AWS::SNS::Topic A: NAME_CONFLICT at /TopicName: It exists"},
		"the first of two": {[]types.OperationEvent{result("2", "B", ""), result("2", "A", "")},
			"AWS::SNS::Topic A: NAME_CONFLICT: It exists [and 1 more]"},
		"of the last operation": {[]types.OperationEvent{result("2", "B", ""), result("1", "A", "")},
			"AWS::SNS::Topic B: NAME_CONFLICT: It exists"},
		"among other events": {[]types.OperationEvent{another, result("2", "A", ""), another},
			"AWS::SNS::Topic A: NAME_CONFLICT: It exists"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			f.validation = tt.events
			o := &operation{Provisioner: &Provisioner{Client: f}, log: discard}
			if got := o.validationErrors(t.Context(), &types.Stack{StackId: aws.String("id")}); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	for physical, want := range map[string]string{"": "T L", "L": "T L", "p": "T L (p)"} {
		if got := resourceText(aws.String("T"), aws.String("L"), &physical); got != want {
			t.Errorf("physical id %q: got %q, want %q", physical, got, want)
		}
	}
}

// TestBeyondText checks which of the actions are named that a boundary allows beyond the granted access.
func TestBeyondText(t *testing.T) {
	for _, tt := range []struct {
		beyond []string
		want   string
	}{
		{nil, "nothing"},
		{[]string{"s3:GetObject", "kms:Decrypt", "iam:PassRole"},
			"3 actions that the backup service is not granted, such as iam:PassRole, kms:Decrypt, s3:GetObject"},
		{[]string{"a:A", "a:B", "a:C", "a:D", "sts:AssumeRole", "iam:PassRole"}, "6 actions that the backup service is not " +
			"granted, such as iam:PassRole, sts:AssumeRole, a:A, a:B, a:C"},
	} {
		if got := beyondText(tt.beyond); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// TestIsDeployed checks when a boundary that denies something is no reason to refuse an event.
func TestIsDeployed(t *testing.T) {
	o := createOperation(t, testProperties())
	_, requested, err := o.plan()
	if err != nil {
		t.Fatal(err)
	}
	check := func(name string, f *fake, want bool) {
		t.Helper()
		o.Client = f
		if got, err := o.isDeployed(t.Context(), requested); got != want || err != nil {
			t.Errorf("%s: got %v (%v), want %v", name, got, err, want)
		}
	}
	check("no stacks", newFake(), false)
	f := launched(t)
	check("the same templates", f, true)
	f.find(access).body = "{}"
	check("another template", f, false)
	if got, err := o.isDeployed(t.Context(), nil); got || err != nil {
		t.Errorf("nothing requested: got %v (%v)", got, err)
	}
}
