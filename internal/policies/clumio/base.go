package clumio

import "permstack/internal/policies/schema"

var kmsPolicy = schema.Policy{
	Entity: "ClumioKMSPolicy",
	Kind:   schema.Inline,
	Why:    "use of the customer's and Clumio's keys during backups and restores",
	Statements: []schema.Statement{
		{
			Sid:       "UseCustomerKeys",
			Why:       "read and write encrypted volumes, snapshots and objects with the customer's keys",
			For:       of(ec2, rds, s3),
			Actions:   anyKeyUse,
			Resources: []string{customerKeys},
		},
		{
			Sid:       "UseDataPlaneKeys",
			Why:       "copy large objects and snapshots straight between the customer's account and Clumio's, which encrypts with its own keys",
			For:       of(rds, s3),
			Actions:   anyKeyUse,
			Resources: []string{dataPlaneKeys},
		},
	},
}

var anyKeyUse = append([]string{
	"kms:GenerateDataKeyPair", "kms:GenerateDataKeyPairWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext",
}, keyUse...)

// assetPolicies are the managed policies that Clumio checks by reading them.
var assetPolicies = []string{"${policies:*}"}

var baseValidationPolicy = schema.Policy{
	Entity: "ClumioBaseValidationPolicy",
	Kind:   schema.Inline,
	Why:    "check the permissions that the managed policies give",
	Statements: []schema.Statement{{
		Sid:       "ReadAssetPolicies",
		Why:       "read the S3, DynamoDB and EC2 managed policies so that they can be checked",
		For:       of(s3, dynamoDB, ec2, ec2MSSQL),
		Actions:   []string{"iam:GetPolicy", "iam:GetPolicyVersion"},
		Resources: assetPolicies,
	}},
}

var driftDetectPolicy = schema.Policy{
	Entity: "ClumioDriftDetectPolicy",
	Kind:   schema.Inline,
	Why:    "read-only view of the installed resources, to notice changes to them",
	Statements: []schema.Statement{
		{
			Sid: "ReadStack",
			Why: "compare the installed stack with what it should be",
			Actions: []string{
				"cloudformation:DescribeStacks", "cloudformation:DescribeStackResources",
				"cloudformation:DetectStackResourceDrift",
			},
			Resources: []string{"${stacks}"},
		},
		{
			Sid: "ReadRoles",
			Why: "read the installed roles, their policies and tags, and what they may do",
			Actions: []string{
				"iam:GetServiceLinkedRoleDeletionStatus", "iam:ListInstanceProfilesForRole",
				"iam:SimulatePrincipalPolicy", "iam:GetContextKeysForPrincipalPolicy",
				"iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:ListRoleTags",
				"iam:GetRolePolicy", "iam:GetRole",
			},
			Resources: []string{"${roles:*}"},
		},
		{
			Sid:       "ReadTopic",
			Why:       "read the installed topic, its policy, tags and subscriptions",
			Actions:   []string{"sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic", "sns:ListTagsForResource"},
			Resources: []string{"${topics:*}"},
		},
		{
			Sid:       "ReadEventBus",
			Why:       "read the event bus that the installed rules listen on",
			Actions:   []string{"events:DescribeEventBus"},
			Resources: []string{"arn:${Partition}:events:${Region}:${Account}:event-bus/default"},
		},
		{
			Sid:       "ReadRules",
			Why:       "read the installed event rules, their tags and targets",
			Actions:   []string{"events:ListTagsForResource", "events:DescribeRule", "events:ListTargetsByRule"},
			Resources: []string{"${rules:*}"},
		},
	},
}

var baseManagedPolicy = schema.Policy{
	Entity: "ClumioBaseManagedPolicy",
	Kind:   schema.Managed,
	Why:    "basic information about the account and a check of what was installed",
	Statements: []schema.Statement{
		{
			Sid:       "ListPoliciesOfClumioRoles",
			Why:       "list the managed and inline policies of ClumioIAMRole and ClumioSupportRole, to check them",
			Actions:   []string{"iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:GetRolePolicy"},
			Resources: []string{"${roles:ClumioIAMRole}", "${roles:ClumioSupportRole}"},
		},
		{
			Sid:         "ReadAccount",
			Why:         "read the account's alias, and learn the organization, so that one bucket policy can cover all of it rather than one per account",
			Actions:     []string{"iam:ListAccountAliases", "organizations:DescribeOrganization"},
			Resources:   []string{"*"},
			WhyWildcard: noResourceLevel,
		},
		{
			Sid:       "CheckTopic",
			Why:       "check the SNS topic made in the account",
			Actions:   []string{"sns:GetTopicAttributes"},
			Resources: []string{"${topics:*}"},
		},
		{
			Sid:       "CheckRules",
			Why:       "check the event rules made in the account",
			Actions:   []string{"events:DescribeRule"},
			Resources: []string{"${rules:*}"},
		},
		{
			Sid:       "ListRegions",
			Why:       "list the Regions and which of them the account has enabled",
			Actions:   []string{"account:ListRegions", "account:GetRegionOptStatus"},
			Resources: []string{"arn:${Partition}:account::${Account}:account"},
		},
		{
			Sid:       "ReadAssetPolicies",
			Why:       "read the S3, DynamoDB and EC2 managed policies so that they can be checked",
			For:       of(s3, dynamoDB, ec2, ec2MSSQL),
			Actions:   []string{"iam:GetPolicy", "iam:GetPolicyVersion"},
			Resources: assetPolicies,
		},
		{
			Sid:       "ReadClumioDocuments",
			Why:       "read the content of Clumio's Systems Manager documents",
			For:       of(ec2MSSQL),
			Actions:   []string{"ssm:GetDocument"},
			Resources: []string{vendorDocuments},
		},
		{
			Sid:       "CheckContinuousBackupRole",
			Why:       "list the policies of ClumioS3ContinuousBackupEventBridgeRole and read its details, to check them",
			For:       of(s3),
			Actions:   []string{"iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:GetRolePolicy", "iam:GetRole"},
			Resources: []string{"${roles:ClumioS3ContinuousBackupEventBridgeRole}"},
			Note:      "the page's iam:GetPolicyVersion for this role is in ReadAssetPolicies: it takes a policy's ARN, never a role's",
		},
	},
}
