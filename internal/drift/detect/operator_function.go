package detect

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/notify/finding"
)

// restoreFunctionCode deploys the package that the parent's template names.
func restoreFunctionCode(ctx context.Context, v *reverter, r *resource, _ finding.Finding) outcome {
	code, _ := r.props["Code"].(map[string]any)
	bucket, key := text(code["S3Bucket"]), text(code["S3Key"])
	if bucket == "" || key == "" || isUnknown(bucket) || isUnknown(key) {
		return outcome{result: finding.ValueUnknown}
	}
	in := &lambda.UpdateFunctionCodeInput{FunctionName: &r.physicalID, S3Bucket: &bucket, S3Key: &key}
	if version := text(code["S3ObjectVersion"]); version != "" {
		in.S3ObjectVersion = &version
	}
	if _, err := v.clients.Operator.Lambda.UpdateFunctionCode(ctx, in); err != nil {
		return failed(fmt.Errorf("update code of function %s: %w", r.physicalID, awserr.Concise(err)))
	}
	return v.functionUpdated(ctx, r)
}

// functionUpdated waits until Lambda has applied an update: another one is refused before.
func (v *reverter) functionUpdated(ctx context.Context, r *resource) outcome {
	err := lambda.NewFunctionUpdatedV2Waiter(v.clients.Operator.Lambda).Wait(ctx,
		&lambda.GetFunctionInput{FunctionName: &r.physicalID}, longestFunctionUpdate)
	if err != nil {
		return failed(fmt.Errorf("wait for the update of function %s: %w", r.physicalID, awserr.Concise(err)))
	}
	return outcome{result: finding.SettingRestored}
}

// restoreFunctionSetting restores the concurrency, the destinations, or all settings of
// UpdateFunctionConfiguration as the template has them.
func restoreFunctionSetting(ctx context.Context, v *reverter, r *resource, f finding.Finding) outcome {
	client := v.clients.Operator.Lambda
	var err error
	switch f.Property {
	case "ReservedConcurrentExecutions":
		if declared := text(r.props[f.Property]); declared != "" {
			n, _ := strconv.ParseInt(declared, 10, 32)
			_, err = client.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{
				FunctionName: &r.physicalID, ReservedConcurrentExecutions: aws.Int32(int32(n)),
			})
			break
		}
		_, err = client.DeleteFunctionConcurrency(ctx, &lambda.DeleteFunctionConcurrencyInput{FunctionName: &r.physicalID})
	case codeSigning: // a finding exists only if one is declared
		_, err = client.PutFunctionCodeSigningConfig(ctx, &lambda.PutFunctionCodeSigningConfigInput{
			FunctionName: &r.physicalID, CodeSigningConfigArn: aws.String(text(r.props[codeSigning])),
		})
	case "DestinationConfig", "EventInvokeConfig":
		err = v.restoreInvokeConfig(ctx, r)
	default:
		return v.restoreConfiguration(ctx, r)
	}
	if err != nil {
		return failed(fmt.Errorf("restore %s of function %s: %w", f.Property, r.physicalID, awserr.Concise(err)))
	}
	return outcome{result: finding.SettingRestored}
}

// restoreInvokeConfig writes the declared configuration of asynchronous invocations, or
// deletes it if none is declared.
func (v *reverter) restoreInvokeConfig(ctx context.Context, r *resource) error {
	client := v.clients.Operator.Lambda
	arn, _ := r.typ.attributes["Arn"](r.stack.references, r.logicalID, r.physicalID)
	for _, p := range v.model.resources {
		name := text(p.props["FunctionName"])
		if p.typ != lambdaEventInvokeConfig || p.stack != r.stack || name != r.physicalID && name != arn {
			continue
		}
		in := &lambda.PutFunctionEventInvokeConfigInput{FunctionName: &r.physicalID}
		for property, field := range map[string]**int32{
			"MaximumRetryAttempts": &in.MaximumRetryAttempts, "MaximumEventAgeInSeconds": &in.MaximumEventAgeInSeconds,
		} {
			if n, err := strconv.ParseInt(text(p.props[property]), 10, 32); err == nil {
				*field = aws.Int32(int32(n))
			}
		}
		config, _ := p.props["DestinationConfig"].(map[string]any)
		in.DestinationConfig = &types.DestinationConfig{}
		destination := func(event string) *string {
			one, _ := config[event].(map[string]any)
			if target := text(one["Destination"]); target != "" {
				return &target
			}
			return nil
		}
		if target := destination("OnFailure"); target != nil {
			in.DestinationConfig.OnFailure = &types.OnFailure{Destination: target}
		}
		if target := destination("OnSuccess"); target != nil {
			in.DestinationConfig.OnSuccess = &types.OnSuccess{Destination: target}
		}
		_, err := client.PutFunctionEventInvokeConfig(ctx, in)
		return err
	}
	_, err := client.DeleteFunctionEventInvokeConfig(ctx,
		&lambda.DeleteFunctionEventInvokeConfigInput{FunctionName: &r.physicalID})
	return err
}

// restoreConfiguration sets every setting of a function to the declared value, or to
// Lambda's default.
func (v *reverter) restoreConfiguration(ctx context.Context, r *resource) outcome {
	for _, name := range functionProperties {
		if name != "Code" && isUnknown(r.props[name]) {
			return outcome{result: finding.ValueUnknown}
		}
	}
	number := func(name string, without int32) *int32 {
		if n, err := strconv.ParseInt(text(r.props[name]), 10, 32); err == nil {
			return aws.Int32(int32(n))
		}
		return &without
	}
	object := func(name string) map[string]any { m, _ := r.props[name].(map[string]any); return m }
	vpc, logging := object("VpcConfig"), object("LoggingConfig")
	in := &lambda.UpdateFunctionConfigurationInput{
		FunctionName: &r.physicalID, Timeout: number("Timeout", defaultTimeout),
		MemorySize: number("MemorySize", defaultMemory),
		Role:       aws.String(text(r.props["Role"])), KMSKeyArn: aws.String(text(r.props["KmsKeyArn"])),
		Environment: &types.Environment{Variables: map[string]string{}}, Layers: texts(r.props["Layers"]),
		VpcConfig: &types.VpcConfig{
			SubnetIds: texts(vpc["SubnetIds"]), SecurityGroupIds: texts(vpc["SecurityGroupIds"]),
		},
		DeadLetterConfig:  &types.DeadLetterConfig{TargetArn: aws.String(text(object("DeadLetterConfig")["TargetArn"]))},
		FileSystemConfigs: []types.FileSystemConfig{},
	}
	if handler := text(r.props["Handler"]); handler != "" {
		in.Handler = &handler
	}
	in.Runtime = types.Runtime(text(r.props["Runtime"]))
	variables, _ := object("Environment")["Variables"].(map[string]any)
	for name, value := range variables {
		in.Environment.Variables[name] = text(value)
	}
	for _, f := range objects(r.props["FileSystemConfigs"]) {
		in.FileSystemConfigs = append(in.FileSystemConfigs, types.FileSystemConfig{
			Arn: aws.String(text(f["Arn"])), LocalMountPath: aws.String(text(f["LocalMountPath"])),
		})
	}
	if logging != nil {
		in.LoggingConfig = &types.LoggingConfig{LogFormat: types.LogFormat(text(logging["LogFormat"]))}
		if group := text(logging["LogGroup"]); group != "" {
			in.LoggingConfig.LogGroup = &group
		}
		in.LoggingConfig.ApplicationLogLevel = types.ApplicationLogLevel(text(logging["ApplicationLogLevel"]))
		in.LoggingConfig.SystemLogLevel = types.SystemLogLevel(text(logging["SystemLogLevel"]))
	}
	if _, err := v.clients.Operator.Lambda.UpdateFunctionConfiguration(ctx, in); err != nil {
		return failed(fmt.Errorf("update configuration of function %s: %w", r.physicalID, awserr.Concise(err)))
	}
	return v.functionUpdated(ctx, r)
}

// restoreFunctionPolicy removes the statements that no template declares and adds those
// that are missing.
func restoreFunctionPolicy(ctx context.Context, v *reverter, r *resource, _ finding.Finding) outcome {
	client := v.clients.Operator.Lambda
	live := ""
	got, err := v.clients.Operator.Lambda.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: &r.physicalID})
	switch {
	case awserr.IsNotFound(err):
	case err != nil:
		return failed(fmt.Errorf("read policy of function %s: %w", r.physicalID, awserr.Concise(err)))
	default:
		live = aws.ToString(got.Policy)
	}
	missing := v.model.permissions(r)
	for _, s := range parseDocument(live).Statement {
		one := document{}
		one.Statement = append(one.Statement, s)
		declared := slices.IndexFunc(missing, func(p permission) bool {
			return p.statement.meaning(v.model.account) == one.meaning(v.model.account)
		})
		if declared >= 0 {
			missing = slices.Delete(missing, declared, declared+1)
			continue
		}
		if _, err := client.RemovePermission(ctx, &lambda.RemovePermissionInput{
			FunctionName: &r.physicalID, StatementId: aws.String(s.Sid),
		}); err != nil && !awserr.IsNotFound(err) {
			return failed(fmt.Errorf("remove statement %s of function %s: %w", s.Sid, r.physicalID, awserr.Concise(err)))
		}
	}
	for _, p := range missing {
		if _, err := client.AddPermission(ctx, p.input(r)); err != nil {
			return failed(fmt.Errorf("add the permission %s of function %s: %w", p.logicalID, r.physicalID,
				awserr.Concise(err)))
		}
	}
	return outcome{result: finding.SettingRestored}
}

// permission is a declared permission of a function, and the statement that it results in.
type permission struct {
	*resource
	statement document
}

// permissions returns what a template declares for a function.
func (m *model) permissions(r *resource) []permission {
	var out []permission
	for _, p := range m.resources {
		single := *m
		single.resources = []*resource{p}
		if s := single.functionPolicy(r); s.text != "" {
			out = append(out, permission{p, s})
		}
	}
	return out
}

// input returns the call that adds the permission, with the id of the statement that
// CloudFormation manages.
func (p permission) input(function *resource) *lambda.AddPermissionInput {
	optional := func(name string) *string {
		if value := text(p.props[name]); value != "" {
			return &value
		}
		return nil
	}
	id := p.physicalID[strings.LastIndex(p.physicalID, "|")+1:]
	return &lambda.AddPermissionInput{
		FunctionName: &function.physicalID, StatementId: &id, Action: optional("Action"), Principal: optional("Principal"),
		SourceArn: optional("SourceArn"), SourceAccount: optional("SourceAccount"),
		PrincipalOrgID: optional("PrincipalOrgID"), EventSourceToken: optional("EventSourceToken"),
	}
}

// restoreQueuePolicy writes the declared policy of a queue.
func restoreQueuePolicy(ctx context.Context, v *reverter, r *resource, _ finding.Finding) outcome {
	expected := v.model.queuePolicy(r)
	if expected.unknown || expected.err != nil {
		return outcome{result: finding.ValueUnknown}
	}
	_, err := v.clients.Operator.SQS.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
		QueueUrl: &r.physicalID, Attributes: map[string]string{"Policy": expected.text},
	})
	if err != nil {
		return failed(fmt.Errorf("write policy of queue %s: %w", r.physicalID, awserr.Concise(err)))
	}
	return outcome{result: finding.SettingRestored}
}
