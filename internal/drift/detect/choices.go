package detect

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"permstack/internal/installation"
	"permstack/internal/notify/finding"
)

// announcedChoices returns the choices in the parent stack whose change is
// announced: who gets access; who is notified, when and how the check runs; and the
// template.
func (s *stack) announcedChoices() []finding.Choice {
	bound, references := s.bound, s.references
	if s.template != nil { // what is deployed, not what is expected
		bound, references = s.template, s.deployedReferences
	}
	if bound == nil || references == nil {
		return nil
	}
	values := map[string]string{"Template": "sha256 " + installation.Fingerprint(s.body)[:16]}
	values[finding.TerminationChoice] = "off"
	if aws.ToBool(s.described.EnableTerminationProtection) {
		values[finding.TerminationChoice] = finding.TerminationOn
	}
	var subscriptions []string
	for _, r := range bound.Active() {
		props, err := bound.Properties(r.LogicalID, references)
		if err != nil {
			continue
		}
		switch r.Type {
		case customResource:
			for name, v := range props {
				if finding.IsAnnounced(name) && !isUnknown(v) {
					values[name] = choiceText(v)
				}
			}
		case "AWS::SNS::Subscription":
			subscriptions = append(subscriptions, subscriptionName(text(props["Protocol"]), text(props["Endpoint"])))
		case "AWS::Events::Rule":
			if schedule := text(props["ScheduleExpression"]); schedule != "" {
				values["DriftSchedule"] = schedule
				if state := text(props["State"]); state == ruleDisabled {
					values["DriftSchedule"] += " " + state
				}
			}
		case "AWS::Lambda::Function":
			environment, _ := props["Environment"].(map[string]any)
			variables, _ := environment["Variables"].(map[string]any)
			for variable, name := range map[string]string{
				"ACCEPTED_DIFFERENCES": finding.AcceptedChoice, "GUARDRAIL_ADDITIONS": finding.GuardrailsChoice,
				"ON_DRIFT": "OnDrift", "REMINDER_DAYS": "DriftReminderDays", "ORG_HUB_TOPIC_ARN": finding.HubChoice,
				"ACCOUNT_AUDIT": finding.AuditChoice,
			} {
				if v := text(variables[variable]); v != "" && v != "no" && !isUnknown(v) {
					values[name] = v
				}
			}
		}
	}
	slices.Sort(subscriptions)
	values["Subscriptions"] = strings.Join(subscriptions, ",")
	var out []finding.Choice
	for _, name := range sorted(values) {
		if values[name] != "" && !isUnknown(values[name]) {
			choice := finding.Choice{Name: name, Value: values[name]}
			if name == finding.AcceptedChoice { // the state holds only the beginning of a long value
				for _, a := range finding.ParseAcceptances(values[name]) {
					choice.Changes = append(choice.Changes, "accepted: "+a.String())
				}
			}
			out = append(out, choice)
		}
	}
	return out
}

// declaredSubscriptions returns the subscriptions that the expected template of the
// stack declares.
func (s *stack) declaredSubscriptions() []string {
	var out []string
	for _, r := range s.resources {
		if r.typ == snsSubscription {
			out = append(out, subscriptionName(text(r.props["Protocol"]), text(r.props["Endpoint"])))
		}
	}
	return out
}

// choiceText returns a list sorted and separated by commas.
func choiceText(v any) string {
	if items, ok := v.([]any); ok {
		list := texts(items)
		slices.Sort(list)
		return strings.Join(list, ",")
	}
	return text(v)
}
