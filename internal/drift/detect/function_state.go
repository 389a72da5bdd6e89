package detect

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/awsapi/ratelimit"
)

// Lambda is the part of the SDK's client that Check needs.
type Lambda interface {
	lambda.ListAliasesAPIClient
	lambda.ListEventSourceMappingsAPIClient
	lambda.ListFunctionUrlConfigsAPIClient
	lambda.ListVersionsByFunctionAPIClient
	GetFunction(context.Context, *lambda.GetFunctionInput, ...func(*lambda.Options)) (*lambda.GetFunctionOutput, error)
	GetFunctionEventInvokeConfig(
		context.Context, *lambda.GetFunctionEventInvokeConfigInput, ...func(*lambda.Options),
	) (*lambda.GetFunctionEventInvokeConfigOutput, error)
	GetFunctionCodeSigningConfig(
		context.Context, *lambda.GetFunctionCodeSigningConfigInput, ...func(*lambda.Options),
	) (*lambda.GetFunctionCodeSigningConfigOutput, error)
	GetPolicy(context.Context, *lambda.GetPolicyInput, ...func(*lambda.Options)) (*lambda.GetPolicyOutput, error)
}

// liveFunction is a function as Lambda has it. What could not be read is in errs.
type liveFunction struct {
	missing  bool
	config   *types.FunctionConfiguration
	reserved *int32 // ReservedConcurrentExecutions
	policy   string // "" if there is none
	signing  string // CodeSigningConfigArn, read only if the template declares one; "" if there is none
	// triggers are what invokes the function, or a copy of it, beside its policy: a URL,
	// an event source, a version, an alias.
	triggers     []trigger
	destinations *types.DestinationConfig // of asynchronous invocations
	errs         readErrors
}

// trigger is what invokes a function. id is its name in the API that removes it, if that
// is not part of the name.
type trigger struct{ name, id string }

func (live *liveFunction) deleted() bool          { return live.missing }
func (live *liveFunction) unreadable() readErrors { return live.errs }

func (c *reader) readFunction(ctx context.Context, r *resource) *liveFunction {
	name, live := r.physicalID, &liveFunction{}
	got, err := ratelimit.Call(ctx, c.lambda, c.clients.Lambda.GetFunction, &lambda.GetFunctionInput{FunctionName: &name})
	switch {
	case awserr.IsNotFound(err):
		live.missing = true
		return live
	case err != nil:
		live.errs.add(err, "", functionProperties...)
	default:
		live.config = got.Configuration
		if got.Concurrency != nil {
			live.reserved = got.Concurrency.ReservedConcurrentExecutions
		}
	}
	if r.props[codeSigning] != nil {
		live.readCodeSigning(ctx, c, name)
	}
	policy, err := ratelimit.Call(ctx, c.lambda, c.clients.Lambda.GetPolicy, &lambda.GetPolicyInput{FunctionName: &name})
	switch {
	case awserr.IsNotFound(err): // it has none
	case err != nil:
		live.errs.add(err, "", "Policy")
	default:
		live.policy = aws.ToString(policy.Policy)
	}
	invoke, err := ratelimit.Call(ctx, c.lambda, c.clients.Lambda.GetFunctionEventInvokeConfig,
		&lambda.GetFunctionEventInvokeConfigInput{FunctionName: &name})
	switch {
	case awserr.IsNotFound(err):
	case err != nil:
		live.errs.add(err, "", "DestinationConfig")
	default:
		live.destinations = invoke.DestinationConfig
	}
	live.readTriggers(ctx, c, name)
	return live
}

// readCodeSigning reads the function's code signing configuration. Not every Region has the call.
func (live *liveFunction) readCodeSigning(ctx context.Context, c *reader, name string) {
	got, err := ratelimit.Call(ctx, c.lambda, c.clients.Lambda.GetFunctionCodeSigningConfig,
		&lambda.GetFunctionCodeSigningConfigInput{FunctionName: &name})
	switch {
	case awserr.IsNotFound(err): // it has none
	case err != nil:
		live.errs.add(err, "", codeSigning)
	default:
		live.signing = aws.ToString(got.CodeSigningConfigArn)
	}
}

// readTriggers reads what invokes the function. A list that cannot be read does not
// prevent the others.
func (live *liveFunction) readTriggers(ctx context.Context, c *reader, name string) {
	add := func(err error, triggers ...trigger) {
		live.triggers = append(live.triggers, triggers...)
		if err != nil {
			live.errs.add(err, "", "Triggers")
		}
	}
	urls := &lambda.ListFunctionUrlConfigsInput{FunctionName: &name}
	for {
		page, err := ratelimit.Call(ctx, c.lambda, c.clients.Lambda.ListFunctionUrlConfigs, urls)
		add(err)
		if err != nil {
			break
		}
		for _, u := range page.FunctionUrlConfigs {
			add(nil, trigger{name: "url " + aws.ToString(u.FunctionUrl) + " " + string(u.AuthType)})
		}
		if urls.Marker = page.NextMarker; urls.Marker == nil {
			break
		}
	}
	mappings := &lambda.ListEventSourceMappingsInput{FunctionName: &name}
	for {
		page, err := ratelimit.Call(ctx, c.lambda, c.clients.Lambda.ListEventSourceMappings, mappings)
		add(err)
		if err != nil {
			break
		}
		for _, m := range page.EventSourceMappings {
			add(nil, trigger{"event source " + aws.ToString(m.EventSourceArn), aws.ToString(m.UUID)})
		}
		if mappings.Marker = page.NextMarker; mappings.Marker == nil {
			break
		}
	}
	versions := &lambda.ListVersionsByFunctionInput{FunctionName: &name}
	for {
		page, err := ratelimit.Call(ctx, c.lambda, c.clients.Lambda.ListVersionsByFunction, versions)
		add(err)
		if err != nil {
			break
		}
		for _, v := range page.Versions {
			if version := aws.ToString(v.Version); version != "$LATEST" {
				add(nil, trigger{name: "version " + version})
			}
		}
		if versions.Marker = page.NextMarker; versions.Marker == nil {
			break
		}
	}
	aliases := &lambda.ListAliasesInput{FunctionName: &name}
	for {
		page, err := ratelimit.Call(ctx, c.lambda, c.clients.Lambda.ListAliases, aliases)
		add(err)
		if err != nil {
			break
		}
		for _, a := range page.Aliases {
			add(nil, trigger{name: "alias " + aws.ToString(a.Name)})
		}
		if aliases.Marker = page.NextMarker; aliases.Marker == nil {
			break
		}
	}
}
