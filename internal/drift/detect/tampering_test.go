package detect_test

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/iampolicy/policytest"
	"permstack/internal/notify/finding"
)

// TestTampering makes one change by hand and compares the findings.
func TestTampering(t *testing.T) {
	ctx := context.Background()
	tests := []struct {
		name string
		do   func(w *environment)
		want func(w *environment) []string // summaries
		text string                        // contained in the words of some finding
	}{
		{"administrator attached", func(w *environment) {
			w.AttachPolicy(support, admin)
		}, only("ClumioSupportRole attachment-added [" + admin + "] grants-more cloudformation+live"),
			"grants more: widened: Allow * on *"},
		{"inline policy added", func(w *environment) { w.PutInlinePolicy(role, "rogue", allowsMore) },
			only("ClumioIAMRole inline-policy-added [rogue] grants-more cloudformation+live"), "s3:*"},
		{"inline policy that denies", func(w *environment) { w.PutInlinePolicy(role, "rogue", allowsNothing) },
			only("ClumioIAMRole inline-policy-added [rogue] grants-less cloudformation+live"), "Deny"},
		{"inline policy that grants nothing new", func(w *environment) {
			document := w.inline(role, w.inlineNames(role)[1])
			w.PutInlinePolicy(role, "again", *format(document))
		}, only("ClumioIAMRole inline-policy-added [again] changed cloudformation+live"), "the role may do the same"},
		{"inline policy removed", func(w *environment) {
			name := w.inlineNames(role)[1]
			must(w.IAM.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: aws.String(role), PolicyName: &name}))
		}, func(w *environment) []string {
			return []string{"ClumioIAMRole inline-policy-removed [" + w.removed(role) + "] grants-less cloudformation+live"}
		}, "grants less: removed"},
		{"inline policy widened", func(w *environment) {
			name := w.inlineNames(role)[1]
			document := w.inline(role, name)
			document["Statement"] = append(
				statements(document),
				map[string]any{"Effect": "Allow", "Action": "iam:*", "Resource": "*"},
			)
			w.PutInlinePolicy(role, name, *format(document))
		}, func(w *environment) []string {
			return []string{
				"ClumioIAMRole inline-policy-changed [" + w.inlineNames(role)[1] + "] grants-more cloudformation+live",
			}
		}, "iam:*"},
		{"inline policy narrowed", func(w *environment) {
			name := w.inlineNames(role)[1]
			document := w.inline(role, name)
			statements(document)[0].(map[string]any)["Condition"] = map[string]any{
				"StringEquals": map[string]any{"aws:RequestedRegion": "eu-west-1"},
			}
			w.PutInlinePolicy(role, name, *format(document))
		}, func(w *environment) []string {
			return []string{
				"ClumioIAMRole inline-policy-changed [" + w.inlineNames(role)[1] + "] grants-less cloudformation+live",
			}
		}, "aws:RequestedRegion"},
		{"managed policy detached", func(w *environment) {
			arn := w.somePolicy()
			w.DetachPolicy(role, arn)
		}, func(w *environment) []string {
			return []string{"ClumioIAMRole attachment-removed [" + w.detached(role) + "] grants-less cloudformation+live"}
		}, "grants less: removed"},
		{"managed policy edited", func(w *environment) {
			arn := w.somePolicy()
			document := w.managed(arn)
			document["Statement"] = append(
				statements(document),
				map[string]any{"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"},
			)
			w.putManaged(arn, document)
		}, func(w *environment) []string {
			return []string{w.logical(w.somePolicy()) + " policy-changed grants-more cloudformation+live"}
		}, "iam:PassRole"},
		{"managed policy emptied", func(w *environment) {
			document := w.managed(w.somePolicy())
			document["Statement"] = statements(document)[:1]
			w.putManaged(w.somePolicy(), document)
		}, func(w *environment) []string {
			return []string{w.logical(w.somePolicy()) + " policy-changed grants-less cloudformation+live"}
		}, "grants less: removed"},
		{"managed policy detached and deleted", func(w *environment) {
			arn := w.somePolicy()
			for _, holder := range must(w.Live.PolicyEntities(ctx, arn)) {
				w.DetachPolicy(holder.Name, arn)
			}
			must(w.IAM.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: &arn}))
		}, func(w *environment) []string {
			return []string{w.logical(w.detached(role)) + " resource-deleted grants-less cloudformation+live"}
		}, "It was attached to role ClumioIAMRole"},
		{"anyone may assume the role", func(w *environment) {
			document := w.trust(role)
			document["Statement"] = append(
				statements(document),
				map[string]any{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"AWS": "*"}},
			)
			w.putTrust(role, document)
		}, only("ClumioIAMRole trust-changed grants-more cloudformation+live"), "sts:AssumeRole"},
		{"external id no longer required", func(w *environment) {
			document := w.trust(role)
			delete(statements(document)[0].(map[string]any), "Condition")
			w.putTrust(role, document)
		}, only("ClumioIAMRole trust-changed grants-more cloudformation+live"), "sts:ExternalId"},
		{"external id changed", func(w *environment) {
			document := w.trust(role)
			w.putTrust(role, parse(w.t, strings.ReplaceAll(*format(document), secret, "another-"+secret)))
		}, only("ClumioIAMRole trust-changed grants-more cloudformation"), "****"},
		{"session longer", func(w *environment) {
			must(w.IAM.UpdateRole(ctx, &iam.UpdateRoleInput{RoleName: aws.String(role), MaxSessionDuration: aws.Int32(43200)}))
		}, func(w *environment) []string {
			return []string{"ClumioIAMRole session-length-changed grants-more live"}
		}, ""},
		{"boundary put", func(w *environment) {
			must(w.IAM.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{
				RoleName: aws.String(role), PermissionsBoundary: aws.String("arn:aws:iam::aws:policy/ReadOnlyAccess"),
			}))
		}, only("ClumioIAMRole boundary-changed grants-less live"), ""},
		{"tag removed", func(w *environment) {
			must(w.IAM.UntagRole(ctx, &iam.UntagRoleInput{RoleName: aws.String(role), TagKeys: []string{"permstack:parent",
				"team"}}))
		}, only("ClumioIAMRole tags-changed [permstack:parent] changed live",
			"ClumioIAMRole tags-changed [team] changed live"), ""},
		{"tag changed", func(w *environment) {
			must(w.IAM.TagRole(ctx, &iam.TagRoleInput{RoleName: aws.String(role),
				Tags: []iamtypes.Tag{{Key: aws.String("team"), Value: aws.String("other")}}}))
		}, only("ClumioIAMRole tags-changed [team] changed live"), `"other"`},
		{"role of the instances replaced", func(w *environment) {
			must(w.IAM.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{
				InstanceProfileName: aws.String(w.profile()), RoleName: aws.String(instance),
			}))
			must(w.IAM.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{
				InstanceProfileName: aws.String(w.profile()), RoleName: aws.String(role),
			}))
		}, only("ClumioEC2MSSQLSSMInstanceRoleV2InstanceProfile instance-profile-changed grants-more cloudformation+live"),
			"another role"},
		{"role of the instances taken out", func(w *environment) {
			must(w.IAM.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{
				InstanceProfileName: aws.String(w.profile()), RoleName: aws.String(instance),
			}))
		}, only("ClumioEC2MSSQLSSMInstanceRoleV2InstanceProfile instance-profile-changed grants-less cloudformation+live"),
			""},
		{"role deleted", func(w *environment) { w.deleteRole(support) },
			only("ClumioSupportRole resource-deleted grants-less cloudformation+live"), ""},
		{"role and its instance profile's place deleted", func(w *environment) {
			must(w.IAM.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{
				InstanceProfileName: aws.String(w.profile()), RoleName: aws.String(instance),
			}))
			w.deleteRole(instance)
		}, only("ClumioEC2MSSQLSSMInstanceRoleV2 resource-deleted grants-less cloudformation+live"), ""},
		{"topic opened", func(w *environment) {
			document := w.topicPolicy()
			document["Statement"] = append(
				statements(document),
				map[string]any{
					"Sid":       "Rogue",
					"Effect":    "Allow",
					"Action":    "SNS:Subscribe",
					"Principal": "*",
					"Resource":  topicARN,
				},
			)
			w.putTopicPolicy(document)
		}, only("ClumioEventPubPolicy topic-policy-changed grants-more cloudformation+live"), "Subscribe"},
		{"topic closed", func(w *environment) {
			document := w.topicPolicy()
			document["Statement"] = statements(document)[1:]
			w.putTopicPolicy(document)
		}, only("ClumioEventPubPolicy topic-policy-changed grants-less cloudformation+live"), ""},
		{"topic deleted", func(w *environment) {
			must(w.SNS.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: aws.String(topicARN)}))
		}, only("ClumioEventPub resource-deleted grants-less cloudformation+live"), ""},
		{"topic untagged", func(w *environment) {
			must(w.SNS.UntagResource(ctx, &sns.UntagResourceInput{ResourceArn: aws.String(topicARN), TagKeys: []string{"team"}}))
		}, only("ClumioEventPub tags-changed [team] changed live"), ""},
		{"rule disabled", func(w *environment) {
			must(w.Events.DisableRule(ctx, &eventbridge.DisableRuleInput{Name: aws.String(w.rules()[0])}))
		}, func(w *environment) []string {
			return []string{w.logical(w.rules()[0]) + " rule-changed [state] grants-less cloudformation+live"}
		}, "enable-rule"},
		{"rule's pattern changed", func(w *environment) {
			must(
				w.Events.PutRule(
					ctx,
					&eventbridge.PutRuleInput{Name: aws.String(w.rules()[0]), EventPattern: aws.String(`{"source":["aws.iam"]}`)},
				),
			)
		}, func(w *environment) []string {
			return []string{w.logical(w.rules()[0]) + " rule-changed [pattern] grants-more cloudformation+live"}
		}, "aws.iam"},
		{"rule's pattern narrowed", func(w *environment) {
			name := w.rules()[0]
			pattern := parse(w.t, must(w.Live.RuleSettings(ctx, "", name)).Pattern)
			pattern["region"] = []any{region}
			must(w.Events.PutRule(ctx, &eventbridge.PutRuleInput{Name: &name, EventPattern: format(pattern)}))
		}, func(w *environment) []string {
			return []string{w.logical(w.rules()[0]) + " rule-changed [pattern] grants-less cloudformation+live"}
		}, ""},
		{"statement moved to another policy of the role", func(w *environment) {
			from, to := w.inlineNames(role)[0], w.inlineNames(role)[1]
			source, target := w.inline(role, from), w.inline(role, to)
			target["Statement"] = append(statements(target), statements(source)[0])
			source["Statement"] = statements(source)[1:]
			if len(statements(source)) == 0 {
				must(w.IAM.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: aws.String(role), PolicyName: &from}))
			} else {
				w.PutInlinePolicy(role, from, *format(source))
			}
			w.PutInlinePolicy(role, to, *format(target))
		}, nil, "grants the same"},
		{"everything allowed but one action denied", func(w *environment) {
			w.PutInlinePolicy(role, "rogue", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},`+
				`{"Effect":"Deny","Action":"ec2:CreateSnapshot","Resource":"*"}]}`)
		}, only("ClumioIAMRole inline-policy-added [rogue] grants-more cloudformation+live"), "Allow *"},
		{"actions replaced by NotAction", func(w *environment) {
			name := w.inlineNames(role)[1]
			document := w.inline(role, name)
			statement := statements(document)[0].(map[string]any)
			delete(statement, "Action")
			statement["NotAction"] = "iam:CreateUser"
			w.PutInlinePolicy(role, name, *format(document))
		}, func(w *environment) []string {
			return []string{
				"ClumioIAMRole inline-policy-changed [" + w.inlineNames(role)[1] + "] grants-more cloudformation+live",
			}
		}, ""},
		{"principal replaced", func(w *environment) {
			document := w.trust(role)
			statements(document)[0].(map[string]any)["Principal"] = map[string]any{"AWS": "arn:aws:iam::999988887777:root"}
			w.putTrust(role, document)
		}, only("ClumioIAMRole trust-changed grants-more cloudformation+live"), "999988887777"},
		{"any external id", func(w *environment) {
			document := w.trust(role)
			statements(document)[0].(map[string]any)["Condition"] = map[string]any{
				"StringLike": map[string]any{"sts:ExternalId": "*"},
			}
			w.putTrust(role, document)
		}, only("ClumioIAMRole trust-changed grants-more cloudformation+live"), "sts:ExternalId"},
		{"rule sends elsewhere too", func(w *environment) {
			must(w.Events.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String(w.rules()[0]),
				Targets: []ebtypes.Target{{Id: aws.String("other"), Arn: aws.String("arn:aws:sns:us-east-1:999988887777:other")}}}))
		}, func(w *environment) []string {
			return []string{w.logical(w.rules()[0]) + " rule-changed [target other] grants-more cloudformation+live"}
		}, "remove-targets"},
		{"rule's target changed", func(w *environment) {
			name := w.rules()[0]
			targets := must(w.Live.Targets(ctx, "", name))
			targets[0].Arn = aws.String("arn:aws:sns:us-east-1:999988887777:other")
			must(w.Events.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: &name, Targets: targets}))
		}, func(w *environment) []string {
			name := w.rules()[0]
			id := *must(w.Live.Targets(ctx, "", name))[0].Id
			return []string{w.logical(name) + " rule-changed [target " + id + "] grants-more cloudformation+live"}
		}, "999988887777"},
		{"rule deleted", func(w *environment) { w.deleteRule(w.rules()[0]) }, func(w *environment) []string {
			for _, name := range []string{w.inventoryStack()} {
				out := must(w.CloudFormation.ListStackResources(ctx, &cloudformation.ListStackResourcesInput{StackName: &name}))
				for _, r := range out.StackResourceSummaries {
					if *r.ResourceType == "AWS::Events::Rule" && !slices.Contains(w.rules(), *r.PhysicalResourceId) {
						return []string{*r.LogicalResourceId + " resource-deleted grants-less cloudformation+live"}
					}
				}
			}
			return nil
		}, ""},
		{"the parent's own role", func(w *environment) {
			name := w.parentRole()
			w.PutInlinePolicy(
				name,
				"rogue",
				`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:CreateUser","Resource":"*"}]}`,
			)
		}, only("StackRole inline-policy-added [rogue] grants-more cloudformation+live"), "iam:CreateUser"},
		{"two on different resources", func(w *environment) {
			w.PutInlinePolicy(role, "rogue", allowsMore)
			w.AttachPolicy(support, admin)
			must(w.SNS.UntagResource(ctx, &sns.UntagResourceInput{ResourceArn: aws.String(topicARN), TagKeys: []string{"team"}}))
		}, only("ClumioSupportRole attachment-added ["+admin+"] grants-more cloudformation+live",
			"ClumioIAMRole inline-policy-added [rogue] grants-more cloudformation+live",
			"ClumioEventPub tags-changed [team] changed live"), ""},
	}
	sample := policytest.NewStratified(10)
	t.Log(sample)
	for _, tt := range tests {
		if !sample.Includes("", tt.name) {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			w := install(t)
			tt.do(w)
			report := w.check()
			got, want := summaries(report), []string(nil)
			if tt.want != nil {
				want = tt.want(w)
			}
			slices.Sort(got)
			slices.Sort(want)
			if tt.want == nil { // no access changed
				for _, f := range report.Findings {
					if f.Direction != finding.Changed || f.Reason != finding.EffectiveAccessSame {
						t.Errorf("got %s (%s)", summary(f), f.Reason)
					}
				}
			} else if !slices.Equal(got, want) {
				t.Errorf("findings\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
			}
			text := inWords(report.Findings...)
			if !strings.Contains(text, tt.text) {
				t.Errorf("no finding contains %q:\n%s", tt.text, text)
			}
			again := w.check()
			if !reflect.DeepEqual(again.Findings, report.Findings) {
				t.Errorf("a second check returned\n%s\nwant\n%s", inWords(again.Findings...), text)
			}
		})
	}
}

// profile is the instance profile of the instances' role.
func (w *environment) profile() string {
	w.t.Helper()
	out := must(w.IAM.ListInstanceProfilesForRole(w.t.Context(), &iam.ListInstanceProfilesForRoleInput{
		RoleName: aws.String(instance),
	}))
	if len(out.InstanceProfiles) == 0 {
		for _, p := range must(w.IAM.ListInstanceProfiles(w.t.Context(), &iam.ListInstanceProfilesInput{})).InstanceProfiles {
			return *p.InstanceProfileName
		}
	}
	return *out.InstanceProfiles[0].InstanceProfileName
}

func only(want ...string) func(*environment) []string {
	return func(*environment) []string { return want }
}
