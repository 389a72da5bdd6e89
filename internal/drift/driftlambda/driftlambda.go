// Package function is the drift check as a Lambda function. It stands apart
// from functions/drift so that the permstack command can run the very same
// function on a laptop, as a process of its own.
//
// Environment variables:
//
//	PARENT_STACK_ID    the stack that was launched; required
//	ALERT_TOPIC_ARN    the topic that is told; required
//	ORG_HUB_TOPIC_ARN  the Organization's topic, told of drift too; optional
//	STATE_PARAMETER    the SSM parameter that keeps what was told; required
//	REMINDER_DAYS      days until a standing difference is told again; 0 is never
//	ON_DRIFT           notify or revert
//	AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
//	                   set by Lambda
//	AWS_ENDPOINT_URL and others of the SDK: see package lambdaenv; optional
//
// What invokes it, a schedule, an event of CloudFormation or a person, and with
// which payload, makes no difference.
package driftlambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"permstack/internal/awsapi/lambdaenv"
	"permstack/internal/awsapi/pause"
	"permstack/internal/drift/detect"
	"permstack/internal/drift/monitor"
	"permstack/internal/installation"
	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

// Start runs the function under Lambda's Runtime API and does not return.
func Start() {
	handler, err := New(os.Getenv, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lambda.Start(handler)
}

// Settings are what the environment says.
type Settings struct {
	Parent       installation.Parent
	TopicARN     string
	HubTopicARN  string
	Parameter    string
	ReminderDays int
	Revert       bool
}

// ReadSettings reads the environment; the error names every problem.
func ReadSettings(getenv func(string) string) (Settings, error) {
	var s Settings
	var problems []error
	required := func(name string) string {
		v := getenv(name)
		if v == "" {
			problems = append(problems, fmt.Errorf("environment variable %s is empty", name))
		}
		return v
	}
	s.TopicARN, s.Parameter = required("ALERT_TOPIC_ARN"), required("STATE_PARAMETER")
	if s.HubTopicARN = getenv("ORG_HUB_TOPIC_ARN"); s.HubTopicARN != "" {
		if topic, err := arn.Parse(s.HubTopicARN); err != nil || topic.Service != "sns" || topic.Region == "" {
			problems = append(problems, fmt.Errorf("environment variable ORG_HUB_TOPIC_ARN is %q: want the ARN of a topic", s.HubTopicARN))
		}
	}
	if id := required("PARENT_STACK_ID"); id != "" {
		var err error
		if s.Parent, err = installation.ParseParent(id); err != nil {
			problems = append(problems, fmt.Errorf("environment variable PARENT_STACK_ID: %w", err))
		}
	}
	if days := getenv("REMINDER_DAYS"); days != "" {
		n, err := strconv.Atoi(days)
		if err != nil || n < 0 {
			problems = append(problems, fmt.Errorf("environment variable REMINDER_DAYS is %q: want a number of days, 0 for never", days))
		}
		s.ReminderDays = n
	}
	switch v := getenv("ON_DRIFT"); v {
	case "", "notify":
	case "revert":
		s.Revert = true
	default:
		problems = append(problems, fmt.Errorf("environment variable ON_DRIFT is %q: want notify or revert", v))
	}
	return s, errors.Join(problems...)
}

// New makes the handler: configuration and clients, no call.
func New(getenv func(string) string, out io.Writer) (any, error) {
	settings, err := ReadSettings(getenv)
	if err != nil {
		return nil, err
	}
	cfg, err := lambdaenv.Config()
	if err != nil {
		return nil, err
	}
	return Handler(settings, cfg, out, time.Now, pause.For), nil
}

// Handler connects the function's parts; the handler it returns checks for drift
// once for each event. now and sleep are the clock.
func Handler(
	s Settings, cfg aws.Config, out io.Writer, now func() time.Time, sleep pause.Func,
) func(context.Context, json.RawMessage) (monitor.Result, error) {
	clients, stacks := detect.NewClients(cfg), cloudformation.NewFromConfig(cfg)
	store := &monitor.Store{Client: ssm.NewFromConfig(cfg), Parameter: s.Parameter, ParentStackID: s.Parent.ID}
	sender := &notify.Sender{Client: sns.NewFromConfig(cfg), TopicARN: s.TopicARN}
	hub := hubSender(s, cfg)
	return func(ctx context.Context, _ json.RawMessage) (monitor.Result, error) {
		id := requestID(ctx)
		log := slog.New(slog.NewJSONHandler(out, nil)).With("requestId", id, "stack", s.Parent.Name)
		run := &monitor.Run{
			Place: notify.Place{StackID: s.Parent.ID, Stack: s.Parent.Name, Account: s.Parent.Account, Region: s.Parent.Region},
			Store: store, Sender: sender, Hub: hub, ReminderDays: s.ReminderDays, Log: log, Metrics: out, Now: now,
			Check: func(ctx context.Context) (finding.Report, error) {
				return detect.Check(ctx, clients, detect.Options{Parent: s.Parent.ID, Now: now, Sleep: sleep})
			},
			Deployed: func(ctx context.Context) (monitor.Deployed, error) {
				return monitor.ReadDeployed(ctx, stacks, s.Parent)
			},
		}
		if s.Revert {
			run.Revert = func(ctx context.Context, report finding.Report) (notify.Reverted, error) {
				out, err := detect.Revert(ctx, clients, report, detect.Options{Now: now, Sleep: sleep})
				return reverted(out), err
			}
		}
		return run.Do(ctx, id)
	}
}

// hubSender sends to the Organization's topic, which answers in its own Region.
func hubSender(s Settings, cfg aws.Config) *notify.Sender {
	topic, err := arn.Parse(s.HubTopicARN)
	if err != nil {
		return nil
	}
	client := sns.NewFromConfig(cfg, func(o *sns.Options) { o.Region = topic.Region })
	return &notify.Sender{Client: client, TopicARN: s.HubTopicARN}
}

// reverted words what Revert did, for the message.
func reverted(r detect.Reverted) notify.Reverted {
	line := func(r detect.Reversal) string { return r.Finding.LogicalID + ": " + r.What }
	var out notify.Reverted
	for _, one := range r.Done {
		out.Done = append(out.Done, line(one))
	}
	for _, one := range r.Failed {
		out.Failed = append(out.Failed, line(one))
	}
	return out
}

func requestID(ctx context.Context) string {
	if l, ok := lambdacontext.FromContext(ctx); ok {
		return l.AwsRequestID
	}
	return "by-hand"
}
