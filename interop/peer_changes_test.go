package interop

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/installation"
	"permstack/internal/notify/finding"
)

// peerCase is a change of an installation, and the direction that permstack has to report.
type peerCase struct {
	name     string
	do       func(s *tampered) error
	want     finding.Direction // "" for none
	harmless bool
}

const (
	foreign     = "999988887777"
	foreignUser = `{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::` + foreign + `:root"}}`
	everything  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`
)

func installedParameters(connection string) map[string]string {
	return map[string]string{"ConnectionId": connection, "ProtectS3": "yes"}
}

// withStatement returns a document with a statement more.
func withStatement(document, statement string) *string {
	const list = `"Statement":[`
	i := strings.Index(document, list) + len(list)
	return aws.String(document[:i] + statement + "," + document[i:])
}

func peerTamperings() []peerCase {
	return append(append(rolesTampered(), monitoringTampered()...), stacksTampered()...)
}

func rolesTampered() []peerCase {
	return []peerCase{
		{name: "role: AdministratorAccess attached", want: finding.GrantsMore, do: func(s *tampered) error {
			s.AttachPolicy(*s.roleName(), fakeawstest.AdministratorAccess)
			return nil
		}},
		{name: "role: inline policy added", want: finding.GrantsMore, do: func(s *tampered) error {
			s.PutInlinePolicy(*s.roleName(), "more", everything)
			return nil
		}},
		{name: "role: policy detached", want: finding.GrantsLess, do: func(s *tampered) error {
			policy, err := s.attached()
			if err == nil {
				s.DetachPolicy(*s.roleName(), policy)
			}
			return err
		}},
		{name: "role: another account in the trust policy", want: finding.GrantsMore, do: func(s *tampered) error {
			return s.putTrust(*withStatement(s.Role(*s.roleName()).Trust, foreignUser))
		}},
		{name: "role: trust policy without the external ID", want: finding.GrantsMore, do: func(s *tampered) error {
			return s.putTrust(strings.Replace(s.Role(*s.roleName()).Trust,
				`{"StringEquals":{"sts:ExternalId":"`+fakeawstest.ExternalID+`"}}`, `{}`, 1))
		}},
		{name: "role: permissions boundary removed", want: finding.GrantsMore, do: func(s *tampered) error {
			_, err := s.IAM.DeleteRolePermissionsBoundary(s.t.Context(), &iam.DeleteRolePermissionsBoundaryInput{
				RoleName: s.roleName(),
			})
			return err
		}},
		{name: "role: new, under the installation's path", want: finding.GrantsMore, do: func(s *tampered) error {
			_, err := s.IAM.CreateRole(s.t.Context(), &iam.CreateRoleInput{
				RoleName: aws.String("new-" + s.connection), Path: aws.String("/permstack/us-east-1/" + s.connection + "/"),
				AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[` + foreignUser + `]}`),
			})
			return err
		}},
		{name: "managed policy: statement added", want: finding.GrantsMore, do: func(s *tampered) error {
			return s.changePolicy(true, func(document string) *string {
				return withStatement(document, `{"Effect":"Allow","Action":"iam:PassRole","Resource":"*"}`)
			})
		}},
		{name: "managed policy: version prepared, not in force", want: finding.GrantsMore, do: func(s *tampered) error {
			return s.changePolicy(false, func(document string) *string {
				return withStatement(document, `{"Effect":"Allow","Action":"iam:PassRole","Resource":"*"}`)
			})
		}},
	}
}

func monitoringTampered() []peerCase {
	return []peerCase{
		{name: "inventory topic: statement for another account", want: finding.GrantsMore, do: func(s *tampered) error {
			_, err := s.SNS.AddPermission(s.t.Context(), &sns.AddPermissionInput{
				TopicArn: s.inventoryTopic(), Label: aws.String("theirs"), AWSAccountId: []string{foreign},
				ActionName: []string{"Subscribe"},
			})
			return err
		}},
		{name: "inventory topic: subscription of another account", want: finding.GrantsMore, do: func(s *tampered) error {
			return s.subscribe(s.inventoryTopic())
		}},
		{name: "alert topic: subscription of another account", want: finding.GrantsMore, do: func(s *tampered) error {
			return s.subscribe(aws.String(s.PhysicalID("AlertTopic")))
		}},
		{name: "inventory rule: disabled", want: finding.GrantsLess, do: func(s *tampered) error {
			_, err := s.Events.DisableRule(s.t.Context(), &eventbridge.DisableRuleInput{Name: s.inventoryRule()})
			return err
		}},
		{name: "inventory rule: target added", want: finding.GrantsMore, do: func(s *tampered) error {
			_, err := s.Events.PutTargets(s.t.Context(), &eventbridge.PutTargetsInput{
				Rule: s.inventoryRule(), Targets: []ebtypes.Target{{
					Id: aws.String("theirs"), Arn: aws.String("arn:aws:sqs:us-east-1:" + foreign + ":theirs"),
				}},
			})
			return err
		}},
		{name: "rule of the drift check: disabled", want: finding.Monitoring, do: func(s *tampered) error {
			name := s.PhysicalID("DriftRule")
			_, err := s.Events.DisableRule(s.t.Context(), &eventbridge.DisableRuleInput{Name: &name})
			return err
		}},
		{name: "function: permission for another account", want: finding.GrantsMore, do: func(s *tampered) error {
			_, err := s.lambda().AddPermission(s.t.Context(), &lambda.AddPermissionInput{
				FunctionName: aws.String(s.PhysicalID("Provisioner")), StatementId: aws.String("theirs"),
				Action: aws.String("lambda:InvokeFunction"), Principal: aws.String(foreign),
			})
			return err
		}},
		{name: "function: URL added", want: finding.GrantsMore, do: func(s *tampered) error {
			_, err := s.lambda().CreateFunctionUrlConfig(s.t.Context(), &lambda.CreateFunctionUrlConfigInput{
				FunctionName: aws.String(s.PhysicalID("Provisioner")), AuthType: lambdatypes.FunctionUrlAuthTypeNone,
			})
			return err
		}},
		{name: "alarm: actions disabled", want: finding.Monitoring, do: func(s *tampered) error {
			_, err := cloudwatch.NewFromConfig(s.Config(s.ID, s.Region)).DisableAlarmActions(s.t.Context(),
				&cloudwatch.DisableAlarmActionsInput{AlarmNames: []string{s.PhysicalID("DriftCheckMissing")}})
			return err
		}},
		{name: "queue of failed runs: statement for another account", want: finding.GrantsMore, do: func(s *tampered) error {
			url := s.PhysicalID("DriftFailures")
			client := sqs.NewFromConfig(s.Config(s.ID, s.Region))
			const policy = "Policy"
			read, err := client.GetQueueAttributes(s.t.Context(), &sqs.GetQueueAttributesInput{
				QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{policy},
			})
			if err != nil {
				return err
			}
			changed := withStatement(read.Attributes[policy], `{"Effect":"Allow","Action":"sqs:*","Resource":"*",`+
				`"Principal":{"AWS":"arn:aws:iam::`+foreign+`:root"}}`)
			_, err = client.SetQueueAttributes(s.t.Context(), &sqs.SetQueueAttributesInput{
				QueueUrl: &url, Attributes: map[string]string{policy: *changed},
			})
			return err
		}},
		{name: "state of the check: overwritten", want: finding.Monitoring, do: func(s *tampered) error {
			_, err := s.SSM.PutParameter(s.t.Context(), &ssm.PutParameterInput{
				Name: aws.String(s.PhysicalID("DriftState")), Value: aws.String("{}"), Overwrite: aws.Bool(true),
			})
			return err
		}},
	}
}

func stacksTampered() []peerCase {
	return []peerCase{
		{name: "permission stack: updated with a wider template", want: finding.GrantsMore, do: func(s *tampered) error {
			return s.updateAccess(`"Action":["iam:CreateUser","ec2:CreateSnapshot"`)
		}},
		{name: "permission stack: updated, and the role as that template has it", want: finding.GrantsMore,
			do: func(s *tampered) error {
				s.PutInlinePolicy(*s.roleName(), "more", everything)
				return s.updateAccess(`"Action":["iam:CreateUser","ec2:CreateSnapshot"`)
			}},
		{name: "parent stack: updated with another principal", want: finding.GrantsMore, do: func(s *tampered) error {
			values := installedParameters(s.connection)
			values["ControlPlaneRoleArn"] = "arn:aws:iam::" + foreign + ":role/Control"
			s.Update(values)
			return nil
		}},
	}
}

func harmlessChanges() []peerCase {
	out := []peerCase{
		{name: "nothing", do: func(*tampered) error { return nil }},
		{name: "managed policy: the same statements, in a new version", do: func(s *tampered) error {
			return s.changePolicy(true, func(document string) *string {
				return aws.String(strings.Replace(document, `"Version":`, ` "Version" : `, 1))
			})
		}},
		{name: "trust policy: a list of one principal instead of a string", do: func(s *tampered) error {
			return s.putTrust(strings.Replace(s.Role(*s.roleName()).Trust,
				`"`+fakeawstest.ControlPlaneARN+`"`, `["`+fakeawstest.ControlPlaneARN+`"]`, 1))
		}},
		{name: "inventory rule: the same pattern, with other white space", do: func(s *tampered) error {
			rule, err := s.Events.DescribeRule(s.t.Context(), &eventbridge.DescribeRuleInput{Name: s.inventoryRule()})
			if err != nil {
				return err
			}
			_, err = s.Events.PutRule(s.t.Context(), &eventbridge.PutRuleInput{
				Name: rule.Name, Description: rule.Description, State: rule.State,
				EventPattern: aws.String(strings.ReplaceAll(*rule.EventPattern, ":", " : ")),
			})
			return err
		}},
	}
	for i := range out {
		out[i].harmless = true
	}
	return out
}

// attached returns the ARN of a managed policy of the installation that the role has.
func (s *tampered) attached() (string, error) {
	policies, err := s.Live.AttachedPolicies(s.t.Context(), *s.roleName())
	if err != nil {
		return "", err
	}
	return policies[0].ARN, nil
}

func (s *tampered) putTrust(document string) error {
	_, err := s.IAM.UpdateAssumeRolePolicy(s.t.Context(), &iam.UpdateAssumeRolePolicyInput{
		RoleName: s.roleName(), PolicyDocument: &document,
	})
	return err
}

// changePolicy creates a version of a managed policy.
func (s *tampered) changePolicy(inForce bool, edit func(document string) *string) error {
	arn, err := s.attached()
	if err != nil {
		return err
	}
	version, err := s.Live.DefaultVersion(s.t.Context(), arn)
	if err != nil {
		return err
	}
	_, err = s.IAM.CreatePolicyVersion(s.t.Context(), &iam.CreatePolicyVersionInput{
		PolicyArn: &arn, PolicyDocument: edit(version.Text), SetAsDefault: inForce,
	})
	return err
}

func (s *tampered) lambda() *lambda.Client { return lambda.NewFromConfig(s.Config(s.ID, s.Region)) }

func (s *tampered) inventoryTopic() *string {
	return aws.String("arn:aws:sns:us-east-1:" + s.ID + ":ClumioEventPub-us-east-1-" + s.connection)
}

func (s *tampered) inventoryRule() *string {
	return aws.String("ClumioS3ApiRule-us-east-1-" + s.connection)
}

func (s *tampered) subscribe(topic *string) error {
	_, err := s.SNS.Subscribe(s.t.Context(), &sns.SubscribeInput{
		TopicArn: topic, Protocol: aws.String("sqs"), Endpoint: aws.String("arn:aws:sqs:us-east-1:" + foreign + ":theirs"),
	})
	return err
}

// updateAccess updates the access stack with its template, after a change of one statement.
func (s *tampered) updateAccess(actions string) error {
	name := s.PermissionStack(installation.Access)
	template, err := s.CloudFormation.GetTemplate(s.t.Context(), &cloudformation.GetTemplateInput{StackName: &name})
	if err != nil {
		return err
	}
	body := strings.Replace(*template.TemplateBody, `"Action":["ec2:CreateSnapshot"`, actions, 1)
	url := s.TemplateURL(s.connection+".yaml", []byte(body))
	stack := s.Account.Stack(name)
	in := &cloudformation.UpdateStackInput{
		TemplateURL: &url, Tags: stack.Describe().Tags,
		Capabilities: []cfntypes.Capability{cfntypes.CapabilityCapabilityNamedIam},
	}
	for _, p := range stack.Describe().Parameters {
		in.Parameters = append(in.Parameters, cfntypes.Parameter{
			ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true),
		})
	}
	stack.BeginUpdate(in)
	stack.Wait("UPDATE_COMPLETE")
	return nil
}
