package detect_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/drift/detect"
	"permstack/internal/fakeaws/standalone"
	"permstack/internal/notify/wording"
)

// ExampleCheck checks a stack with one role, to which somebody attached a policy.
func ExampleCheck() {
	ctx := context.Background()
	cloud, err := standalone.Start("127.0.0.1:0", standalone.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cloud.Close()
	cfg := cloud.Config("123456789012", "eu-central-1")
	_, err = cloudformation.NewFromConfig(cfg).CreateStack(ctx, &cloudformation.CreateStackInput{
		StackName: aws.String("backup"), Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
		TemplateBody: aws.String(`{"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": {
			"RoleName": "backup-role", "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [
				{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}}}}}`),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, _, err := cloud.Stacks.Wait(ctx, "123456789012", "eu-central-1", "backup"); err != nil {
		fmt.Println(err)
		return
	}
	_, err = iam.NewFromConfig(cfg).AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{
		RoleName: aws.String("backup-role"), PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	report, err := detect.Check(ctx, detect.NewClients(cfg), detect.Options{Parent: "backup", AnyStack: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range report.Findings {
		fmt.Println(f.LogicalID, f.Kind, f.Subject, f.Direction)
		fmt.Println("expected", wording.Finding(f).Expected)
		fmt.Println("found", wording.Finding(f).Actual)
	}
	// Output:
	// Role attachment-added arn:aws:iam::aws:policy/AdministratorAccess grants-more
	// expected not attached
	// found attached: Allow * on *
}
