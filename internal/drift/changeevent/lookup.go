package changeevent

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/awsapi/pause"
	"permstack/internal/notify/finding"
)

// CloudTrail is the part of the SDK's client that reads the event history, which every
// account has without a trail (CloudTrail User Guide, "Working with CloudTrail event
// history").
type CloudTrail interface {
	LookupEvents(context.Context, *cloudtrail.LookupEventsInput, ...func(*cloudtrail.Options)) (
		*cloudtrail.LookupEventsOutput, error)
}

// History finds calls in CloudTrail's event history. An event is in it some minutes after
// the call.
type History struct {
	Client CloudTrail
	// Region is that of the installation. The events of IAM are in HomeRegion, the Region of
	// the partition in which CloudTrail has those of global services.
	Region, HomeRegion string
	Sleep              pause.Func
	// MaxLookups bounds the calls of one search.
	MaxLookups int
}

const (
	// lookupInterval is the time between two calls: AWS allows two a second for an account
	// and Region, shared with everybody else (API reference, LookupEvents).
	lookupInterval = 600 * time.Millisecond
	// maxPages is how many pages of 50 events are read for a name of a call.
	maxPages = 2
)

// Find returns the calls since a time that may have made findings, for CallsFor. The
// findings are searched in their order until MaxLookups is reached. An event's name
// selects few events of an account, and which resources CloudTrail records for a call is
// not documented; so the events are selected by name, and those of other resources are
// ignored. With an error the calls that were found are returned, too.
func (h *History) Find(ctx context.Context, findings []finding.Finding, since, now time.Time) ([]Event, error) {
	var out []Event
	lookups := 0
	searched := map[string]bool{}
	for _, f := range findings {
		for _, name := range callNames(f) {
			if searched[name.String()] {
				continue
			}
			searched[name.String()] = true
			in := &cloudtrail.LookupEventsInput{
				LookupAttributes: []types.LookupAttribute{
					{AttributeKey: types.LookupAttributeKeyEventName, AttributeValue: aws.String(name.event)},
				},
				StartTime: &since, EndTime: &now, MaxResults: aws.Int32(50),
			}
			for range maxPages {
				if lookups == h.MaxLookups {
					return out, nil
				}
				if lookups > 0 {
					if err := h.Sleep(ctx, lookupInterval); err != nil {
						return out, err
					}
				}
				lookups++
				page, err := h.Client.LookupEvents(ctx, in, func(o *cloudtrail.Options) { o.Region = h.region(name.service) })
				if err != nil {
					return out, fmt.Errorf("look up %s events: %w", name.event, awserr.Concise(err))
				}
				out = append(out, parseRecords(page.Events, name.service)...)
				if in.NextToken = page.NextToken; in.NextToken == nil {
					break
				}
			}
		}
	}
	return out, nil
}

// NewHistory returns the event history for an installation in a Region of a partition.
func NewHistory(cfg aws.Config, partition, region string, maxLookups int, sleep pause.Func) *History {
	home := "us-east-1"
	switch partition { // CloudTrail User Guide, "Global service events", and of GovCloud and China
	case "aws-us-gov":
		home = "us-gov-west-1"
	case "aws-cn":
		home = "cn-north-1"
	}
	return &History{
		Client: cloudtrail.NewFromConfig(cfg), Region: region, HomeRegion: home, Sleep: sleep, MaxLookups: maxLookups,
	}
}

// AddCalls sets the calls of findings that have none, as far as the event history has
// them.
func (h *History) AddCalls(ctx context.Context, findings []finding.Finding, since, now time.Time) error {
	var wanted []finding.Finding
	for _, f := range findings {
		if len(f.Calls) == 0 {
			wanted = append(wanted, f)
		}
	}
	events, err := h.Find(ctx, wanted, since, now)
	for i, f := range findings {
		if len(f.Calls) == 0 {
			findings[i].Calls = CallsFor(f, events)
		}
	}
	return err
}

// region returns where CloudTrail has the events of a service.
func (h *History) region(service string) string {
	if service == "iam" {
		return h.HomeRegion
	}
	return h.Region
}

// parseRecords returns the calls of a service that succeeded.
func parseRecords(list []types.Event, service string) []Event {
	var out []Event
	for _, e := range list {
		var r Record
		if json.Unmarshal([]byte(aws.ToString(e.CloudTrailEvent)), &r) != nil {
			continue
		}
		if event := r.Event(); !event.Failed && event.service() == service {
			out = append(out, event)
		}
	}
	return out
}

// callName is a service, and the name of a call as CloudTrail records it.
type callName struct{ service, event string }

func (c callName) String() string { return c.service + ":" + c.event }

// callNames returns the calls that may have made a finding.
func callNames(f finding.Finding) []callName {
	var out []callName
	add := func(service string, events ...string) {
		for _, e := range events {
			out = append(out, callName{service, e})
		}
	}
	if calls, ok := typeCalls[f.Kind][f.Type]; ok {
		for service, events := range calls {
			add(service, events...)
		}
		slices.SortFunc(out, func(a, b callName) int { return strings.Compare(a.String(), b.String()) })
		return out
	}
	if f.Kind == finding.FunctionChanged && f.Property == "CodeSigningConfigArn" {
		add("lambda", "DeleteFunctionCodeSigningConfig", "PutFunctionCodeSigningConfig")
		return out
	}
	if f.Kind == finding.ChoiceChanged && f.Subject == finding.SubscribersChoice {
		add("sns", "Subscribe", "Unsubscribe")
		return out
	}
	calls := kindCalls[f.Kind]
	add(calls.service, calls.events...)
	return out
}

type calls struct {
	service string
	events  []string
}

// kindCalls are the calls that make findings of a kind.
var kindCalls = map[finding.Kind]calls{
	finding.InlinePolicyAdded:   {"iam", []string{"PutRolePolicy"}},
	finding.InlinePolicyChanged: {"iam", []string{"PutRolePolicy"}},
	finding.InlinePolicyRemoved: {"iam", []string{"DeleteRolePolicy"}},
	finding.AttachmentAdded:     {"iam", []string{"AttachRolePolicy"}},
	finding.AttachmentRemoved:   {"iam", []string{"DetachRolePolicy"}},
	finding.AttachedElsewhere:   {"iam", []string{"AttachRolePolicy", "AttachUserPolicy", "AttachGroupPolicy"}},
	finding.PolicyChanged:       {"iam", []string{"CreatePolicyVersion", "SetDefaultPolicyVersion"}},
	finding.PolicyVersionAdded:  {"iam", []string{"CreatePolicyVersion"}},
	finding.TrustChanged:        {"iam", []string{"UpdateAssumeRolePolicy"}},
	finding.BoundaryChanged:     {"iam", []string{"PutRolePermissionsBoundary", "DeleteRolePermissionsBoundary"}},
	finding.SessionChanged:      {"iam", []string{"UpdateRole"}},
	finding.ProfileChanged:      {"iam", []string{"AddRoleToInstanceProfile", "RemoveRoleFromInstanceProfile"}},
	finding.ProfileAdded:        {"iam", []string{"AddRoleToInstanceProfile"}},
	finding.RoleIdentityChanged: {"iam", []string{"CreateRole", "DeleteRole"}},
	finding.RoleAdded:           {"iam", []string{"CreateRole"}},
	finding.RoleUnowned:         {"iam", []string{"CreateRole"}},
	finding.TrustsService:       {"iam", []string{"CreateRole", "UpdateAssumeRolePolicy"}},
	finding.TrustsOwnRole:       {"iam", []string{"CreateRole", "UpdateAssumeRolePolicy"}},

	finding.TopicPolicyChanged: {"sns", []string{"SetTopicAttributes", "AddPermission", "RemovePermission"}},
	finding.TopicChanged:       {"sns", []string{"SetTopicAttributes", "SetSubscriptionAttributes"}},
	finding.SubscriptionAdded:  {"sns", []string{"Subscribe"}},
	finding.RuleChanged: {"events", []string{
		"PutRule", "PutTargets", "RemoveTargets", "DisableRule", "EnableRule",
	}},
	finding.QueuePolicyChanged: {"sqs", []string{"SetQueueAttributes", "AddPermission", "RemovePermission"}},
	finding.StateLost:          {"ssm", []string{"PutParameter", "DeleteParameter"}},

	finding.FunctionCodeChanged: {"lambda", []string{"UpdateFunctionCode20150331v2"}},
	finding.FunctionChanged: {"lambda", []string{
		"UpdateFunctionConfiguration20150331v2", "PutFunctionConcurrency20171031", "PutFunctionEventInvokeConfig",
	}},
	finding.FunctionPolicyChanged: {"lambda", []string{"AddPermission20150331v2", "RemovePermission20150331v2"}},
	finding.FunctionTriggerAdded: {"lambda", []string{
		"CreateFunctionUrlConfig", "CreateEventSourceMapping20150331", "PublishVersion20150331", "CreateAlias20150331",
	}},

	finding.TemplateChanged: {"cloudformation", []string{"UpdateStack", "ExecuteChangeSet"}},
	finding.ChoiceChanged:   {"cloudformation", []string{"UpdateStack", "ExecuteChangeSet"}},
	finding.StackHeld:       {"cloudformation", []string{"UpdateStack", "ExecuteChangeSet"}},
	finding.StackFailed: {"cloudformation", []string{
		"UpdateStack", "ExecuteChangeSet", "ContinueUpdateRollback", "RollbackStack", "DeleteStack",
	}},
	finding.ChangeSetAdded: {"cloudformation", []string{"CreateChangeSet"}},
	finding.StackAdded:     {"cloudformation", []string{"CreateStack", "ExecuteChangeSet"}},
	finding.StackOrphaned:  {"cloudformation", []string{"DeleteStack"}},
	finding.KeyGrantAdded:  {"kms", []string{"CreateGrant"}},
}

// typeCalls are the calls that make findings of a kind, by the type of the resource.
var typeCalls = map[finding.Kind]map[string]map[string][]string{
	finding.ResourceDeleted: {
		"AWS::IAM::Role":             {"iam": {"DeleteRole"}},
		"AWS::IAM::ManagedPolicy":    {"iam": {"DeletePolicy"}},
		"AWS::IAM::InstanceProfile":  {"iam": {"DeleteInstanceProfile"}},
		"AWS::SNS::Topic":            {"sns": {"DeleteTopic"}},
		"AWS::Events::Rule":          {"events": {"DeleteRule"}},
		"AWS::SQS::Queue":            {"sqs": {"DeleteQueue"}},
		"AWS::Lambda::Function":      {"lambda": {"DeleteFunction20150331"}},
		"AWS::CloudWatch::Alarm":     {"cloudwatch": {"DeleteAlarms"}},
		"AWS::SSM::Parameter":        {"ssm": {"DeleteParameter", "DeleteParameters"}},
		"AWS::CloudFormation::Stack": {"cloudformation": {"DeleteStack"}},
		"AWS::Logs::LogGroup":        {"logs": {"DeleteLogGroup"}},
	},
	finding.TagsChanged: {
		"AWS::IAM::Role":             {"iam": {"TagRole", "UntagRole"}},
		"AWS::IAM::ManagedPolicy":    {"iam": {"TagPolicy", "UntagPolicy"}},
		"AWS::IAM::InstanceProfile":  {"iam": {"TagInstanceProfile", "UntagInstanceProfile"}},
		"AWS::SNS::Topic":            {"sns": {"TagResource", "UntagResource"}},
		"AWS::Events::Rule":          {"events": {"TagResource", "UntagResource"}},
		"AWS::CloudFormation::Stack": {"cloudformation": {"UpdateStack", "ExecuteChangeSet"}},
	},
	finding.PropertyChanged: {
		"AWS::IAM::Role":             {"iam": {"CreateRole", "UpdateRole", "UpdateRoleDescription"}},
		"AWS::CloudWatch::Alarm":     {"cloudwatch": {"PutMetricAlarm", "DisableAlarmActions", "EnableAlarmActions"}},
		"AWS::SSM::Parameter":        {"ssm": {"PutParameter"}},
		"AWS::SQS::Queue":            {"sqs": {"SetQueueAttributes"}},
		"AWS::Logs::LogGroup":        {"logs": {"PutRetentionPolicy", "DeleteRetentionPolicy"}},
		"AWS::CloudFormation::Stack": {"cloudformation": {"UpdateStack", "ExecuteChangeSet"}},
	},
	finding.ResourcePolicyNames: {
		"AWS::KMS::Key":   {"kms": {"PutKeyPolicy"}},
		"AWS::S3::Bucket": {"s3": {"PutBucketPolicy"}},
		"AWS::SNS::Topic": {"sns": {"SetTopicAttributes", "AddPermission"}},
		"AWS::SQS::Queue": {"sqs": {"SetQueueAttributes", "AddPermission"}},
	},
}
