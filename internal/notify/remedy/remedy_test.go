package remedy_test

import (
	"fmt"
	"strings"
	"testing"

	"permstack/internal/notify/finding"
	"permstack/internal/notify/remedy"
)

// TestEveryKind checks that every kind is in the table, with a command or a reason.
func TestEveryKind(t *testing.T) {
	at := remedy.NewPlace("arn:aws:cloudformation:eu-central-1:123456789012:stack/backup/0a1b")
	for _, kind := range finding.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			command, reason := remedy.Command(finding.Finding{ID: "1", Kind: kind, Stack: "s", PhysicalID: "p"}, at)
			if (command == "") == (reason == "") {
				t.Errorf("command %q, reason %q, want one of the two: add the kind to the table in table.go", command, reason)
			}
		})
	}
}

// TestCommand checks commands whose words a shell would change.
func TestCommand(t *testing.T) {
	at := remedy.NewPlace("arn:aws:cloudformation:eu-central-1:123456789012:stack/backup/0a1b")
	for name, tc := range map[string]struct {
		finding finding.Finding
		want    string
	}{
		"quotes": {finding.Finding{
			Kind: finding.TagsChanged, Type: "AWS::IAM::Role", PhysicalID: "role", Subject: "team",
			Expected: finding.Text("it's; $(id)"),
		}, `aws iam tag-role --role-name role --tags '[{"Key":"team","Value":"it'\''s; $(id)"}]' --region eu-central-1`},
		"empty": {finding.Finding{
			Kind: finding.TopicChanged, Type: "AWS::SNS::Topic", PhysicalID: "arn", Property: "KmsMasterKeyId",
			Expected: finding.None,
		}, "aws sns set-topic-attributes --topic-arn arn --attribute-name KmsMasterKeyId --attribute-value '' " +
			"--region eu-central-1"},
		"hyphen": {finding.Finding{Kind: finding.InlinePolicyAdded, PhysicalID: "role", Subject: "-x"},
			"aws iam delete-role-policy --role-name role --policy-name=-x --region eu-central-1"},
		"bus": {finding.Finding{
			Kind: finding.RuleChanged, Property: "State", PhysicalID: "bus|rule", Expected: finding.Text("ENABLED"),
		}, "aws events enable-rule --name rule --event-bus-name bus --region eu-central-1"},
		"former choice": {finding.Finding{
			Kind: finding.ChoiceChanged, Subject: "DriftSchedule", Expected: finding.Text("rate(1 day)"),
		}, "permstack drift revert --stack backup --region eu-central-1 --set 'DriftSchedule=rate(1 day)'"},
		"truncated choice": {finding.Finding{
			Kind: finding.ChoiceChanged, Subject: "OtherAccountIds", Expected: finding.Text("123… 0a1b"),
		}, ""},
		"pending": {finding.Finding{Kind: finding.SubscriptionAdded, RemovalID: "PendingConfirmation"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, reason := remedy.Command(tc.finding, at)
			if got != tc.want || got == "" && reason == "" {
				t.Errorf("got %q, %q, want %q", got, reason, tc.want)
			}
		})
	}
}

// TestConsole checks the domain of each partition, and that no address contains characters that end it in an e-mail.
func TestConsole(t *testing.T) {
	for stack, want := range map[string]string{
		"arn:aws:cloudformation:eu-central-1:123456789012:stack/backup/0a1b":  "https://eu-central-1.console.aws.amazon.com/",
		"arn:aws-cn:cloudformation:cn-north-1:123456789012:stack/backup/0a1b": "https://cn-north-1.console.amazonaws.cn/",
		"arn:aws-us-gov:cloudformation:us-gov-west-1:123456789012:stack/backup/0a1b": "https://us-gov-west-1.console." +
			"amazonaws-us-gov.com/",
		"arn:aws-iso:cloudformation:us-iso-east-1:123456789012:stack/backup/0a1b": "",
	} {
		at := remedy.NewPlace(stack)
		for _, typ := range []string{
			"AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::IAM::InstanceProfile", "AWS::SNS::Topic", "AWS::Events::Rule",
			"AWS::Lambda::Function", "AWS::SQS::Queue", "AWS::CloudWatch::Alarm", "AWS::Logs::LogGroup", "AWS::KMS::Key",
			"AWS::S3::Bucket", "AWS::CloudFormation::Stack",
		} {
			got := remedy.Console(finding.Finding{Type: typ, PhysicalID: "a/b c", Stack: "backup"}, at)
			if !strings.HasPrefix(got, want) || want == "" && got != "" || strings.Contains(got, " ") {
				t.Errorf("%s: got %q, want the domain %q", typ, got, want)
			}
		}
	}
}

func ExampleCommand() {
	at := remedy.NewPlace("arn:aws:cloudformation:eu-central-1:123456789012:stack/backup/0a1b")
	command, _ := remedy.Command(finding.Finding{
		ID: "8f14e45fceea167a", Kind: finding.TrustChanged, Type: "AWS::IAM::Role", PhysicalID: "backup-role",
	}, at)
	fmt.Println(command)
	_, reason := remedy.Command(finding.Finding{Kind: finding.ChangeUndone}, at)
	fmt.Println(reason)
	// Output:
	// permstack drift revert --stack backup --region eu-central-1 --finding 8f14e45fceea167a
	// The change was undone already. Find out what was done in between.
}
