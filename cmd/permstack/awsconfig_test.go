package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
)

// TestExplainAWSErrors checks errors of AWS calls; errors of the configuration are
// in testdata/awsconfig.txtar.
func TestExplainAWSErrors(t *testing.T) {
	answer := func(code string) error {
		return fmt.Errorf("describe stack: %w", &smithy.GenericAPIError{Code: code, Message: "text of AWS"})
	}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"expired token":    {answer("ExpiredToken"), "run 'aws sso login --profile security'"},
		"unknown key":      {answer("InvalidClientTokenId"), "run 'aws sts get-caller-identity --profile security'"},
		"wrong secret":     {answer("SignatureDoesNotMatch"), "run 'aws sts get-caller-identity --profile security'"},
		"session ended":    {answer("UnauthorizedException"), "run 'aws sso login --profile security'"},
		"Region disabled":  {answer("OptInRequired"), "use another --region"},
		"denied":           {answer("AccessDenied"), "AccessDenied: text of AWS"},
		"not an AWS error": {errors.New("read file"), "read file"},
		"interrupted":      {fmt.Errorf("call: %w", context.Canceled), "context canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := (awsFlags{profile: "security"}).explain(c.err); !strings.Contains(got.Error(), c.want) {
				t.Errorf("got %q, want it to contain %q", got, c.want)
			}
		})
	}
}
