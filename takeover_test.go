package permstack_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/fakeaws/apitest"
	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/installation"
)

// TestTakeover makes the calls of somebody who replaced the code of the provisioner, and of a template that the stack
// role deploys, against another installation of the account, whose connection contains the own one's.
func TestTakeover(t *testing.T) {
	account := fakeawstest.Start(t, fakeawstest.Options{}).In(account, region)
	own := account.Launch(fakeawstest.Launch{Parameters: withDefaults(map[string]string{"ConnectionId": "main"})})
	other := account.Launch(fakeawstest.Launch{
		Name: own.Name + "-permstack-c", Parameters: withDefaults(map[string]string{"ConnectionId": "main-main"}),
	})
	ownRole := "arn:aws:iam::" + account.ID + ":role/permstack/" + region + "/main/installer/"
	functionARN := "arn:aws:lambda:" + region + ":" + account.ID + ":function:" + own.PhysicalID("Provisioner")
	function := account.ConfigAsFunction(account.ID, region, ownRole+own.PhysicalID("ProvisionerRole"), functionARN)
	stacks := cloudformation.NewFromConfig(function)
	stackRole := account.ConfigAs(account.ID, region, ownRole+own.PhysicalID("StackRole"))
	roles, topics := iam.NewFromConfig(stackRole), sns.NewFromConfig(stackRole)
	rules := eventbridge.NewFromConfig(stackRole)

	theirs := aws.String(other.PermissionStack(installation.Access))
	mine := aws.String(own.PermissionStack(installation.Access))
	role := aws.String(other.RoleName())
	topic := aws.String(other.Outputs["EventTopicArn"])
	ownTopic := own.Outputs["EventTopicArn"]
	topicName := ownTopic[strings.LastIndex(ownTopic, ":")+1:]
	rule := aws.String(strings.Replace(topicName, "ClumioEventPub", "ClumioEC2ApiRule", 1))
	theirRule := aws.String(strings.Replace(*rule, "-main", "-main-main", 1))
	arn := aws.String(ownRole + own.PhysicalID("StackRole"))
	theirARN := aws.String(strings.Replace(*arn, "/main/", "/main-main/", 1))
	*theirARN = (*theirARN)[:strings.LastIndex(*theirARN, "/")+1] + other.PhysicalID("StackRole")
	body := aws.String(`{"Resources":{"T":{"Type":"AWS::SNS::Topic"}}}`)

	for _, attempt := range []struct {
		name, code string
		call       func() error
	}{
		{"their stack is changed", "AccessDenied", func() error {
			_, err := stacks.UpdateStack(t.Context(), &cloudformation.UpdateStackInput{
				StackName: theirs, TemplateBody: body, RoleARN: arn, Capabilities: []types.Capability{"CAPABILITY_NAMED_IAM"},
			})
			return err
		}},
		{"their stack is deleted", "AccessDenied", func() error {
			_, err := stacks.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: theirs, RoleARN: arn})
			return err
		}},
		{"their stack is read", "AccessDenied", func() error {
			_, err := stacks.GetTemplate(t.Context(), &cloudformation.GetTemplateInput{StackName: theirs})
			return err
		}},
		{"the own stack gets their role", "AccessDenied", func() error {
			_, err := stacks.UpdateStack(t.Context(), &cloudformation.UpdateStackInput{
				StackName: mine, TemplateBody: body, RoleARN: theirARN,
			})
			return err
		}},
		{"the own stack gets a template by URL", "AccessDenied", func() error {
			_, err := stacks.UpdateStack(t.Context(), &cloudformation.UpdateStackInput{
				StackName: mine, RoleARN: arn, TemplateURL: aws.String("https://b.s3.us-east-1.amazonaws.com/t.json"),
			})
			return err
		}},
		{"a third stack is created", "AccessDenied", func() error {
			_, err := stacks.CreateStack(t.Context(), &cloudformation.CreateStackInput{
				StackName: aws.String(strings.Replace(*mine, "-access", "-extra", 1)), TemplateBody: body, RoleARN: arn,
			})
			return err
		}},
		{"their role gets a policy", "AccessDenied", func() error {
			_, err := roles.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{
				RoleName: role, PolicyName: aws.String("p"), PolicyDocument: aws.String(allowEverything),
			})
			return err
		}},
		{"their role trusts another", "AccessDenied", func() error {
			_, err := roles.UpdateAssumeRolePolicy(t.Context(), &iam.UpdateAssumeRolePolicyInput{
				RoleName: role, PolicyDocument: aws.String(trustEC2),
			})
			return err
		}},
		{"their role is deleted", "AccessDenied", func() error {
			_, err := roles.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: role})
			return err
		}},
		{"a role under their path", "AccessDenied", func() error {
			_, err := roles.CreateRole(t.Context(), &iam.CreateRoleInput{
				RoleName: aws.String("ClumioX"), Path: aws.String("/permstack/" + region + "/main-main/"),
				AssumeRolePolicyDocument: aws.String(trustEC2),
			})
			return err
		}},
		{"the own function's role gets a policy", "AccessDenied", func() error {
			_, err := roles.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{
				RoleName: aws.String(own.PhysicalID("ProvisionerRole")), PolicyName: aws.String("p"),
				PolicyDocument: aws.String(allowEverything),
			})
			return err
		}},
		{"their topic is deleted", "AuthorizationError", func() error {
			_, err := topics.DeleteTopic(t.Context(), &sns.DeleteTopicInput{TopicArn: topic})
			return err
		}},
		{"their rule is disabled", "AccessDeniedException", func() error {
			_, err := rules.DisableRule(t.Context(), &eventbridge.DisableRuleInput{Name: theirRule})
			return err
		}},
		{"the own rule sends to their topic", "AccessDeniedException", func() error {
			_, err := rules.PutTargets(t.Context(), &eventbridge.PutTargetsInput{
				Rule: rule, Targets: []ebtypes.Target{
					{Id: aws.String("inventory-topic"), Arn: &ownTopic}, {Id: aws.String("more"), Arn: topic},
				},
			})
			return err
		}},
	} {
		t.Run(attempt.name, func(t *testing.T) { apitest.WantError(t, attempt.call(), attempt.code, "not authorized") })
	}
	// The same calls on what the installation has are allowed.
	if _, err := stacks.GetTemplate(t.Context(), &cloudformation.GetTemplateInput{StackName: mine}); err != nil {
		t.Error(err)
	}
	if _, err := rules.PutTargets(t.Context(), &eventbridge.PutTargetsInput{
		Rule: rule, Targets: []ebtypes.Target{{Id: aws.String("inventory-topic"), Arn: &ownTopic}},
	}); err != nil {
		t.Error(err)
	}
	other.Delete()
	own.Delete()
	account.RequireEmpty()
}

const (
	allowEverything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	trustEC2        = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
		`"Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
)
