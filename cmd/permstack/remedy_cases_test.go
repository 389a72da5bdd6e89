package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack"
	"permstack/internal/fakeaws/protocol"
	"permstack/internal/notify/finding"
)

// Documents of tamperings.
const (
	everythingAllowed = `'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'`
	trustOfOthers     = `'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` +
		`{"AWS":"arn:aws:iam::999988887777:root"},"Action":"sts:AssumeRole"}]}'`
	theirs = "arn:aws:sqs:us-east-1:999988887777:theirs"
)

// by returns a tampering with commands of the AWS CLI.
func by(commands ...string) func(*installed) { return func(e *installed) { e.aws(commands...) } }

// remedyCases have at least one finding of every kind that a check finds.
var remedyCases = []remedyCase{
	{kind: finding.InlinePolicyAdded, name: "of the vendor's role", do: by(
		"aws iam put-role-policy --role-name {ClumioIAMRole} --policy-name rogue --policy-document " + everythingAllowed)},
	{kind: finding.InlinePolicyAdded, name: "of the stack role", do: by(
		"aws iam put-role-policy --role-name {StackRole} --policy-name rogue --policy-document " + everythingAllowed)},
	{kind: finding.InlinePolicyRemoved, name: "of the check's role", do: by(
		"aws iam delete-role-policy --role-name {DriftRole} --policy-name Look")},
	{kind: finding.InlinePolicyChanged, name: "of the check's role", do: by(
		"aws iam put-role-policy --role-name {DriftRole} --policy-name Look --policy-document " + everythingAllowed)},
	{kind: finding.AttachmentAdded, name: "administrator", do: by(
		"aws iam attach-role-policy --role-name {ClumioSupportRole} --policy-arn {admin}")},
	{kind: finding.AttachmentRemoved, name: "of the vendor's role", do: by(
		"aws iam detach-role-policy --role-name {ClumioIAMRole} --policy-arn {ClumioEC2BackupPolicy}")},
	{kind: finding.PolicyChanged, name: "of the vendor's role", more: []finding.Kind{finding.PolicyVersionAdded}, do: by(
		"aws iam create-policy-version --policy-arn {ClumioEC2BackupPolicy} --set-as-default --policy-document " +
			everythingAllowed)},
	{kind: finding.PolicyVersionAdded, name: "staged", do: by(
		"aws iam create-policy-version --policy-arn {ClumioEC2RestorePolicy} --policy-document " + everythingAllowed)},
	{kind: finding.TrustChanged, name: "of the vendor's role", do: by(
		"aws iam update-assume-role-policy --role-name {ClumioIAMRole} --policy-document " + trustOfOthers)},
	{kind: finding.TrustChanged, name: "of the check's role", do: by(
		"aws iam update-assume-role-policy --role-name {DriftRole} --policy-document " + trustOfOthers)},
	{kind: finding.BoundaryChanged, name: "of the check's role", do: by(
		"aws iam put-role-permissions-boundary --role-name {DriftRole} --permissions-boundary {admin}")},
	{kind: finding.BoundaryChanged, name: "of the vendor's role, removed", do: by(
		"aws iam delete-role-permissions-boundary --role-name {ClumioIAMRole}")},
	{kind: finding.SessionChanged, name: "of the vendor's role", do: by(
		"aws iam update-role --role-name {ClumioIAMRole} --max-session-duration 43200")},
	{kind: finding.TagsChanged, name: "of a role", subject: "team", do: by(
		"aws iam untag-role --role-name {ClumioIAMRole} --tag-keys team")},
	{kind: finding.TagsChanged, name: "of a topic", subject: "team", do: by(
		`aws sns tag-resource --resource-arn {ClumioEventPub} --tags '[{"Key":"team","Value":"it'\''s, theirs"}]'`)},
	{kind: finding.TagsChanged, name: "of a permission stack", subject: "team", do: func(e *installed) {
		e.updateStack(e.words["inventory"], func(in *cloudformation.UpdateStackInput) {
			in.Tags[0].Value = aws.String("theirs")
			for i := range in.Tags {
				if *in.Tags[i].Key == "team" {
					in.Tags[i].Value = aws.String("theirs")
				}
			}
		})
	}, more: []finding.Kind{finding.TagsChanged}},
	{kind: finding.TopicPolicyChanged, name: "of the event topic", do: by(
		`aws sns set-topic-attributes --topic-arn {ClumioEventPub} --attribute-name Policy --attribute-value '{"Version":` +
			`"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"{ClumioEventPub}"}]}'`)},
	{kind: finding.TopicPolicyChanged, name: "of the alert topic", do: by(
		`aws sns set-topic-attributes --topic-arn {AlertTopic} --attribute-name Policy --attribute-value '{"Version":` +
			`"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"{AlertTopic}"}]}'`)},
	{kind: finding.TopicChanged, name: "key of the alert topic", do: by(
		"aws sns set-topic-attributes --topic-arn {AlertTopic} --attribute-name KmsMasterKeyId --attribute-value alias/aws/sns")},
	{kind: finding.SubscriptionAdded, name: "of another account", do: func(e *installed) {
		e.aws("aws sns subscribe --topic-arn {ClumioEventPub} --protocol sqs --notification-endpoint " + theirs)
		topic := aws.String(e.words["ClumioEventPub"])
		for _, c := range e.stack.AWS.SNS().Confirmations(*topic) {
			if _, err := e.stack.SNS.ConfirmSubscription(e.t.Context(), &sns.ConfirmSubscriptionInput{
				TopicArn: topic, Token: &c.Token,
			}); err != nil {
				e.t.Fatal(err)
			}
		}
	}},
	{kind: finding.RuleChanged, name: "disabled", do: by("aws events disable-rule --name {ClumioEBSApiRule}")},
	{kind: finding.RuleChanged, name: "of the check, disabled", do: by("aws events disable-rule --name {DriftRule}")},
	{kind: finding.RuleChanged, name: "target added", do: by(
		`aws events put-targets --rule {DriftIAMRule} --targets '[{"Id":"x","Arn":"` + theirs + `"}]'`)},
	{kind: finding.RuleChanged, name: "target removed", do: by(
		"aws events remove-targets --rule {DriftRule} --ids Drift")},
	{kind: finding.RuleChanged, name: "pattern", do: by(
		`aws events put-rule --name {ClumioS3ApiRule} --event-pattern '{"source":["aws.iam"]}'`)},
	{kind: finding.ProfileChanged, name: "without the role", do: by(
		"aws iam remove-role-from-instance-profile --instance-profile-name {ClumioEC2MSSQLSSMInstanceRoleV2InstanceProfile} " +
			"--role-name {ClumioEC2MSSQLSSMInstanceRoleV2}")},
	{kind: finding.ProfileAdded, name: "of others", do: by(
		"aws iam create-instance-profile --instance-profile-name theirs",
		"aws iam add-role-to-instance-profile --instance-profile-name theirs --role-name {ClumioIAMRole}")},
	{kind: finding.AttachedElsewhere, name: "to a role", do: by(
		"aws iam create-role --role-name of-others --assume-role-policy-document "+trustOfOthers,
		"aws iam attach-role-policy --role-name of-others --policy-arn {ClumioEC2BackupPolicy}")},
	{kind: finding.PropertyChanged, name: "delay of a queue", do: by(
		"aws sqs set-queue-attributes --queue-url {DriftEvents} --attributes DelaySeconds=900")},
	{kind: finding.PropertyChanged, name: "key of a queue", do: by(
		"aws sqs set-queue-attributes --queue-url {DriftFailures} --attributes KmsMasterKeyId=alias/theirs")},
	{kind: finding.PropertyChanged, name: "declared, of a queue", do: by(
		"aws sqs set-queue-attributes --queue-url {DriftFailures} --attributes MessageRetentionPeriod=60")},
	{kind: finding.PropertyChanged, name: "actions of an alarm", do: by(
		"aws cloudwatch disable-alarm-actions --alarm-names {DriftCheckMissing}")},
	{kind: finding.PropertyChanged, name: "stack policy", do: by(
		"aws cloudformation set-stack-policy --stack-name {access} " +
			`--stack-policy-body '{"Statement":[{"Effect":"Deny","Action":"Update:*","Principal":"*","Resource":"*"}]}'`)},
	{kind: finding.PropertyChanged, name: "role of a permission stack", subject: "RoleARN", do: func(e *installed) {
		e.aws("aws iam create-role --role-name for-stacks --assume-role-policy-document "+
			`'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudformation.amazonaws.com"},`+
			`"Action":"sts:AssumeRole"}]}'`, "aws iam attach-role-policy --role-name for-stacks --policy-arn {admin}")
		e.updateStack(e.words["inventory"], func(in *cloudformation.UpdateStackInput) {
			in.RoleARN = aws.String("arn:aws:iam::" + remedyAccount + ":role/for-stacks")
			in.Tags = append(in.Tags, types.Tag{Key: aws.String("extra"), Value: aws.String("1")})
		})
	}, more: []finding.Kind{finding.TagsChanged}},
	{kind: finding.QueuePolicyChanged, name: "removed", do: by(
		`aws sqs set-queue-attributes --queue-url {DriftFailures} --attributes '{"Policy":""}'`)},
	{kind: finding.FunctionChanged, name: "time limit and layer", more: []finding.Kind{finding.FunctionChanged}, do: by(
		"aws lambda update-function-configuration --function-name {Drift} --timeout 1 " +
			"--layers arn:aws:lambda:us-east-1:999988887777:layer:theirs:1")},
	{kind: finding.FunctionChanged, name: "concurrency", do: by(
		"aws lambda put-function-concurrency --function-name {Drift} --reserved-concurrent-executions 0")},
	{kind: finding.FunctionChanged, name: "destination", do: by(
		"aws lambda put-function-event-invoke-config --function-name {Drift} --maximum-retry-attempts 2 " +
			`--destination-config '{"OnSuccess":{"Destination":"` + theirs + `"}}'`),
		more: []finding.Kind{finding.FunctionChanged, finding.PropertyChanged}},
	{kind: finding.FunctionChanged, name: "code signing", subject: "CodeSigningConfigArn", do: by(
		"aws lambda delete-function-code-signing-config --function-name {Drift}")},
	{kind: finding.FunctionPolicyChanged, name: "added", do: by(
		"aws lambda add-permission --function-name {Provisioner} " +
			"--statement-id theirs --action lambda:InvokeFunction --principal 999988887777")},
	{kind: finding.FunctionPolicyChanged, name: "removed", do: by(
		"aws lambda remove-permission --function-name {Drift} --statement-id {DriftRulePermission}"),
		more: []finding.Kind{finding.ResourceDeleted}},
	{kind: finding.FunctionTriggerAdded, name: "URL", subject: "url ", do: by(
		"aws lambda create-function-url-config --function-name {Drift} --auth-type NONE")},
	{kind: finding.FunctionTriggerAdded, name: "event source", subject: "event source ", do: by(
		"aws lambda create-event-source-mapping --function-name {Drift} --event-source-arn " +
			"arn:aws:sqs:us-east-1:123456789012:theirs")},
	{kind: finding.FunctionTriggerAdded, name: "alias", subject: "alias ", do: by(
		"aws lambda create-alias --function-name {Drift} --name theirs --function-version '$LATEST'")},
	{kind: finding.FunctionTriggerAdded, name: "version", subject: "version ", do: by(
		"aws lambda publish-version --function-name {Provisioner}")},
	{kind: finding.RoleAdded, name: "under the path", do: by(
		"aws iam create-role --role-name rogue --path /permstack/us-east-1/main/ --assume-role-policy-document "+trustOfOthers,
		"aws iam attach-role-policy --role-name rogue --policy-arn {admin}"), more: []finding.Kind{finding.RoleUnowned}},
	{kind: finding.RoleUnowned, name: "named like the vendor's", do: by(
		"aws iam create-role --role-name ClumioIAMRoleOfOthers-us-east-1-main --assume-role-policy-document " + trustOfOthers)},
	{kind: finding.TrustsService, name: "and others", do: by("aws iam create-role --role-name trusting " +
		`--assume-role-policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",` +
		`"Principal":{"AWS":["{vendor}","arn:aws:iam::123456789012:root"]}}]}'`)},
	{kind: finding.TrustsOwnRole, name: "alone", do: by("aws iam create-role --role-name trusting-role " +
		`--assume-role-policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",` +
		`"Principal":{"AWS":"arn:aws:iam::123456789012:role/permstack/us-east-1/main/{ClumioIAMRole}"}}]}'`)},
	{kind: finding.ResourcePolicyNames, name: "of a bucket", do: by("aws s3api create-bucket --bucket theirs-remedy",
		`aws s3api put-bucket-policy --bucket theirs-remedy --policy '{"Version":"2012-10-17","Statement":[{"Effect":`+
			`"Allow","Principal":{"AWS":"{vendor}"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::theirs-remedy/*"}]}'`)},
	{kind: finding.ResourcePolicyNames, name: "of a topic", do: func(e *installed) {
		topic, err := e.stack.SNS.CreateTopic(e.t.Context(), &sns.CreateTopicInput{Name: aws.String("theirs")})
		if err != nil {
			e.t.Fatal(err)
		}
		e.aws("aws sns set-topic-attributes --topic-arn " + *topic.TopicArn + " --attribute-name Policy --attribute-value " +
			`'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"{vendor}"},"Action":"sns:Publish",` +
			`"Resource":"` + *topic.TopicArn + `"}]}'`)
	}},
	{kind: finding.ResourcePolicyNames, name: "of a queue", do: func(e *installed) {
		e.aws("aws sqs create-queue --queue-name theirs-too", "aws sqs set-queue-attributes --queue-url "+
			`https://sqs.us-east-1.amazonaws.com/123456789012/theirs-too --attributes '{"Policy":"{\"Version\":\"2012-10-17\",`+
			`\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"{vendor}\"},\"Action\":\"sqs:SendMessage\",`+
			`\"Resource\":\"*\"}]}"}'`)
	}},
	{kind: finding.ResourcePolicyNames, name: "of a key", do: func(e *installed) {
		key := e.key()
		e.aws("aws kms put-key-policy --key-id " + key + ` --policy '{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
			`"Principal":{"AWS":["{vendor}","arn:aws:iam::123456789012:root"]},"Action":"kms:*","Resource":"*"}]}'`)
	}},
	{kind: finding.KeyGrantAdded, name: "for the vendor", do: func(e *installed) {
		e.aws("aws kms create-grant --key-id " + e.key() + " --grantee-principal {vendor} --operations Decrypt")
	}},
	{kind: finding.StackAdded, name: "third", do: func(e *installed) {
		e.words["extra"] = strings.TrimSuffix(e.words["access"], "access") + "extra"
		e.createStack(e.words["extra"])
	}},
	{kind: finding.StackOrphaned, name: "without a parent", do: func(e *installed) {
		e.words["extra"] = "gone-0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-permstack-access"
		e.createStack(e.words["extra"])
	}},
	{kind: finding.ResourceDeleted, name: "role", do: func(e *installed) {
		e.aws("aws iam detach-role-policy --role-name {ClumioIAMRole} --policy-arn {ClumioEC2BackupPolicy}")
		e.deleteRole("ClumioSSMNotificationRole")
	}, more: []finding.Kind{finding.AttachmentRemoved}},
	{kind: finding.ResourceDeleted, name: "rule of the check", do: by(
		"aws events remove-targets --rule {DriftCallsRule} --ids Drift", "aws events delete-rule --name {DriftCallsRule}")},
	{kind: finding.ResourceDeleted, name: "alert topic", do: by("aws sns delete-topic --topic-arn {AlertTopic}")},
	{kind: finding.ResourceDeleted, name: "permission stack", do: func(e *installed) {
		e.aws("aws cloudformation delete-stack --stack-name {inventory}")
		_, _, _ = e.stack.Stacks.Wait(e.t.Context(), remedyAccount, remedyRegion, e.words["inventory"])
	}},
	{kind: finding.RoleIdentityChanged, name: "deleted and created", do: func(e *installed) {
		role := e.stack.Role(e.words["ClumioSupportRole"])
		e.deleteRole("ClumioSupportRole")
		e.aws("aws iam create-role --role-name {ClumioSupportRole} --path " + role.Path + " --assume-role-policy-document " +
			trustOfOthers)
	}, more: []finding.Kind{finding.InlinePolicyRemoved}},
	{kind: finding.TemplateChanged, name: "of the access stack", subject: "access", do: func(e *installed) {
		template, err := e.stack.CloudFormation.GetTemplate(e.t.Context(),
			&cloudformation.GetTemplateInput{StackName: aws.String(e.words["access"])})
		if err != nil {
			e.t.Fatal(err)
		}
		forged := strings.Replace(*template.TemplateBody, `"Action":["ec2:CreateSnapshot"`,
			`"Action":["iam:CreateUser","ec2:CreateSnapshot"`, 1)
		url := e.stack.TemplateURL("forged.json", []byte(forged))
		e.updateStack(e.words["access"], func(in *cloudformation.UpdateStackInput) {
			in.TemplateURL, in.UsePreviousTemplate = &url, nil
		})
	}, more: []finding.Kind{finding.PolicyChanged}},
	{kind: finding.StackFailed, name: "update", subject: "UPDATE_FAILED", do: func(e *installed) {
		e.failUpdate("UPDATE_FAILED", true, 1)
	}, more: []finding.Kind{finding.TemplateChanged, finding.RuleChanged}},
	{kind: finding.StackFailed, name: "rollback", subject: "UPDATE_ROLLBACK_FAILED", do: func(e *installed) {
		e.failUpdate("UPDATE_ROLLBACK_FAILED", false, 2)
	}, more: []finding.Kind{finding.RuleChanged}},
	{kind: finding.ChangeSetAdded, name: "of the access stack", subject: "theirs", do: func(e *installed) {
		e.createChangeSet(e.words["access"], func(in *cloudformation.CreateChangeSetInput) {
			template, err := e.stack.CloudFormation.GetTemplate(e.t.Context(),
				&cloudformation.GetTemplateInput{StackName: aws.String(e.words["access"])})
			if err != nil {
				e.t.Fatal(err)
			}
			forged := strings.Replace(*template.TemplateBody, `"Action":["ec2:CreateSnapshot"`,
				`"Action":["iam:CreateUser","ec2:CreateSnapshot"`, 1)
			in.TemplateURL, in.UsePreviousTemplate = aws.String(e.stack.TemplateURL("set.json", []byte(forged))), nil
		})
	}},
	{kind: finding.ChangeSetAdded, name: "of the parent stack", subject: "theirs", do: func(e *installed) {
		e.createChangeSet(e.stack.Name, func(in *cloudformation.CreateChangeSetInput) {
			for i, p := range in.Parameters {
				if *p.ParameterKey == "ControlPlaneRoleArn" {
					in.Parameters[i] = types.Parameter{ParameterKey: p.ParameterKey,
						ParameterValue: aws.String("arn:aws:iam::999988887777:role/theirs")}
				}
			}
		})
	}},
	// The last one: it replaces the parent's template by one with published code.
	{kind: finding.FunctionCodeChanged, name: "of the check", do: func(e *installed) {
		zip := []byte("zip of the release")
		sum := sha256.Sum256(zip)
		key := "functions/drift-" + hex.EncodeToString(sum[:]) + ".zip"
		objects := s3.NewFromConfig(e.cfg, func(o *s3.Options) { o.UsePathStyle = true })
		e.aws("aws s3api create-bucket --bucket code-of-release")
		if _, err := objects.PutObject(e.t.Context(), &s3.PutObjectInput{
			Bucket: aws.String("code-of-release"), Key: &key, Body: bytes.NewReader(zip),
		}); err != nil {
			e.t.Fatal(err)
		}
		e.stack.UpdateTemplate(bytes.Replace(permstack.Template,
			[]byte("Code: {S3Bucket: amzn-s3-demo-set-by-packaging, S3Key: functions/drift}"),
			[]byte("Code: {S3Bucket: code-of-release, S3Key: "+key+"}"), 1))
		if _, err := lambda.NewFromConfig(e.cfg).UpdateFunctionCode(e.t.Context(), &lambda.UpdateFunctionCodeInput{
			FunctionName: aws.String(e.words["Drift"]), ZipFile: []byte("theirs"),
		}); err != nil {
			e.t.Fatal(err)
		}
	}},
}

// stateCases are the kinds that only the drift function finds, which remembers what was: see TestChoiceRemedy and
// TestStackHeldRemedy.
var stateCases = map[finding.Kind]bool{finding.ChoiceChanged: true, finding.StackHeld: true}

// updateStack updates a permission stack as somebody who may update stacks does, and waits.
func (e *installed) updateStack(name string, edit func(*cloudformation.UpdateStackInput)) {
	e.t.Helper()
	s := e.stack.Account.Stack(name)
	described := s.Describe()
	in := &cloudformation.UpdateStackInput{UsePreviousTemplate: aws.Bool(true), Tags: described.Tags}
	for _, p := range described.Parameters {
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)})
	}
	edit(in)
	s.BeginUpdate(in)
	s.Wait("UPDATE_COMPLETE")
}

// failUpdate updates the inventory stack with another description of its topic's rules so that the calls of the rules
// after some fail, and waits for a status.
func (e *installed) failUpdate(status string, withoutRollback bool, succeed int32) {
	e.t.Helper()
	s := e.stack.Account.Stack(e.words["inventory"])
	template, err := e.stack.CloudFormation.GetTemplate(e.t.Context(),
		&cloudformation.GetTemplateInput{StackName: &s.Name})
	if err != nil {
		e.t.Fatal(err)
	}
	forged := strings.ReplaceAll(*template.TemplateBody, `"source":["aws.`, `"source":["aws.iam","aws.`)
	var calls atomic.Int32
	e.stack.SetIntercept(func(c *protocol.Call) error {
		if c.Action == "PutRule" && calls.Add(1) > succeed {
			return protocol.Errorf("InternalException", "not this time")
		}
		return nil
	})
	defer e.stack.SetIntercept(nil)
	url := e.stack.TemplateURL("failing.json", []byte(forged))
	s.BeginUpdate(&cloudformation.UpdateStackInput{
		TemplateURL: &url, Tags: s.Describe().Tags, DisableRollback: &withoutRollback,
	})
	s.Wait(status)
}

// createChangeSet creates a change set of a stack, which is not executed.
func (e *installed) createChangeSet(stack string, edit func(*cloudformation.CreateChangeSetInput)) {
	e.t.Helper()
	in := &cloudformation.CreateChangeSetInput{
		StackName: &stack, ChangeSetName: aws.String("theirs"), UsePreviousTemplate: aws.Bool(true),
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	}
	described := e.stack.Account.Stack(stack).Describe()
	for _, p := range described.Parameters {
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)})
	}
	in.Tags = described.Tags
	edit(in)
	if _, err := e.stack.CloudFormation.CreateChangeSet(e.t.Context(), in); err != nil {
		e.t.Fatal(err)
	}
	waiter := cloudformation.NewChangeSetCreateCompleteWaiter(e.stack.CloudFormation,
		func(o *cloudformation.ChangeSetCreateCompleteWaiterOptions) { o.MinDelay = 10 * time.Millisecond })
	if err := waiter.Wait(e.t.Context(), &cloudformation.DescribeChangeSetInput{
		StackName: in.StackName, ChangeSetName: in.ChangeSetName,
	}, time.Minute); err != nil {
		e.t.Fatal(err)
	}
}

// createStack creates a stack with a topic.
func (e *installed) createStack(name string) {
	e.t.Helper()
	if _, err := e.stack.CloudFormation.CreateStack(e.t.Context(), &cloudformation.CreateStackInput{
		StackName: &name, TemplateBody: aws.String(`{"Resources":{"T":{"Type":"AWS::SNS::Topic"}}}`),
	}); err != nil {
		e.t.Fatal(err)
	}
	e.stack.Account.Stack(name).Wait("CREATE_COMPLETE")
}

// deleteRole deletes a role of a stack with its policies.
func (e *installed) deleteRole(logicalID string) {
	e.t.Helper()
	name := e.words[logicalID]
	for _, policy := range e.stack.AttachedPolicies(name) {
		e.stack.DetachPolicy(name, policy)
	}
	names, err := e.stack.Live.InlinePolicyNames(e.t.Context(), name)
	if err != nil {
		e.t.Fatal(err)
	}
	for _, policy := range names {
		e.aws("aws iam delete-role-policy --role-name " + name + " --policy-name " + policy)
	}
	e.aws("aws iam delete-role --role-name " + name)
}

// key creates a key and returns its id.
func (e *installed) key() string {
	e.t.Helper()
	key, err := kms.NewFromConfig(e.cfg).CreateKey(e.t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		e.t.Fatal(err)
	}
	return *key.KeyMetadata.KeyId
}
