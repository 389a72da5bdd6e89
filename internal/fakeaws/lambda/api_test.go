package lambda_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"permstack/internal/fakeaws"
	"permstack/internal/fakeaws/lambda"
)

// TestAPI changes a function in every way that the API has, through the SDK.
func TestAPI(t *testing.T) {
	const account, region = "111122223333", "eu-west-1"
	r := lambda.New(lambda.Options{})
	t.Cleanup(func() { _ = r.Close() })
	cloud := fakeaws.New(fakeaws.Options{})
	cloud.Register(r.Definition())
	if _, err := r.Create(lambda.Function{
		Account: account, Region: region, Name: "f", Role: "arn:aws:iam::111122223333:role/r",
		Code: lambda.Code{Zip: []byte("one")}, Environment: map[string]string{"V": "1"},
	}); err != nil {
		t.Fatal(err)
	}
	c, ctx, name := sdk.NewFromConfig(cloud.Config(account, region)), t.Context(), aws.String("f")
	try := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	read := func() *sdk.GetFunctionOutput {
		t.Helper()
		out, err := c.GetFunction(ctx, &sdk.GetFunctionInput{FunctionName: name})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	before := *read().Configuration.CodeSha256
	_, err := c.UpdateFunctionCode(ctx, &sdk.UpdateFunctionCodeInput{FunctionName: name, ZipFile: []byte("two")})
	try("UpdateFunctionCode", err)
	if got := *read().Configuration.CodeSha256; got == before || len(got) != 44 {
		t.Errorf("hash of the code: got %s, before the update %s", got, before)
	}
	_, err = c.UpdateFunctionConfiguration(ctx, &sdk.UpdateFunctionConfigurationInput{
		FunctionName: name, Layers: []string{"arn:aws:lambda:eu-west-1:999988887777:layer:l:1"},
		Environment: &types.Environment{Variables: map[string]string{"V": "2"}}, Timeout: aws.Int32(5),
	})
	try("UpdateFunctionConfiguration", err)
	if got := read().Configuration; len(got.Layers) != 1 || got.Environment.Variables["V"] != "2" || *got.Timeout != 5 {
		t.Errorf("configuration: got %+v", got)
	}
	_, err = c.PutFunctionConcurrency(ctx, &sdk.PutFunctionConcurrencyInput{
		FunctionName: name, ReservedConcurrentExecutions: aws.Int32(0),
	})
	try("PutFunctionConcurrency", err)
	if got := read().Concurrency; got == nil || *got.ReservedConcurrentExecutions != 0 {
		t.Errorf("concurrency: got %+v, want 0", got)
	}
	_, err = c.DeleteFunctionConcurrency(ctx, &sdk.DeleteFunctionConcurrencyInput{FunctionName: name})
	try("DeleteFunctionConcurrency", err)
	_, err = c.AddPermission(ctx, &sdk.AddPermissionInput{
		FunctionName: name, StatementId: aws.String("s"), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("999988887777"),
	})
	try("AddPermission", err)
	_, err = c.GetPolicy(ctx, &sdk.GetPolicyInput{FunctionName: name})
	try("GetPolicy", err)
	_, err = c.RemovePermission(ctx, &sdk.RemovePermissionInput{FunctionName: name, StatementId: aws.String("s")})
	try("RemovePermission", err)
	if _, err := c.GetPolicy(ctx, &sdk.GetPolicyInput{FunctionName: name}); err == nil {
		t.Error("GetPolicy without a policy: got no error")
	}
	_, err = c.CreateFunctionUrlConfig(ctx, &sdk.CreateFunctionUrlConfigInput{
		FunctionName: name, AuthType: types.FunctionUrlAuthTypeNone,
	})
	try("CreateFunctionUrlConfig", err)
	urls, err := c.ListFunctionUrlConfigs(ctx, &sdk.ListFunctionUrlConfigsInput{FunctionName: name})
	try("ListFunctionUrlConfigs", err)
	_, err = c.DeleteFunctionUrlConfig(ctx, &sdk.DeleteFunctionUrlConfigInput{FunctionName: name})
	try("DeleteFunctionUrlConfig", err)
	functions, err := c.ListFunctions(ctx, &sdk.ListFunctionsInput{})
	try("ListFunctions", err)
	if len(functions.Functions) != 1 || *functions.Functions[0].FunctionName != *name {
		t.Errorf("got functions %+v", functions.Functions)
	}
	_, err = c.PublishVersion(ctx, &sdk.PublishVersionInput{FunctionName: name})
	try("PublishVersion", err)
	versions, err := c.ListVersionsByFunction(ctx, &sdk.ListVersionsByFunctionInput{FunctionName: name})
	try("ListVersionsByFunction", err)
	_, err = c.CreateAlias(ctx, &sdk.CreateAliasInput{
		FunctionName: name, Name: aws.String("a"), FunctionVersion: aws.String("1"),
	})
	try("CreateAlias", err)
	aliases, err := c.ListAliases(ctx, &sdk.ListAliasesInput{FunctionName: name})
	try("ListAliases", err)
	one := &sdk.DeleteFunctionInput{FunctionName: name, Qualifier: aws.String("1")}
	if _, err := c.DeleteFunction(ctx, one); err == nil {
		t.Error("a version that an alias refers to: got no error, want ResourceConflictException")
	}
	_, err = c.DeleteAlias(ctx, &sdk.DeleteAliasInput{FunctionName: name, Name: aws.String("a")})
	try("DeleteAlias", err)
	_, err = c.DeleteFunction(ctx, one)
	try("DeleteFunction of a version", err)
	rest, err := c.ListVersionsByFunction(ctx, &sdk.ListVersionsByFunctionInput{FunctionName: name})
	try("ListVersionsByFunction", err)
	if len(rest.Versions) != 1 {
		t.Errorf("after the version was deleted: got %d versions, want 1", len(rest.Versions))
	}
	mapping, err := c.CreateEventSourceMapping(ctx, &sdk.CreateEventSourceMappingInput{
		FunctionName: name, EventSourceArn: aws.String("arn:aws:sqs:eu-west-1:111122223333:q"),
	})
	try("CreateEventSourceMapping", err)
	mappings, err := c.ListEventSourceMappings(ctx, &sdk.ListEventSourceMappingsInput{FunctionName: name})
	try("ListEventSourceMappings", err)
	if len(urls.FunctionUrlConfigs) != 1 || len(versions.Versions) != 2 || len(aliases.Aliases) != 1 ||
		len(mappings.EventSourceMappings) != 1 {
		t.Errorf("got %d URLs, %d versions, %d aliases, %d mappings, want 1, 2, 1, 1", len(urls.FunctionUrlConfigs),
			len(versions.Versions), len(aliases.Aliases), len(mappings.EventSourceMappings))
	}
	_, err = c.DeleteEventSourceMapping(ctx, &sdk.DeleteEventSourceMappingInput{UUID: mapping.UUID})
	try("DeleteEventSourceMapping", err)
	if _, err := c.GetFunctionEventInvokeConfig(ctx,
		&sdk.GetFunctionEventInvokeConfigInput{FunctionName: name}); err == nil {
		t.Error("GetFunctionEventInvokeConfig without one: got no error")
	}
	_, err = c.PutFunctionEventInvokeConfig(ctx, &sdk.PutFunctionEventInvokeConfigInput{
		FunctionName: name, MaximumRetryAttempts: aws.Int32(0), DestinationConfig: &types.DestinationConfig{
			OnSuccess: &types.OnSuccess{Destination: aws.String("arn:aws:sqs:eu-west-1:999988887777:q")},
		},
	})
	try("PutFunctionEventInvokeConfig", err)
	config, err := c.GetFunctionEventInvokeConfig(ctx, &sdk.GetFunctionEventInvokeConfigInput{FunctionName: name})
	try("GetFunctionEventInvokeConfig", err)
	if config.DestinationConfig.OnSuccess.Destination == nil {
		t.Errorf("destinations: got %+v", config.DestinationConfig)
	}
}
