package lambda_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"permstack/internal/fakeaws"
	"permstack/internal/fakeaws/lambda"
)

// packageWith returns a function's package with files.
func packageWith(t *testing.T, names ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, name := range names {
		if _, err := w.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestCodeSigning sets and removes a code signing configuration, and deploys code with and without a signature.
func TestCodeSigning(t *testing.T) {
	const account, region = "111122223333", "eu-west-1"
	r := lambda.New(lambda.Options{})
	t.Cleanup(func() { _ = r.Close() })
	cloud := fakeaws.New(fakeaws.Options{})
	cloud.Register(r.Definition())
	unsigned := packageWith(t, "bootstrap")
	signed := packageWith(t, "bootstrap", "META_INF/", "META_INF/aws_signer_signature_v1.0.SF")
	if _, err := r.Create(lambda.Function{
		Account: account, Region: region, Name: "f", Role: "arn:aws:iam::111122223333:role/r",
		Code: lambda.Code{Zip: unsigned},
	}); err != nil {
		t.Fatal(err)
	}
	c, ctx, name := sdk.NewFromConfig(cloud.Config(account, region)), t.Context(), aws.String("f")
	requireCode := func(what string, err error, want string) {
		t.Helper()
		var api smithy.APIError
		if errors.As(err, &api) {
			if api.ErrorCode() != want {
				t.Errorf("%s: got %v, want %q", what, err, want)
			}
		} else if err != nil || want != "" {
			t.Errorf("%s: got %v, want %q", what, err, want)
		}
	}
	requireConfig := func(want string) {
		t.Helper()
		out, err := c.GetFunctionCodeSigningConfig(ctx, &sdk.GetFunctionCodeSigningConfigInput{FunctionName: name})
		if err != nil || aws.ToString(out.CodeSigningConfigArn) != want || aws.ToString(out.FunctionName) != "f" {
			t.Errorf("configuration of the function: got %+v, %v, want %q", out, err, want)
		}
	}
	create := func(policy types.CodeSigningPolicy) *string {
		t.Helper()
		out, err := c.CreateCodeSigningConfig(ctx, &sdk.CreateCodeSigningConfigInput{
			AllowedPublishers: &types.AllowedPublishers{SigningProfileVersionArns: []string{
				"arn:aws:signer:eu-west-1:999988887777:/signing-profiles/Release/WlXrTjGnKQ",
			}},
			CodeSigningPolicies: &types.CodeSigningPolicies{UntrustedArtifactOnDeployment: policy},
		})
		if err != nil {
			t.Fatal(err)
		}
		arn := out.CodeSigningConfig.CodeSigningConfigArn
		got, err := c.GetCodeSigningConfig(ctx, &sdk.GetCodeSigningConfigInput{CodeSigningConfigArn: arn})
		if err != nil || got.CodeSigningConfig.CodeSigningPolicies.UntrustedArtifactOnDeployment != policy {
			t.Errorf("configuration: got %+v, %v, want %s", got, err, policy)
		}
		return arn
	}
	put := func(arn *string) error {
		_, err := c.PutFunctionCodeSigningConfig(ctx, &sdk.PutFunctionCodeSigningConfigInput{
			FunctionName: name, CodeSigningConfigArn: arn,
		})
		return err
	}
	deploy := func(code []byte) error {
		_, err := c.UpdateFunctionCode(ctx, &sdk.UpdateFunctionCodeInput{FunctionName: name, ZipFile: code})
		return err
	}
	requireConfig("")
	enforcing, warning := create(types.CodeSigningPolicyEnforce), create(types.CodeSigningPolicyWarn)
	requireCode("enforce, with unsigned code deployed before", put(enforcing), "")
	requireConfig(*enforcing)
	requireCode("deploy unsigned code", deploy(unsigned), "CodeVerificationFailedException")
	requireCode("deploy signed code", deploy(signed), "")
	_, err := c.UpdateFunctionConfiguration(ctx, &sdk.UpdateFunctionConfigurationInput{
		FunctionName: name, Timeout: aws.Int32(5),
	})
	requireCode("change another setting", err, "")
	requireConfig(*enforcing)
	remove := func(arn *string) error {
		_, err := c.DeleteCodeSigningConfig(ctx, &sdk.DeleteCodeSigningConfigInput{CodeSigningConfigArn: arn})
		return err
	}
	requireCode("delete a configuration in use", remove(enforcing), "ResourceConflictException")
	requireCode("warn", put(warning), "")
	requireCode("deploy unsigned code with a warning", deploy(unsigned), "")
	requireCode("delete a configuration", remove(enforcing), "")
	requireCode("delete it again", remove(enforcing), "CodeSigningConfigNotFoundException")
	requireCode("a configuration that does not exist", put(enforcing), "CodeSigningConfigNotFoundException")
	other := sdk.NewFromConfig(cloud.Config("999988887777", region))
	_, err = other.GetCodeSigningConfig(ctx, &sdk.GetCodeSigningConfigInput{CodeSigningConfigArn: warning})
	requireCode("a configuration of another account", err, "CodeSigningConfigNotFoundException")
	_, err = c.DeleteFunctionCodeSigningConfig(ctx, &sdk.DeleteFunctionCodeSigningConfigInput{FunctionName: name})
	requireCode("remove", err, "")
	requireConfig("")
}
