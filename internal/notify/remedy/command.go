package remedy

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"permstack/internal/notify/finding"
)

// plain are the words that a POSIX shell does not change.
var plain = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// quote returns a word of a shell command.
func quote(word string) string {
	if plain.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// join returns a command of the program and words. A value that begins with a hyphen
// would be read as an option, so it is joined to its option.
func join(words ...string) string {
	var out []string
	option := false // the last word is an option
	for _, word := range words {
		if option && strings.HasPrefix(word, "-") && !strings.HasPrefix(word, "--") {
			out[len(out)-1] += "=" + quote(word)
		} else {
			out = append(out, quote(word))
		}
		option = strings.HasPrefix(word, "--")
	}
	return strings.Join(out, " ")
}

// inRegion returns a command of the AWS CLI for a service of the installation's Region.
func (p Place) inRegion(words ...string) string {
	words = append([]string{"aws"}, words...)
	if p.Region != "" {
		words = append(words, "--region", p.Region)
	}
	return join(words...)
}

// iam returns a command of the AWS CLI for IAM, whose endpoint follows from the partition.
// Only the partition aws has it for every configured Region, so the Region is stated.
func (p Place) iam(words ...string) string { return p.inRegion(append([]string{"iam"}, words...)...) }

// permstack returns a command that reverts one finding with the caller's rights.
func (p Place) permstack(f finding.Finding) string {
	words := []string{"permstack", "drift", "revert", "--stack", p.Stack}
	if p.Region != "" {
		words = append(words, "--region", p.Region)
	}
	return join(append(words, "--finding", f.ID)...)
}

// arn returns the ARN of a resource of the installation's Region.
func (p Place) arn(service, rest string) string {
	return strings.Join([]string{"arn", p.Partition, service, p.Region, p.Account, rest}, ":")
}

// asJSON is a value of an option in JSON: the short form of the AWS CLI reads commas and
// equals signs in values as its own.
func asJSON(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(data)
}

// setTag sets a tag of a resource to its expected value.
func setTag(f finding.Finding, p Place) string {
	tags := asJSON([]map[string]string{{"Key": f.Subject, "Value": f.Expected.Text}})
	switch f.Type {
	case "AWS::IAM::Role":
		return p.iam("tag-role", "--role-name", f.PhysicalID, "--tags", tags)
	case "AWS::IAM::ManagedPolicy":
		return p.iam("tag-policy", "--policy-arn", f.PhysicalID, "--tags", tags)
	case "AWS::IAM::InstanceProfile":
		return p.iam("tag-instance-profile", "--instance-profile-name", f.PhysicalID, "--tags", tags)
	case "AWS::SNS::Topic":
		return p.inRegion("sns", "tag-resource", "--resource-arn", f.PhysicalID, "--tags", tags)
	case "AWS::Events::Rule":
		rule := p.arn("events", "rule/"+strings.ReplaceAll(f.PhysicalID, "|", "/"))
		return p.inRegion("events", "tag-resource", "--resource-arn", rule, "--tags", tags)
	}
	return p.permstack(f)
}

// restoreRule restores one difference of an event rule.
func restoreRule(f finding.Finding, p Place) string {
	bus, name, found := strings.Cut(f.PhysicalID, "|")
	if !found {
		bus, name = "", f.PhysicalID
	}
	words := func(words ...string) []string {
		if bus != "" {
			words = append(words, "--event-bus-name", bus)
		}
		return words
	}
	switch {
	case f.Property == "State" && f.Expected.Text == "ENABLED":
		return p.inRegion(words("events", "enable-rule", "--name", name)...)
	case f.Property == "State" && f.Expected.Text == "DISABLED":
		return p.inRegion(words("events", "disable-rule", "--name", name)...)
	case f.Property == "Targets" && f.Expected.Absent && f.TargetID() != "":
		return p.inRegion(words("events", "remove-targets", "--rule", name, "--ids", f.TargetID())...)
	}
	return p.permstack(f)
}

// removeTrigger removes what invokes a function.
func removeTrigger(f finding.Finding, p Place) string {
	what, name, _ := strings.Cut(f.Subject, " ")
	switch what {
	case "url":
		return p.inRegion("lambda", "delete-function-url-config", "--function-name", f.PhysicalID)
	case "event":
		if f.RemovalID == "" {
			return ""
		}
		return p.inRegion("lambda", "delete-event-source-mapping", "--uuid", f.RemovalID)
	case "version":
		return p.inRegion("lambda", "delete-function", "--function-name", f.PhysicalID, "--qualifier", name)
	case "alias":
		return p.inRegion("lambda", "delete-alias", "--function-name", f.PhysicalID, "--name", name)
	}
	return ""
}

// detach detaches a policy from what has it, "role NAME", "user NAME" or "group NAME".
func detach(f finding.Finding, p Place) string {
	kind, name, _ := strings.Cut(f.Subject, " ")
	if !slices.Contains([]string{"role", "user", "group"}, kind) {
		return ""
	}
	return p.iam("detach-"+kind+"-policy", "--"+kind+"-name", name, "--policy-arn", f.PhysicalID)
}

// allowUpdates is a stack policy that allows every update, as without one: a policy can be
// replaced, not removed (CloudFormation User Guide, "Prevent updates to stack resources").
const allowUpdates = `{"Statement":[{"Effect":"Allow","Action":"Update:*","Principal":"*","Resource":"*"}]}`

// endFailed ends an operation that failed, by the status of the stack (API reference, ContinueUpdateRollback and
// RollbackStack). A permission stack whose creation or deletion failed is replaced by an update of the parent stack.
func endFailed(f finding.Finding, p Place) string {
	switch {
	case f.Subject == "UPDATE_ROLLBACK_FAILED":
		return p.inRegion("cloudformation", "continue-update-rollback", "--stack-name", f.Stack)
	case f.Subject == "UPDATE_FAILED":
		return p.inRegion("cloudformation", "rollback-stack", "--stack-name", f.Stack)
	case f.Stack == p.Stack: // all that CloudFormation allows in these statuses
		return p.inRegion("cloudformation", "delete-stack", "--stack-name", f.Stack)
	}
	return p.permstack(f)
}

// restoreProperty restores a property that has no kind of its own.
func restoreProperty(f finding.Finding, p Place) string {
	declared := len(f.Differences) > 0 // CloudFormation compares what the template declares
	switch {
	case f.Property == "AlertKeyArn" && f.Actual.Text == "Disabled":
		return p.inRegion("kms", "enable-key", "--key-id", f.RemovalID)
	case f.Property == "AlertKeyArn" && f.Actual.Text == "PendingDeletion":
		return p.inRegion("kms", "cancel-key-deletion", "--key-id", f.RemovalID)
	case f.Property == "AlertKeyArn": // a topic without a key
		return join("permstack", "drift", "revert", "--stack", p.Stack, "--region", p.Region, "--set", "AlertKeyArn=")
	case f.Property == "StackPolicy":
		return p.inRegion("cloudformation", "set-stack-policy", "--stack-name", f.Stack, "--stack-policy-body", allowUpdates)
	case f.Type == "AWS::SQS::Queue" && !declared:
		return p.inRegion("sqs", "set-queue-attributes", "--queue-url", f.PhysicalID, "--attributes",
			asJSON(map[string]string{f.Property: f.Expected.Text}))
	}
	return p.permstack(f)
}

// topicAttributes are the attributes of a topic that the check compares.
var topicAttributes = []string{"DeliveryPolicy", "KmsMasterKeyId"}

// removedAttributes has the value that removes an attribute of a subscription (API reference,
// SetSubscriptionAttributes).
var removedAttributes = map[string]string{"FilterPolicy": "{}"}

// restoreTopic restores an attribute of a topic or of a subscription.
func restoreTopic(f finding.Finding, p Place) string {
	value, ofSubscription := removedAttributes[f.Property]
	switch {
	case ofSubscription && f.RemovalID == "":
		return ""
	case ofSubscription:
		return p.inRegion("sns", "set-subscription-attributes", "--subscription-arn", f.RemovalID, "--attribute-name",
			f.Property, "--attribute-value", value)
	case slices.Contains(topicAttributes, f.Property):
		return p.inRegion("sns", "set-topic-attributes", "--topic-arn", f.PhysicalID, "--attribute-name", f.Property,
			"--attribute-value", f.Expected.Text)
	}
	return p.permstack(f)
}

// restoreBoundary restores a role's permissions boundary.
func restoreBoundary(f finding.Finding, p Place) string {
	if f.Expected.Absent {
		return p.iam("delete-role-permissions-boundary", "--role-name", f.PhysicalID)
	}
	return p.iam("put-role-permissions-boundary", "--role-name", f.PhysicalID, "--permissions-boundary", f.Expected.Text)
}

// parameters are the choices that are parameters of the parent stack, and the value of
// those for which a stack without the choice has another value than none.
var parameters = map[string]string{
	"ControlPlaneRoleArn": "", "SupportControlPlaneRoleArn": "", "DataPlaneAccountId": "", "OtherAccountIds": "",
	"SharedResources": "", "PermissionsBoundaryArn": "", finding.AcceptedChoice: "", finding.AuditChoice: "no",
	finding.GuardrailsChoice: "", "DriftReminderDays": "0", "DriftSchedule": "",
	"OnDrift": "notify", finding.HubChoice: "",
}

// restoreChoice sets a parameter of the parent stack to its former value.
func restoreChoice(f finding.Finding, p Place) string {
	name, value := f.Subject, f.Expected.Text
	if name == finding.TerminationChoice {
		return p.inRegion("cloudformation", "update-termination-protection", "--enable-termination-protection",
			"--stack-name", p.Stack)
	}
	if name == finding.StackPolicyChoice && value == finding.NoSetting {
		return p.inRegion("cloudformation", "set-stack-policy", "--stack-name", p.Stack, "--stack-policy-body", allowUpdates)
	}
	switch name {
	case finding.StackSettingsChoice:
		return restoreStackSettings(f, p)
	case finding.SubscribersChoice:
		return subscribeAgain(f, p)
	}
	if name == "Subscriptions" {
		address, isMail := strings.CutPrefix(value, "email:")
		if value != "" && (!isMail || strings.Contains(address, ",")) {
			return ""
		}
		name, value = "NotificationEmail", address
	} else {
		without, ok := parameters[name]
		// Of a long value the check remembers the beginning.
		if !ok || strings.Contains(value, "…") || strings.HasSuffix(value, " DISABLED") {
			return ""
		}
		if value == "" {
			value = without
		}
	}
	return join("permstack", "drift", "revert", "--stack", p.Stack, "--region", p.Region, "--set", name+"="+value)
}
