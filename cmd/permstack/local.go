package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"permstack"
	"permstack/internal/e2e/demo"
	"permstack/internal/fakeaws/sns"
	"permstack/internal/fakeaws/standalone"
	"permstack/internal/terminal"
)

// launchTemplate is the name of template.yaml in the embedded S3. A template by
// URL may be longer than the 51,200 bytes of --template-body.
const launchTemplate = "template.yaml"

func newLocal() *cobra.Command {
	var listen, compare string
	var verbose, realistic, foreign bool
	cmd := &cobra.Command{
		Use:   "local",
		Short: "Run an embedded AWS on this machine, for the AWS CLI and the SDKs",
		Long: `Run an embedded AWS on this machine: CloudFormation with custom resources, IAM, STS,
S3, SNS, SQS, EventBridge, SSM parameters, Organizations, StackSets, and the Lambda
functions of permstack. docs/stacksets.md rehearses a roll-out to an Organization. It
keeps everything in memory and loses it when the command stops.

EventBridge delivers events, also those of CloudFormation and CloudTrail, to SNS,
SQS and Lambda. PutEvents accepts sources that begin with "aws.", which AWS
reserves. Messages of topics are printed as subscribers by e-mail would receive
them, and GET /_permstack/messages returns all of them as JSON.

By default stacks are complete within seconds. With --realistic each resource takes
as long as on AWS, and the resources of a stack are created side by side.

Requests of web pages are refused: those with another Host than a loopback name, with
the header Origin, or with a Sec-Fetch-Site other than none. Credentials in the query
are accepted for GET requests to S3 only.

Lambda functions run the functions of permstack that are built into this program. With
--foreign-code they also run the bootstrap of any zip or directory that a template or
a call names: with all rights of your user, so whoever can reach the port can run
programs on this machine.

An access key ID of 12 digits selects the account of that number; any other access
key ID selects account 123456789012. Signatures are not verified, therefore the
command listens on loopback addresses only. Calls that the embedded AWS does not
have fail with NotImplemented.

With --compare, a recording of 'permstack try --aws' is sent to an embedded AWS
instead, and what that responds differently is listed: status, error code and fields.
Ids, times and the account are not compared.

Exit status: 0 if it was stopped or found no difference, 1 if it found differences, 2
if it could not start.`,
		Example: `  permstack local --listen 127.0.0.1:4566

  export AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_DEFAULT_REGION=us-east-1
  export AWS_ACCESS_KEY_ID=123456789012 AWS_SECRET_ACCESS_KEY=local
  aws cloudformation create-stack --stack-name backup \
    --template-url http://127.0.0.1:4566/permstack-local-templates/template.yaml …`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if compare == "" {
				return serve(cmd, listen, verbose, realistic, foreign)
			}
			for _, name := range []string{"listen", "realistic", "foreign-code"} {
				if cmd.Flags().Changed(name) {
					return usagef("--%s has no effect with --compare", name)
				}
			}
			return compareRecording(cmd, compare, verbose)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:4566",
		"loopback `ADDRESS` to listen on; port 0 selects a free port")
	cmd.Flags().BoolVar(&realistic, "realistic", false,
		"let CloudFormation and IAM take the time that they take on AWS, minutes for each stack")
	cmd.Flags().BoolVar(&foreign, "foreign-code", false,
		"run the code of any Lambda function with the rights of your user, not only permstack's own functions")
	cmd.Flags().StringVar(&compare, "compare", "", "compare the embedded AWS with the recording in `FILE`")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "write every call and the functions' logs to stderr")
	return cmd
}

// serve runs the embedded AWS until the command's context ends.
func serve(cmd *cobra.Command, listen string, verbose, realistic, foreign bool) error {
	options, err := standaloneOptions()
	if err != nil {
		return err
	}
	if verbose {
		options.FunctionLog = cmd.ErrOrStderr()
		options.Logger = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	options.Trail, options.EventInvocations, options.Realistic = true, true, realistic
	options.ForeignCode = foreign
	aws, err := standalone.Start(listen, options)
	if err != nil {
		return err
	}
	aws.SNS().OnSent(func(m sns.Message) { printMail(cmd.OutOrStdout(), m) })
	url, err := aws.UploadTemplate(cmd.Context(), launchTemplate, permstack.Template)
	if err != nil {
		return errors.Join(err, aws.Close())
	}
	writeInstructions(cmd.OutOrStdout(), aws.Endpoint, url)
	<-cmd.Context().Done()
	fmt.Fprintln(cmd.ErrOrStderr(), "permstack: stopping")
	return aws.Close()
}

// printMail prints a message as e-mail subscribers receive it, and to whom it was
// sent.
func printMail(w io.Writer, m sns.Message) {
	to := "nobody is subscribed"
	if len(m.Recipients) > 0 {
		to = strings.Join(m.Recipients, ", ")
	}
	mail := demo.ParseMail(m.Subject, m.Body)
	fmt.Fprintf(w, "%s  message of %s to: %s\n", m.Time.Format(time.TimeOnly), m.TopicARN, terminal.Clean(to))
	if mail.Subject != "" {
		fmt.Fprintf(w, "  Subject: %s\n", terminal.Clean(mail.Subject))
	}
	for _, line := range strings.Split(strings.TrimSpace(mail.Text), "\n") {
		fmt.Fprintln(w, terminal.Clean(strings.TrimRight("  "+line, " ")))
	}
	fmt.Fprintln(w)
}

func writeInstructions(w io.Writer, endpoint, templateURL string) {
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

// standaloneOptions let the embedded AWS run this program as its functions.
func standaloneOptions() (standalone.Options, error) {
	self, err := os.Executable()
	if err != nil {
		return standalone.Options{}, fmt.Errorf("find the path of this program: %w", err)
	}
	dir, err := os.Getwd()
	if err != nil {
		return standalone.Options{}, fmt.Errorf("find the working directory: %w", err)
	}
	return standalone.Options{BuiltIn: []string{self, lambdaCommand}, Names: functionNames(), Root: dir}, nil
}

// startEmbedded starts an embedded AWS for the length of one command, with a trail as the recorded account has it.
// The log of the functions is written to stderr if verbose.
func startEmbedded(cmd *cobra.Command, verbose bool) (*standalone.Server, error) {
	options, err := standaloneOptions()
	if err != nil {
		return nil, err
	}
	if verbose {
		options.FunctionLog = cmd.ErrOrStderr()
	}
	options.Trail = true
	return standalone.Start("127.0.0.1:0", options)
}
