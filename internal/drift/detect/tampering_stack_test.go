package detect_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/notify/finding"
)

// TestStackSettingTampering changes settings of the permission stacks that no template contains, with the rights of
// CloudFormation alone: they decide with whose rights, and whether at all, the provisioner can update a stack.
func TestStackSettingTampering(t *testing.T) {
	w := installTemplate(t)
	theirs := must(w.IAM.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String("theirs"), AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{` +
			`"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"cloudformation.amazonaws.com"}}]}`),
	})).Role
	w.AttachPolicy("theirs", admin)
	stackRole := w.Stack(w.inventoryStack()).Describe().RoleARN
	c := cloudformation.NewFromConfig(w.attacker(`"cloudformation:*","iam:PassRole"`))
	// update changes a tag too, since CloudFormation refuses an update without changes.
	update := func(value string, edit func(*cloudformation.UpdateStackInput)) func(context.Context, *environment) error {
		return func(ctx context.Context, w *environment) error {
			name := w.inventoryStack()
			in := &cloudformation.UpdateStackInput{
				StackName: &name, UsePreviousTemplate: aws.Bool(true),
				Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
			}
			for _, tag := range w.Stack(name).Describe().Tags {
				if *tag.Key != "extra" {
					in.Tags = append(in.Tags, tag)
				}
			}
			if value != "" {
				in.Tags = append(in.Tags, types.Tag{Key: aws.String("extra"), Value: &value})
			}
			edit(in)
			if _, err := c.UpdateStack(ctx, in); err != nil {
				return err
			}
			w.Stack(name).Wait("UPDATE_COMPLETE")
			return nil
		}
	}
	policy := func(document string) func(context.Context, *environment) error {
		return func(ctx context.Context, w *environment) error {
			_, err := c.SetStackPolicy(ctx, &cloudformation.SetStackPolicyInput{
				StackName: aws.String(w.accessStack()), StackPolicyBody: &document,
			})
			return err
		}
	}
	const allow = `{"Statement":[{"Effect":"Allow","Action":"Update:*","Principal":"*","Resource":"*"}]}`
	testChanges(t, w, []change{
		{"role of the stack", update("1", func(in *cloudformation.UpdateStackInput) { in.RoleARN = theirs.Arn }),
			update("", func(in *cloudformation.UpdateStackInput) { in.RoleARN = stackRole }),
			finding.PropertyChanged, finding.GrantsMore, "role/theirs"},
		{"alarm that rolls updates back", update("1", func(in *cloudformation.UpdateStackInput) {
			in.RollbackConfiguration = &types.RollbackConfiguration{RollbackTriggers: []types.RollbackTrigger{{
				Arn:  aws.String("arn:aws:cloudwatch:us-east-1:123456789012:alarm:theirs"),
				Type: aws.String("AWS::CloudWatch::Alarm"),
			}}}
		}), update("", func(in *cloudformation.UpdateStackInput) {
			in.RollbackConfiguration = &types.RollbackConfiguration{RollbackTriggers: []types.RollbackTrigger{}}
		}), finding.PropertyChanged, finding.Monitoring, "alarm:theirs"},
		{"stack policy", policy(`{"Statement":[{"Effect":"Deny","Action":"Update:*","Principal":"*","Resource":"*"}]}`),
			policy(allow), finding.PropertyChanged, finding.Monitoring, "Deny"},
	})
}
