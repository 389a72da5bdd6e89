package remedy

import (
	"slices"
	"strings"

	"permstack/internal/installation"
	"permstack/internal/notify/finding"
)

// restoreStackSettings sets the former settings of the parent stack that no template contains. CloudFormation keeps the
// role of a stack if an update names none (API reference, UpdateStack, RoleARN), so a role that was added cannot be
// removed.
func restoreStackSettings(f finding.Finding, p Place) string {
	former := f.Expected.Text
	isRole := func(setting string) bool { return strings.HasPrefix(setting, "role ") }
	hasRole := func(settings string) bool { return slices.ContainsFunc(strings.Split(settings, ","), isRole) }
	if former == "" || strings.Contains(former, "…") || hasRole(f.Actual.Text) && !hasRole(former) {
		return ""
	}
	return join("permstack", "drift", "revert", "--stack", p.Stack, "--region", p.Region, "--stack-settings", former)
}

// subscribeAgain subscribes the one subscriber of the alert topic that was removed. Who was added is another finding,
// or was chosen by somebody who may subscribe.
func subscribeAgain(f finding.Finding, p Place) string {
	former, actual := f.Expected.Text, strings.Split(f.Actual.Text, ",")
	if strings.Contains(former, "…") {
		return ""
	}
	removed := slices.DeleteFunc(strings.Split(former, ","),
		func(name string) bool { return slices.Contains(actual, name) })
	if len(removed) != 1 || strings.Contains(removed[0], " filtered ") {
		return ""
	}
	protocol, endpoint, ok := strings.Cut(removed[0], ":")
	_, uuid, _ := strings.Cut(f.PhysicalID, ":stack/"+p.Stack+"/")
	if !ok || uuid == "" {
		return ""
	}
	return p.inRegion("sns", "subscribe", "--topic-arn", p.arn("sns", installation.AlertTopicPrefix+uuid), "--protocol",
		protocol, "--notification-endpoint", endpoint)
}

// choiceReason states why the former value of a choice is restored by no command.
func choiceReason(f finding.Finding) string {
	name := f.Subject
	switch {
	case name == finding.ExternalIDChoice:
		return "The check keeps no external id: update the parent stack with the one that the backup service shows."
	case name == finding.StackSettingsChoice:
		return "CloudFormation keeps the role of a stack if an update names none, or the check remembers only the beginning " +
			"of the former settings: update the parent stack with the former ones."
	case name == finding.StackPolicyChoice:
		return "The check keeps the hash of a stack policy alone: set the former one with set-stack-policy."
	case name == finding.SubscribersChoice:
		return "Who was added may have been chosen by somebody who may subscribe; unsubscribe them in the console if not. " +
			"Several that were removed are subscribed again one by one."
	case strings.HasSuffix(name, finding.DirectUpdateSuffix):
		return "The stack is as it should be again. Find out what was done in between."
	case name == "Template":
		return "The template was deployed by an update of the parent stack. What it has otherwise than the release's is a " +
			"finding of its own."
	case strings.HasSuffix(name, finding.CodeSuffix):
		return "The check keeps the hash of the code alone: update the parent stack with the release that you launched."
	}
	return "It is not the value of one parameter that the check remembers completely: update the parent stack as it was."
}
