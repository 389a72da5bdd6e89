package provisioner

import "strings"

// Commands of the AWS CLI in remedies. A word in capitals is to be filled in.
const (
	commandDeleteParent    = "aws cloudformation delete-stack --stack-name {parent}"
	commandDeleteWithRole  = "aws cloudformation delete-stack --stack-name {stack} --role-arn ROLE_ARN"
	commandAllowDeletion   = "aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name {stack}"
	commandDetachPolicy    = "aws iam detach-role-policy --role-name %s --policy-arn %s"
	commandDeletePolicy    = "aws iam delete-role-policy --role-name %s --policy-name %s"
	commandListAttachments = "aws iam list-attached-role-policies --role-name {resource}"
	commandListProfiles    = "aws iam list-instance-profiles-for-role --role-name {resource}"
)

// remedy is what to do about a cause that the text of AWS's reason names.
type remedy struct {
	cause  string   // for tests and documents
	texts  []string // the reason contains one of them
	verbs  []string // the operations to which it applies; empty: all
	advice string
}

// remedies maps causes to what to do. The first that matches applies: causes of
// denials precede the denial itself.
var remedies = []remedy{
	{
		cause: "termination protection", texts: []string{"TerminationProtection is enabled"},
		advice: "Termination protection is on. Turn it off, then delete again: " + commandAllowDeletion,
	},
	{
		cause: "stack role does not exist", texts: []string{"is invalid or cannot be assumed"}, verbs: []string{"delete"},
		advice: "The stack role {stackRole} does not exist any more, or does not trust cloudformation.amazonaws.com. " +
			"Delete the permission stack with another role that CloudFormation can assume and that may delete its " +
			"resources, then delete the parent stack again: " + commandDeleteWithRole,
	},
	{
		cause: "stack role does not exist", texts: []string{"is invalid or cannot be assumed"},
		advice: "The stack role {stackRole} does not exist any more, or does not trust cloudformation.amazonaws.com. " +
			"Recreate it with a drift-aware change set of stack {parent}, then update again",
	},
	{
		cause: "invalid principal", texts: []string{"Invalid principal in policy"},
		advice: "A role that is to be trusted does not exist in the backup service's account. Compare ControlPlaneRoleArn " +
			"and SupportControlPlaneRoleArn with what the backup service shows",
	},
	{
		cause: "name in use", texts: []string{"already exists", "AlreadyExists", "NAME_CONFLICT"},
		verbs: []string{"create", "update"},
		advice: "Another installation has the same ConnectionId in this Region, or an earlier one left the resource " +
			"behind. Choose another ConnectionId, or delete the resource",
	},
	{
		cause: "service control policy", texts: []string{"service control policy", "resource control policy"},
		advice: "A policy of your organization denies the action. Let its administrator allow the action for the roles " +
			"and names in the message",
	},
	{
		cause: "permissions boundary", texts: []string{"permissions boundary"},
		advice: "Allow the action in the policy that InstallerPermissionsBoundaryArn names",
	},
	{
		cause: "denied", texts: []string{"is not authorized to perform", "HandlerErrorCode: AccessDenied"},
		advice: "A role of permstack lacks the permission. Update stack {parent} with the unmodified template of its release",
	},
	{
		cause: "quota", texts: []string{"Cannot exceed quota", "ServiceLimitExceeded", "LimitExceeded"},
		advice: "Request a higher quota in Service Quotas, or choose fewer assets",
	},
	{
		cause: "attached policies", texts: []string{"must detach all policies first"}, verbs: []string{"delete"},
		advice: "Another principal attached a policy to the role. Detach it, then delete again: " + commandListAttachments +
			" lists the policies",
	},
	{
		cause: "instance profile", texts: []string{"must remove roles from instance profile first"},
		verbs: []string{"delete"},
		advice: "Another principal added the role to an instance profile. Remove it from there, then delete again: " +
			commandListProfiles + " lists the profiles",
	},
}

// RemedyCauses returns the causes for which a message has a remedy. A test of each
// follows the advice.
func RemedyCauses() []string {
	causes := make([]string, len(remedies))
	for i, r := range remedies {
		causes[i] = r.cause
	}
	return causes
}

// remedyFor returns what to do about the reason of a failed operation (create,
// update, delete) on a permission stack; "" if its cause is not known. resource is
// the physical id of the resource that failed.
func (o *operation) remedyFor(verb, reason, stack, resource string) string {
	for _, r := range remedies {
		if r.matches(verb, reason) {
			return strings.NewReplacer("{stack}", stack, "{parent}", o.parent.Name, "{resource}", resource,
				"{stackRole}", o.StackRoleARN).Replace(r.advice)
		}
	}
	return ""
}

func (r remedy) matches(verb, reason string) bool {
	applies := len(r.verbs) == 0
	for _, v := range r.verbs {
		applies = applies || v == verb
	}
	for _, text := range r.texts {
		if applies && strings.Contains(reason, text) {
			return true
		}
	}
	return false
}

// withRemedy appends the remedy for a reason to a text.
func (o *operation) withRemedy(text, verb, reason, stack, resource string) string {
	if advice := o.remedyFor(verb, reason, stack, resource); advice != "" {
		return text + ". " + advice
	}
	return text
}
