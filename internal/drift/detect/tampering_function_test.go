package detect_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"path"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"permstack/internal/iampolicy/policytest"
	"permstack/internal/notify/finding"
)

// TestFunctionTampering changes what TestFunctionAttacks does not: the code, the log, and how the function is invoked,
// with the rights of Lambda alone.
func TestFunctionTampering(t *testing.T) {
	policytest.RequireSlow(t, "it launches a stack for each change")
	w := installTemplate(t)
	c := lambda.NewFromConfig(w.attacker(`"lambda:*","iam:PassRole"`))
	drift, provisioner := w.parentResource("Drift"), w.parentResource("Provisioner")
	logs := w.parentResource("ProvisionerLogGroup")
	// The installation is not of a published release; the hashes are those that its functions have.
	w.release.Code = map[string]string{}
	for directory, name := range map[string]*string{"drift": drift, "provisioner": provisioner} {
		out := must(c.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: name}))
		w.release.Code[directory] = hex.EncodeToString(must(base64.StdEncoding.DecodeString(*out.Configuration.CodeSha256)))
	}
	code := func(name *string, zip string) func(context.Context, *environment) error {
		return func(ctx context.Context, _ *environment) error {
			_, err := c.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: name, ZipFile: []byte(zip)})
			return err
		}
	}
	invoke := func(edit func(*lambda.PutFunctionEventInvokeConfigInput)) func(context.Context, *environment) error {
		before := must(c.GetFunctionEventInvokeConfig(t.Context(),
			&lambda.GetFunctionEventInvokeConfigInput{FunctionName: drift}))
		return func(ctx context.Context, _ *environment) error {
			in := &lambda.PutFunctionEventInvokeConfigInput{
				FunctionName: drift, MaximumRetryAttempts: before.MaximumRetryAttempts,
				MaximumEventAgeInSeconds: before.MaximumEventAgeInSeconds, DestinationConfig: before.DestinationConfig,
			}
			edit(in)
			_, err := c.PutFunctionEventInvokeConfig(ctx, in)
			return err
		}
	}
	usual := invoke(func(*lambda.PutFunctionEventInvokeConfigInput) {})
	logging := func(config types.LoggingConfig) func(context.Context, *environment) error {
		return configure("Drift", func(in *lambda.UpdateFunctionConfigurationInput) { in.LoggingConfig = &config })
	}
	usualLog := logging(types.LoggingConfig{LogFormat: types.LogFormatText, LogGroup: logs})
	variable := func(function, name, value string) change {
		var before string
		return change{name + " of " + function, configure(function, func(in *lambda.UpdateFunctionConfigurationInput) {
			before, in.Environment.Variables[name] = in.Environment.Variables[name], value
		}), configure(function, func(in *lambda.UpdateFunctionConfigurationInput) {
			in.Environment.Variables[name] = before
		}), finding.FunctionChanged, finding.Monitoring, name}
	}
	permit := func(title, principal, organization, text string) change {
		id := aws.String("theirs")
		return change{title, func(ctx context.Context, _ *environment) error {
			in := &lambda.AddPermissionInput{FunctionName: drift, StatementId: id, Principal: &principal,
				Action: aws.String("lambda:InvokeFunction")}
			if organization != "" {
				in.PrincipalOrgID = &organization
			}
			_, err := c.AddPermission(ctx, in)
			return err
		}, func(ctx context.Context, _ *environment) error {
			_, err := c.RemovePermission(ctx, &lambda.RemovePermissionInput{FunctionName: drift, StatementId: id})
			return err
		}, finding.FunctionPolicyChanged, finding.GrantsMore, text}
	}
	testChanges(t, w, []change{
		variable("Drift", "PARENT_STACK_ID", "arn:aws:cloudformation:us-east-1:123456789012:stack/other/1"),
		variable("Drift", "STATE_PARAMETER", "theirs"),
		variable("Drift", "EVENT_QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/999988887777/theirs"),
		variable("Drift", "ON_DRIFT", "revert"),
		variable("Drift", "ACCEPTED_DIFFERENCES", "0123456789abcdef/0123456789abcdef until 2027-01-01 by x: y"),
		variable("Drift", "GUARDRAIL_ADDITIONS", admin),
		variable("Provisioner", "STACK_ROLE_ARN", "arn:aws:iam::123456789012:role/theirs"),
		variable("Provisioner", "ALERT_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:theirs"),
		{"log group of the check", logging(types.LoggingConfig{LogFormat: types.LogFormatText,
			LogGroup: aws.String("theirs")}), usualLog, finding.FunctionChanged, finding.Monitoring, "theirs"},
		{"format of the log, without metrics", logging(types.LoggingConfig{LogFormat: types.LogFormatJson,
			ApplicationLogLevel: types.ApplicationLogLevelFatal, LogGroup: logs}), usualLog, finding.FunctionChanged,
			finding.Monitoring, "JSON"},
		{"memory of the check", configure("Drift", func(in *lambda.UpdateFunctionConfigurationInput) {
			in.MemorySize = aws.Int32(128)
		}), configure("Drift", func(in *lambda.UpdateFunctionConfigurationInput) { in.MemorySize = aws.Int32(256) }),
			finding.FunctionChanged, finding.Monitoring, "128"},
		{"key of the variables", configure("Drift", func(in *lambda.UpdateFunctionConfigurationInput) {
			in.KMSKeyArn = aws.String("arn:aws:kms:us-east-1:999988887777:key/1")
		}), configure("Drift", func(in *lambda.UpdateFunctionConfigurationInput) { in.KMSKeyArn = aws.String("") }),
			finding.FunctionChanged, finding.Monitoring, "999988887777"},
		{"queue of failed events", configure("Provisioner", func(in *lambda.UpdateFunctionConfigurationInput) {
			in.DeadLetterConfig = &types.DeadLetterConfig{TargetArn: aws.String("arn:aws:sqs:us-east-1:123456789012:theirs")}
		}), configure("Provisioner", func(in *lambda.UpdateFunctionConfigurationInput) {
			in.DeadLetterConfig = &types.DeadLetterConfig{TargetArn: aws.String("")}
		}), finding.FunctionChanged, finding.GrantsMore, "theirs"},
		{"file system with code", configure("Provisioner", func(in *lambda.UpdateFunctionConfigurationInput) {
			in.FileSystemConfigs = []types.FileSystemConfig{{
				Arn:            aws.String("arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-1"),
				LocalMountPath: aws.String("/mnt/code"),
			}}
		}), configure("Provisioner", func(in *lambda.UpdateFunctionConfigurationInput) {
			in.FileSystemConfigs = []types.FileSystemConfig{}
		}), finding.FunctionChanged, finding.GrantsMore, "fsap-1"},
		{"no retries of failed checks", invoke(func(in *lambda.PutFunctionEventInvokeConfigInput) {
			in.MaximumRetryAttempts = aws.Int32(0)
		}), usual, finding.PropertyChanged, finding.Monitoring, "MaximumRetryAttempts"},
		{"events too old after a minute", invoke(func(in *lambda.PutFunctionEventInvokeConfigInput) {
			in.MaximumEventAgeInSeconds = aws.Int32(60)
		}), usual, finding.PropertyChanged, finding.Monitoring, "60"},
		{"no queue of failed checks", invoke(func(in *lambda.PutFunctionEventInvokeConfigInput) {
			in.DestinationConfig = &types.DestinationConfig{}
		}), usual, finding.FunctionChanged, finding.Monitoring, "OnFailure"},
		{"rules may not invoke the check", func(ctx context.Context, w *environment) error {
			_, err := c.RemovePermission(ctx, &lambda.RemovePermissionInput{FunctionName: drift,
				StatementId: w.parentResource("DriftRulePermission")})
			return err
		}, func(ctx context.Context, w *environment) error {
			_, err := c.AddPermission(ctx, &lambda.AddPermissionInput{FunctionName: drift,
				StatementId: w.parentResource("DriftRulePermission"),
				Action:      aws.String("lambda:InvokeFunction"), Principal: aws.String("events.amazonaws.com"),
				SourceArn: aws.String("arn:aws:events:us-east-1:123456789012:rule/permstack-" +
					path.Base(w.parent))})
			return err
		}, finding.FunctionPolicyChanged, finding.Monitoring, "events.amazonaws.com"},
		permit("everybody may invoke the check", "*", "", "for *"),
		permit("an organization may invoke the check", "*", "o-aa111bb222", "o-aa111bb222"),
		permit("another service may invoke the check", "s3.amazonaws.com", "", "s3.amazonaws.com"),
		{"version published", func(ctx context.Context, _ *environment) error {
			_, err := c.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: provisioner})
			return err
		}, nil, finding.FunctionTriggerAdded, finding.GrantsMore, "version 1"},
		{"code of the check", code(drift, "theirs"), nil, finding.FunctionCodeChanged, finding.GrantsMore, "sha256"},
		{"code of the provisioner", code(provisioner, "theirs"), nil, finding.FunctionCodeChanged, finding.GrantsMore,
			"sha256"},
		{"function deleted", func(ctx context.Context, _ *environment) error {
			_, err := c.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: provisioner})
			return err
		}, nil, finding.ResourceDeleted, finding.Monitoring, "Provisioner"},
	})
}
