package lambdaenv_test

import (
	"context"
	"net/http"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"permstack/internal/awsapi/lambdaenv"
)

// transport records the host and session token of a request.
type transport struct{ host, authorization, token string }

func (t *transport) Do(r *http.Request) (*http.Response, error) {
	t.host, t.authorization, t.token = r.URL.Host, r.Header.Get("Authorization"), r.Header.Get("X-Amz-Security-Token")
	return &http.Response{StatusCode: http.StatusBadRequest, Body: http.NoBody, Header: http.Header{}}, nil
}

func TestConfig(t *testing.T) {
	for name, tc := range map[string]struct {
		env  map[string]string
		host string
	}{
		"plain": {nil, "cloudformation.us-gov-west-1.amazonaws.com"},
		"FIPS": {map[string]string{"AWS_REGION": "us-east-1", "AWS_USE_FIPS_ENDPOINT": "true"},
			"cloudformation-fips.us-east-1.amazonaws.com"},
		"dual stack": {map[string]string{"AWS_REGION": "us-east-1",
			"AWS_USE_DUALSTACK_ENDPOINT": "TRUE"}, "cloudformation.us-east-1.api.aws"},
		"endpoint": {map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"},
			"127.0.0.1:4566"},
		"endpoint of one service": {map[string]string{"AWS_ENDPOINT_URL_CLOUDFORMATION": "http://b"}, "b"},
		"endpoints of a service and in general": {map[string]string{"AWS_ENDPOINT_URL": "http://a",
			"AWS_ENDPOINT_URL_CLOUDFORMATION": "http://b"}, "b"},
		"China": {map[string]string{"AWS_REGION": "cn-north-1"},
			"cloudformation.cn-north-1.amazonaws.com.cn"},
	} {
		t.Run(name, func(t *testing.T) {
			for k, v := range map[string]string{
				"AWS_REGION": "us-gov-west-1", "AWS_ACCESS_KEY_ID": "AKEY", "AWS_SECRET_ACCESS_KEY": "s",
				"AWS_SESSION_TOKEN": "tok",
				"AWS_ENDPOINT_URL":  "", "AWS_ENDPOINT_URL_CLOUDFORMATION": "",
				"AWS_USE_FIPS_ENDPOINT": "", "AWS_USE_DUALSTACK_ENDPOINT": "",
			} {
				t.Setenv(k, v) // restored when the test ends
				if v == "" {
					_ = os.Unsetenv(k)
				}
			}
			for k, v := range tc.env {
				t.Setenv(k, v)
			}
			cfg, err := lambdaenv.Config()
			if err != nil {
				t.Fatal(err)
			}
			wire := &transport{}
			cfg.HTTPClient = wire
			_, err = cloudformation.NewFromConfig(cfg).
				DescribeStacks(context.Background(), &cloudformation.DescribeStacksInput{StackName: aws.String("x")})
			if err == nil || wire.host != tc.host || wire.token != "tok" || len(wire.authorization) == 0 {
				t.Errorf("got host %s, token %q: %v", wire.host, wire.token, err)
			}
		})
	}
	t.Setenv("AWS_REGION", "")
	if _, err := lambdaenv.Config(); err == nil {
		t.Error("got no error without AWS_REGION")
	}
}
