// Package deployed reads the selection of a deployed stack and the templates of its
// permission stacks from CloudFormation. It changes nothing.
package deployed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/cfn/stacks"
	"permstack/internal/iampolicy"
	"permstack/internal/installation"
	"permstack/internal/permissionstack"
	"permstack/internal/permissionstack/properties"
	"permstack/internal/policies"
)

// CloudFormation is the part of the SDK's client that Read needs.
type CloudFormation interface {
	stacks.Describer
	GetTemplate(
		context.Context, *cloudformation.GetTemplateInput, ...func(*cloudformation.Options),
	) (*cloudformation.GetTemplateOutput, error)
}

// Stack is a deployed stack with its permission stacks.
type Stack struct {
	Selection policies.Selection
	// Environment holds the stack's account, Region and parameters. CloudFormation
	// masks the external ID with asterisks.
	Environment policies.Environment
	Templates   [][]byte  // of the permission stacks
	Created     time.Time // when the stack was created
}

// Read returns the stack with the name or ID under which it was launched.
func Read(ctx context.Context, client CloudFormation, name string) (Stack, error) {
	stack, err := stacks.Describe(ctx, client, name)
	if err != nil {
		return Stack{}, err
	}
	if stack == nil {
		return Stack{}, fmt.Errorf("stack %s does not exist in this account and Region", name)
	}
	parent, err := installation.ParseParent(aws.ToString(stack.StackId))
	if err != nil {
		return Stack{}, err
	}
	body, err := getTemplate(ctx, client, name)
	if err != nil {
		return Stack{}, err
	}
	chosen, err := resourceProperties(body, *stack, parent)
	if err != nil {
		return Stack{}, fmt.Errorf("read the selection of stack %s: %w", name, err)
	}
	s := Stack{Selection: chosen.Selection(), Environment: chosen.Environment(parent),
		Created: aws.ToTime(stack.CreationTime)}
	for _, child := range parent.StackNames() {
		body, err := getTemplate(ctx, client, child)
		if awserr.IsStackNotFound(err) {
			continue // a permission stack without resources is not created
		}
		if err != nil {
			return Stack{}, err
		}
		s.Templates = append(s.Templates, body)
	}
	if len(s.Templates) == 0 {
		return Stack{}, fmt.Errorf("read stack %s: it has no permission stack (%s)", name, parent.StackNames())
	}
	// These may have logical IDs of the parent stack instead of ARNs.
	s.Environment.Protected, s.Environment.PermissionsBoundaryARN = nil, ""
	for _, body := range s.Templates {
		if arn := boundaryARN(body); arn != "" {
			s.Environment.PermissionsBoundaryARN = arn
		}
		s.Environment.Protected = append(s.Environment.Protected, guardedARNs(body, parent)...)
	}
	return s, nil
}

// guardedARNs returns the resources of the guards in a permission stack's template. The custom resource's own list
// refers to resources of the parent stack, which only CloudFormation resolves.
func guardedARNs(body []byte, parent installation.Parent) []string {
	t, err := cfntemplate.Parse(body)
	if err != nil {
		return nil // not written by permstack
	}
	bound, err := t.ResolveParameters(cfntemplate.Environment{Deployed: true, Pseudo: pseudo(parent),
		Parameters: map[string]string{permissionstack.ExternalIDParameter: "any"}})
	if err != nil {
		return nil
	}
	var out []string
	for _, r := range bound.Active() {
		if r.Type != "AWS::IAM::Role" {
			continue
		}
		properties, err := bound.Properties(r.LogicalID, logicalIDResolver{})
		if err != nil {
			continue
		}
		var role struct {
			Policies []struct {
				PolicyName     string
				PolicyDocument iampolicy.Document
			}
		}
		if data, err := json.Marshal(properties); err != nil || json.Unmarshal(data, &role) != nil {
			continue
		}
		for _, p := range role.Policies {
			if p.PolicyName != policies.GuardPolicy {
				continue
			}
			for _, st := range p.PolicyDocument.Statement {
				out = append(out, st.Resource...)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func getTemplate(ctx context.Context, client CloudFormation, name string) ([]byte, error) {
	out, err := client.GetTemplate(ctx, &cloudformation.GetTemplateInput{
		StackName: &name, TemplateStage: types.TemplateStageOriginal,
	})
	if err != nil {
		return nil, fmt.Errorf("get template of stack %s: %w", name, awserr.Concise(err))
	}
	return []byte(aws.ToString(out.TemplateBody)), nil
}

// resourceProperties returns the properties of the custom resource, evaluated with
// the stack's parameters.
func resourceProperties(
	body []byte, stack types.Stack, parent installation.Parent,
) (properties.Properties, error) {
	t, err := cfntemplate.Parse(body)
	if err != nil {
		return properties.Properties{}, err
	}
	parameters := map[string]string{}
	for _, p := range stack.Parameters {
		parameters[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	bound, err := t.ResolveParameters(cfntemplate.Environment{Deployed: true, Parameters: parameters,
		Pseudo: pseudo(parent)})
	if err != nil {
		return properties.Properties{}, err
	}
	for _, r := range bound.Active() {
		if r.Type != "Custom::PermissionStack" {
			continue
		}
		raw, err := bound.Properties(r.LogicalID, logicalIDResolver{})
		if err != nil {
			return properties.Properties{}, err
		}
		return properties.Decode(raw)
	}
	return properties.Properties{}, errors.New("permstack did not create it, as it has no resource of type " +
		"Custom::PermissionStack: give the name of the stack that you launched")
}

func pseudo(parent installation.Parent) cfntemplate.Pseudo {
	return cfntemplate.Pseudo{
		AccountID: parent.Account, Region: parent.Region, Partition: parent.Partition,
		StackID: parent.ID, StackName: parent.Name,
	}
}

// logicalIDResolver returns the logical ID for references to other resources, which
// no property of the selection uses but ProtectedArns.
type logicalIDResolver struct{}

func (logicalIDResolver) Ref(id string) (any, error)       { return id, nil }
func (logicalIDResolver) GetAtt(id, _ string) (any, error) { return id, nil }

// boundaryARN returns the permissions boundary of the roles in a permission stack's template, and "" if there is none.
func boundaryARN(body []byte) string {
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties struct{ PermissionsBoundary any }
		}
	}
	if json.Unmarshal(body, &template) != nil {
		return "" // not written by permstack
	}
	for _, r := range template.Resources {
		if arn, ok := r.Properties.PermissionsBoundary.(string); ok && r.Type == "AWS::IAM::Role" {
			return arn
		}
	}
	return ""
}
