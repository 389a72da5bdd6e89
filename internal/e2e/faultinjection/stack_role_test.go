package faultinjection

import (
	"context"
	"permstack/internal/installation"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// TestDeleteWithoutStackRole deletes an installation whose stack role was deleted
// first, and follows the advice of the reason: delete the permission stacks with
// another role, then delete again.
func TestDeleteWithoutStackRole(t *testing.T) {
	env, err := newEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	defer env.close()
	p := &parent{env: env, thirdParty: snapshot{}}
	if !p.launch(oldChoice) {
		t.Fatal(p.problems)
	}
	if err := env.deleteRole(t.Context(), env.stackRole[strings.LastIndex(env.stackRole, "/")+1:]); err != nil {
		t.Fatal(err)
	}
	reason := p.send(cfn.RequestDelete, &oldChoice, nil).reason
	role, err := roleName(oldChoice, "IAMRole")
	if err != nil {
		t.Fatal(err)
	}
	const deleteStack = "aws cloudformation delete-stack --stack-name "
	for _, want := range []string{
		"The stack role " + env.stackRole + " does not exist any more",
		"Role " + role + " still exists and can be assumed by arn:aws:iam::",
		deleteStack + firstParent.StackName(installation.Access) + " --role-arn ROLE_ARN",
		deleteStack + firstParent.StackName(installation.Inventory) + " --role-arn ROLE_ARN",
	} {
		if !strings.Contains(reason, want) {
			t.Errorf("got reason %q, want %q in it", reason, want)
		}
	}
	other, err := env.createDeletionRole(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range firstParent.StackNames() {
		out, err := env.cfn.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &name})
		if err != nil {
			t.Fatal(err)
		}
		in := &cloudformation.DeleteStackInput{StackName: &name, RoleARN: &other}
		if _, err := env.cfn.DeleteStack(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		env.writes.Add(1)
		shut := env.gate.unblock()
		err = env.waitForStacks(t.Context())
		shut()
		if err != nil {
			t.Fatal(err)
		}
		out, err = env.cfn.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: out.Stacks[0].StackId})
		if err != nil || out.Stacks[0].StackStatus != types.StackStatusDeleteComplete {
			t.Fatalf("stack %s: got %+v, %v", name, out, err)
		}
	}
	if r := p.send(cfn.RequestDelete, &oldChoice, nil); !r.ok {
		t.Errorf("the deletion fails: %s", r.reason)
	}
}

// createDeletionRole creates a role of an administrator that CloudFormation can
// assume.
func (env *environment) createDeletionRole(ctx context.Context) (string, error) {
	const trust = `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Principal":{"Service":"cloudformation.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	out, err := env.iam.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: aws.String("deletion"), AssumeRolePolicyDocument: aws.String(trust),
	})
	if err != nil {
		return "", err
	}
	_, err = env.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
		RoleName: aws.String("deletion"), PolicyName: aws.String("all"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`),
	})
	return *out.Role.Arn, err
}
