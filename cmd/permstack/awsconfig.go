package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
	"github.com/spf13/cobra"

	"permstack/internal/awsapi/awserr"
)

// awsFlags select the credentials and the Region of the commands that call AWS.
// --profile is not among them: it selects the vendor profile in every command.
type awsFlags struct {
	profile string
	region  string
}

// register adds --region and --aws-profile.
func (f *awsFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.region, "region", "", "AWS Region (default: AWS_REGION or the AWS profile's)")
	f.registerProfile(cmd)
}

// registerProfile adds --aws-profile alone, for commands whose --region has a further meaning.
func (f *awsFlags) registerProfile(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.profile, "aws-profile", "",
		"`NAME` of the profile in the AWS configuration files (default: AWS_PROFILE)")
}

// configOptions are options of the AWS configuration that a context contains. Tests that execute commands in this
// process select an embedded AWS each with them; the environment would be the same for all.
type configOptions []func(*config.LoadOptions) error

// configOptionsKey is the key of a context's configOptions.
type configOptionsKey struct{}

// load returns the AWS configuration that the flags, the environment and the AWS
// configuration files select. It retrieves the credentials, so that missing or
// expired ones are reported here, in a sentence that names the command to run.
func (f awsFlags) load(ctx context.Context) (aws.Config, error) {
	// The SDK logs its own warnings in a form that is not for the user.
	options := []func(*config.LoadOptions) error{config.WithLogger(logging.Nop{})}
	if more, ok := ctx.Value(configOptionsKey{}).(configOptions); ok {
		options = append(options, more...)
	}
	if f.region != "" {
		options = append(options, config.WithRegion(f.region))
	}
	if f.profile != "" {
		options = append(options, config.WithSharedConfigProfile(f.profile))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, f.explain(err)
	}
	if cfg.Region == "" {
		return aws.Config{}, errors.New("no AWS Region is set: add --region, such as --region us-east-1, or set AWS_REGION")
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return aws.Config{}, f.explain(&credentialsError{err})
	}
	return cfg, nil
}

// credentialsError is a failure to obtain credentials.
type credentialsError struct{ err error }

func (e *credentialsError) Error() string { return "no AWS credentials: " + e.err.Error() }
func (e *credentialsError) Unwrap() error { return e.err }

// explain returns an error of the AWS configuration or of an AWS call as one
// sentence that names the command to run. Errors that have another cause are
// returned with only the text of AWS's response.
func (f awsFlags) explain(err error) error {
	var (
		noProfile   config.SharedConfigProfileNotExistError
		badFile     config.SharedConfigLoadError
		noMFA       config.AssumeRoleTokenProviderNotSetError
		ssoExpired  *ssocreds.InvalidTokenError
		credentials *credentialsError
		api         smithy.APIError
	)
	code := ""
	if errors.As(err, &api) {
		code = api.ErrorCode()
	}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &noProfile):
		return fmt.Errorf("the AWS configuration files have no profile %q: run 'aws configure list-profiles' to see the "+
			"profiles, or 'aws configure sso --profile %[1]s' to create it", noProfile.Profile)
	case errors.As(err, &badFile):
		return fmt.Errorf("the AWS configuration file %s cannot be read: %v", badFile.Filename, badFile.Err)
	case errors.As(err, &noMFA):
		return fmt.Errorf("the AWS profile requires an MFA code, which permstack cannot prompt for: "+
			"run 'eval \"$(aws configure export-credentials --format env%s)\"', then this command without --aws-profile",
			f.profileArgument())
	case errors.As(err, &ssoExpired), code == "UnauthorizedException", code == "InvalidGrantException":
		return f.ssoLogin()
	case errors.As(err, &credentials):
		return f.explainCredentials(credentials.err)
	}
	switch code {
	case "ExpiredToken", "ExpiredTokenException", "RequestExpired":
		return fmt.Errorf("the AWS credentials have expired: run 'aws sso login%s', or set new ones", f.profileArgument())
	case "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "AuthFailure",
		"InvalidAccessKeyId":
		return fmt.Errorf("AWS does not accept the credentials (%s): run 'aws sts get-caller-identity%s' to check them",
			code, f.profileArgument())
	case "OptInRequired", "RegionDisabled":
		return errors.New("the account has not enabled this Region: " +
			"use another --region, or enable it in the account settings")
	}
	return awserr.Concise(err)
}

// explainCredentials returns why there are no credentials.
func (f awsFlags) explainCredentials(err error) error {
	const none = "no EC2 IMDS role found" // the last provider that the SDK tries
	text := err.Error()
	switch {
	case strings.Contains(text, "SSO token"): // ssocreds.SSOTokenProvider has no error type
		return f.ssoLogin()
	case strings.Contains(text, "please reauthenticate"): // logincreds has no error type
		return fmt.Errorf("the AWS login session has expired or does not exist: run 'aws login%s'", f.profileArgument())
	case strings.Contains(text, none):
		return errors.New("no AWS credentials were found: run 'aws sso login --profile NAME' and add --aws-profile NAME, " +
			"or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	return fmt.Errorf("no AWS credentials could be obtained: run 'aws sts get-caller-identity%s' to check them (%s)",
		f.profileArgument(), awserr.Message(err))
}

func (f awsFlags) ssoLogin() error {
	return fmt.Errorf("the AWS SSO session has expired or does not exist: run 'aws sso login%s'", f.profileArgument())
}

// profileArgument returns " --profile NAME" for a command of the AWS CLI, or "" if
// the default profile is used.
func (f awsFlags) profileArgument() string {
	name := cmp.Or(f.profile, os.Getenv("AWS_PROFILE"), os.Getenv("AWS_DEFAULT_PROFILE"))
	if name == "" {
		return ""
	}
	return " --profile " + name
}
