// Package lambdaenv configures the AWS SDK from the environment variables that
// Lambda sets for a function, and from nothing else.
//
// The SDK's own config package also supports profiles, SSO, web identities, and
// container and instance credentials. A function has none of them, and linking them
// adds 2 MB and about a quarter to its cold start.
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

// Attempts is how often the SDK tries a call. AWS throttles an account as a whole,
// so deployments of third parties can cause throttling.
const Attempts = 8

// ResponseTimeout is how long the SDK waits for a response before it retries. The SDK has
// no timeout by default: one connection without a response would use up the
// function's whole time, and the customer would not learn the reason.
const ResponseTimeout = 30 * time.Second

// responseTimeout is ResponseTimeout, for tests to shorten.
var responseTimeout = ResponseTimeout

// Config reads AWS_REGION and the function's credentials, and, if they are set, the
// SDK's variables AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_<SERVICE>,
// AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT.
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
		HTTPClient:       awshttp.NewBuildableClient().WithReadTimeout(responseTimeout),
		// The credentials do not change during the lifetime of the process.
		Credentials: credentials.NewStaticCredentialsProvider(
			os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")),
		ConfigSources: []any{variables{}},
	}
	if url := os.Getenv("AWS_ENDPOINT_URL"); url != "" {
		cfg.BaseEndpoint = &url
	}
	return cfg, nil
}

// variables is a configuration source of the SDK's clients.
type variables struct{}

// GetServiceBaseEndpoint returns AWS_ENDPOINT_URL_<SERVICE>, which takes precedence
// over AWS_ENDPOINT_URL.
func (variables) GetServiceBaseEndpoint(_ context.Context, service string) (string, bool, error) {
	url := os.Getenv("AWS_ENDPOINT_URL_" + strings.ToUpper(strings.ReplaceAll(service, " ", "_")))
	return url, url != "", nil
}

// GetUseFIPSEndpoint returns AWS_USE_FIPS_ENDPOINT.
func (variables) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	on, found := boolean("AWS_USE_FIPS_ENDPOINT")
	if on {
		return aws.FIPSEndpointStateEnabled, found, nil
	}
	return aws.FIPSEndpointStateDisabled, found, nil
}

// GetUseDualStackEndpoint returns AWS_USE_DUALSTACK_ENDPOINT.
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
