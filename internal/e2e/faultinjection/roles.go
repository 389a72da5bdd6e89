package faultinjection

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/installation"
)

// createRoles creates the roles of the provisioner and of its stacks with the
// permissions that they have in template.yaml.
func (env *environment) createRoles(parent string) error {
	env.parent, env.parents = parent, []installation.Parent{firstParent}
	bound, err := bindTemplate(parent)
	if err == nil {
		err = env.createCeiling(bound)
	}
	if err == nil {
		env.functionRole, err = env.createRole(bound, "ProvisionerRole")
	}
	if err == nil {
		env.stackRole, err = env.createRole(bound, "StackRole")
	}
	return err
}

func (env *environment) createRole(bound *cfntemplate.Resolved, id string) (arn string, err error) {
	arn = roleARN(id)
	properties, err := bound.Properties(id, roleARNs{})
	if err != nil {
		return "", fmt.Errorf("read %s of template.yaml: %w", id, err)
	}
	name := roleNameInARN(arn)
	if _, err := env.iam.CreateRole(context.Background(), &iam.CreateRoleInput{
		RoleName: &name, Path: aws.String(installerPath),
		AssumeRolePolicyDocument: text(properties["AssumeRolePolicyDocument"]),
	}); err != nil {
		return "", fmt.Errorf("create role %s: %w", name, err)
	}
	if id == "DriftRole" {
		if err := env.attachReadPolicy(bound, name); err != nil {
			return "", err
		}
	}
	return arn, env.putPolicies(bound, id)
}

// attachReadPolicy creates the managed policy of the drift check's role.
func (env *environment) attachReadPolicy(bound *cfntemplate.Resolved, role string) error {
	properties, err := bound.Properties("DriftReadPolicy", roleARNs{})
	if err != nil {
		return fmt.Errorf("read DriftReadPolicy of template.yaml: %w", err)
	}
	policy, err := env.iam.CreatePolicy(context.Background(), &iam.CreatePolicyInput{
		PolicyName: aws.String(parentName + "-DriftReadPolicy"), Path: aws.String(installerPath),
		PolicyDocument: text(properties["PolicyDocument"]),
	})
	if err != nil {
		return fmt.Errorf("create policy of role %s: %w", role, err)
	}
	_, err = env.iam.AttachRolePolicy(context.Background(), &iam.AttachRolePolicyInput{
		RoleName: &role, PolicyArn: policy.Policy.Arn,
	})
	return err
}

func (env *environment) putPolicies(bound *cfntemplate.Resolved, id string) error {
	name := roleNameInARN(roleARN(id))
	properties, err := bound.Properties(id, roleARNs{})
	if err != nil {
		return fmt.Errorf("read %s of template.yaml: %w", id, err)
	}
	list, _ := properties["Policies"].([]any)
	if id == "ProvisionerRole" {
		policy, err := bound.Properties("ProvisionerPolicy", roleARNs{})
		if err != nil {
			return fmt.Errorf("read ProvisionerPolicy of template.yaml: %w", err)
		}
		list = append(list, policy)
	}
	for _, p := range list {
		policy := p.(map[string]any)
		if _, err := env.iam.PutRolePolicy(context.Background(), &iam.PutRolePolicyInput{
			RoleName: &name, PolicyName: aws.String(policy["PolicyName"].(string)),
			PolicyDocument: text(policy["PolicyDocument"]),
		}); err != nil {
			return fmt.Errorf("put policy of role %s: %w", name, err)
		}
	}
	return nil
}
