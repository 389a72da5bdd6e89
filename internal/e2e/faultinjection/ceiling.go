package faultinjection

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/cfn/cfntemplate"
)

const (
	// The permissions boundary of the backup service's roles, which the parent creates.
	ceilingName = parentName + "-VendorCeiling-1A2B3C"
	ceilingARN  = "arn:aws:iam::" + account + ":policy" + installerPath + ceilingName
)

// createCeiling creates the permissions boundary of the backup service's roles.
func (env *environment) createCeiling(bound *cfntemplate.Resolved) error {
	properties, err := bound.Properties("VendorCeiling", roleARNs{})
	if err != nil {
		return fmt.Errorf("read VendorCeiling of template.yaml: %w", err)
	}
	if _, err := env.iam.CreatePolicy(context.Background(), &iam.CreatePolicyInput{
		PolicyName: aws.String(ceilingName), Path: aws.String(installerPath),
		PolicyDocument: text(properties["PolicyDocument"]),
	}); err != nil {
		return fmt.Errorf("create policy %s: %w", ceilingName, err)
	}
	return nil
}
