package fakeawstest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"permstack/internal/awsapi/livestate"
	"permstack/internal/fakeaws/protocol"
)

// AdministratorAccess is the ARN of AWS's policy, for tests that attach more than
// was granted.
const AdministratorAccess = "arn:aws:iam::aws:policy/AdministratorAccess"

// Account is one account and Region, with clients of its unrestricted owner.
type Account struct {
	*AWS
	ID     string // 12 digits
	Region string

	CloudFormation *cloudformation.Client
	IAM            *iam.Client
	SNS            *sns.Client
	Events         *eventbridge.Client
	SSM            *ssm.Client
	Live           *livestate.Reader
}

// In returns an account and Region. Every account exists.
func (a *AWS) In(account, region string) *Account {
	cfg := a.Config(account, region)
	return &Account{
		AWS: a, ID: account, Region: region, CloudFormation: cloudformation.NewFromConfig(cfg), IAM: iam.NewFromConfig(cfg),
		SNS: sns.NewFromConfig(cfg), Events: eventbridge.NewFromConfig(cfg), SSM: ssm.NewFromConfig(cfg),
		Live: livestate.NewReader(cfg),
	}
}

// For returns the same account for a subtest.
func (a *Account) For(t testing.TB) *Account {
	other := *a
	other.AWS = a.AWS.For(t)
	return &other
}

// Role returns a role without its policies.
func (a *Account) Role(name string) livestate.RoleSettings {
	a.t.Helper()
	role, err := a.Live.RoleSettings(a.t.Context(), name)
	if err != nil {
		a.t.Fatal(err)
	}
	return role
}

// AttachPolicy attaches a managed policy to a role.
func (a *Account) AttachPolicy(role, policyARN string) {
	a.t.Helper()
	in := &iam.AttachRolePolicyInput{RoleName: &role, PolicyArn: &policyARN}
	if _, err := a.IAM.AttachRolePolicy(a.t.Context(), in); err != nil {
		a.t.Fatal(err)
	}
}

// DetachPolicy detaches a managed policy from a role.
func (a *Account) DetachPolicy(role, policyARN string) {
	a.t.Helper()
	in := &iam.DetachRolePolicyInput{RoleName: &role, PolicyArn: &policyARN}
	if _, err := a.IAM.DetachRolePolicy(a.t.Context(), in); err != nil {
		a.t.Fatal(err)
	}
}

// PutInlinePolicy writes an inline policy of a role.
func (a *Account) PutInlinePolicy(role, name, document string) {
	a.t.Helper()
	in := &iam.PutRolePolicyInput{RoleName: &role, PolicyName: &name, PolicyDocument: &document}
	if _, err := a.IAM.PutRolePolicy(a.t.Context(), in); err != nil {
		a.t.Fatal(err)
	}
}

// AttachedPolicies returns the ARNs of the managed policies that are attached to
// a role, sorted.
func (a *Account) AttachedPolicies(role string) []string {
	a.t.Helper()
	attached, err := a.Live.AttachedPolicies(a.t.Context(), role)
	if err != nil {
		a.t.Fatal(err)
	}
	var arns []string
	for _, p := range attached {
		arns = append(arns, p.ARN)
	}
	slices.Sort(arns)
	return arns
}

// ManagedPolicies returns the documents of the managed policies of a role, one a
// line, as they were written.
func (a *Account) ManagedPolicies(role string) string {
	a.t.Helper()
	var out strings.Builder
	for _, arn := range a.AttachedPolicies(role) {
		policy, err := a.Live.DefaultVersion(a.t.Context(), arn)
		if err != nil {
			a.t.Fatal(err)
		}
		out.WriteString(policy.Text + "\n")
	}
	return out.String()
}

// FailCalls answers an action of any service with an error, if a role session
// makes the call: the functions and CloudFormation with its stack role do, the
// test's own clients do not. The returned function ends that.
func (a *AWS) FailCalls(action, code string) (restore func()) {
	a.SetIntercept(func(c *protocol.Call) error {
		if c.Action == action && strings.Contains(c.Caller.ARN, ":assumed-role/") {
			return protocol.Errorf(code, "not this time")
		}
		return nil
	})
	return func() { a.SetIntercept(nil) }
}

// RequireEmpty reports an error for everything that permstack may create and
// that exists in the account and Region.
func (a *Account) RequireEmpty() {
	a.t.Helper()
	ctx := a.t.Context()
	stacks, err1 := a.CloudFormation.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{})
	roles, err2 := a.IAM.ListRoles(ctx, &iam.ListRolesInput{})
	policies, err3 := a.IAM.ListPolicies(ctx, &iam.ListPoliciesInput{Scope: iamtypes.PolicyScopeTypeLocal})
	profiles, err4 := a.IAM.ListInstanceProfiles(ctx, &iam.ListInstanceProfilesInput{})
	topics, err5 := a.SNS.ListTopics(ctx, &sns.ListTopicsInput{})
	rules, err6 := a.Events.ListRules(ctx, &eventbridge.ListRulesInput{})
	parameters, err7 := a.SSM.DescribeParameters(ctx, &ssm.DescribeParametersInput{})
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7); err != nil {
		a.t.Fatal(err)
	}
	for what, n := range map[string]int{
		"stacks": len(stacks.Stacks), "roles": len(roles.Roles), "policies": len(policies.Policies),
		"instance profiles": len(profiles.InstanceProfiles), "topics": len(topics.Topics), "rules": len(rules.Rules),
		"parameters": len(parameters.Parameters),
	} {
		if n > 0 {
			a.t.Errorf("account %s, %s: got %d %s, want none", a.ID, a.Region, n, what)
		}
	}
}

// parameters returns values as CloudFormation takes them.
func parameters(values map[string]string) []types.Parameter {
	var out []types.Parameter
	for name, value := range values {
		out = append(out, types.Parameter{ParameterKey: aws.String(name), ParameterValue: aws.String(value)})
	}
	return out
}

// PutParameter writes a parameter.
func (a *Account) PutParameter(name, value string) {
	a.t.Helper()
	in := &ssm.PutParameterInput{Name: &name, Value: &value, Type: ssmtypes.ParameterTypeString}
	if _, err := a.SSM.PutParameter(a.t.Context(), in); err != nil {
		a.t.Fatal(err)
	}
}
