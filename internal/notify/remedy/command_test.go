package remedy_test

import (
	"strings"
	"testing"

	"permstack/internal/notify/finding"
	"permstack/internal/notify/remedy"
)

const inRegion = " --region eu-central-1"

// TestCommands checks the commands of the kinds whose findings have different ones, or only some of them one.
func TestCommands(t *testing.T) {
	const allowUpdates = ` --stack-policy-body ` +
		`'{"Statement":[{"Effect":"Allow","Action":"Update:*","Principal":"*","Resource":"*"}]}'` + inRegion
	const set = "permstack drift revert --stack backup --region eu-central-1 --set "
	const settings = "permstack drift revert --stack backup --region eu-central-1 --stack-settings "
	const revert = "permstack drift revert --stack backup --region eu-central-1 --finding 1"
	const subscribe = "aws sns subscribe --topic-arn arn:aws:sns:eu-central-1:123456789012:permstack-alerts-0a1b --protocol "
	rule := func(property, expected, subject string) finding.Finding {
		return finding.Finding{Kind: finding.RuleChanged, Property: property, PhysicalID: "rule", Subject: subject,
			Expected: finding.Text(expected)}
	}
	property := func(typ, name, expected, actual string, differences ...finding.Difference) finding.Finding {
		return finding.Finding{Kind: finding.PropertyChanged, Type: typ, Property: name, Stack: "s", PhysicalID: "id",
			RemovalID: "key", Expected: finding.Text(expected), Actual: finding.Text(actual), Differences: differences}
	}
	choice := func(name, before, after string) finding.Finding {
		return finding.Finding{Kind: finding.ChoiceChanged, Subject: name, Stack: "backup",
			PhysicalID: "arn:aws:cloudformation:eu-central-1:123456789012:stack/backup/0a1b",
			Expected:   finding.Text(before), Actual: finding.Text(after)}
	}
	of := func(kind finding.Kind, subject string) finding.Finding {
		return finding.Finding{Kind: kind, Subject: subject, Stack: "s", PhysicalID: "id"}
	}
	for _, tt := range []struct {
		name    string
		finding finding.Finding
		want    string // "" is none
	}{
		{"rule enabled", rule("State", "ENABLED", ""), "aws events enable-rule --name rule" + inRegion},
		{"rule disabled", rule("State", "DISABLED", ""), "aws events disable-rule --name rule" + inRegion},
		{"rule in another state", rule("State", "OTHER", ""), revert},
		{"another property with such a value", rule("Description", "ENABLED", ""), revert},
		{"another property with the other value", rule("Description", "DISABLED", ""), revert},
		{"target added", rule("Targets", "", finding.TargetSubject("x")),
			"aws events remove-targets --rule rule --ids x" + inRegion},
		{"target changed", rule("Targets", "arn", finding.TargetSubject("x")), revert},
		{"targets as a whole", rule("Targets", "", ""), revert},
		{"property about a target", rule("Description", "", finding.TargetSubject("x")), revert},

		{"event source", finding.Finding{Kind: finding.FunctionTriggerAdded, Subject: "event source", RemovalID: "uuid"},
			"aws lambda delete-event-source-mapping --uuid uuid" + inRegion},
		{"event source without id", of(finding.FunctionTriggerAdded, "event source"), ""},
		{"version", of(finding.FunctionTriggerAdded, "version 3"),
			"aws lambda delete-function --function-name id --qualifier 3" + inRegion},
		{"another trigger", of(finding.FunctionTriggerAdded, "other"), ""},

		{"attached to a user", of(finding.AttachedElsewhere, "user u"),
			"aws iam detach-user-policy --user-name u --policy-arn id" + inRegion},
		{"attached to something else", of(finding.AttachedElsewhere, "thing t"), ""},

		{"rollback failed", of(finding.StackFailed, "UPDATE_ROLLBACK_FAILED"),
			"aws cloudformation continue-update-rollback --stack-name s" + inRegion},
		{"update failed", of(finding.StackFailed, "UPDATE_FAILED"),
			"aws cloudformation rollback-stack --stack-name s" + inRegion},
		{"creation of a permission stack failed", of(finding.StackFailed, "CREATE_FAILED"), revert},
		{"creation of the parent failed",
			finding.Finding{Kind: finding.StackFailed, Subject: "CREATE_FAILED", Stack: "backup"},
			"aws cloudformation delete-stack --stack-name backup" + inRegion},
		{"parent's template", of(finding.TemplateChanged, "parent"), ""},
		{"template of a permission stack", of(finding.TemplateChanged, ""), revert},
		{"added stack", of(finding.StackAdded, "added"), "aws cloudformation delete-stack --stack-name added" + inRegion},
		{"added stack without a name of its own", of(finding.StackAdded, ""),
			"aws cloudformation delete-stack --stack-name s" + inRegion},
		{"update that is held", of(finding.StackHeld, "UPDATE_IN_PROGRESS"),
			"aws cloudformation cancel-update-stack --stack-name s" + inRegion},
		{"deletion that is held", of(finding.StackHeld, "DELETE_IN_PROGRESS"), ""},

		{"key disabled", property("", "AlertKeyArn", "Enabled", "Disabled"), "aws kms enable-key --key-id key" + inRegion},
		{"key to be deleted", property("", "AlertKeyArn", "Enabled", "PendingDeletion"),
			"aws kms cancel-key-deletion --key-id key" + inRegion},
		{"key that does not exist", property("", "AlertKeyArn", "Enabled", "NotFound"), set + "AlertKeyArn="},
		{"another property that is disabled", property("", "Other", "", "Disabled"), revert},
		{"another property with a status of keys", property("", "Other", "", "PendingDeletion"), revert},
		{"stack policy", property("", "StackPolicy", "", "x"),
			"aws cloudformation set-stack-policy --stack-name s" + allowUpdates},
		{"attribute of a queue", property("AWS::SQS::Queue", "VisibilityTimeout", "30", "40"),
			`aws sqs set-queue-attributes --queue-url id --attributes '{"VisibilityTimeout":"30"}'` + inRegion},
		{"attribute of a queue that the template declares",
			property("AWS::SQS::Queue", "VisibilityTimeout", "30", "40", finding.Difference{Path: "/VisibilityTimeout"}),
			revert},
		{"attribute of something else", property("AWS::Lambda::Function", "Timeout", "30", "40"), revert},

		{"filter", finding.Finding{Kind: finding.TopicChanged, Property: "FilterPolicy", RemovalID: "arn:s"},
			"aws sns set-subscription-attributes --subscription-arn arn:s --attribute-name FilterPolicy " +
				"--attribute-value '{}'" + inRegion},
		{"delivery policy", finding.Finding{Kind: finding.TopicChanged, Property: "DeliveryPolicy", PhysicalID: "arn:t",
			Expected: finding.Text("{}")},
			"aws sns set-topic-attributes --topic-arn arn:t --attribute-name DeliveryPolicy --attribute-value '{}'" + inRegion},
		{"another attribute of a topic", finding.Finding{Kind: finding.TopicChanged, Property: "Other", ID: "1"}, revert},
		{"filter of a subscription without ARN", finding.Finding{Kind: finding.TopicChanged, Property: "FilterPolicy"}, ""},

		{"no stack policy before", choice(finding.StackPolicyChoice, finding.NoSetting, "hash"),
			"aws cloudformation set-stack-policy --stack-name backup" + allowUpdates},
		{"another stack policy before", choice(finding.StackPolicyChoice, "hash", finding.NoSetting), ""},
		{"nothing before", choice("SharedResources", finding.NoSetting, "x"), set + "SharedResources=none"},
		{"address", choice("Subscriptions", "email:a@example.com", ""), set + "NotificationEmail=a@example.com"},
		{"no address before", choice("Subscriptions", "", "email:a@example.com"), set + "NotificationEmail="},
		{"two addresses", choice("Subscriptions", "email:a@example.com,email:b@example.com", ""), ""},
		{"no address but a queue", choice("Subscriptions", "sqs:arn", ""), ""},

		{"stack settings", choice(finding.StackSettingsChoice, "role a", "role b"), settings + "'role a'"},
		{"stack settings without a role", choice(finding.StackSettingsChoice, "alarm a", "alarm b"),
			settings + "'alarm a'"},
		{"role added to the stack settings", choice(finding.StackSettingsChoice, "alarm a", "alarm a,role b"), ""},
		{"role removed from the stack settings", choice(finding.StackSettingsChoice, "alarm a,role b", "alarm a"),
			settings + "'alarm a,role b'"},
		{"stack settings that are not known", choice(finding.StackSettingsChoice, "", "role b"), ""},
		{"stack settings that are not known completely", choice(finding.StackSettingsChoice, "role a,…", "role b"), ""},

		{"subscriber removed", choice(finding.SubscribersChoice, "email:a,email:b", "email:b"),
			subscribe + "email --notification-endpoint a" + inRegion},
		{"two subscribers removed", choice(finding.SubscribersChoice, "email:a,email:b", ""), ""},
		{"no subscriber removed", choice(finding.SubscribersChoice, "email:a", "email:a,email:b"), ""},
		{"subscriber with a filter removed", choice(finding.SubscribersChoice, "email:a filtered hash", ""), ""},
		{"subscribers that are not known", choice(finding.SubscribersChoice, "", "email:b"), ""},
		{"subscribers that are not known completely", choice(finding.SubscribersChoice, "email:a,…", "email:a"), ""},
		{"subscriber without protocol", choice(finding.SubscribersChoice, "a", ""), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.finding.ID = "1"
			at := remedy.NewPlace("arn:aws:cloudformation:eu-central-1:123456789012:stack/backup/0a1b")
			got, reason := remedy.Command(tt.finding, at)
			if got != tt.want || (got == "") == (reason == "") {
				t.Errorf("got %q, reason %q\nwant %q", got, reason, tt.want)
			}
		})
	}
	t.Run("subscriber of an unknown topic", func(t *testing.T) {
		f := choice(finding.SubscribersChoice, "email:a", "")
		f.PhysicalID = "backup"
		at := remedy.NewPlace("arn:aws:cloudformation:eu-central-1:123456789012:stack/backup/0a1b")
		if got, _ := remedy.Command(f, at); got != "" {
			t.Errorf("got %q, want no command", got)
		}
	})
	t.Run("stack of no known installation", func(t *testing.T) {
		f := finding.Finding{Kind: finding.StackOrphaned, Subject: "s",
			PhysicalID: "arn:aws:cloudformation:eu-west-1:123456789012:stack/s/1"}
		const want = "aws cloudformation delete-stack --stack-name s --region "
		if got, _ := remedy.Command(f, remedy.Place{}); got != want+"eu-west-1" {
			t.Errorf("got %q, want the Region of the stack", got)
		}
		at := remedy.NewPlace("arn:aws:cloudformation:eu-central-1:123456789012:stack/backup/0a1b")
		if got, _ := remedy.Command(f, at); got != want+"eu-central-1" {
			t.Errorf("got %q, want the Region of the installation", got)
		}
	})
	t.Run("revert in no known installation", func(t *testing.T) {
		if got, reason := remedy.Command(of(finding.TrustChanged, ""), remedy.Place{}); got != "" || reason == "" {
			t.Errorf("got %q, %q, want a reason alone", got, reason)
		}
		got, _ := remedy.Command(finding.Finding{Kind: finding.KeyGrantAdded, PhysicalID: "k", Subject: "g"}, remedy.Place{})
		if got != "aws kms revoke-grant --key-id k --grant-id g" {
			t.Errorf("got %q, want a command of the AWS CLI", got)
		}
	})
}

// TestReasonsOfChoices checks that the reason why there is no command fits the choice.
func TestReasonsOfChoices(t *testing.T) {
	seen := map[string]string{}
	for name, part := range map[string]string{
		finding.ExternalIDChoice:              "keeps no external id",
		finding.StackSettingsChoice:           "keeps the role of a stack",
		finding.StackPolicyChoice:             "hash of a stack policy",
		finding.SubscribersChoice:             "Who was added",
		"Access" + finding.DirectUpdateSuffix: "as it should be again",
		"Template":                            "was deployed by an update of the parent stack",
		"Drift" + finding.CodeSuffix:          "hash of the code",
		"Assets":                              "not the value of one parameter",
	} {
		f := finding.Finding{Kind: finding.ChoiceChanged, Subject: name}
		_, reason := remedy.Command(f, remedy.Place{Stack: "s", Region: "r"})
		if !strings.Contains(reason, part) || seen[reason] != "" {
			t.Errorf("%s: got %q (also of %q), want it with %q", name, reason, seen[reason], part)
		}
		seen[reason] = name
	}
}

// TestExceptions checks that the kinds without command are those with a reason.
func TestExceptions(t *testing.T) {
	got := remedy.Exceptions()
	if got[finding.ChangeUndone] == "" || got[finding.StateLost] == "" {
		t.Errorf("got %v, want the kinds that have no command", got)
	}
	if reason, ok := got[finding.TrustChanged]; ok {
		t.Errorf("a kind that always has a command is among them: %q", reason)
	}
}

// TestConsolePaths checks which page an address shows.
func TestConsolePaths(t *testing.T) {
	const stackPage = "cloudformation/home?region=eu-central-1#/stacks/events?stackId="
	for _, tt := range []struct {
		name    string
		finding finding.Finding
		want    string
	}{
		{"role", finding.Finding{Type: "AWS::IAM::Role", PhysicalID: "path/role", Stack: "s"},
			"iam/home?region=eu-central-1#/roles/details/role"},
		{"deleted role", finding.Finding{Type: "AWS::IAM::Role", PhysicalID: "role", Stack: "s", LogicalID: "Role",
			Kind: finding.ResourceDeleted}, stackPage + "s"},
		{"role that cannot be read", finding.Finding{Type: "AWS::IAM::Role", PhysicalID: "role", Stack: "s",
			LogicalID: "Role", Kind: finding.NotReadable}, "iam/home?region=eu-central-1#/roles/details/role"},
		{"stack that cannot be read", finding.Finding{Type: "AWS::IAM::Role", PhysicalID: "role", Stack: "s",
			Kind: finding.NotReadable}, stackPage + "s"},
		{"rule", finding.Finding{Type: "AWS::Events::Rule", PhysicalID: "rule"},
			"events/home?region=eu-central-1#/eventbus/default/rules/rule"},
		{"rule of a bus", finding.Finding{Type: "AWS::Events::Rule", PhysicalID: "bus|rule"},
			"events/home?region=eu-central-1#/eventbus/bus/rules/rule"},
		{"state", finding.Finding{Type: "AWS::CloudFormation::Stack", Kind: finding.StateLost, Subject: "/permstack/x",
			PhysicalID: "arn:stack"}, "systems-manager/parameters/permstack%2Fx/description?region=eu-central-1"},
		{"stack", finding.Finding{Type: "AWS::CloudFormation::Stack", PhysicalID: "arn:stack", Stack: "s"},
			stackPage + "arn%3Astack"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at := remedy.NewPlace("arn:aws:cloudformation:eu-central-1:123456789012:stack/backup/0a1b")
			if got := remedy.Console(tt.finding, at); got != "https://eu-central-1.console.aws.amazon.com/"+tt.want {
				t.Errorf("got %q, want the page %q", got, tt.want)
			}
		})
	}
}
