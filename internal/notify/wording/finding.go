// Package wording is the text of notifications: what e-mails, the JSON messages
// and the table of `permstack drift` say about a finding. Kinds, reasons and
// values come from package finding; the texts for a new one belong here.
package wording

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"permstack/internal/notify/finding"
)

// Text is a finding in words.
type Text struct {
	Expected, Actual string   // at most 240 characters
	Details          []string // at most 4,000 characters each
	Advice           string   // what to do
}

// Finding returns a finding in words. It never contains an external id, because
// findings do not.
func Finding(f finding.Finding) Text {
	t := Text{
		Expected: value(f.Expected, absent(f)), Actual: value(f.Actual, absent(f)),
		Details: details(f), Advice: advice(f),
	}
	switch f.Kind {
	case finding.ResourceDeleted:
		if f.Expected.Document == nil {
			t.Expected = strings.TrimSpace(noun(f) + " " + physicalName(f))
		}
		t.Actual = "does not exist"
	case finding.AttachmentAdded, finding.AttachmentRemoved:
		t.Expected, t.Actual = attachment(f.Expected), attachment(f.Actual)
	case finding.PolicyChanged:
		if version := f.Actual.Text; version != "" {
			t.Actual = "version " + version + ": " + t.Actual
		}
	case finding.SessionChanged:
		t.Expected, t.Actual = t.Expected+" seconds", t.Actual+" seconds"
	case finding.TagsChanged:
		t.Expected, t.Actual = quoted(f.Expected), quoted(f.Actual)
	case finding.TemplateChanged:
		t.Expected, t.Actual = f.Expected.Text, "another template: sha256 "+f.Actual.Text
	case finding.StackAdded, finding.RoleAdded:
		t.Expected, t.Actual = "no such "+noun(f), strings.TrimSpace(noun(f)+" "+f.Subject)
		if f.Actual.Document != nil {
			t.Actual += ": " + document(*f.Actual.Document)
		}
	case finding.RoleUnowned, finding.TrustsService, finding.TrustsOwnRole, finding.StackOrphaned,
		finding.ResourcePolicyNames, finding.KeyGrantAdded:
		t.Expected, t.Actual = "no such access", strings.TrimSpace(noun(f)+" "+f.PhysicalID+": "+t.Actual)
	case finding.ChoiceChanged:
		t.Expected, t.Actual = choice(f.Expected), choice(f.Actual)
	case finding.SubscriptionAdded:
		t.Expected, t.Actual = "no such subscription", f.Actual.Text
	case finding.AttachedElsewhere:
		t.Expected, t.Actual = "attached to roles of this installation alone", "attached to "+f.Actual.Text
	case finding.StateLost:
		t.Expected, t.Actual = "what the last run wrote", f.Actual.Text
	case finding.StackHeld, finding.StackFailed:
		t.Expected = "a stack that is complete"
	case finding.ChangeSetAdded:
		t.Expected = "no such change set"
	case finding.ChangeUndone:
		t.Expected, t.Actual = "not changed", "changed, and restored before the check"
	case finding.PropertyChanged:
		if f.Property == "AlertKeyArn" {
			t.Expected, t.Actual = "key "+f.RemovalID+": "+f.Expected.Text, "key: "+f.Actual.Text
		}
		switch len(f.Differences) {
		case 0:
		case 1:
			t.Expected, t.Actual = orNothing(f.Differences[0].Expected), orNothing(f.Differences[0].Actual)
		default:
			t.Expected, t.Actual = "as in the template", Count(len(f.Differences), "difference")
		}
	}
	if f.Reason == finding.StackNotStable {
		t.Expected = "a stack that is complete"
	}
	t.Expected, t.Actual = cut(t.Expected, maxValue), cut(t.Actual, maxValue)
	for i := range t.Details {
		t.Details[i] = cut(t.Details[i], maxDetail)
	}
	return t
}

const (
	maxValue  = 240  // characters of Expected and Actual
	maxDetail = 4000 // characters of one line of Details
)

func choice(v finding.Value) string {
	if v.Absent {
		return "nothing"
	}
	return v.Text
}

// absent returns what is said for a value that does not exist.
func absent(f finding.Finding) string {
	switch f.Kind {
	case finding.InlinePolicyAdded, finding.InlinePolicyRemoved:
		return "no inline policy of this name"
	case finding.BoundaryChanged:
		return "no boundary"
	case finding.ProfileChanged:
		return "no role"
	}
	switch f.Property {
	case "EventPattern":
		return "no event pattern"
	case "ScheduleExpression":
		return "no schedule"
	case "RoleArn":
		return "no role"
	case "Targets":
		return "no such target"
	}
	return "nothing"
}

// nouns are the resource types as people call them.
var nouns = map[string]string{
	"AWS::CloudFormation::Stack": "permission stack", "AWS::Events::Rule": "event rule",
	"AWS::IAM::InstanceProfile": "instance profile", "AWS::IAM::ManagedPolicy": "managed policy",
	"AWS::IAM::Role": "role", "AWS::SNS::Topic": "topic", "AWS::SNS::TopicInlinePolicy": "topic",
	"AWS::SNS::TopicPolicy": "topic", "AWS::Lambda::Function": "function", "AWS::SQS::Queue": "queue",
	"AWS::KMS::Key": "key", "AWS::S3::Bucket": "bucket",
}

func noun(f finding.Finding) string {
	if n := nouns[f.Type]; n != "" {
		return n
	}
	return f.Type
}

// physicalName returns the name of the resource that a finding is about.
func physicalName(f finding.Finding) string {
	switch {
	case f.Type == "AWS::CloudFormation::Stack":
		return f.Stack
	case f.Expected.Text != "":
		return f.Expected.Text
	}
	return f.PhysicalID
}

// Outcomes of a deleted resource, by its type.
var deleted = map[string]string{
	"AWS::CloudFormation::Stack": "Its resources were deleted with it: roles and policies, or the topic and its rules.",
	"AWS::IAM::Role":             "Its inline policies and attachments were deleted with it.",
	"AWS::SNS::Topic": "Its policy and its subscriptions were deleted with it; a new topic of the same name has " +
		"neither.",
	"AWS::Events::Rule": "The backup service is no longer notified of these changes.",
}

// ruleDetails are the consequences of a changed rule, by property and direction.
var ruleDetails = map[string]map[finding.Direction]string{
	"State": {
		finding.GrantsMore: "Events are sent although the rule was deployed disabled.",
		finding.GrantsLess: "The backup service is no longer notified of these changes.",
	},
	"EventPattern": {
		finding.GrantsMore: "Other events than those deployed reach the topic.",
		finding.GrantsLess: "Fewer events than those deployed reach the topic.",
	},
	"Targets": {
		finding.GrantsMore: "Events of this account are sent to another target.",
		finding.GrantsLess: "The backup service is no longer notified of these changes.",
		finding.Changed:    "Events are sent in another form.",
	},
}

const directUpdate = "The stack is as expected again. What its template granted in between is not known to the check."

// choiceDetails are the consequences of a changed choice.
var choiceDetails = map[string]string{
	"ControlPlaneRoleArn":         "This principal may assume the backup service's role now.",
	"SupportControlPlaneRoleArn":  "This principal may assume the support role now.",
	"DataPlaneAccountId":          "Backups may be sent to this account now.",
	"OtherAccountIds":             "Backups may be shared with these accounts now; nothing means any account.",
	"PermissionsBoundaryArn":      "This policy limits what the roles may do; nothing means no limit.",
	"PermissionsBoundaryDocument": "The text of the permissions boundary is another one: it limits what the roles may do.",
	"ProvisionerCode":             "The function that creates the permission stacks has other code now.",
	"DriftCode":                   "The function that runs the check has other code now.",
	finding.TerminationChoice:     "The stack can be deleted now, and the check and its notifications with it.",
	"ServiceToken":                "This function creates the permission stacks now.",
	"DriftSchedule":               "The drift check runs on this schedule now; DISABLED means that it does not.",
	"Subscriptions":               "These subscriptions of the alert topic are created by the stack now.",
	"Subscribers":                 "These are subscribed to the alert topic now, confirmed or not.",
	"OnDrift":                     "This is what the check does with a difference now.",
	finding.StackSettingsChoice: "CloudFormation changes the parent stack with this role, sends its events to these topics, " +
		"and rolls its updates back if one of these alarms is raised.",
	finding.StackPolicyChoice: "CloudFormation refuses updates of the parent stack that this policy does not allow.",
	finding.HubChoice:         "This topic of the organization is notified, too.",
	finding.ExternalIDChoice: "CloudFormation changed the role, and its template is the same: the external ID is another " +
		"one, or a change set restored the role. Whoever chose the ID can use the access through the backup service.",
	finding.AcceptedChoice:                   "These differences are not reported until their acceptance ends.",
	finding.AuditChoice:                      "Whether the check also searches the whole account once a day.",
	finding.GuardrailsChoice:                 "What these add to the roles is not reported now.",
	"access" + finding.DirectUpdateSuffix:    directUpdate,
	"inventory" + finding.DirectUpdateSuffix: directUpdate,
	"Template":                               "The parent stack has another template: an upgrade, or an edit. It defines the check itself.",
}

const addedSame = "It grants and denies nothing that the role's own policies do not: the role may do the same without it."

// same are differences with which the access of the role is the same.
var same = map[finding.Kind]string{
	finding.InlinePolicyAdded:   addedSame,
	finding.AttachmentAdded:     addedSame,
	finding.InlinePolicyRemoved: "The role's other policies grant what it granted.",
	finding.AttachmentRemoved:   "The role's other policies grant what it granted.",
	finding.ResourceDeleted:     "The roles' other policies grant what it granted.",
	finding.InlinePolicyChanged: "Together with the role's other policies it grants the same.",
	finding.PolicyChanged:       "Together with the other policies of its roles it grants the same.",
	finding.BoundaryChanged:     "Both boundaries allow the same today.",
}

// details returns the lines below a finding: consequences, access that differs,
// errors.
func details(f finding.Finding) []string {
	var out []string
	add := func(s string) {
		if s != "" {
			out = append(out, s)
		}
	}
	add(consequence(f))
	out = append(out, f.Changes...)
	if f.ChangesOmitted > 0 {
		out = append(out, fmt.Sprintf("and %d more", f.ChangesOmitted))
	}
	if f.Reason == finding.EffectiveAccessSame {
		add(same[f.Kind])
	}
	add(reasons[f.Reason])
	if f.Acceptance != nil && f.Acceptance.State != finding.InForce {
		add(Acceptance(*f.Acceptance))
	}
	for _, role := range f.Roles {
		add("It was attached to role " + role + ".")
	}
	for _, d := range f.Differences {
		add(d.Path + ": " + orNothing(d.Expected) + " → " + orNothing(d.Actual))
	}
	for _, e := range f.ReadErrors {
		if f.Kind == finding.NotReadable && f.Reason != finding.TemplateInvalid {
			add("Not known: " + strings.TrimSpace(targets[e.Target]+" "+e.Name) + ".")
		}
		add(e.Message)
	}
	return out
}

// value returns a value in words, none if it does not exist.
func value(v finding.Value, none string) string {
	switch {
	case v.Absent:
		return none
	case v.Document != nil:
		return document(*v.Document)
	}
	return v.Text
}

func attachment(v finding.Value) string {
	switch {
	case v.Absent:
		return "not attached"
	case v.Document != nil:
		return "attached: " + document(*v.Document)
	}
	return "attached"
}

func quoted(v finding.Value) string {
	if v.Absent {
		return "no such tag"
	}
	return `"` + v.Text + `"`
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

func cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}
