package iam

import (
	"strings"
	"time"
)

// awsPolicies are AWS managed policies that are commonly attached to roles.
// Their documents are abridged: the real ReadOnlyAccess and SecurityAudit list
// thousands of actions and change weekly.
var awsPolicies = []struct{ path, name, description, document string }{
	{"/", "AdministratorAccess", "Provides full access to AWS services and resources.",
		allow(`"*"`)},
	{"/", "PowerUserAccess",
		"Provides full access to AWS services and resources, but does not allow management of Users and groups.",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":["iam:*","organizations:*",` +
			`"account:*"],"Resource":"*"},{"Effect":"Allow","Action":["iam:CreateServiceLinkedRole",` +
			`"iam:DeleteServiceLinkedRole","iam:ListRoles","organizations:DescribeOrganization",` +
			`"account:ListRegions","account:GetAccountInformation"],"Resource":"*"}]}`,
	},
	{"/", "ReadOnlyAccess", "Provides read-only access to AWS services and resources.",
		allow(`["*:Describe*","*:Get*","*:List*"]`)},
	{"/", "SecurityAudit", "The security audit template grants access to read security configuration metadata.",
		allow(`["iam:Get*","iam:List*","cloudformation:Describe*","cloudformation:List*","ec2:Describe*",` +
			`"sns:Get*","sns:List*","events:Describe*","events:List*"]`)},
	{"/job-function/", "ViewOnlyAccess",
		"This policy grants permissions to view resources and basic metadata across all AWS services.",
		allow(`["*:Describe*","*:List*"]`),
	},
	{"/", "IAMFullAccess", "Provides full access to IAM via the AWS Management Console.",
		allow(`"iam:*"`)},
	{"/", "IAMReadOnlyAccess", "Provides read only access to IAM via the AWS Management Console.",
		allow(`["iam:Get*","iam:List*","iam:Simulate*","iam:GenerateCredentialReport",` +
			`"iam:GenerateServiceLastAccessedDetails"]`)},
	{"/", "IAMUserChangePassword", "Provides the ability for an IAM user to change their own password.",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:ChangePassword",` +
			`"Resource":"arn:aws:iam::*:user/${aws:username}"},` +
			`{"Effect":"Allow","Action":"iam:GetAccountPasswordPolicy","Resource":"*"}]}`},
	{"/", "AmazonSSMManagedInstanceCore",
		"The policy for Amazon EC2 Role to enable AWS Systems Manager service core functionality.",
		allow(`["ssm:DescribeAssociation","ssm:GetDocument","ssm:GetParameter","ssm:GetParameters",` +
			`"ssm:PutInventory","ssm:UpdateInstanceInformation","ssmmessages:*","ec2messages:*"]`)},
	{"/service-role/", "AWSLambdaBasicExecutionRole", "Provides write permissions to CloudWatch Logs.",
		allow(`["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"]`)},
	{"/service-role/", "AWSLambdaVPCAccessExecutionRole",
		"Provides minimum permissions for a Lambda function to execute while accessing a resource within a VPC.",
		allow(`["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents","ec2:CreateNetworkInterface",` +
			`"ec2:DescribeNetworkInterfaces","ec2:DescribeSubnets","ec2:DeleteNetworkInterface",` +
			`"ec2:AssignPrivateIpAddresses","ec2:UnassignPrivateIpAddresses"]`)},
	{"/service-role/", "AWSBackupServiceRolePolicyForBackup",
		"Provides AWS Backup permission to create backups on your behalf.",
		allow(`["backup:*","ec2:CreateSnapshot","ec2:CreateSnapshots","ec2:CreateTags","ec2:Describe*",` +
			`"rds:CreateDBSnapshot","rds:Describe*","tag:GetResources"]`)},
	{"/service-role/", "AWSBackupServiceRolePolicyForRestores",
		"Provides AWS Backup permission to perform restores on your behalf.",
		allow(`["backup:*","ec2:CreateVolume","ec2:RunInstances","ec2:Describe*",` +
			`"rds:RestoreDBInstanceFromDBSnapshot","rds:Describe*"]`)},
}

func allow(actions string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":` + actions + `,"Resource":"*"}]}`
}

var awsManagedSince = time.Date(2015, 2, 6, 18, 39, 46, 0, time.UTC)

// byPartition holds the AWS managed policies by partition and ARN.
var byPartition = func() map[string]map[string]*policy {
	out := map[string]map[string]*policy{}
	for _, partition := range []string{"aws", "aws-us-gov", "aws-cn"} {
		out[partition] = map[string]*policy{}
		for _, d := range awsPolicies {
			arn := "arn:" + partition + ":iam::aws:policy" + d.path + d.name
			out[partition][arn] = &policy{
				name: d.name, path: d.path, id: "ANPA" + strings.ToUpper((d.name + "AAAAAAAAAAAAAAAAA")[:17]), arn: arn,
				description: d.description, created: awsManagedSince, updated: awsManagedSince, nextVersion: 2,
				versions: []version{{id: "v1", document: d.document, created: awsManagedSince, isDefault: true}},
			}
		}
	}
	return out
}()

func isAWSManaged(arn string) bool { return strings.Contains(arn, ":iam::aws:policy/") }

func awsManaged(partition, arn string) *policy { return byPartition[partition][arn] }

func awsManagedPolicies(partition string) []*policy {
	var out []*policy
	for _, p := range byPartition[partition] {
		out = append(out, p)
	}
	return out
}
