package detect_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/iampolicy/policytest"
	"permstack/internal/notify/finding"
)

// attacker returns the configuration of a role that may do what a list of actions
// allows, and nothing else. The role is not under the path of the installation.
func (w *environment) attacker(actions string) aws.Config {
	w.t.Helper()
	name := aws.String("attacker")
	created := must(w.IAM.CreateRole(w.t.Context(), &iam.CreateRoleInput{
		RoleName: name, AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
			`"Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::123456789012:root"}}]}`),
	}))
	w.PutInlinePolicy(*name, "rights", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[`+actions+
		`],"Resource":"*"}]}`)
	return w.ConfigAs(account, region, *created.Role.Arn)
}

// TestAttackerWithSNS has the rights of SNS alone.
func TestAttackerWithSNS(t *testing.T) {
	policytest.RequireSlow(t, "it launches a stack for each change")
	w := installTemplate(t)
	c := sns.NewFromConfig(w.attacker(`"sns:*"`))
	alerts, events := w.parentResource("AlertTopic"), aws.String(topicARN)
	attribute := func(topic *string, name, value string) func(context.Context, *environment) error {
		return func(ctx context.Context, _ *environment) error {
			_, err := c.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{
				TopicArn: topic, AttributeName: &name, AttributeValue: &value,
			})
			return err
		}
	}
	policy := func(topic *string) string {
		return must(c.GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: topic})).Attributes["Policy"]
	}
	everybody := func(topic *string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"` +
			*topic + `"}]}`
	}
	var subscription *string
	subscribe := func(topic *string, protocol, endpoint string) func(context.Context, *environment) error {
		return func(ctx context.Context, _ *environment) error {
			out, err := c.Subscribe(ctx, &sns.SubscribeInput{
				TopicArn: topic, Protocol: &protocol, Endpoint: &endpoint, ReturnSubscriptionArn: true,
			})
			if err == nil {
				subscription = out.SubscriptionArn
			}
			return err
		}
	}
	unsubscribe := func(ctx context.Context, _ *environment) error {
		_, err := c.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: subscription})
		return err
	}
	const theirs = "arn:aws:sqs:us-east-1:999988887777:theirs"
	testChanges(t, w, []change{
		{"events to a queue of another account", subscribe(events, "sqs", theirs), unsubscribe,
			finding.SubscriptionAdded, finding.GrantsMore, theirs},
		{"events to a web site", subscribe(events, "https", "https://theirs.example.com"), unsubscribe,
			finding.SubscriptionAdded, finding.GrantsMore, "theirs.example.com"},
		{"alerts to a queue of another account", subscribe(alerts, "sqs", theirs), unsubscribe,
			finding.SubscriptionAdded, finding.GrantsMore, theirs},
		{"everybody may publish events", attribute(events, "Policy", everybody(events)),
			attribute(events, "Policy", policy(events)), finding.TopicPolicyChanged, finding.GrantsMore, "everyone"},
		{"everybody may publish alerts", attribute(alerts, "Policy", everybody(alerts)),
			attribute(alerts, "Policy", policy(alerts)), finding.TopicPolicyChanged, finding.GrantsMore, "everyone"},
		{"alarms may not publish", attribute(alerts, "Policy", strings.Replace(policy(alerts), "cloudwatch.", "s3.", 1)),
			attribute(alerts, "Policy", policy(alerts)), finding.TopicPolicyChanged, finding.GrantsMore, "sns:Publish"},
		{"key of the event topic", attribute(events, "KmsMasterKeyId", "alias/aws/sns"),
			attribute(events, "KmsMasterKeyId", ""), finding.TopicChanged, finding.GrantsLess, "alias/aws/sns"},
		{"key of the alert topic", attribute(alerts, "KmsMasterKeyId", "alias/aws/sns"),
			attribute(alerts, "KmsMasterKeyId", ""), finding.TopicChanged, finding.Monitoring, "alias/aws/sns"},
		{"delivery of alerts", attribute(alerts, "DeliveryPolicy", `{"http":{"defaultHealthyRetryPolicy":{"numRetries":0}}}`),
			attribute(alerts, "DeliveryPolicy", ""), finding.TopicChanged, finding.Monitoring, "numRetries"},
		{"name that mails show", attribute(alerts, "DisplayName", "theirs"), attribute(alerts, "DisplayName", "permstack"),
			finding.PropertyChanged, finding.Monitoring, "DisplayName"},
		{"event topic deleted", func(ctx context.Context, _ *environment) error {
			_, err := c.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: events})
			return err
		}, nil, finding.ResourceDeleted, finding.GrantsLess, "subscriptions"},
		{"alert topic deleted", func(ctx context.Context, _ *environment) error {
			_, err := c.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: alerts})
			return err
		}, nil, finding.ResourceDeleted, finding.Monitoring, "AlertTopic"},
	})
}

// TestFilteredSubscription: a filter keeps the messages from the declared subscriber.
func TestFilteredSubscription(t *testing.T) {
	w := newEnvironment(t)
	w.launchTemplate(map[string]string{"NotificationEmail": "security@example.com"})
	topic := w.parentResource("AlertTopic")
	for _, c := range w.AWS.SNS().Confirmations(*topic) {
		must(w.SNS.ConfirmSubscription(t.Context(), &sns.ConfirmSubscriptionInput{TopicArn: topic, Token: &c.Token}))
	}
	filter := func(value string) func(context.Context, *environment) error {
		return func(ctx context.Context, w *environment) error {
			_, err := w.SNS.SetSubscriptionAttributes(ctx, &sns.SetSubscriptionAttributesInput{
				SubscriptionArn: w.parentResource("AlertSubscription"), AttributeName: aws.String("FilterPolicy"),
				AttributeValue: &value,
			})
			return err
		}
	}
	testChanges(t, w, []change{{
		"filter", filter(`{"kind":["nothing"]}`), filter(""), finding.TopicChanged, finding.Monitoring,
		"security@example.com",
	}})
}

// TestAttackerWithIAM has the rights of IAM alone.
func TestAttackerWithIAM(t *testing.T) {
	policytest.RequireSlow(t, "it launches a stack for each change")
	w := installTemplate(t)
	c := iam.NewFromConfig(w.attacker(`"iam:*"`))
	ctx := t.Context()
	drift, stackRole := w.parentResource("DriftRole"), w.parentResource("StackRole")
	vendor, policy := aws.String(role), aws.String(w.somePolicy())
	document := format(w.managed(*policy))
	trustOf := func(name *string) *string { return format(w.trust(*name)) }
	driftTrust, theirs := trustOf(drift), aws.String("theirs")
	inline := func(name *string, document string) func(context.Context, *environment) error {
		return func(ctx context.Context, _ *environment) error {
			_, err := c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
				RoleName: name, PolicyName: theirs, PolicyDocument: &document,
			})
			return err
		}
	}
	noInline := func(name *string) func(context.Context, *environment) error {
		return func(ctx context.Context, _ *environment) error {
			_, err := c.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: name, PolicyName: theirs})
			return err
		}
	}
	session := func(name *string, seconds int32) func(context.Context, *environment) error {
		return func(ctx context.Context, _ *environment) error {
			_, err := c.UpdateRole(ctx, &iam.UpdateRoleInput{RoleName: name, MaxSessionDuration: &seconds})
			return err
		}
	}
	look := must(c.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: drift, PolicyName: aws.String("Look")}))
	lookText := format(w.inline(*drift, "Look"))
	trust := func(name, document *string) func(context.Context, *environment) error {
		return func(ctx context.Context, _ *environment) error {
			_, err := c.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{
				RoleName: name, PolicyDocument: document,
			})
			return err
		}
	}
	open := aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":` +
		`{"AWS":"arn:aws:iam::999988887777:root"}}]}`)
	const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	testChanges(t, w, []change{
		{"version that is not in force", func(ctx context.Context, _ *environment) error {
			_, err := c.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{
				PolicyArn: policy, PolicyDocument: aws.String(allowsMore),
			})
			return err
		}, func(ctx context.Context, _ *environment) error {
			_, err := c.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: policy, VersionId: aws.String("v2")})
			return err
		}, finding.PolicyVersionAdded, finding.GrantsMore, "s3:*"},
		{"instance profile", func(ctx context.Context, _ *environment) error {
			if _, err := c.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: theirs}); err != nil {
				return err
			}
			_, err := c.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{
				InstanceProfileName: theirs, RoleName: vendor,
			})
			return err
		}, func(ctx context.Context, _ *environment) error {
			_, err := c.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{
				InstanceProfileName: theirs, RoleName: vendor,
			})
			return err
		}, finding.ProfileAdded, finding.GrantsMore, "theirs"},
		{"more for the check", inline(drift, everything), noInline(drift), finding.InlinePolicyAdded, finding.GrantsMore,
			"*"},
		{"more for the stack role", inline(stackRole, everything), noInline(stackRole), finding.InlinePolicyAdded,
			finding.GrantsMore, "*"},
		{"denial for the check", inline(drift, strings.Replace(everything, "Allow", "Deny", 1)), noInline(drift),
			finding.InlinePolicyAdded, finding.Monitoring, "Deny"},
		{"denial for the vendor", inline(vendor, strings.Replace(everything, "Allow", "Deny", 1)), noInline(vendor),
			finding.InlinePolicyAdded, finding.GrantsLess, "Deny"},
		{"trust of the stack role", trust(stackRole, open), trust(stackRole, trustOf(stackRole)), finding.TrustChanged,
			finding.GrantsMore, "999988887777"},
		{"trust of the check", trust(drift, open), trust(drift, driftTrust), finding.TrustChanged, finding.GrantsMore,
			"999988887777"},
		{"sessions of the check", session(drift, 43200), session(drift, 3600), finding.SessionChanged, finding.GrantsMore,
			"43200"},
		{"rights of the check removed", func(ctx context.Context, _ *environment) error {
			_, err := c.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: drift, PolicyName: look.PolicyName})
			return err
		}, func(ctx context.Context, _ *environment) error {
			_, err := c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
				RoleName: drift, PolicyName: look.PolicyName, PolicyDocument: lookText,
			})
			return err
		}, finding.InlinePolicyRemoved, finding.Monitoring, "Look"},
		{"boundary of the check", func(ctx context.Context, _ *environment) error {
			_, err := c.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{
				RoleName: drift, PermissionsBoundary: aws.String("arn:aws:iam::aws:policy/ReadOnlyAccess"),
			})
			return err
		}, func(ctx context.Context, _ *environment) error {
			_, err := c.DeleteRolePermissionsBoundary(ctx, &iam.DeleteRolePermissionsBoundaryInput{RoleName: drift})
			return err
		}, finding.BoundaryChanged, finding.Monitoring, "ReadOnlyAccess"},
		{"role under the path", func(ctx context.Context, _ *environment) error {
			_, err := c.CreateRole(ctx, &iam.CreateRoleInput{
				RoleName: theirs, Path: aws.String("/permstack/us-east-1/main/"), AssumeRolePolicyDocument: open,
			})
			return err
		}, func(ctx context.Context, _ *environment) error {
			_, err := c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: theirs})
			return err
		}, finding.RoleAdded, finding.GrantsMore, "theirs"},
		{"our policy on another role", func(ctx context.Context, _ *environment) error {
			_, err := c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{
				RoleName: aws.String("attacker"), PolicyArn: policy,
			})
			return err
		}, func(ctx context.Context, _ *environment) error {
			_, err := c.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{
				RoleName: aws.String("attacker"), PolicyArn: policy,
			})
			return err
		}, finding.AttachedElsewhere, finding.GrantsMore, "attacker"},
		// These are last: they leave another version or another role.
		{"version older than the default one", func(ctx context.Context, _ *environment) error {
			if _, err := c.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{
				PolicyArn: policy, PolicyDocument: aws.String(allowsMore),
			}); err != nil {
				return err
			}
			_, err := c.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{
				PolicyArn: policy, PolicyDocument: document, SetAsDefault: true,
			})
			return err
		}, nil, finding.PolicyVersionAdded, finding.GrantsMore, "s3:*"},
		{"the same role again", func(ctx context.Context, w *environment) error {
			time.Sleep(time.Second) // IAM's dates have seconds
			name := aws.String(support)
			before, attached := trustOf(name), w.AttachedPolicies(support)
			old := w.Role(support)
			texts := map[string]*string{}
			for _, n := range w.inlineNames(support) {
				texts[n] = format(w.inline(support, n))
			}
			w.deleteRole(support)
			in := &iam.CreateRoleInput{RoleName: name, Path: &old.Path, AssumeRolePolicyDocument: before}
			for k, v := range old.Tags {
				in.Tags = append(in.Tags, iamtypes.Tag{Key: &k, Value: &v})
			}
			if _, err := c.CreateRole(ctx, in); err != nil {
				return err
			}
			for n, text := range texts {
				must(c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: &n, PolicyDocument: text}))
			}
			for _, arn := range attached {
				must(c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: name, PolicyArn: &arn}))
			}
			return nil
		}, nil, finding.RoleIdentityChanged, finding.Changed, "unique id"},
	})
}

// TestAttackerWithCloudFormation has the rights of CloudFormation alone. After each
// change, a revert leaves nothing that grants more.
func TestAttackerWithCloudFormation(t *testing.T) {
	policytest.RequireSlow(t, "it launches a stack for each change")
	w := installTemplate(t)
	c := cloudformation.NewFromConfig(w.attacker(`"cloudformation:*"`))
	accessStack, inventory := w.accessStack(), w.inventoryStack()
	extra := strings.TrimSuffix(accessStack, "access") + "extra"
	originals := map[string]string{accessStack: w.template(accessStack), inventory: w.template(inventory)}
	update := func(w *environment, stack, body string, edit func(*cloudformation.UpdateStackInput)) error {
		in := &cloudformation.UpdateStackInput{
			StackName: &stack, TemplateBody: &body, Tags: w.Stack(stack).Describe().Tags,
			Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
		}
		for _, p := range w.Stack(stack).Describe().Parameters { // the attacker does not know the external id
			in.Parameters = append(in.Parameters, types.Parameter{
				ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true),
			})
		}
		if edit != nil {
			edit(in)
		}
		if _, err := c.UpdateStack(w.t.Context(), in); err != nil {
			return err
		}
		w.Stack(stack).Wait("UPDATE_COMPLETE")
		return nil
	}
	replace := func(stack, old, replacement string) func(context.Context, *environment) error {
		return func(_ context.Context, w *environment) error {
			body := strings.Replace(originals[stack], old, replacement, 1)
			if body == originals[stack] {
				w.t.Fatalf("the template of %s has no %q", stack, old)
			}
			return update(w, stack, body, nil)
		}
	}
	// revert restores the template as the check does, and then as it was to the letter.
	revert := func(stack string) func(context.Context, *environment) error {
		return func(_ context.Context, w *environment) error {
			w.revert(w.check())
			for _, f := range w.check().Findings {
				if f.Direction == finding.GrantsMore {
					w.t.Errorf("after the revert: %s", inWords(f))
				}
			}
			if w.template(stack) == originals[stack] {
				return nil
			}
			return update(w, stack, originals[stack], nil)
		}
	}
	testChanges(t, w, []change{
		{"action", replace(accessStack, `"Action":["ec2:CreateSnapshot"`, `"Action":["iam:PassRole","ec2:CreateSnapshot"`),
			revert(accessStack), finding.TemplateChanged, finding.GrantsMore, "iam:PassRole"},
		{"principal", replace(accessStack, "role/ControlPlane", "role/Theirs"), revert(accessStack),
			finding.TemplateChanged, finding.GrantsMore, "Theirs"},
		{"condition on the tag", replace(accessStack, `,"Condition":{"StringEquals":{"aws:ResourceTag/Vendor":"Clumio"}}`, ""),
			revert(accessStack), finding.TemplateChanged, finding.GrantsMore, "ec2:DeleteSnapshot"},
		{"every account", replace(accessStack, `"arn:aws:ec2:us-east-1:123456789012:volume/*"`, `"arn:aws:ec2:*:*:volume/*"`),
			revert(accessStack), finding.TemplateChanged, finding.GrantsMore, "arn:aws:ec2:*:*:volume/*"},
		{"NotAction", replace(accessStack, `"Action":"sts:DecodeAuthorizationMessage"`, `"NotAction":"iam:CreateUser"`),
			revert(accessStack), finding.TemplateChanged, finding.GrantsMore, "iam:CreateUser"},
		{"fewer actions", replace(accessStack, `,"ec2:DeregisterImage","ec2:DeleteTags"`, ""),
			revert(accessStack), finding.TemplateChanged, finding.GrantsLess, "ec2:DeregisterImage"},
		{"kept when deleted", replace(accessStack, `{"Type":"AWS::IAM::ManagedPolicy","Properties":{"ManagedPolicyName":`+
			`"ClumioBase`, `{"Type":"AWS::IAM::ManagedPolicy","DeletionPolicy":"Retain","Properties":{"ManagedPolicyName":`+
			`"ClumioBase`), revert(accessStack), finding.TemplateChanged, finding.Changed, "Retain"},
		{"everybody subscribes", replace(inventory, `"Principal":{"AWS":"arn:aws:iam::111122223333:root"}`,
			`"Principal":{"AWS":"*"}`), revert(inventory), finding.TemplateChanged, finding.GrantsMore, "AWS:*"},
		{"more events", replace(inventory, `"source":["aws.ec2"]}`, `"source":["aws.ec2","aws.iam"]}`), revert(inventory),
			finding.TemplateChanged, finding.GrantsMore, "aws.iam"},
		{"rule disabled", replace(inventory, `"State":"ENABLED"`, `"State":"DISABLED"`), revert(inventory),
			finding.TemplateChanged, finding.GrantsLess, "DISABLED"},
		{"third stack", func(_ context.Context, w *environment) error {
			_, err := c.CreateStack(w.t.Context(), &cloudformation.CreateStackInput{
				StackName:    &extra,
				TemplateBody: aws.String("Resources: {L: {Type: AWS::Logs::LogGroup}}"),
			})
			if err == nil { // whether or not its resources may be created
				_, _, err = w.Stacks.Wait(w.t.Context(), account, region, extra)
			}
			return err
		}, func(ctx context.Context, w *environment) error {
			_, err := c.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &extra})
			if err == nil {
				_, _, err = w.Stacks.Wait(ctx, account, region, extra)
			}
			return err
		}, finding.StackAdded, finding.GrantsMore, "extra"},
		{"events of the stack to a topic", func(_ context.Context, w *environment) error {
			body := strings.Replace(originals[inventory], `"State":"ENABLED"`, `"State":"DISABLED"`, 1)
			return update(w, inventory, body, func(in *cloudformation.UpdateStackInput) {
				in.NotificationARNs = []string{"arn:aws:sns:us-east-1:123456789012:theirs"}
			})
		}, func(_ context.Context, w *environment) error {
			return update(w, inventory, originals[inventory], func(in *cloudformation.UpdateStackInput) {
				in.NotificationARNs = []string{}
			})
		}, finding.PropertyChanged, finding.GrantsMore, ":theirs"},
	})
}
