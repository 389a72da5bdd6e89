package timing

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"permstack/internal/awsapi/livestate"
	"permstack/internal/fakeaws/events"
	"permstack/internal/fakeaws/protocol"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/installation"
)

// harmless is a change that no message may follow.
type harmless struct {
	name string
	do   func(ctx context.Context, w *watched) error
}

// reversed returns a JSON document with its lists in the other order.
func reversed(text string) (string, error) {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return "", err
	}
	var turn func(any)
	turn = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, e := range v {
				turn(e)
			}
		case []any:
			slices.Reverse(v)
			for _, e := range v {
				turn(e)
			}
		}
	}
	turn(v)
	data, err := json.Marshal(v)
	return " " + string(data), err
}

const trustOfService = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",` +
	`"Principal":{"Service":"ec2.amazonaws.com"}}]}`

// ofIdentity are harmless changes of IAM.
func ofIdentity(w *watched) []harmless {
	c, live := iam.NewFromConfig(w.cfg), livestate.NewReader(w.cfg)
	role, theirs := aws.String(clumioRole), aws.String("of-others")
	policy := "arn:aws:iam::" + accountID + ":policy/clumio/us-east-1/c-1/"
	return []harmless{
		{"tags of a guardrail on a role", func(ctx context.Context, _ *watched) error {
			_, err := c.TagRole(ctx, &iam.TagRoleInput{RoleName: role, Tags: []iamtypes.Tag{
				{Key: aws.String("cost-center"), Value: aws.String("4711")},
				{Key: aws.String("servicecatalog:provisioned"), Value: aws.String("yes")},
			}})
			return err
		}},
		{"description of a role", func(ctx context.Context, _ *watched) error {
			_, err := c.UpdateRole(ctx, &iam.UpdateRoleInput{RoleName: role, Description: aws.String("for backups")})
			return err
		}},
		{"inline policies in another form", func(ctx context.Context, _ *watched) error {
			names, err := live.InlinePolicyNames(ctx, clumioRole)
			for _, name := range names {
				var text string
				if text, err = live.InlinePolicy(ctx, clumioRole, name); err == nil {
					text, err = reversed(text)
				}
				if err == nil {
					_, err = c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: role, PolicyName: &name, PolicyDocument: &text})
				}
				if err != nil {
					return err
				}
			}
			return err
		}},
		{"statement moved to another policy of the role", func(ctx context.Context, _ *watched) error {
			names, err := live.InlinePolicyNames(ctx, clumioRole)
			if err != nil || len(names) < 2 {
				return fmt.Errorf("the role has the policies %q: %w", names, err)
			}
			var documents [2]map[string]any
			for i := range documents {
				text, err := live.InlinePolicy(ctx, clumioRole, names[i])
				if err != nil {
					return err
				}
				if err := json.Unmarshal([]byte(text), &documents[i]); err != nil {
					return err
				}
			}
			from, to := documents[0]["Statement"].([]any), documents[1]["Statement"].([]any)
			documents[1]["Statement"], documents[0]["Statement"] = append(to, from[0]), from[1:]
			for i := 1; i >= 0; i-- {
				data, err := json.Marshal(documents[i])
				if err != nil {
					return err
				}
				if i == 0 && len(from) == 1 {
					_, err = c.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: role, PolicyName: &names[0]})
				} else {
					_, err = c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
						RoleName: role, PolicyName: &names[i], PolicyDocument: aws.String(string(data)),
					})
				}
				if err != nil {
					return err
				}
			}
			return nil
		}},
		{"policies in new versions with the same meaning", func(ctx context.Context, _ *watched) error {
			attached, err := live.AttachedPolicies(ctx, clumioRole)
			for _, p := range attached {
				if err != nil {
					return err
				}
				var version livestate.PolicyVersion
				if version, err = live.DefaultVersion(ctx, p.ARN); err != nil {
					return err
				}
				text, form := reversed(version.Text)
				if form != nil {
					return form
				}
				_, err = c.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{
					PolicyArn: &p.ARN, PolicyDocument: &text, SetAsDefault: true,
				})
			}
			return err
		}},
		{"trust policy in another form", func(ctx context.Context, _ *watched) error {
			settings, err := live.RoleSettings(ctx, clumioRole)
			if err != nil {
				return err
			}
			text, err := reversed(settings.Trust)
			if err != nil {
				return err
			}
			_, err = c.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: role, PolicyDocument: &text})
			return err
		}},
		{"role of others", func(ctx context.Context, _ *watched) error {
			if _, err := c.CreateRole(ctx, &iam.CreateRoleInput{
				RoleName: theirs, AssumeRolePolicyDocument: aws.String(trustOfService),
			}); err != nil {
				return err
			}
			_, err := c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{
				RoleName: theirs, PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess"),
			})
			return err
		}},
		{"role of others whose name begins like the vendor's", func(ctx context.Context, _ *watched) error {
			_, err := c.CreateRole(ctx, &iam.CreateRoleInput{
				RoleName: aws.String("ClumioReports"), AssumeRolePolicyDocument: aws.String(trustOfService),
			})
			return err
		}},
		{"refused call", func(ctx context.Context, w *watched) error {
			c := iam.NewFromConfig(w.cloud.ConfigAs(accountID, region, "arn:aws:iam::"+accountID+":role/ClumioReports"))
			_, err := c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{
				RoleName: role, PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess"),
			})
			if err == nil {
				return fmt.Errorf("the call was allowed, want it refused (%s)", policy)
			}
			return nil
		}},
	}
}

// ofOthers are harmless changes of other services, and operations of CloudFormation.
func ofOthers(w *watched) []harmless {
	functions, alarms := lambda.NewFromConfig(w.cfg), cloudwatch.NewFromConfig(w.cfg)
	objects := s3.NewFromConfig(w.cfg, func(o *s3.Options) { o.UsePathStyle = true })
	call := func(source, name string, parameters map[string]any) func(context.Context, *watched) error {
		return func(_ context.Context, w *watched) error {
			w.cloud.Events().Emit(accountID, region, events.Event{
				Source: source, DetailType: "AWS API Call via CloudTrail", Detail: map[string]any{
					"eventName": name, "eventSource": strings.TrimPrefix(source, "aws.") + ".amazonaws.com",
					"eventTime": time.Now().UTC().Format(time.RFC3339), "eventID": name, "readOnly": false,
					"userIdentity":      map[string]any{"type": "IAMUser", "arn": "arn:aws:iam::" + accountID + ":user/x"},
					"requestParameters": parameters,
				},
			})
			return nil
		}
	}
	return []harmless{
		{"settings of a function written as they are", func(ctx context.Context, w *watched) error {
			_, err := functions.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
				FunctionName: aws.String(w.ids["Provisioner"]), Timeout: aws.Int32(900),
			})
			return err
		}},
		{"description and tracing of a function", func(ctx context.Context, w *watched) error {
			_, err := functions.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
				FunctionName: aws.String(w.driftFunction()), Description: aws.String("The check."),
				TracingConfig: &lambdatypes.TracingConfig{Mode: lambdatypes.TracingModeActive},
				SnapStart:     &lambdatypes.SnapStart{ApplyOn: lambdatypes.SnapStartApplyOnNone},
			})
			return err
		}},
		{"actions of an alarm that are on", func(ctx context.Context, w *watched) error {
			_, err := alarms.EnableAlarmActions(ctx, &cloudwatch.EnableAlarmActionsInput{
				AlarmNames: []string{w.ids["DriftCheckMissing"]},
			})
			return err
		}},
		{"state of an alarm", call("aws.monitoring", "SetAlarmState", map[string]any{
			"alarmName": w.ids["DriftCheckMissing"], "stateValue": "ALARM", "stateReason": "test",
		})},
		{"instance with the vendor's role", call("aws.ec2", "RunInstances", map[string]any{
			"iamInstanceProfile": map[string]any{"name": clumioRole},
		})},
		{"retention of a log group of others", call("aws.logs", "PutRetentionPolicy", map[string]any{
			"logGroupName": "/aws/lambda/of-others", "retentionInDays": 1,
		})},
		{"bucket of others", func(ctx context.Context, _ *watched) error {
			_, err := objects.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("of-others")})
			return err
		}},
		{"stack of others", func(ctx context.Context, w *watched) error {
			_, err := w.cfn.CreateStack(ctx, &cloudformation.CreateStackInput{
				StackName: aws.String("of-others"), TemplateBody: aws.String(`{"Resources":{"T":{"Type":"AWS::SNS::Topic"}}}`),
			})
			if err != nil {
				return err
			}
			_, _, err = w.stacks.Wait(ctx, accountID, region, "of-others")
			return err
		}},
		{"drift detection of the permission stacks", func(ctx context.Context, w *watched) error {
			parent, err := installation.ParseParent(w.id(parentName))
			if err != nil {
				return err
			}
			_, err = w.cfn.DetectStackDrift(ctx, &cloudformation.DetectStackDriftInput{
				StackName: aws.String(parent.StackName(installation.Access)),
			})
			return err
		}},
		{"termination protection on", func(ctx context.Context, w *watched) error {
			_, err := w.cfn.UpdateTerminationProtection(ctx, &cloudformation.UpdateTerminationProtectionInput{
				StackName: aws.String(parentName), EnableTerminationProtection: aws.Bool(true),
			})
			return err
		}},
		{"tags of the launched stack", func(ctx context.Context, w *watched) error {
			return w.updateStack(ctx, parentName, func(in *cloudformation.UpdateStackInput) {
				in.Tags = append(in.Tags, cfntypes.Tag{Key: aws.String("cost-center"), Value: aws.String("4711")})
			})
		}},
		{"update without another choice", func(ctx context.Context, w *watched) error {
			return w.updateStack(ctx, parentName, setParameter("Revision", "2"))
		}},
		{"complete check", func(_ context.Context, w *watched) error {
			return w.functions.InvokeAsync(w.driftFunction(), []byte(`{"source":"aws.events"}`))
		}},
		{"throttling of every service", func(_ context.Context, w *watched) error {
			throttled := map[string]int{}
			w.throttle = func(call *protocol.Call) error {
				key := call.Service + ":" + call.Action
				if throttled[key]++; throttled[key] > 2 {
					return nil
				}
				return protocol.Errorf("Throttling", "Rate exceeded").WithStatus(400)
			}
			return w.functions.InvokeAsync(w.driftFunction(), []byte(`{"source":"aws.events"}`))
		}},
	}
}

// TestHarmlessHour makes harmless changes for an hour, each with the events that AWS sends about it, and requires that
// nobody is notified. A complete check ends it.
func TestHarmlessHour(t *testing.T) {
	policytest.RequireSlow(t, "it simulates hours")
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, map[string]string{"NotificationEmail": "security@example.com"})
		w.rest()
		began := time.Now()
		all := slices.Concat(ofIdentity(w), ofMessaging(w), ofOthers(w))
		all = append(all, harmless{"complete check at the end", func(_ context.Context, w *watched) error {
			w.throttle = nil
			return w.functions.InvokeAsync(w.driftFunction(), []byte(`{"source":"aws.events"}`))
		}})
		interval := time.Hour/time.Duration(len(all)) + 1 // rounded up
		for _, c := range all {
			next := time.Now().Add(interval)
			if err := c.do(t.Context(), w); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			time.Sleep(max(0, time.Until(next)))
			synctest.Wait()
			w.mu.Lock()
			for _, m := range w.sent {
				t.Errorf("%s: got the message %s\n%s", c.name, m.Subject, m.Body)
			}
			w.sent = nil
			w.mu.Unlock()
		}
		if took := time.Since(began); took < time.Hour {
			t.Errorf("the changes took %s, want an hour", took)
		}
	})
}
