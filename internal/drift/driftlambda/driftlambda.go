// Package driftlambda is the drift check as a Lambda function. It is apart from
// functions/drift so that the permstack command and the tests run the same
// wiring.
//
// Environment variables:
//
//	PARENT_STACK_ID    id of the stack that was launched; required
//	ALERT_TOPIC_ARN    topic that is notified; required
//	ORG_HUB_TOPIC_ARN  the Organization's topic, notified of drift too; optional
//	STATE_PARAMETER    SSM parameter that holds what was reported; required
//	EVENT_QUEUE_URL    queue of the events that arrive during a run; without it such a
//	                   run fails
//	REMINDER_DAYS      days until an open finding is reported again; 0 is never
//	ON_DRIFT           notify or revert
//	LOOKUP_CALLERS     yes or no: who made a change is looked up in CloudTrail
//	ACCOUNT_AUDIT      yes or no: the whole account is audited once a day
//	LAMBDA_TASK_ROOT   the directory of the function's package, set by Lambda; its
//	                   profiles/*.json are profiles that are not built in; see also
//	                   ReadRelease
//	AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
//	                   set by Lambda
//	AWS_ENDPOINT_URL and others of the SDK: see package lambdaenv; optional
//
// The event that invokes the function is that of a schedule, of a status change of
// a stack or of a call that CloudTrail recorded, see monitor.Run.Do, or anything else
// for a complete check.
package driftlambda

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"permstack/internal/awsapi/iamdelay"
	"permstack/internal/awsapi/lambdaenv"
	"permstack/internal/awsapi/pause"
	"permstack/internal/drift/audit"
	"permstack/internal/drift/changeevent"
	"permstack/internal/drift/detect"
	"permstack/internal/drift/monitor"
	"permstack/internal/notify"
	"permstack/internal/notify/finding"
	"permstack/internal/policies/profilejson"
)

// Start runs the function under Lambda's Runtime API and does not return.
func Start() {
	settings, err := ReadSettings(os.Getenv)
	if err != nil {
		exit(err)
	}
	cfg, err := lambdaenv.Config()
	if err != nil {
		exit(err)
	}
	root := os.Getenv("LAMBDA_TASK_ROOT")
	profilejson.LoadFrom(root)
	if settings.Release, err = ReadRelease(root); err != nil {
		exit(err)
	}
	lambda.Start(Handler(settings, cfg, os.Stdout, time.Now, pause.For))
}

func exit(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// Handler creates the function's clients and returns a handler that checks for
// drift after each event. It makes no calls. Logs and metrics are written to out; now and sleep are the clock. The
// handler takes the request id from the context that Lambda passes, see
// lambdacontext.NewContext.
func Handler(
	s Settings, cfg aws.Config, out io.Writer, now func() time.Time, sleep pause.Func,
) func(context.Context, json.RawMessage) (monitor.Result, error) {
	cfg = iamdelay.Repeat(cfg)
	auditClients := audit.NewClients(cfg)
	clients, stackClient := detect.NewClients(cfg), cloudformation.NewFromConfig(cfg)
	store := &monitor.Store{Client: ssm.NewFromConfig(cfg), Parameter: s.Parameter, ParentStackID: s.Parent.ID}
	store.Created = func(ctx context.Context) (time.Time, error) {
		return parameterTime(ctx, stackClient, s.Parent.ID, s.Parameter)
	}
	sender := &notify.Sender{Client: sns.NewFromConfig(cfg), TopicARN: s.TopicARN}
	hubAt := func(topicARN string) *notify.Sender { return hubSender(topicARN, cfg) }
	var inbox *monitor.Inbox
	if s.QueueURL != "" {
		inbox = &monitor.Inbox{Client: sqs.NewFromConfig(cfg), QueueURL: s.QueueURL}
	}
	options := detect.Options{Parent: s.Parent.ID, AnyStack: true, Release: s.Release, Now: now, Sleep: sleep}
	return func(ctx context.Context, payload json.RawMessage) (monitor.Result, error) {
		id := requestID(ctx)
		if isStackEvent(payload) {
			ctx = iamdelay.WithBudget(ctx, iamdelay.New(iamdelay.Limit, sleep, nil))
		}
		run := &monitor.Run{
			Origin: notify.Origin{
				StackID: s.Parent.ID, Stack: s.Parent.Name, Account: s.Parent.Account, Region: s.Parent.Region,
			},
			Store: store, Sender: sender, Hub: hubAt(s.HubTopicARN), HubAt: hubAt, ReminderDays: s.ReminderDays,
			Log:     slog.New(slog.NewJSONHandler(out, nil)).With("requestId", id, "stack", s.Parent.Name),
			Metrics: out, Now: now, Sleep: sleep, Inbox: inbox,
			Check: func(
				ctx context.Context, previous notify.State, events []changeevent.Event, limited bool,
			) (finding.Report, error) {
				options := options
				options.Events, options.Limited, options.Previous = events, limited, previous.Choice
				options.WasOpen = previous.Knows
				// Complete runs are far apart. Between others a stack may well be in progress.
				if !limited {
					options.WasInProgress = previous.WasInProgress
				}
				report, err := detect.Check(ctx, clients, options)
				if err == nil && s.AccountAudit {
					// After an update the accepted differences may be others.
					due := !limited && (isStackEvent(payload) || previous.AuditDue(now()))
					auditAccount(ctx, auditClients, s.Parent, now, due, &report)
				}
				return report, err
			},
			Deployed: func(ctx context.Context) (monitor.Deployed, error) {
				return monitor.ReadDeployed(ctx, stackClient, s.Parent)
			},
		}
		if s.LookUpCalls {
			history := changeevent.NewHistory(cfg, s.Parent.Partition, s.Parent.Region, maxLookups, sleep)
			run.LookUp = func(ctx context.Context, list []finding.Finding) ([]changeevent.Event, error) {
				return history.Find(ctx, list, now().Add(-lookupPeriod), now())
			}
		}
		if s.Revert {
			run.Revert = func(ctx context.Context, report finding.Report) (finding.Reversals, error) {
				return detect.Revert(ctx, clients, report, options)
			}
		}
		return run.Do(ctx, id, payload)
	}
}

const (
	// maxLookups bounds the calls of CloudTrail in a run, of which AWS allows two a second.
	maxLookups = 12
	// lookupPeriod is how long before a run a change that it finds was made at most: two of
	// the longest intervals of the schedule.
	lookupPeriod = 48 * time.Hour
)

// parameterTime returns when CloudFormation created or last changed a parameter of a stack; the zero time if the stack
// does not have it.
func parameterTime(ctx context.Context, client cloudformation.ListStackResourcesAPIClient, stack, name string) (
	time.Time, error,
) {
	pages := cloudformation.NewListStackResourcesPaginator(client, &cloudformation.ListStackResourcesInput{
		StackName: &stack,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return time.Time{}, fmt.Errorf("list the resources of stack %s: %w", stack, err)
		}
		for _, r := range page.StackResourceSummaries {
			if aws.ToString(r.PhysicalResourceId) == name {
				return aws.ToTime(r.LastUpdatedTimestamp), nil
			}
		}
	}
	return time.Time{}, nil
}

// isStackEvent reports whether CloudFormation's event started the run: the parent
// was created or updated, and permissions of the function's role may be new.
func isStackEvent(payload json.RawMessage) bool {
	var event struct {
		Source string `json:"source"`
	}
	return json.Unmarshal(payload, &event) == nil && event.Source == "aws.cloudformation"
}

// hubSender returns a sender for the Organization's topic, which may be in
// another Region; nil if there is no such topic.
func hubSender(topicARN string, cfg aws.Config) *notify.Sender {
	topic, err := arn.Parse(topicARN)
	if err != nil {
		return nil
	}
	client := sns.NewFromConfig(cfg, func(o *sns.Options) { o.Region = topic.Region })
	return &notify.Sender{Client: client, TopicARN: topicARN}
}

// requestID returns the id of the invocation, which is the same when Lambda
// repeats it.
func requestID(ctx context.Context) string {
	if l, ok := lambdacontext.FromContext(ctx); ok {
		return l.AwsRequestID
	}
	return "by-hand"
}
