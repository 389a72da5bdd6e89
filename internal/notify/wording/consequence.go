package wording

import "permstack/internal/notify/finding"

// consequence returns what a finding means; "" if its title says it.
func consequence(f finding.Finding) string {
	switch f.Kind {
	case finding.ResourceDeleted:
		return deleted[f.Type]
	case finding.RuleChanged:
		return ruleDetails[f.Property][f.Direction]
	case finding.ProfileChanged:
		return profileDetails[f.Direction]
	case finding.BoundaryChanged:
		switch {
		case f.Actual.Absent:
			return "No boundary limits what the role's policies grant."
		case f.Expected.Absent:
			return "The role may do no more than this boundary allows."
		}
	case finding.TemplateChanged:
		if f.Subject == "parent" {
			return "The parent stack has another template than the release: whoever updated it may have changed the check."
		}
		return "A principal other than permstack's function updated this stack: its template is not the one that the " +
			"choices in the parent stack result in."
	case finding.ChoiceChanged:
		return choiceDetails[f.Subject]
	case finding.TopicChanged:
		return topicDetails[f.Property]
	case finding.FunctionChanged:
		return functionDetails[f.Property]
	}
	return consequences[f.Kind]
}

// profileDetails are the consequences of another role in an instance profile.
var profileDetails = map[finding.Direction]string{
	finding.GrantsLess: "Instances with this profile have no access.",
	finding.GrantsMore: "Instances with this profile have the access of another role.",
}

// consequences are what a finding of a kind means, whatever its values are.
var consequences = map[finding.Kind]string{
	finding.SubscriptionAdded:    "It receives every message of the topic. No template of this installation declares it.",
	finding.AttachedElsewhere:    "It has what the policy grants the backup service.",
	finding.ProfileAdded:         "Instances with this profile have the access of the role.",
	finding.PolicyVersionAdded:   "It is not in force. Whoever may call SetDefaultPolicyVersion on the policy can put it into force.",
	finding.RoleIdentityChanged:  "It has another unique id: policies of others that name the role no longer mean this one.",
	finding.FunctionCodeChanged:  "The function runs other code than that of the release, with all its permissions.",
	finding.FunctionTriggerAdded: "It invokes the function, or a copy of it. No template of this installation declares it.",
	finding.StateLost: "Open findings are reported again, and changes of the choices in the parent stack since the last run are " +
		"not known.",
	finding.ChangeUndone: "The resource is as it was deployed again. What was done in between is not known to the check. It is " +
		"reported once.",
	finding.StackAdded: "It is named like a permission stack, and the parent stack does not select it. What it contains was not " +
		"checked.",
	finding.RoleAdded:           "It is under the IAM path of this installation, and in none of its stacks.",
	finding.RoleUnowned:         "It is under the IAM path of this installation, or named like its roles, and no stack holds it.",
	finding.TrustsService:       "The backup service may assume this role, which is in no stack of permstack.",
	finding.TrustsOwnRole:       "Whoever has the installation's role may assume this one, too.",
	finding.ResourcePolicyNames: "The policy grants access in addition to the policies of the installation's roles.",
	finding.KeyGrantAdded:       "A grant allows use of the key until it is revoked, whatever the key's policy says.",
	finding.StackOrphaned:       "Its parent stack does not exist: what it grants remains, and nothing checks it.",
	finding.StackFailed: "CloudFormation refuses the next update of the stack, also one that ends access, until the operation that " +
		"failed has ended. Its template may not describe what is deployed.",
	finding.ChangeSetAdded: "It changes nothing before it is executed. Whoever may call ExecuteChangeSet on the stack can execute it, " +
		"with the rights of the role that was passed when it was created.",
	finding.StackHeld: "While a stack is in progress CloudFormation detects no drift, so its resources were compared with the " +
		"services' APIs alone. Holding a stack in progress is a way to evade a check.",
}
