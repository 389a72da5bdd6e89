package detect_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"permstack/internal/notify/finding"
)

// TestCodeSigning removes and replaces the functions' code signing configuration.
func TestCodeSigning(t *testing.T) {
	w := newEnvironment(t)
	c := lambda.NewFromConfig(w.Config(account, region))
	create := func() *string {
		return must(c.CreateCodeSigningConfig(t.Context(), &lambda.CreateCodeSigningConfigInput{
			AllowedPublishers: &types.AllowedPublishers{SigningProfileVersionArns: []string{
				"arn:aws:signer:us-east-1:999988887777:/signing-profiles/Release/WlXrTjGnKQ",
			}},
		})).CodeSigningConfig.CodeSigningConfigArn
	}
	ours, theirs := create(), create()
	w.launchTemplate(map[string]string{"CodeSigningConfigArn": *ours})
	put := func(function, arn *string) func(context.Context, *environment) error {
		return func(ctx context.Context, _ *environment) error {
			_, err := c.PutFunctionCodeSigningConfig(ctx, &lambda.PutFunctionCodeSigningConfigInput{
				FunctionName: function, CodeSigningConfigArn: arn,
			})
			return err
		}
	}
	drift, provisioner := w.parentResource("Drift"), w.parentResource("Provisioner")
	testChanges(t, w, []change{
		{"removed", func(ctx context.Context, _ *environment) error {
			_, err := c.DeleteFunctionCodeSigningConfig(ctx, &lambda.DeleteFunctionCodeSigningConfigInput{FunctionName: drift})
			return err
		}, put(drift, ours), finding.FunctionChanged, finding.GrantsMore, "CodeSigningConfigArn"},
		{"replaced", put(provisioner, theirs), put(provisioner, ours), finding.FunctionChanged, finding.GrantsMore, *theirs},
	})
}
