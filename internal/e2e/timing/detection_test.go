package timing

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"permstack"
	"permstack/internal/fakeaws"
	awsalarms "permstack/internal/fakeaws/cloudwatch"
	"permstack/internal/fakeaws/protocol"
	sentmessages "permstack/internal/fakeaws/sns"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/installation"
)

// callTime is how long a call of the check takes, from a function to AWS and back.
const callTime = 60 * time.Millisecond

// watched is an account with a trail and an installation whose checks are started by events.
type watched struct {
	*account
	cfg aws.Config
	ids map[string]string // physical ids of the parent's resources

	mu   sync.Mutex
	sent []sentmessages.Message
	// throttle, if any, returns errors of the check's calls.
	throttle func(*protocol.Call) error
}

func newWatched(t *testing.T, more ...map[string]string) *watched {
	w := &watched{ids: map[string]string{}}
	a := newAccountWith(t, fakeaws.Options{Trail: true, Intercept: func(call *protocol.Call) error {
		if strings.Contains(call.Caller.RoleName, "-DriftRole-") {
			time.Sleep(callTime)
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.throttle != nil {
				return w.throttle(call)
			}
		}
		return nil
	}})
	a.cloud.Register(awsalarms.New(a.stacks, nil, time.Now()).Definition())
	w.account, w.cfg = a, a.cloud.Config(accountID, region)
	a.create(parentName, permstack.Template, clumio(more...))
	out, err := a.cfn.ListStackResources(t.Context(), &cloudformation.ListStackResourcesInput{
		StackName: aws.String(parentName),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range out.StackResourceSummaries {
		w.ids[*r.LogicalResourceId] = *r.PhysicalResourceId
	}
	a.cloud.SNS().OnSent(func(m sentmessages.Message) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.sent = append(w.sent, m)
	})
	return w
}

// rest waits until every check that events started has ended.
func (w *watched) rest() {
	time.Sleep(10 * time.Minute)
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = nil
}

// until returns how long after a time the first message about drift was sent.
func (w *watched) until(began time.Time) time.Duration {
	w.t.Helper()
	time.Sleep(10 * time.Minute)
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.sent {
		if m.Attributes["kind"].StringValue == "drift" && !m.Time.Before(began) {
			return m.Time.Sub(began)
		}
	}
	return -1
}

// tampering is a change of one kind, and its reversal.
type tampering struct {
	kind     string
	do, undo func(context.Context, *watched) error
}

const clumioRole = "ClumioIAMRole-us-east-1-c-1"

// updateStack updates a stack with its previous values but for an edit, and waits for it.
func (w *watched) updateStack(ctx context.Context, name string, edit func(*cloudformation.UpdateStackInput)) error {
	out, err := w.cfn.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		return err
	}
	in := &cloudformation.UpdateStackInput{
		StackName: &name, UsePreviousTemplate: aws.Bool(true), Capabilities: capabilities, Tags: out.Stacks[0].Tags,
	}
	for _, p := range out.Stacks[0].Parameters {
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)})
	}
	edit(in)
	if _, err := w.cfn.UpdateStack(ctx, in); err != nil {
		return err
	}
	_, _, err = w.stacks.Wait(ctx, accountID, region, name)
	return err
}

func setParameter(key, value string) func(*cloudformation.UpdateStackInput) {
	return func(in *cloudformation.UpdateStackInput) {
		for i := range in.Parameters {
			if *in.Parameters[i].ParameterKey == key {
				in.Parameters[i] = types.Parameter{ParameterKey: &key, ParameterValue: &value}
			}
		}
	}
}

// tamperings are one of each service whose calls start a check.
func tamperings(w *watched) []tampering {
	identity, topics, rules := iam.NewFromConfig(w.cfg), sns.NewFromConfig(w.cfg), eventbridge.NewFromConfig(w.cfg)
	functions, alarms, queues := lambda.NewFromConfig(w.cfg), cloudwatch.NewFromConfig(w.cfg), sqs.NewFromConfig(w.cfg)
	parameters := ssm.NewFromConfig(w.cfg)
	role := aws.String(clumioRole)
	policy := aws.String("arn:aws:iam::aws:policy/AdministratorAccess")
	timeLimit := func(ctx context.Context, seconds int32) error {
		_, err := functions.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
			FunctionName: aws.String(w.ids["Provisioner"]), Timeout: aws.Int32(seconds),
		})
		return err
	}
	parent, err := installation.ParseParent(w.id(parentName))
	if err != nil {
		w.t.Fatal(err)
	}
	access := parent.StackName(installation.Access)
	template := w.template(access)
	forged := strings.Replace(template, `"ec2:CreateSnapshots"`, `"ec2:CreateSnapshots","ec2:ModifySnapshotAttribute"`, 1)
	deploy := func(body string) func(context.Context, *watched) error {
		return func(ctx context.Context, w *watched) error {
			return w.updateStack(ctx, access, func(in *cloudformation.UpdateStackInput) {
				in.UsePreviousTemplate, in.TemplateURL = nil, templateURL
				w.body = []byte(body)
			})
		}
	}
	return []tampering{
		{"IAM: a policy is attached to a role", func(ctx context.Context, _ *watched) error {
			_, err := identity.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: role, PolicyArn: policy})
			return err
		}, func(ctx context.Context, _ *watched) error {
			_, err := identity.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: role, PolicyArn: policy})
			return err
		}},
		{"SNS: the key of the alert topic", func(ctx context.Context, w *watched) error {
			_, err := topics.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{TopicArn: aws.String(w.ids["AlertTopic"]),
				AttributeName: aws.String("KmsMasterKeyId"), AttributeValue: aws.String("alias/aws/sns")})
			return err
		}, func(ctx context.Context, w *watched) error {
			_, err := topics.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{TopicArn: aws.String(w.ids["AlertTopic"]),
				AttributeName: aws.String("KmsMasterKeyId"), AttributeValue: aws.String("")})
			return err
		}},
		{"EventBridge: a rule of the check is disabled", func(ctx context.Context, w *watched) error {
			_, err := rules.DisableRule(ctx, &eventbridge.DisableRuleInput{Name: aws.String(w.ids["DriftIAMRule"])})
			return err
		}, func(ctx context.Context, w *watched) error {
			_, err := rules.EnableRule(ctx, &eventbridge.EnableRuleInput{Name: aws.String(w.ids["DriftIAMRule"])})
			return err
		}},
		{"Lambda: the configuration of a function", func(ctx context.Context, _ *watched) error { return timeLimit(ctx, 3) },
			func(ctx context.Context, _ *watched) error { return timeLimit(ctx, 900) }},
		{"CloudWatch: the actions of an alarm", func(ctx context.Context, w *watched) error {
			_, err := alarms.DisableAlarmActions(ctx, &cloudwatch.DisableAlarmActionsInput{
				AlarmNames: []string{w.ids["DriftCheckMissing"]},
			})
			return err
		}, func(ctx context.Context, w *watched) error {
			_, err := alarms.EnableAlarmActions(ctx, &cloudwatch.EnableAlarmActionsInput{
				AlarmNames: []string{w.ids["DriftCheckMissing"]},
			})
			return err
		}},
		{"SQS: an attribute of a queue", func(ctx context.Context, w *watched) error {
			_, err := queues.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: aws.String(w.ids["DriftFailures"]),
				Attributes: map[string]string{"DelaySeconds": "900"}})
			return err
		}, func(ctx context.Context, w *watched) error {
			_, err := queues.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: aws.String(w.ids["DriftFailures"]),
				Attributes: map[string]string{"DelaySeconds": "0"}})
			return err
		}},
		{"SSM: the state of the check", func(ctx context.Context, w *watched) error {
			_, err := parameters.PutParameter(ctx, &ssm.PutParameterInput{Name: aws.String(w.ids["DriftState"]),
				Value: aws.String("{}"), Overwrite: aws.Bool(true)})
			return err
		}, func(context.Context, *watched) error { return nil }},
		{"CloudFormation: the template of a permission stack", deploy(forged), deploy(template)},
		{"CloudFormation: a parameter of the parent stack", func(ctx context.Context, w *watched) error {
			return w.updateStack(ctx, parentName, setParameter("DriftReminderDays", "0"))
		}, func(ctx context.Context, w *watched) error {
			return w.updateStack(ctx, parentName, setParameter("DriftReminderDays", "7"))
		}},
	}
}

// TestDetectionTimes measures how long after a change of each kind the message is sent: alone, while a complete check
// has just begun, and while it is about to end. It holds the table of docs/drift.md.
func TestDetectionTimes(t *testing.T) {
	policytest.RequireSlow(t, "it simulates hours")
	var b strings.Builder
	b.WriteString("| change | median | worst |\n|---|---|---|\n")
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t)
		w.rest()
		for _, c := range tamperings(w) {
			var all []time.Duration
			for _, late := range []time.Duration{-1, time.Second, 5 * time.Second, 15 * time.Second} {
				if late >= 0 { // the schedule has started a complete check
					if err := w.functions.InvokeAsync(w.driftFunction(), []byte(`{"source":"aws.events"}`)); err != nil {
						t.Fatal(err)
					}
					time.Sleep(late)
				}
				began := time.Now()
				if err := c.do(t.Context(), w); err != nil {
					t.Fatalf("%s: %v", c.kind, err)
				}
				took := w.until(began)
				if took < 0 {
					t.Errorf("%s, %v after the beginning of a check: got no message in 10 minutes", c.kind, late)
				}
				all = append(all, took)
				if err := c.undo(t.Context(), w); err != nil {
					t.Fatalf("undo %s: %v", c.kind, err)
				}
				w.rest()
			}
			slices.Sort(all)
			median, worst := (all[1]+all[2])/2, all[3]
			fmt.Fprintf(&b, "| %s | %.0f s | %.0f s |\n", c.kind, median.Seconds(), worst.Seconds())
			limit := time.Minute
			if strings.HasPrefix(c.kind, "CloudFormation") { // from the beginning of the update
				limit = 4 * time.Minute
			}
			if worst > limit {
				t.Errorf("%s: got messages after %v, want at most %v", c.kind, all, limit)
			}
		}
	})
	if !t.Failed() {
		checkSection(t, "../../../docs/drift.md", "detection times", b.String())
	}
}
