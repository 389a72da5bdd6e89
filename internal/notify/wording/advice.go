package wording

import (
	"fmt"

	"permstack/internal/notify/finding"
)

// Advice that several kinds share.
const (
	revertAdvice = "If this was not intended, revert it: on the stack's page in the console, create a drift-aware " +
		"change set with the current template, review it, and execute it; or set OnDrift to revert."
	recreateAdvice = "If this was not intended, recreate it: on the stack's page in the console, create a drift-aware " +
		"change set with the current template, and execute it. CloudTrail shows who deleted it."
	updateParentAdvice = "Update the parent stack with another value of its parameter Revision: "
)

// kindAdvice is the advice for a kind, if it is always the same.
var kindAdvice = map[finding.Kind]string{
	finding.InlinePolicyRemoved: revertAdvice,
	finding.InlinePolicyChanged: revertAdvice + " CloudTrail's PutRolePolicy events show who changed it.",
	finding.AttachmentRemoved:   revertAdvice,
	finding.PolicyChanged: revertAdvice + " CloudTrail's CreatePolicyVersion and " +
		"SetDefaultPolicyVersion events show who changed it.",
	finding.ProfileChanged:  revertAdvice,
	finding.RuleChanged:     revertAdvice,
	finding.PropertyChanged: revertAdvice,
	finding.ResourceDeleted: recreateAdvice,
	finding.TrustChanged: "Check who may use the role now. If this was not intended, restore the trust policy of the " +
		"permission stack's template, and check CloudTrail for UpdateAssumeRolePolicy and AssumeRole events.",
	finding.BoundaryChanged: "Restore the permissions boundary; the launch parameter PermissionsBoundaryArn changes it.",
	finding.SessionChanged: "Restore the role's maximum session duration: credentials that are stolen remain valid for " +
		"as long.",
	finding.TagsChanged: "Restore the tag; cost reports, and policies with conditions on tags, may depend on it.",
	finding.TopicPolicyChanged: "Check who may publish and subscribe now. If this was not intended, restore the topic's " +
		"policy from the template; CloudTrail's SetTopicAttributes and AddPermission events show who changed it.",
	finding.TemplateChanged: "CloudTrail shows who called UpdateStack or ExecuteChangeSet on this stack. " +
		updateParentAdvice + "permstack then deploys its own template again. With OnDrift set to revert, the check does.",
	finding.ChoiceChanged: "If you did not make this change, find out in CloudTrail who called UpdateStack or " +
		"ExecuteChangeSet on the parent stack, and update the stack with the former value. It is reported once.",
	finding.SubscriptionAdded: "If it is not yours, remove it with aws sns unsubscribe, and find out in CloudTrail who " +
		"called Subscribe.",
	finding.AttachedElsewhere: "If this was not intended, detach the policy with aws iam detach-role-policy, " +
		"detach-user-policy or detach-group-policy; CloudTrail's Attach events show who attached it.",
	finding.FunctionCodeChanged: "Whoever did this can do what the function's role may do. Find out in CloudTrail who " +
		"called UpdateFunctionCode (UpdateFunctionCode20150331v2), and deploy the package of the release again: aws " +
		"lambda update-function-code with the bucket and key in the parent stack's template.",
	finding.FunctionChanged: "Find out in CloudTrail who called UpdateFunctionConfiguration, PutFunctionConcurrency or " +
		"PutFunctionEventInvokeConfig, and restore the value of the template.",
	finding.FunctionPolicyChanged: "If this was not intended, remove the statement with aws lambda remove-permission; " +
		"CloudTrail shows who called AddPermission or RemovePermission.",
	finding.FunctionTriggerAdded: "If this was not intended, delete it with aws lambda delete-function-url-config, " +
		"delete-event-source-mapping, delete-alias or delete-function --qualifier, and find out in CloudTrail who " +
		"created it.",
	finding.QueuePolicyChanged: "If this was not intended, restore the queue's policy from the template with aws sqs " +
		"set-queue-attributes; CloudTrail shows who called SetQueueAttributes.",
	finding.TopicChanged: "If this was not intended, restore the value of the template: aws sns set-topic-attributes, or " +
		"aws sns set-subscription-attributes for the filter of a subscription; CloudTrail shows who set it.",
	finding.ProfileAdded: "If this was not intended, remove the role with aws iam remove-role-from-instance-profile; " +
		"CloudTrail shows who called AddRoleToInstanceProfile.",
	finding.PolicyVersionAdded: "Delete the version with aws iam delete-policy-version; CloudTrail's CreatePolicyVersion " +
		"events show who created it.",
	finding.RoleIdentityChanged: "Find out in CloudTrail who called DeleteRole and CreateRole. If it was not you, update " +
		"the parent stack after you have deleted this role; let the backup service, and your own key and bucket " +
		"policies, name the role again.",
	finding.StateLost: "Find out in CloudTrail who called PutParameter or DeleteParameter on the parameter; only the drift " +
		"check writes it.",
	finding.StackAdded: "If it is not yours, find out in CloudTrail who called CreateStack and which resources the stack " +
		"contains, then delete the stack.",
	finding.RoleAdded: "If it is not yours, find out in CloudTrail who called CreateRole, then delete the role with its " +
		"policies.",
	finding.ChangeUndone: "If you did not make the change, find out what the principal did with the access in between: " +
		"see its calls in CloudTrail's event history.",
	finding.RoleUnowned: "If it is not yours, find out in CloudTrail who called CreateRole, then delete the role with its " +
		"policies.",
	finding.TrustsService: "If the backup service does not need it, remove its principal from the trust policy with aws " +
		"iam update-assume-role-policy, or delete the role.",
	finding.TrustsOwnRole: "If this is not wanted, remove the principal from the trust policy with aws iam " +
		"update-assume-role-policy.",
	finding.ResourcePolicyNames: "If this is not wanted, remove the statement with aws kms put-key-policy, aws s3api " +
		"put-bucket-policy, aws sns set-topic-attributes or aws sqs set-queue-attributes. A key may have to name the role " +
		"so that encrypted data can be backed up: that is wanted.",
	finding.KeyGrantAdded: "If this is not wanted, revoke it with aws kms revoke-grant; CloudTrail shows who called " +
		"CreateGrant.",
	finding.StackOrphaned: "Find out in CloudTrail who deleted the parent stack. If the access is not needed, delete this " +
		"stack, too.",
	finding.StackFailed: "See the stack's events in the console for what failed, correct that, and let CloudFormation end " +
		"the operation. If you did not begin it, find out in CloudTrail who did.",
	finding.ChangeSetAdded: "If you did not create it, delete it, and find out in CloudTrail who called CreateChangeSet. " +
		"If you did, review and execute it, or delete it.",
	finding.StackHeld: "See the stack's events in the console for what it waits for and who started the update; cancel " +
		"the update with aws cloudformation cancel-update-stack.",
}

// reasonAdvice is the advice for a reason; it precedes that for the kind.
var reasonAdvice = map[finding.Reason]string{
	finding.RoleRecreated: "Find out who deleted the role and created this one. Delete it, then " +
		"recreate it: on the stack's page in the console, create a drift-aware change set with the current template, " +
		"and execute it.",
	finding.PrincipalRecreated: "This is no attack: ask the backup service whether it created its role again. Then " +
		"write the trust policy again: on the stack's page in the console, create a drift-aware change set with the " +
		"current template, and execute it; or set OnDrift to revert.",
	finding.StackNotStable: "See the stack's events in the console for what failed, correct that, and update or delete " +
		"the stack.",
	finding.TemplateInvalid: "The stack's resources were checked by CloudFormation alone. Deploy a template " +
		"of permstack, " +
		"or report this to its authors.",
	finding.ExpectedUnknown: "Compare the topic's policy with the template by hand, or declare it as " +
		"AWS::SNS::TopicInlinePolicy, which CloudFormation compares.",
	finding.Throttled:  "AWS throttled the account as a whole. The next run reads it again.",
	finding.ReadFailed: "The next run reads it again. If the error persists, see its message above.",
}

// advice returns what to do about a finding.
func advice(f finding.Finding) string {
	if f.Reason == finding.AccessDenied {
		return deniedAdvice(f)
	}
	if text := reasonAdvice[f.Reason]; text != "" {
		return text
	}
	switch f.Kind {
	case finding.ChoiceChanged:
		if f.Subject == finding.ExternalIDChoice {
			return "If you did not replace the external ID, find out in CloudTrail who called UpdateStack or ExecuteChangeSet " +
				"on the parent stack and on its access stack, and update the parent stack with the ID of the backup service; " +
				"if that is the present one, also with another value of its parameter Revision. It is reported once."
		}
	case finding.TemplateChanged:
		if f.Subject == "parent" {
			return "If this was not intended, find out in CloudTrail who called UpdateStack or ExecuteChangeSet on the parent " +
				"stack, and update it with the launch template of its release."
		}
	case finding.InlinePolicyAdded:
		return fmt.Sprintf(
			"If this was not intended, remove it: aws iam delete-role-policy --role-name %s --policy-name %s; "+
				"CloudTrail's PutRolePolicy events show who added it.",
			f.PhysicalID,
			f.Subject,
		)
	case finding.AttachmentAdded:
		return fmt.Sprintf(
			"If this was not intended, detach it: aws iam detach-role-policy --role-name %s --policy-arn %s; "+
				"CloudTrail's AttachRolePolicy events show who attached it.",
			f.PhysicalID,
			f.Subject,
		)
	case finding.RuleChanged:
		switch {
		case f.Property == "State" && f.Direction == finding.GrantsLess:
			return "Enable it: aws events enable-rule --name " + f.PhysicalID
		case f.Property == "Targets" && f.Direction == finding.GrantsMore:
			return fmt.Sprintf("If this was not intended, remove it: aws events remove-targets --rule %s --ids %s",
				f.PhysicalID, f.TargetID())
		}
	case finding.ResourceDeleted:
		switch f.Type {
		case "AWS::CloudFormation::Stack":
			return updateParentAdvice + "permstack then creates the permission stack again."
		case "AWS::SNS::Topic":
			return recreateAdvice + " Then let the backup service subscribe again."
		}
	}
	return kindAdvice[f.Kind]
}

func deniedAdvice(f finding.Finding) string {
	if f.SeenByDetection() {
		return "Allow the drift check's role " + f.Permission + " on " + f.PhysicalID +
			"; CloudFormation reads with its caller's permissions."
	}
	return "Allow the drift check's role " + f.Permission + " on " + f.PhysicalID +
		"; if it was allowed before, find out who removed it, because drift is not detected without it."
}
