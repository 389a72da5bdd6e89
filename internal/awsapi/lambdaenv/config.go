// Package lambdaenv configures the AWS SDK from the environment that Lambda
// gives a function, and from nothing else.
//
// The SDK's own config package also knows profiles, SSO, web identities,
// container and instance credentials; a function has none of them, and linking
// them costs 2 MB and about a quarter of its cold start.
package lambdaenv

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Attempts is how often the SDK tries a call: AWS throttles an account as a
// whole, so somebody else's deployments can be in the way.
const Attempts = 8

// Silence is how long the SDK waits for an answer before it tries again. Its own
// default is to wait without end: one connection that fell silent would cost the
// whole of a function's time, and the customer the reason.
const Silence = 30 * time.Second

// silence is Silence, for tests to shorten.
var silence = Silence

// Config reads AWS_REGION and the function's credentials, and for those who set
// them AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_<SERVICE>, AWS_USE_FIPS_ENDPOINT and
// AWS_USE_DUALSTACK_ENDPOINT, as the SDK names them.
func Config() (aws.Config, error) {
	region := os.Getenv("AWS_REGION")
	if region == "" {
		return aws.Config{}, errors.New(
			"read AWS configuration: AWS_REGION is not set; Lambda sets it for its functions",
		)
	}
	cfg := aws.Config{
		Region:           region,
		RetryMaxAttempts: Attempts,
		HTTPClient:       awshttp.NewBuildableClient().WithReadTimeout(silence),
		// They do not change while a process of Lambda's lives.
		Credentials: credentials.NewStaticCredentialsProvider(
			os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")),
		ConfigSources: []any{variables{}},
	}
	if url := os.Getenv("AWS_ENDPOINT_URL"); url != "" {
		cfg.BaseEndpoint = &url
	}
	return cfg, nil
}

// variables answers what the SDK's clients ask of a configuration source.
type variables struct{}

// GetServiceBaseEndpoint is AWS_ENDPOINT_URL_<SERVICE>, which goes before
// AWS_ENDPOINT_URL.
func (variables) GetServiceBaseEndpoint(_ context.Context, service string) (string, bool, error) {
	url := os.Getenv("AWS_ENDPOINT_URL_" + strings.ToUpper(strings.ReplaceAll(service, " ", "_")))
	return url, url != "", nil
}

// GetUseFIPSEndpoint is AWS_USE_FIPS_ENDPOINT.
func (variables) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	on, found := boolean("AWS_USE_FIPS_ENDPOINT")
	if on {
		return aws.FIPSEndpointStateEnabled, found, nil
	}
	return aws.FIPSEndpointStateDisabled, found, nil
}

// GetUseDualStackEndpoint is AWS_USE_DUALSTACK_ENDPOINT.
func (variables) GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error) {
	on, found := boolean("AWS_USE_DUALSTACK_ENDPOINT")
	if on {
		return aws.DualStackEndpointStateEnabled, found, nil
	}
	return aws.DualStackEndpointStateDisabled, found, nil
}

func boolean(name string) (on, found bool) {
	value := os.Getenv(name)
	return strings.EqualFold(value, "true"), value != ""
}
