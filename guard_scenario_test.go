package permstack_test

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"permstack/internal/fakeaws/apitest"
	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/installation"
	"permstack/internal/policies"
)

// TestVendorRoleCannotChangeInstallation checks that the guard denies a vendor's role what its
// other policies allow on permstack's own resources, and the drift check reports a guard that was
// deleted. No catalogue grants an action of Lambda; TestGuard covers every action of every service.
func TestVendorRoleCannotChangeInstallation(t *testing.T) {
	policytest.RequireSlow(t, "it launches many stacks")
	t.Parallel()
	account := fakeawstest.Start(t, fakeawstest.Options{}).In(account, region)
	s := launchCPM(t, account, map[string]string{
		"ProtectSAPHANA": "yes", "Operations": "backup,recovery,vpc-capture,notification",
	})
	role := s.Outputs["RoleArn"]
	config := account.ConfigAs(account.ID, account.Region, role)
	stacks, topics := cloudformation.NewFromConfig(config), sns.NewFromConfig(config)
	parameters := ssm.NewFromConfig(config)
	topic := aws.String(s.PhysicalID("AlertTopic"))

	const reason = "with an explicit deny"
	for _, attempt := range []struct {
		name, code string
		call       func() error
	}{
		{"state parameter is written", "AccessDeniedException", func() error {
			_, err := parameters.PutParameter(t.Context(), &ssm.PutParameterInput{
				Name: aws.String(s.PhysicalID("DriftState")), Value: aws.String("{}"), Overwrite: aws.Bool(true),
				Type: ssmtypes.ParameterTypeString,
			})
			return err
		}},
		{"state parameter is deleted", "AccessDeniedException", func() error {
			in := &ssm.DeleteParameterInput{Name: aws.String(s.PhysicalID("DriftState"))}
			_, err := parameters.DeleteParameter(t.Context(), in)
			return err
		}},
		{"alert topic is published to", "AuthorizationError", func() error {
			_, err := topics.Publish(t.Context(), &sns.PublishInput{TopicArn: topic, Message: aws.String("resolved")})
			return err
		}},
		{"alert topic is changed", "AuthorizationError", func() error {
			_, err := topics.SetTopicAttributes(t.Context(), &sns.SetTopicAttributesInput{
				TopicArn: topic, AttributeName: aws.String("DisplayName"), AttributeValue: aws.String("other"),
			})
			return err
		}},
		{"alert topic is subscribed to", "AuthorizationError", func() error {
			_, err := topics.Subscribe(t.Context(), &sns.SubscribeInput{
				TopicArn: topic, Protocol: aws.String("email"), Endpoint: aws.String("vendor@example.com"),
			})
			return err
		}},
		{"permission stack is deleted", "AccessDenied", func() error {
			in := &cloudformation.DeleteStackInput{StackName: aws.String(s.PermissionStack(installation.Access))}
			_, err := stacks.DeleteStack(t.Context(), in)
			return err
		}},
		{"parent stack is deleted", "AccessDenied", func() error {
			_, err := stacks.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: s.Describe().StackName})
			return err
		}},
	} {
		t.Run(attempt.name, func(t *testing.T) { apitest.WantError(t, attempt.call(), attempt.code, reason) })
	}
	_, err := parameters.PutParameter(t.Context(), &ssm.PutParameterInput{
		Name: aws.String("hana"), Value: aws.String("x"), Type: ssmtypes.ParameterTypeString,
	})
	if err != nil {
		t.Errorf("write a parameter that is not permstack's: %v", err)
	}
	if _, err := parameters.DeleteParameter(t.Context(), &ssm.DeleteParameterInput{Name: aws.String("hana")}); err != nil {
		t.Errorf("delete a parameter that is not permstack's: %v", err)
	}

	s.checkDrift()
	in := &iam.DeleteRolePolicyInput{RoleName: aws.String(s.RoleName()), PolicyName: aws.String(policies.GuardPolicy)}
	if _, err := s.IAM.DeleteRolePolicy(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	const want = "permstack: GRANTS MORE: 1 new - backup (123456789012 us-east-1)"
	if got := s.checkDrift(); !slices.Contains(got, want) {
		t.Errorf("messages after the guard was deleted: got %q, want %q", got, want)
	}
	s.update(map[string]string{"OnDrift": "revert", "ProtectSAPHANA": "yes", "Operations": "backup,recovery"})
	s.checkDrift()
	if _, err := s.Live.InlinePolicy(t.Context(), s.RoleName(), policies.GuardPolicy); err != nil {
		t.Errorf("guard after the revert: %v", err)
	}
	s.Delete()
	s.RequireEmpty()
}
