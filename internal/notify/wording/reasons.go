package wording

import "permstack/internal/notify/finding"

// reasons are the details of reasons whose text does not depend on the kind.
var reasons = map[finding.Reason]string{
	finding.DocumentInvalid:    "One of the two documents cannot be parsed, so what it allows is not known.",
	finding.PolicyUnreadable:   "What the policy allows could not be read; it is assumed to grant more.",
	finding.BoundaryUnreadable: "The two boundaries could not be compared: one of them could not be read.",
	finding.RoleRecreated:      "IAM cannot move a role: this is another role of the same name.",
	finding.PrincipalRecreated: "The backup service's role was deleted, or deleted and created again: the trust policy " +
		"names the unique id of a role that does not exist, so nobody can assume this role.",
	finding.ExpectedUnknown: "The expected policy contains a value that only CloudFormation knows.",
	finding.StackNotStable: "In this status a stack's template does not describe what is deployed, and CloudFormation " +
		"detects no drift.",
	finding.TemplateInvalid: "The deployed template cannot be evaluated:",
}

// targets are the things that could not be read.
var targets = map[finding.Target]string{
	finding.TargetProperty: "property", finding.TargetPolicy: "policy", finding.TargetStack: "the stack",
	finding.TargetAccountStacks:  "whether the account has other stacks named like the permission stacks",
	finding.TargetAccountRoles:   "whether the account has other roles under the installation's IAM path",
	finding.TargetAudit:          "what the account audit reads of",
	finding.TargetStackResources: "the stack's resources", finding.TargetTemplate: "the stack's template",
	finding.TargetAlertKey:       "whether the key of the alert topic can be used",
	finding.TargetChangeSets:     "which change sets of the stack wait to be executed, and what they change",
	finding.TargetDriftDetection: "the result of CloudFormation's drift detection",
}
