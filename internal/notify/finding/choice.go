package finding

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// Choice is one value that the customer chose in the parent stack: who gets access,
// the permissions boundary, and what decides whether the check notifies whom. The
// custom resource itself announces changes of assets and operations, with their
// actions. Lists are sorted and separated by commas.
type Choice struct {
	Name  string `json:"name"`
	Value string `json:"value"`

	// Direction and Changes are of the change since the value that Options.Previous of the
	// detector returned, if the names and values alone do not show it.
	Direction Direction `json:"direction,omitempty"`
	Changes   []string  `json:"changes,omitempty"`
	// Explained is set if a change since the previous check is not announced, because it
	// has a cause that is reported otherwise.
	Explained bool `json:"-"`
}

// Choices that are not values in the parent's template, but the contents of what it
// refers to. They are announced only if both values are known.
const (
	BoundaryDocument = "PermissionsBoundaryDocument" // version and hash of the boundary's document
	CodeSuffix       = "Code"                        // of a function, by its logical ID: the hash of its package
)

// TerminationChoice is the choice of whether the parent stack is protected from deletion,
// with which the check and its notifications would be deleted. Only that the protection was
// switched off is announced.
const (
	TerminationChoice = "TerminationProtection"
	TerminationOn     = "on"
)

// Settings of the parent stack that no template contains: the role with which CloudFormation changes it, who receives
// its events and which alarms roll its updates back; and the stack policy, if it does not allow every update. Both
// have NoSetting if there is none, so that a change from nothing is announced, and the first check after an update of
// permstack announces nothing.
const (
	StackSettingsChoice = "StackSettings"
	StackPolicyChoice   = "StackPolicy"
	NoSetting           = "none"
)

// DirectUpdateSuffix ends the names of the choices that state when a permission stack was last updated by another than
// the parent stack; the names begin with the part. NoDirectUpdate is the value if only the parent did.
const (
	DirectUpdateSuffix = "StackUpdate"
	NoDirectUpdate     = "no"
)

// isDirectUpdate reports whether a choice states when a permission stack was updated.
func isDirectUpdate(name string) bool { return strings.HasSuffix(name, DirectUpdateSuffix) }

// ExternalIDChoice is the choice of the external id. Its value is not the id, but when it
// was set, DeclarationSeparator, and a hash of what is declared for the roles that require
// it: if that changes too, the time does not show that the id changed.
const (
	ExternalIDChoice     = "ExternalId"
	DeclarationSeparator = ", template "
)

// Parameters of the parent stack that state which differences are wanted. They are not in
// the check's own state, which whoever may write the parameter store could change: only
// an update of the parent stack changes them, which is announced.
const (
	AcceptedChoice   = "AcceptedDifferences" // see ParseAcceptances
	GuardrailsChoice = "GuardrailAdditions"
	AuditChoice      = "AccountAudit"
	HubChoice        = "OrgHubTopicArn" // the Organization's topic
)

// isContent reports whether a choice is the contents of something.
func isContent(name string) bool {
	return name == BoundaryDocument || strings.HasSuffix(name, CodeSuffix)
}

// SubscribersChoice is the choice that names who is subscribed to the alert topic.
const SubscribersChoice = "Subscribers"

// principalChoices name who gets access.
var principalChoices = []string{
	"ControlPlaneRoleArn", "SupportControlPlaneRoleArn", "DataPlaneAccountId", "OtherAccountIds", "SharedResources",
	"ServiceToken", ExternalIDChoice,
}

// monitoringChoices decide whether and whom the check notifies.
var monitoringChoices = []string{
	AcceptedChoice, AuditChoice, "DriftReminderDays", "DriftSchedule", GuardrailsChoice, "OnDrift", HubChoice,
	StackPolicyChoice, StackSettingsChoice, SubscribersChoice, "Subscriptions", "Template", TerminationChoice,
}

// IsAnnounced reports whether the change of a property of the custom resource is
// announced.
func IsAnnounced(name string) bool {
	return name == "PermissionsBoundaryArn" || name != ExternalIDChoice && slices.Contains(principalChoices, name)
}

// CompareChoices returns one finding for each choice that was changed. The parent
// is given by the name and id of its stack.
func CompareChoices(stack, stackID string, before, after []Choice) []Finding {
	values := func(list []Choice) map[string]string {
		out := map[string]string{}
		for _, c := range list {
			out[c.Name] = c.Value
		}
		return out
	}
	hints := map[string]Choice{}
	for _, c := range after {
		hints[c.Name] = c
	}
	old, now := values(before), values(after)
	var names []string
	for _, c := range slices.Concat(before, after) {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	var out []Finding
	for _, name := range slices.Compact(names) {
		if old[name] == now[name] || isContent(name) && (old[name] == "" || now[name] == "") || hints[name].Explained ||
			name == ExternalIDChoice && !sameDeclaration(old[name], now[name]) ||
			slices.Contains([]string{SubscribersChoice, StackSettingsChoice, StackPolicyChoice}, name) &&
				(!isNamed(before, name) || !isNamed(after, name) && name != SubscribersChoice) ||
			isDirectUpdate(name) && (!isNamed(before, name) || now[name] == NoDirectUpdate || now[name] == "") ||
			name == TerminationChoice && old[name] != TerminationOn {
			continue
		}
		f := Finding{
			Stack: stack, PhysicalID: stackID, Type: "AWS::CloudFormation::Stack", Kind: ChoiceChanged, Subject: name,
			Direction: ChoiceDirection(name, old[name], now[name]), Expected: Text(old[name]), Actual: Text(now[name]),
			SeenBy: []Source{Live}, Changes: hints[name].Changes,
		}
		if hint := hints[name].Direction; hint != "" {
			f.Direction = hint
		}
		f.ID, f.Hash = choiceDigest(stack, name), choiceDigest(name, old[name], now[name])
		out = append(out, f)
	}
	return out
}

// isNamed reports whether a choice is in a list, with whatever value.
func isNamed(list []Choice, name string) bool {
	return slices.ContainsFunc(list, func(c Choice) bool { return c.Name == name })
}

// sameDeclaration reports whether two values of ExternalIDChoice have the same hash.
func sameDeclaration(before, after string) bool {
	_, a, known := strings.Cut(before, DeclarationSeparator)
	_, b, _ := strings.Cut(after, DeclarationSeparator)
	return known && a == b
}

func choiceDigest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])[:16]
}

// ChoiceDirection returns which way a change of a choice changes access.
func ChoiceDirection(name, before, after string) Direction {
	switch {
	case slices.Contains(monitoringChoices, name):
		return Monitoring
	case isContent(name), isDirectUpdate(name):
		return GrantsMore
	case name == "PermissionsBoundaryArn" && before == "":
		return GrantsLess
	case name == "PermissionsBoundaryArn":
		return GrantsMore
	case name == "OtherAccountIds" && before == "": // any account
		return GrantsLess
	case name == "OtherAccountIds" && after == "":
		return GrantsMore
	case slices.Contains(principalChoices, name):
		if after == "" {
			return GrantsLess
		}
		return GrantsMore
	}
	return Changed
}

// LostState returns a finding about the parameter in which the check keeps what it
// reported: its value is not one that the check wrote.
func LostState(stack, stackID, parameter, message string) Finding {
	return Finding{
		ID: choiceDigest(stack, parameter, string(StateLost)), Hash: choiceDigest(message),
		Stack: stack, PhysicalID: stackID, Type: "AWS::CloudFormation::Stack", Kind: StateLost, Subject: parameter,
		Direction: Monitoring, Actual: Text(message), SeenBy: []Source{Live},
	}
}
