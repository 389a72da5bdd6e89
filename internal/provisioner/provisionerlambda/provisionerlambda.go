// Package function is the provisioner as a Lambda function. It stands apart
// from functions/provisioner so that the permstack command can run the very
// same function on a laptop, as a process of its own.
//
// Environment variables:
//
//	STACK_ROLE_ARN     the role that CloudFormation assumes for the permission
//	                   stacks; required
//	STACK_ID           the parent stack, whose events alone are carried out, and
//	                   only while CloudFormation waits for them; without it events
//	                   are taken as they come
//	ALERT_TOPIC_ARN    the topic that is told what changed in the granted access;
//	                   optional
//	AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
//	                   set by Lambda
//	AWS_ENDPOINT_URL and others of the SDK: see package lambdaenv; optional
package provisionerlambda

import (
	"fmt"
	"io"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/awsapi/lambdaenv"
	"permstack/internal/cfn/customresource"
	"permstack/internal/notify"
	"permstack/internal/provisioner"
)

// Start runs the function under Lambda's Runtime API and does not return.
func Start() {
	handler, err := New(os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lambda.Start(handler)
}

// New makes the handler: configuration and client, no call.
func New(log io.Writer) (lambda.Handler, error) {
	cfg, err := lambdaenv.Config()
	if err != nil {
		return nil, err
	}
	var announcer provisioner.Announcer
	if topic := os.Getenv("ALERT_TOPIC_ARN"); topic != "" {
		announcer = &notify.Announcer{Sender: notify.Sender{Client: sns.NewFromConfig(cfg), TopicARN: topic}}
	}
	core := &provisioner.Provisioner{
		Client: cloudformation.NewFromConfig(cfg), StackRoleARN: os.Getenv("STACK_ROLE_ARN"), StackID: os.Getenv("STACK_ID"), Announcer: announcer,
	}
	return Handler(core, log), nil
}

// Handler answers the custom resource's events: it decodes one, lets the core
// carry it out, and answers CloudFormation.
func Handler(core *provisioner.Provisioner, log io.Writer) lambda.Handler {
	return &customresource.Function{
		Handle:     core.Handle,
		PhysicalID: provisioner.PhysicalID,
		Secrets:    provisioner.Secrets,
		Log:        log,
	}
}
