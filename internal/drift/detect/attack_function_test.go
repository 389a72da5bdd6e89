package detect_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"permstack/internal/iampolicy/policytest"
	"permstack/internal/notify/finding"
)

// parentResource returns the physical id of a resource of the parent.
func (w *environment) parentResource(logicalID string) *string {
	w.t.Helper()
	name := parentName
	out := must(w.CloudFormation.DescribeStackResource(w.t.Context(), &cloudformation.DescribeStackResourceInput{
		StackName: &name, LogicalResourceId: &logicalID,
	}))
	return out.StackResourceDetail.PhysicalResourceId
}

// change is a change of an installation by somebody who has some rights in the
// account, and its reversal.
type change struct {
	name      string
	do, undo  func(ctx context.Context, w *environment) error
	kind      finding.Kind
	direction finding.Direction
	text      string // in the words of the finding
}

// testChanges makes each change and undoes it: it is found in two checks with its
// direction, every gain of the same change too, and nothing is found when it is undone.
func testChanges(t *testing.T, w *environment, changes []change) {
	t.Helper()
	if report := w.check(); len(report.Findings) != 0 {
		t.Fatalf("before any change: %s", inWords(report.Findings...))
	}
	sample := policytest.NewStratified(10)
	t.Log(sample)
	for _, c := range changes {
		if !sample.Includes(string(c.kind)+" "+string(c.direction), c.name) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			w := w.in(t)
			if err := c.do(t.Context(), w); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				report := w.check()
				i := slices.IndexFunc(report.Findings, func(f finding.Finding) bool {
					return f.Kind == c.kind && f.Direction == c.direction && strings.Contains(inWords(f), c.text)
				})
				if i < 0 {
					t.Errorf("want a finding %s %s with %q, found\n%s", c.kind, c.direction, c.text,
						inWords(report.Findings...))
				}
			}
			if c.undo == nil {
				return
			}
			if err := c.undo(t.Context(), w); err != nil {
				t.Fatal(err)
			}
			if report := w.check(); len(report.Findings) != 0 {
				t.Errorf("after it was undone: %s", inWords(report.Findings...))
			}
		})
	}
}

// configure returns a change of a function's configuration. The function in gets the
// configuration as it is.
func configure(
	logicalID string, edit func(*lambda.UpdateFunctionConfigurationInput),
) func(context.Context, *environment) error {
	return func(ctx context.Context, w *environment) error {
		c := lambda.NewFromConfig(w.Config(account, region))
		name := w.parentResource(logicalID)
		now := must(c.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: name}))
		in := &lambda.UpdateFunctionConfigurationInput{
			FunctionName: name, Environment: &types.Environment{Variables: now.Environment.Variables},
		}
		edit(in)
		_, err := c.UpdateFunctionConfiguration(ctx, in)
		return err
	}
}

// TestFunctionAttacks changes the functions and the queue by everybody who has rights
// of Lambda and SQS in the account.
func TestFunctionAttacks(t *testing.T) {
	policytest.RequireSlow(t, "it launches a stack for each change")
	w := installTemplate(t)
	c := lambda.NewFromConfig(w.Config(account, region))
	queues := sqs.NewFromConfig(w.Config(account, region))
	drift, provisioner := w.parentResource("Drift"), w.parentResource("Provisioner")
	queue := w.parentResource("DriftFailures")
	attributes := must(queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: queue, AttributeNames: []sqstypes.QueueAttributeName{"All"},
	})).Attributes
	role := must(c.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: drift})).Role
	stackRole := must(c.GetFunctionConfiguration(t.Context(),
		&lambda.GetFunctionConfigurationInput{FunctionName: provisioner})).Role
	var mapping *string
	testChanges(t, w, []change{
		{
			"layer", configure("Drift", func(in *lambda.UpdateFunctionConfigurationInput) {
				in.Layers = []string{"arn:aws:lambda:us-east-1:999988887777:layer:theirs:1"}
			}),
			configure("Drift", func(in *lambda.UpdateFunctionConfigurationInput) { in.Layers = []string{} }),
			finding.FunctionChanged, finding.GrantsMore, "layer:theirs",
		},
		{
			"variable that loads code", configure("Provisioner", func(in *lambda.UpdateFunctionConfigurationInput) {
				in.Environment.Variables["AWS_ENDPOINT_URL_STS"] = "https://theirs.example.com"
			}),
			configure("Provisioner", func(in *lambda.UpdateFunctionConfigurationInput) {
				delete(in.Environment.Variables, "AWS_ENDPOINT_URL_STS")
			}),
			finding.FunctionChanged, finding.GrantsMore, "AWS_ENDPOINT_URL_STS",
		},
		{
			"topic of the check", configure("Drift", func(in *lambda.UpdateFunctionConfigurationInput) {
				in.Environment.Variables["ALERT_TOPIC_ARN"] += "x"
			}),
			configure("Drift", func(in *lambda.UpdateFunctionConfigurationInput) {
				v := in.Environment.Variables
				v["ALERT_TOPIC_ARN"] = strings.TrimSuffix(v["ALERT_TOPIC_ARN"], "x")
			}),
			finding.FunctionChanged, finding.Monitoring, "ALERT_TOPIC_ARN",
		},
		{
			"role", configure("Drift", func(in *lambda.UpdateFunctionConfigurationInput) { in.Role = stackRole }),
			configure("Drift", func(in *lambda.UpdateFunctionConfigurationInput) { in.Role = role }),
			finding.FunctionChanged, finding.GrantsMore, "Role",
		},
		{
			"handler", configure("Drift", func(in *lambda.UpdateFunctionConfigurationInput) { in.Handler = aws.String("sh") }),
			configure("Drift", func(in *lambda.UpdateFunctionConfigurationInput) { in.Handler = aws.String("bootstrap") }),
			finding.FunctionChanged, finding.GrantsMore, "bootstrap",
		},
		{
			"time limit", configure("Drift", func(in *lambda.UpdateFunctionConfigurationInput) { in.Timeout = aws.Int32(1) }),
			configure("Drift", func(in *lambda.UpdateFunctionConfigurationInput) { in.Timeout = aws.Int32(600) }),
			finding.FunctionChanged, finding.Monitoring, "600",
		},
		{
			"VPC", configure("Drift", func(in *lambda.UpdateFunctionConfigurationInput) {
				in.VpcConfig = &types.VpcConfig{SubnetIds: []string{"subnet-1"}, SecurityGroupIds: []string{"sg-1"}}
			}),
			configure("Drift", func(in *lambda.UpdateFunctionConfigurationInput) { in.VpcConfig = &types.VpcConfig{} }),
			finding.FunctionChanged, finding.Monitoring, "subnet-1",
		},
		{
			"concurrency 0", func(ctx context.Context, _ *environment) error {
				_, err := c.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{
					FunctionName: drift, ReservedConcurrentExecutions: aws.Int32(0),
				})
				return err
			},
			func(ctx context.Context, _ *environment) error {
				_, err := c.DeleteFunctionConcurrency(ctx, &lambda.DeleteFunctionConcurrencyInput{FunctionName: drift})
				return err
			},
			finding.FunctionChanged, finding.Monitoring, "does not run at all",
		},
		{
			"permission", func(ctx context.Context, _ *environment) error {
				_, err := c.AddPermission(ctx, &lambda.AddPermissionInput{
					FunctionName: provisioner, StatementId: aws.String("theirs"), Action: aws.String("lambda:InvokeFunction"),
					Principal: aws.String("999988887777"),
				})
				return err
			},
			func(ctx context.Context, _ *environment) error {
				_, err := c.RemovePermission(ctx, &lambda.RemovePermissionInput{
					FunctionName: provisioner, StatementId: aws.String("theirs"),
				})
				return err
			},
			finding.FunctionPolicyChanged, finding.GrantsMore, "999988887777",
		},
		{
			"URL", func(ctx context.Context, _ *environment) error {
				_, err := c.CreateFunctionUrlConfig(ctx, &lambda.CreateFunctionUrlConfigInput{
					FunctionName: provisioner, AuthType: types.FunctionUrlAuthTypeNone,
				})
				return err
			},
			func(ctx context.Context, _ *environment) error {
				_, err := c.DeleteFunctionUrlConfig(ctx, &lambda.DeleteFunctionUrlConfigInput{FunctionName: provisioner})
				return err
			},
			finding.FunctionTriggerAdded, finding.GrantsMore, "lambda-url",
		},
		{
			"event source", func(ctx context.Context, _ *environment) error {
				out, err := c.CreateEventSourceMapping(ctx, &lambda.CreateEventSourceMappingInput{
					FunctionName: drift, EventSourceArn: aws.String("arn:aws:sqs:us-east-1:123456789012:theirs"),
				})
				mapping = out.UUID
				return err
			},
			func(ctx context.Context, _ *environment) error {
				_, err := c.DeleteEventSourceMapping(ctx, &lambda.DeleteEventSourceMappingInput{UUID: mapping})
				return err
			},
			finding.FunctionTriggerAdded, finding.GrantsMore, ":theirs",
		},
		{
			"alias", func(ctx context.Context, _ *environment) error {
				_, err := c.CreateAlias(ctx, &lambda.CreateAliasInput{
					FunctionName: drift, Name: aws.String("theirs"), FunctionVersion: aws.String("$LATEST"),
				})
				return err
			},
			func(ctx context.Context, _ *environment) error {
				_, err := c.DeleteAlias(ctx, &lambda.DeleteAliasInput{FunctionName: drift, Name: aws.String("theirs")})
				return err
			},
			finding.FunctionTriggerAdded, finding.GrantsMore, "alias theirs",
		},
		{
			"destination", func(ctx context.Context, _ *environment) error {
				_, err := c.PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{
					FunctionName: provisioner, MaximumRetryAttempts: aws.Int32(0), DestinationConfig: &types.DestinationConfig{
						OnSuccess: &types.OnSuccess{Destination: aws.String("arn:aws:sqs:us-east-1:999988887777:theirs")},
					},
				})
				return err
			},
			func(ctx context.Context, _ *environment) error {
				_, err := c.PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{
					FunctionName: provisioner, MaximumRetryAttempts: aws.Int32(0),
				})
				return err
			},
			finding.FunctionChanged, finding.GrantsMore, "999988887777",
		},
		{
			"policy of the queue", func(ctx context.Context, _ *environment) error {
				_, err := queues.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
					QueueUrl: queue, Attributes: map[string]string{"Policy": `{"Version":"2012-10-17","Statement":[{"Effect":` +
						`"Allow","Principal":"*","Action":"sqs:*","Resource":"` + attributes["QueueArn"] + `"}]}`},
				})
				return err
			},
			func(ctx context.Context, _ *environment) error {
				_, err := queues.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
					QueueUrl: queue, Attributes: map[string]string{"Policy": attributes["Policy"]},
				})
				return err
			},
			finding.QueuePolicyChanged, finding.GrantsMore, "everyone",
		},
		{
			"policy of the queue removed", func(ctx context.Context, _ *environment) error {
				_, err := queues.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
					QueueUrl: queue, Attributes: map[string]string{"Policy": ""},
				})
				return err
			},
			func(ctx context.Context, _ *environment) error {
				_, err := queues.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
					QueueUrl: queue, Attributes: map[string]string{"Policy": attributes["Policy"]},
				})
				return err
			},
			finding.QueuePolicyChanged, finding.Monitoring, "sqs:SendMessage",
		},
		{
			"key of the queue", func(ctx context.Context, _ *environment) error {
				_, err := queues.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
					QueueUrl: queue, Attributes: map[string]string{"KmsMasterKeyId": "alias/theirs"},
				})
				return err
			},
			func(ctx context.Context, _ *environment) error {
				_, err := queues.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
					QueueUrl: queue, Attributes: map[string]string{"KmsMasterKeyId": ""},
				})
				return err
			},
			finding.PropertyChanged, finding.Monitoring, "alias/theirs",
		},
	})
}
