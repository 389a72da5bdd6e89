package cpm

import "permstack/internal/policies/schema"

// core is what the server does whatever is chosen: the part of BackupCore that
// belongs to no asset, SupportedServiceRegions, and the page's sts:AssumeRole.
var core = []schema.Statement{
	{
		Sid:       "AssumeRoles",
		Why:       "take the role of this name in the customer's other accounts, and this role itself for workers",
		Actions:   []string{"sts:AssumeRole"},
		Resources: []string{"${roles:CPMRole}", "arn:${Partition}:iam::${OtherAccount}:role${Path}CPMRole-*"},
		Presets:   onThePage,
		Note:      "the page grants any role; roles made with this profile have this path and name in every account, and each must trust this one too",
	},
	{
		Sid:       "ReadServiceRegions",
		Why:       "learn which AWS service is in which Region, from the public list that Systems Manager keeps in every Region",
		Actions:   []string{"ssm:GetParametersByPath"},
		Resources: []string{"arn:${Partition}:ssm:*::parameter/aws/service/global-infrastructure*"},
	},
	{
		Sid:         "ReadMetrics",
		Why:         "read metrics of what is protected",
		Actions:     []string{"cloudwatch:GetMetricStatistics"},
		Resources:   []string{"*"},
		WhyWildcard: noResourceLevelSingular,
	},
	{
		Sid: "DescribePlaces",
		Why: "list Regions, zones, networks, security groups and key pairs, to place what is recovered",
		Actions: []string{
			"ec2:DescribeAvailabilityZones", "ec2:DescribeKeyPairs", "ec2:DescribeRegions",
			"ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs",
		},
		Resources:   []string{"*"},
		WhyWildcard: noResourceLevel,
	},
	{
		Sid:         "ListIdentities",
		Why:         "list users, groups, roles and instance profiles, for the check of permissions and to offer profiles at recovery",
		Actions:     []string{"iam:GetAccountAuthorizationDetails", "iam:ListInstanceProfiles", "iam:ListUsers"},
		Since:       since(release42, "iam:ListInstanceProfiles"),
		Resources:   []string{"*"},
		WhyWildcard: noResourceLevel,
	},
	{
		Sid:       "ReadRoles",
		Why:       "read the role in an instance profile or of a service, for the check of permissions and at recovery",
		Actions:   []string{"iam:GetRole"},
		Resources: []string{anyRole},
	},
	{
		Sid:       "CheckOwnRoles",
		Why:       "check that these roles have the permissions that the server needs",
		Actions:   []string{"iam:ListAttachedRolePolicies", "iam:SimulatePrincipalPolicy"},
		Resources: []string{"${roles:*}"},
	},
	{
		Sid: "CheckUsers",
		Why: "check the permissions of users, and of their groups, whose keys the server may hold instead of a role",
		Actions: []string{
			"iam:ListAccessKeys", "iam:ListAttachedGroupPolicies", "iam:ListAttachedUserPolicies",
			"iam:ListGroupPolicies", "iam:ListGroupsForUser", "iam:ListUserPolicies", "iam:SimulatePrincipalPolicy",
		},
		Resources: []string{"arn:${Partition}:iam::${Account}:user/*", "arn:${Partition}:iam::${Account}:group/*"},
	},
}
