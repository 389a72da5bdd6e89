package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"permstack"
	"permstack/internal/fakeaws/standalone"
)

// launchTemplate is the name of template.yaml in the embedded S3. A template by
// URL may be longer than the 51,200 bytes of --template-body.
const launchTemplate = "template.yaml"

func newLocal() *cobra.Command {
	var listen string
	var verbose bool
	cmd := &cobra.Command{
		Use:   "local",
		Short: "Serve an AWS for the laptop, for the AWS CLI and the SDKs",
		Long: `Serve an AWS for the laptop: CloudFormation with custom resources, IAM, STS, S3, SNS,
EventBridge, SSM parameters, and this project's functions. Everything is kept in
memory and is gone when the command stops.

An access key id of 12 digits chooses the account; any other is account
123456789012. Signatures are not verified, so it listens on loopback only. What it
lacks it refuses by name.`,
		Example: `  permstack local --listen 127.0.0.1:4566

  export AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_DEFAULT_REGION=us-east-1
  export AWS_ACCESS_KEY_ID=123456789012 AWS_SECRET_ACCESS_KEY=local
  aws cloudformation create-stack --stack-name backup \
    --template-url http://127.0.0.1:4566/permstack-local-templates/template.yaml …`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd, listen, verbose)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:4566", "loopback `address` to listen on; port 0 picks a free one")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "log every call, and what the functions write, to stderr")
	return cmd
}

// serve runs the embedded AWS until the command is told to stop.
func serve(cmd *cobra.Command, listen string, verbose bool) error {
	options, err := laptopOptions()
	if err != nil {
		return err
	}
	if verbose {
		options.FunctionLog = cmd.ErrOrStderr()
		options.Logger = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	aws, err := standalone.Start(listen, options)
	if err != nil {
		return err
	}
	url, err := aws.UploadTemplate(cmd.Context(), launchTemplate, permstack.Template)
	if err != nil {
		return errors.Join(err, aws.Close())
	}
	howTo(cmd.OutOrStdout(), aws.Endpoint, url)
	<-cmd.Context().Done()
	fmt.Fprintln(cmd.OutOrStdout(), "stopping")
	return aws.Close()
}

func howTo(w io.Writer, endpoint, templateURL string) {
	fmt.Fprintf(w, `The embedded AWS listens on %[1]s. Stop it with Ctrl-C.

  export AWS_ENDPOINT_URL=%[1]s AWS_DEFAULT_REGION=us-east-1
  export AWS_ACCESS_KEY_ID=123456789012 AWS_SECRET_ACCESS_KEY=local
  aws cloudformation create-stack --stack-name backup \
    --template-url %[2]s \
    --capabilities CAPABILITY_IAM --parameters ParameterKey=ExternalId,ParameterValue=secret \
    ParameterKey=ControlPlaneRoleArn,ParameterValue=arn:aws:iam::111122223333:role/Control \
    ParameterKey=ConnectionId,ParameterValue=c-1 ParameterKey=DataPlaneAccountId,ParameterValue=444455556666
  aws cloudformation wait stack-create-complete --stack-name backup
  aws iam list-roles --path-prefix /permstack/

`, endpoint, templateURL)
}

// laptopOptions let the embedded AWS run this very program as a function.
func laptopOptions() (standalone.Options, error) {
	self, err := os.Executable()
	if err != nil {
		return standalone.Options{}, fmt.Errorf("find this program, to run it as a function: %w", err)
	}
	dir, err := os.Getwd()
	if err != nil {
		return standalone.Options{}, errors.New("find the working directory")
	}
	return standalone.Options{BuiltIn: []string{self, lambdaCommand}, Names: functionNames(), Root: dir}, nil
}
