package organizations_test

import (
	"context"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"permstack/internal/fakeaws/apitest"
	"permstack/internal/fakeaws/fakeawstest"
)

func TestMain(m *testing.M) { fakeawstest.Main(m) }

const (
	fullAWSAccess = "p-FullAWSAccess"
	denySNS       = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"sns:*","Resource":"*"}]}`
	onlySQS       = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:*","Resource":"*"}]}`
	denySQS       = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sqs:*",` +
		`"Resource":"*"}]}`
)

func policyIDs(t *testing.T, o *organizations.Client, target string, kind types.PolicyType) []string {
	t.Helper()
	var ids []string
	for _, p := range apitest.Must[*organizations.ListPoliciesForTargetOutput](t)(o.ListPoliciesForTarget(t.Context(),
		&organizations.ListPoliciesForTargetInput{TargetId: &target, Filter: kind})).Policies {
		ids = append(ids, *p.Id)
	}
	return ids
}

// TestPolicies creates, reads, attaches, detaches and deletes policies, with the errors of each call.
func TestPolicies(t *testing.T) {
	ctx := t.Context()
	c := fakeawstest.Start(t, fakeawstest.Options{})
	organization := c.NewOrganization("999999999999", region)
	o, root := organization.Organizations, organization.Root
	unit := organization.CreateUnit(root, "production")
	organization.Join(apitest.Account, unit)
	for _, target := range []string{root, unit, apitest.Account} {
		if got := policyIDs(t, o, target, types.PolicyTypeServiceControlPolicy); !slices.Equal(got, []string{fullAWSAccess}) {
			t.Errorf("%s: got policies %v, want %s", target, got, fullAWSAccess)
		}
		if got := policyIDs(t, o, target, types.PolicyTypeResourceControlPolicy); len(got) != 0 {
			t.Errorf("%s: got resource control policies %v before they are enabled", target, got)
		}
	}
	create := func(kind types.PolicyType, name, content string) (*organizations.CreatePolicyOutput, error) {
		return o.CreatePolicy(ctx, &organizations.CreatePolicyInput{
			Name: &name, Description: aws.String("test"), Content: &content, Type: kind,
		})
	}
	scp := types.PolicyTypeServiceControlPolicy
	made := apitest.Must[*organizations.CreatePolicyOutput](t)(create(scp, "no-sns", denySNS)).Policy
	id := *made.PolicySummary.Id
	_, err := create(scp, "no-sns", denySNS)
	apitest.WantError(t, err, "DuplicatePolicyException", "same name")
	_, err = create(scp, "principal", denySQS)
	apitest.WantError(t, err, "MalformedPolicyDocumentException", "Principal")
	_, err = create(types.PolicyTypeResourceControlPolicy, "no-principal", denySNS)
	apitest.WantError(t, err, "MalformedPolicyDocumentException", "Principal")
	read := apitest.Must[*organizations.DescribePolicyOutput](t)(o.DescribePolicy(ctx,
		&organizations.DescribePolicyInput{PolicyId: &id}))
	if *read.Policy.Content != denySNS || *read.Policy.PolicySummary.Name != "no-sns" {
		t.Errorf("got policy %v", read.Policy)
	}
	all := apitest.Must[*organizations.ListPoliciesOutput](t)(o.ListPolicies(ctx,
		&organizations.ListPoliciesInput{Filter: scp}))
	if len(all.Policies) != 2 {
		t.Errorf("got %d policies, want 2", len(all.Policies))
	}

	attach := &organizations.AttachPolicyInput{PolicyId: &id, TargetId: &unit}
	apitest.Succeed(t)(o.AttachPolicy(ctx, attach))
	_, err = o.AttachPolicy(ctx, attach)
	apitest.WantError(t, err, "DuplicatePolicyAttachmentException", "already")
	_, err = o.DeletePolicy(ctx, &organizations.DeletePolicyInput{PolicyId: &id})
	apitest.WantError(t, err, "PolicyInUseException", "attached")
	targets := apitest.Must[*organizations.ListTargetsForPolicyOutput](t)(o.ListTargetsForPolicy(ctx,
		&organizations.ListTargetsForPolicyInput{PolicyId: &id}))
	if len(targets.Targets) != 1 || *targets.Targets[0].TargetId != unit ||
		targets.Targets[0].Type != types.TargetTypeOrganizationalUnit {
		t.Errorf("got targets %v, want the unit", targets.Targets)
	}
	detach := &organizations.DetachPolicyInput{PolicyId: aws.String(fullAWSAccess), TargetId: &root}
	_, err = o.DetachPolicy(ctx, detach)
	apitest.WantError(t, err, "ConstraintViolationException", "last policy")
	apitest.Succeed(t)(o.DetachPolicy(ctx, &organizations.DetachPolicyInput{PolicyId: &id, TargetId: &unit}))
	apitest.Succeed(t)(o.UpdatePolicy(ctx, &organizations.UpdatePolicyInput{PolicyId: &id, Content: aws.String(onlySQS)}))
	apitest.Succeed(t)(o.DeletePolicy(ctx, &organizations.DeletePolicyInput{PolicyId: &id}))
	_, err = o.DescribePolicy(ctx, &organizations.DescribePolicyInput{PolicyId: &id})
	apitest.WantError(t, err, "PolicyNotFoundException", "find")
	_, err = client(c.Cloud, apitest.Account).ListPolicies(ctx, &organizations.ListPoliciesInput{Filter: scp})
	apitest.WantError(t, err, "AccessDeniedException", "permissions")
}

// TestPoliciesLimitMembers evaluates calls of roles in a member account and in the management account.
func TestPoliciesLimitMembers(t *testing.T) {
	ctx := t.Context()
	c := fakeawstest.Start(t, fakeawstest.Options{})
	organization := c.NewOrganization("999999999999", region)
	o, root := organization.Organizations, organization.Root
	unit := organization.CreateUnit(root, "production")
	organization.Join(apitest.Account, unit)
	all := `{"Effect":"Allow","Action":"*","Resource":"*"}`
	member := apitest.AsRole(t, c.Cloud, apitest.NewClients(c.Config(apitest.Account, region)), "member", all)
	queues := sqs.NewFromConfig(c.ConfigAs(apitest.Account, region, "arn:aws:iam::"+apitest.Account+":role/member"))
	topics := func() error {
		_, err := member.SNS.ListTopics(ctx, &sns.ListTopicsInput{})
		return err
	}
	listQueues := func() error {
		_, err := queues.ListQueues(ctx, &sqs.ListQueuesInput{})
		return err
	}
	attached := func(kind types.PolicyType, name, content, target string) string {
		made := apitest.Must[*organizations.CreatePolicyOutput](t)(o.CreatePolicy(ctx, &organizations.CreatePolicyInput{
			Name: &name, Description: aws.String(""), Content: &content, Type: kind,
		}))
		id := *made.Policy.PolicySummary.Id
		apitest.Succeed(t)(o.AttachPolicy(ctx, &organizations.AttachPolicyInput{PolicyId: &id, TargetId: &target}))
		return id
	}
	decision := func(action string) (string, *bool) {
		out := apitest.Must[*iam.SimulatePrincipalPolicyOutput](t)(
			iam.NewFromConfig(c.Config(apitest.Account, region)).SimulatePrincipalPolicy(context.Background(),
				&iam.SimulatePrincipalPolicyInput{
					PolicySourceArn: aws.String("arn:aws:iam::" + apitest.Account + ":role/member"),
					ActionNames:     []string{action},
				}))
		r := out.EvaluationResults[0]
		if r.OrganizationsDecisionDetail == nil {
			return string(r.EvalDecision), nil
		}
		return string(r.EvalDecision), &r.OrganizationsDecisionDetail.AllowedByOrganizations
	}
	if err := topics(); err != nil {
		t.Errorf("with FullAWSAccess: %v", err)
	}
	scp := types.PolicyTypeServiceControlPolicy
	deny := attached(scp, "no-sns", denySNS, unit)
	apitest.WantError(t, topics(), "AuthorizationError", "with an explicit deny in a service control policy")
	if got, by := decision("sns:ListTopics"); got != "explicitDeny" || by == nil || *by {
		t.Errorf("got %s, %v, want explicitDeny by the Organization", got, by)
	}
	if got, by := decision("sqs:ListQueues"); got != "allowed" || by == nil || !*by {
		t.Errorf("got %s, %v, want allowed", got, by)
	}
	apitest.Succeed(t)(o.DetachPolicy(ctx, &organizations.DetachPolicyInput{PolicyId: &deny, TargetId: &unit}))
	if err := topics(); err != nil {
		t.Errorf("after the policy was detached: %v", err)
	}
	account := apitest.Account
	attached(scp, "only-sqs", onlySQS, account)
	apitest.Succeed(t)(o.DetachPolicy(ctx,
		&organizations.DetachPolicyInput{PolicyId: aws.String(fullAWSAccess), TargetId: &account}))
	apitest.WantError(t, topics(), "AuthorizationError",
		"because no service control policy allows the sns:ListTopics action")
	if got, by := decision("sns:ListTopics"); got != "implicitDeny" || by == nil || *by {
		t.Errorf("got %s, %v, want implicitDeny by the Organization", got, by)
	}
	if err := listQueues(); err != nil {
		t.Errorf("sqs is allowed: %v", err)
	}

	rcp := types.PolicyTypeResourceControlPolicy
	_, err := o.AttachPolicy(ctx,
		&organizations.AttachPolicyInput{PolicyId: aws.String("p-RCPFullAWSAccess"), TargetId: &root})
	apitest.WantError(t, err, "PolicyTypeNotEnabledException", "enabled")
	apitest.Succeed(t)(o.EnablePolicyType(ctx, &organizations.EnablePolicyTypeInput{RootId: &root, PolicyType: rcp}))
	if err := listQueues(); err != nil {
		t.Errorf("with RCPFullAWSAccess: %v", err)
	}
	attached(rcp, "no-queues", denySQS, root)
	apitest.WantError(t, listQueues(), "AccessDeniedException", "with an explicit deny in a resource control policy")

	management := apitest.NewClients(c.Config("999999999999", region))
	apitest.CreateRole(t, management, "manager")
	apitest.Succeed(t)(management.IAM.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
		RoleName: aws.String("manager"), PolicyName: aws.String("all"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[` + all + `]}`),
	}))
	own := sqs.NewFromConfig(c.ConfigAs("999999999999", region, "arn:aws:iam::999999999999:role/manager"))
	apitest.Succeed(t)(own.ListQueues(ctx, &sqs.ListQueuesInput{}))
	apitest.Succeed(t)(o.DisablePolicyType(ctx, &organizations.DisablePolicyTypeInput{RootId: &root, PolicyType: rcp}))
	if err := listQueues(); err != nil {
		t.Errorf("after resource control policies were disabled: %v", err)
	}
}
