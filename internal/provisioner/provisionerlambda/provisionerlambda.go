// Package provisionerlambda is the provisioner as a Lambda function: the one
// place where its parts are connected. functions/provisioner deploys it, the
// permstack command runs it as a local process, and the fault-injection tests
// run it with faults between it and AWS.
//
// Environment variables:
//
//	STACK_ROLE_ARN     the role that CloudFormation assumes for the permission
//	                   stacks; required for Create and Update
//	STACK_ID           the parent stack: only its events are handled, and only
//	                   while CloudFormation waits for them; if it is empty, events
//	                   are not confirmed
//	ALERT_TOPIC_ARN    the topic that is notified of changes to the granted
//	                   access; optional
//	LAMBDA_TASK_ROOT   the directory of the function's package, set by Lambda; its
//	                   profiles/*.json are profiles that are not built in
//	AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
//	                   set by Lambda
//	AWS_ENDPOINT_URL and other variables of the SDK: see package lambdaenv; optional
package provisionerlambda

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/awsapi/iamdelay"
	"permstack/internal/awsapi/lambdaenv"
	"permstack/internal/awsapi/livestate"
	"permstack/internal/awsapi/pause"
	"permstack/internal/cfn/customresource"
	"permstack/internal/notify"
	"permstack/internal/policies"
	"permstack/internal/policies/profilejson"
	"permstack/internal/provisioner"
	"permstack/internal/provisioner/announcement"
)

// Settings are the function's own environment variables.
type Settings struct {
	StackRoleARN string
	StackID      string
	TopicARN     string
}

// ReadSettings reads the environment. Missing values are no error here: the
// function must start in order to report them to CloudFormation.
func ReadSettings(getenv func(string) string) Settings {
	return Settings{
		StackRoleARN: getenv("STACK_ROLE_ARN"),
		StackID:      getenv("STACK_ID"),
		TopicARN:     getenv("ALERT_TOPIC_ARN"),
	}
}

// Options replace what the function takes from its process. The zero value is
// the deployed function, except that it writes no log.
type Options struct {
	Log            io.Writer        // JSON lines; nil discards them
	Now            func() time.Time // nil is time.Now
	Sleep          pause.Func       // nil is pause.For
	ResponseClient *http.Client     // sends responses to CloudFormation; nil is customresource's own
	// Synthesize replaces policies.Synthesize, for tests that cache its results.
	Synthesize func(policies.Selection, policies.Environment) (policies.Set, error)
}

// Start runs the function under Lambda's Runtime API and does not return.
func Start() {
	cfg, err := lambdaenv.Config()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	profilejson.LoadFrom(os.Getenv("LAMBDA_TASK_ROOT"))
	lambda.Start(Handler(ReadSettings(os.Getenv), cfg, Options{Log: os.Stdout}))
}

// Handler connects the function's parts. It calls nothing. The handler decodes
// an event of the custom resource, carries it out and responds to
// CloudFormation.
func Handler(s Settings, cfg aws.Config, o Options) lambda.Handler {
	core := newProvisioner(s, iamdelay.Repeat(cfg), o)
	return &customresource.Function{
		Handle:     core.Handle,
		PhysicalID: provisioner.PhysicalID,
		Secrets:    provisioner.Secrets,
		Log:        o.Log,
		Sender:     customresource.Sender{Client: o.ResponseClient, Now: o.Now, Sleep: o.Sleep},
	}
}

func newProvisioner(s Settings, cfg aws.Config, o Options) *provisioner.Provisioner {
	core := &provisioner.Provisioner{
		Client:       cloudformation.NewFromConfig(cfg),
		Roles:        &livestate.Reader{IAM: iam.NewFromConfig(cfg)},
		StackRoleARN: s.StackRoleARN,
		StackID:      s.StackID,
		Now:          o.Now,
		Sleep:        o.Sleep,
		Synthesize:   o.Synthesize,
	}
	if s.TopicARN != "" {
		sender := notify.Sender{Client: sns.NewFromConfig(cfg), TopicARN: s.TopicARN}
		core.Announcer = &announcement.Announcer{Sender: sender}
	}
	return core
}
