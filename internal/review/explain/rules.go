package explain

// reach is whose resources a rule is about.
type reach int

const (
	anyAccount   reach = iota
	thisAccount        // the rule is about harm to resources of the customer's account
	otherAccount       // the rule is about what reaches another account
)

// rule finds grants that together allow an attack. A rule matches if each step has a grant; it has the findings of each
// role.
type rule struct {
	id        string
	class     Class
	title     string
	steps     [][]string // patterns of actions; one of each step
	service   string     // "ec2": the role of iam:PassRole must be passed to it
	reach     reach
	attribute string // of ec2:ModifyInstanceAttribute, if the rule requires one
	severity  int    // 1 to 4 without limits; 0: 4
	closes    string
}

const (
	closePass = "limit iam:PassRole to roles that may be passed: a Deny of iam:PassRole on all others in a permissions " +
		"boundary or an SCP"
	closeTag = "deny the role, in a permissions boundary or an SCP, to set that tag on existing resources"
)

// rules are the attacks that Findings searches for. Those of privilege escalation are from "AWS IAM Privilege
// Escalation – Methods and Mitigation" (Rhino Security Labs) and cloudsplaining's list of it, and those that backup
// roles add; exfiltration and credentials from cloudsplaining's lists of actions and the services' API references.
var rules = []rule{
	{id: "change-permissions", class: Escalation,
		title: "it can give itself or others permissions, by changing IAM",
		steps: [][]string{{"iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:Put*Policy", "iam:Attach*Policy",
			"iam:AddUserToGroup", "iam:UpdateAssumeRolePolicy", "iam:DeleteRolePermissionsBoundary",
			"iam:DeleteUserPermissionsBoundary", "iam:PutRolePermissionsBoundary", "iam:PutUserPermissionsBoundary",
			"iam:CreateLoginProfile", "iam:UpdateLoginProfile", "iam:CreateAccessKey", "iam:UpdateSAMLProvider",
			"sso:CreateAccountAssignment", "sso:PutInlinePolicyToPermissionSet", "sso:Attach*PolicyToPermissionSet"}},
		closes: "a permissions boundary on the role, and iam:PermissionsBoundary as a condition of each change"},
	{id: "create-role", class: Escalation,
		title:  "it can create a role and give it policies",
		steps:  [][]string{{"iam:CreateRole"}, {"iam:AttachRolePolicy", "iam:PutRolePolicy"}},
		closes: "iam:PermissionsBoundary as a condition: the new role then never has more than the boundary"},
	{id: "pass-role-to-ec2", class: Escalation, service: "ec2",
		title: "it can launch an instance with a role of the account, and use the role's permissions on the instance",
		steps: [][]string{{"iam:PassRole"}, {"ec2:RunInstances", "ec2:AssociateIamInstanceProfile",
			"ec2:ReplaceIamInstanceProfileAssociation", "ec2:RequestSpotInstances", "autoscaling:CreateLaunchConfiguration",
			"autoscaling:CreateAutoScalingGroup"}},
		closes: closePass},
	{id: "pass-role-to-lambda", class: Escalation, service: "lambda",
		title:  "it can run code as a function with a role of the account",
		steps:  [][]string{{"iam:PassRole"}, {"lambda:CreateFunction", "lambda:UpdateFunctionConfiguration"}},
		closes: closePass},
	{id: "pass-role-to-cloudformation", class: Escalation, service: "cloudformation",
		title: "it can create a stack with a role of the account",
		steps: [][]string{{"iam:PassRole"}, {"cloudformation:CreateStack", "cloudformation:UpdateStack",
			"cloudformation:CreateChangeSet", "cloudformation:CreateStackSet"}},
		closes: closePass},
	{id: "pass-role-to-glue", class: Escalation, service: "glue",
		title: "it can pass a role of the account to Glue, which then runs with its permissions",
		steps: [][]string{{"iam:PassRole"}, {"glue:CreateDevEndpoint", "glue:UpdateDevEndpoint", "glue:CreateJob",
			"glue:UpdateJob", "glue:CreateSession", "glue:CreateCrawler", "glue:CreateTableOptimizer",
			"glue:UpdateTableOptimizer"}},
		closes: closePass},
	{id: "pass-role-to-rds", class: Escalation, service: "rds",
		title: "it can pass a role of the account to a database, whose SQL then has its permissions",
		steps: [][]string{{"iam:PassRole"}, {"rds:AddRoleToDBCluster", "rds:AddRoleToDBInstance", "rds:CreateDBCluster",
			"rds:CreateDBInstance", "rds:ModifyDBInstance", "rds:RestoreDB*"}},
		closes: closePass},
	{id: "pass-role-to-backup", class: Escalation, service: "backup", severity: 3,
		title:  "it can pass a role of the account to AWS Backup, which then restores or deletes with its permissions",
		steps:  [][]string{{"iam:PassRole"}, {"backup:StartRestoreJob", "backup:StartBackupJob", "backup:StartCopyJob"}},
		closes: closePass},
	{id: "pass-role-to-ssm", class: Escalation, service: "ssm",
		title:  "it can pass a role of the account to Systems Manager, which then acts with its permissions",
		steps:  [][]string{{"iam:PassRole"}, {"ssm:SendCommand", "ssm:StartAutomationExecution", "ssm:CreateActivation"}},
		closes: closePass},
	{id: "pass-role-to-events", class: Escalation, service: "events",
		title:  "it can pass a role of the account to EventBridge, which then calls targets with its permissions",
		steps:  [][]string{{"iam:PassRole"}, {"events:PutTargets"}},
		closes: closePass},
	{id: "pass-role-to-export", class: Escalation, service: "export.rds", severity: 3,
		title:  "it can pass a role of the account to RDS, which then exports a snapshot with its permissions",
		steps:  [][]string{{"iam:PassRole"}, {"rds:StartExportTask"}},
		closes: closePass},
	{id: "pass-role-to-other", class: Escalation, service: "sagemaker",
		title: "it can pass a role of the account to a service that runs code with its permissions",
		steps: [][]string{{"iam:PassRole"}, {"sagemaker:Create*Job", "sagemaker:CreateNotebookInstance", "ecs:RunTask",
			"ecs:RegisterTaskDefinition", "states:CreateStateMachine", "codebuild:CreateProject", "datapipeline:*",
			"batch:RegisterJobDefinition", "apprunner:CreateService", "scheduler:CreateSchedule", "scheduler:UpdateSchedule",
			"bedrock:CreateAgent", "elasticmapreduce:RunJobFlow", "cognito-identity:SetIdentityPoolRoles"}},
		closes: closePass},
	{id: "run-commands", class: Escalation,
		title: "it can run commands on instances, and so use the permissions of the instances' roles",
		steps: [][]string{{"ssm:SendCommand", "ssm:StartSession", "ssm:CreateAssociation",
			"ec2-instance-connect:SendSSHPublicKey", "ecs:ExecuteCommand"}},
		closes: "remove the permissions from the instances' roles that are not for the instance itself"},
	{id: "change-user-data", class: Escalation,
		title: "it can stop an instance, change its user data or its kernel, and start it: the instance then runs its " +
			"commands with the permissions of the instance's role",
		steps:     [][]string{{"ec2:ModifyInstanceAttribute"}, {"ec2:StopInstances"}, {"ec2:StartInstances"}},
		attribute: "UserData",
		closes:    "ec2:Attribute as a condition of ec2:ModifyInstanceAttribute"},
	{id: "replace-volume", class: Escalation, severity: 3,
		title:  "it can attach a volume that it wrote to an instance of the customer, which may boot from it",
		steps:  [][]string{{"ec2:AttachVolume"}, {"ec2:DetachVolume"}, {"ec2:StopInstances", "ec2:StartInstances"}},
		closes: "a condition on a tag of the instance that the role cannot set"},
	{id: "write-parameters", class: Escalation, severity: 3,
		title: "it can overwrite SSM parameters: whatever reads one (a template's image ID, a document, an application's " +
			"settings) then uses the value that it wrote",
		steps: [][]string{{"ssm:PutParameter"}}, reach: thisAccount,
		closes: "limit the statement to the names of the parameters that the vendor writes"},
	{id: "assume-roles", class: Escalation,
		title: "it can assume other roles that trust it", steps: [][]string{{"sts:AssumeRole", "sts:AssumeRoot"}},
		closes: "a list of the other accounts, in place of any account"},
	{id: "change-code", class: Escalation,
		title: "it can replace the code, the template or the commands that a service runs with a role of its own",
		steps: [][]string{{"lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration",
			"cloudformation:UpdateStack", "cloudformation:ExecuteChangeSet", "glue:UpdateDevEndpoint", "glue:UpdateJob",
			"codebuild:StartBuild*", "codebuild:UpdateProject", "states:UpdateStateMachine",
			"sagemaker:CreatePresigned*Url"}}},
	{id: "change-master-password", class: Escalation, severity: 3, reach: thisAccount,
		title: "it can set a database's master password or open the database to the internet, and so read and change the " +
			"data in it",
		steps: [][]string{{"rds:ModifyDBInstance", "rds:ModifyDBCluster", "redshift:ModifyCluster"}},
		closes: "databases in subnets without a route from the internet, and an alert on ModifyDBInstance; IAM has no key " +
			"for the password"},

	{id: "share-copies", class: Exfiltration, reach: thisAccount,
		title: "it can share snapshots or images with another account, which then copies them",
		steps: [][]string{{"ec2:ModifySnapshotAttribute", "ec2:ModifyImageAttribute", "rds:ModifyDBSnapshotAttribute",
			"rds:ModifyDBClusterSnapshotAttribute", "redshift:AuthorizeSnapshotAccess",
			"backup:PutBackupVaultAccessPolicy", "ec2:CreateStoreImageTask", "fsx:ManageBackupPrincipalAssociations"}},
		closes: "encrypt with the AWS managed key, whose snapshots cannot be shared, or with a key whose policy lets only " +
			"the vendor's account use it"},
	{id: "send-to-other-accounts", class: Exfiltration, reach: otherAccount,
		title: "it can write data to resources of another account",
		steps: [][]string{{"s3:PutObject", "events:PutEvents", "sns:Publish", "sqs:SendMessage", "kinesis:PutRecord*",
			"ses:Send*", "s3:PutReplicationConfiguration", "s3:ReplicateObject"}},
		closes: "a permissions boundary or an SCP that denies it unless aws:ResourceAccount is a known account"},
	{id: "export", class: Exfiltration, severity: 3,
		title:  "it can export data to a bucket that it names",
		steps:  [][]string{{"dynamodb:ExportTableToPointInTime", "rds:StartExportTask", "logs:CreateExportTask"}},
		closes: "aws:ResourceAccount as a condition of s3:PutObject, which the export needs"},
	{id: "read-content", class: Exfiltration, severity: 3, reach: thisAccount,
		title: "it reads content, which whoever uses the role receives",
		steps: [][]string{{"s3:GetObject", "s3:GetObjectVersion", "ebs:GetSnapshotBlock", "dynamodb:GetItem",
			"dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:GetRecords", "dynamodb:PartiQLSelect",
			"s3tables:GetTableData", "logs:GetLogEvents", "logs:FilterLogEvents", "rds:DownloadDBLogFilePortion",
			"rds:DownloadCompleteDBLogFile", "ssm:GetCommandInvocation", "ec2:GetConsoleOutput", "sqs:ReceiveMessage",
			"kinesis:GetRecords", "rds-data:ExecuteStatement", "lambda:GetFunction"}},
		closes: "protect fewer assets; a key policy that denies the role kms:Decrypt for data that is not to be read"},

	{id: "read-secrets", class: Credentials, reach: thisAccount,
		title: "it can read passwords and other secrets",
		steps: [][]string{{"secretsmanager:GetSecretValue", "ssm:GetParameter", "ssm:GetParameters",
			"ssm:GetParametersByPath", "ssm:GetParameterHistory", "ec2:GetPasswordData"}},
		closes: "limit the statement to the names of the secrets that the vendor needs"},
	{id: "create-credentials", class: Credentials,
		title: "it receives credentials",
		steps: [][]string{{"iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:UpdateLoginProfile",
			"iam:CreateServiceSpecificCredential", "iam:ResetServiceSpecificCredential", "redshift:GetClusterCredentials*",
			"rds-db:connect", "sts:AssumeRole", "sts:GetFederationToken", "ecr:GetAuthorizationToken",
			"cognito-identity:GetCredentialsForIdentity", "cognito-idp:DescribeUserPoolClient", "codepipeline:PollForJobs",
			"lightsail:DownloadDefaultKeyPair", "lightsail:GetBucketAccessKeys", "mediapackage:RotateChannelCredentials",
			"gamelift:RequestUploadCredentials", "connect:GetFederationToken*", "dax:*"}}, severity: 3},

	{id: "delete-data", class: Destruction, reach: thisAccount,
		title: "it can delete data",
		steps: [][]string{{"ec2:DeleteSnapshot", "ec2:DeleteVolume", "ec2:TerminateInstances", "ec2:DeregisterImage",
			"rds:DeleteDB*", "redshift:DeleteCluster*", "dynamodb:DeleteTable", "dynamodb:DeleteItem", "dynamodb:DeleteBackup",
			"dynamodb:BatchWriteItem", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:DeleteBucket", "s3tables:Delete*",
			"glue:DeleteTable", "glue:DeleteDatabase", "elasticfilesystem:DeleteFileSystem", "fsx:Delete*",
			"backup:DeleteRecoveryPoint", "backup:DeleteBackupVault", "backup:DisassociateRecoveryPoint",
			"secretsmanager:DeleteSecret", "kms:ScheduleKeyDeletion", "kms:DisableKey", "ssm:DeleteParameter",
			"logs:DeleteLog*", "s3:PutLifecycleConfiguration", "s3:BypassGovernanceRetention"}},
		closes: "recycle bin rules, locked snapshots, versioned buckets with object lock, or AWS Backup's vault lock"},
	{id: "overwrite-data", class: Destruction, reach: thisAccount, severity: 3,
		title: "it can overwrite data, or switch off what protects it",
		steps: [][]string{{"s3:PutObject", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:UpdateTable",
			"dynamodb:UpdateContinuousBackups", "s3tables:PutTableData", "ssm:PutParameter", "ebs:PutSnapshotBlock",
			"rds:ModifyDBInstance", "rds:ModifyDBCluster", "s3:PutBucketVersioning", "ec2:UnlockSnapshot",
			"glue:UpdateTable", "s3:RestoreObject"}},
		closes: "versioned buckets with object lock; deletion protection watched by an alert"},
	{id: "delete-resources", class: Destruction, reach: thisAccount, severity: 3,
		title: "it can delete network or other resources and so interrupt services",
		steps: [][]string{{"ec2:DeleteVpc*", "ec2:DeleteSubnet", "ec2:DeleteSecurityGroup", "ec2:DeleteRoute*",
			"ec2:DeleteNetwork*", "ec2:DeleteTransitGateway*", "ec2:DeleteVpn*", "ec2:DeleteNatGateway",
			"ec2:DeleteInternetGateway", "elasticloadbalancing:Delete*", "events:DeleteRule", "events:RemoveTargets",
			"iam:DeleteRole", "iam:DetachRolePolicy", "sns:DeleteTopic", "sqs:DeleteQueue", "lambda:DeleteFunction",
			"cloudformation:DeleteStack"}}},
	{id: "disable-detection", class: Destruction, reach: thisAccount,
		title: "it can switch off the logging and the detection that would show what it does",
		steps: [][]string{{"cloudtrail:StopLogging", "cloudtrail:DeleteTrail", "cloudtrail:UpdateTrail",
			"cloudtrail:PutEventSelectors", "cloudtrail:DeleteEventDataStore", "guardduty:DeleteDetector",
			"guardduty:UpdateDetector", "config:StopConfigurationRecorder", "config:DeleteConfigurationRecorder",
			"securityhub:DisableSecurityHub", "access-analyzer:DeleteAnalyzer", "ec2:DeleteFlowLogs",
			"cloudwatch:DeleteAlarms", "cloudwatch:DisableAlarmActions", "organizations:LeaveOrganization"}},
		closes: "an SCP that denies these actions, and an organization trail in another account"},

	{id: "open-resources", class: Exposure, reach: thisAccount,
		title: "it can open resources to other accounts or to everyone",
		steps: [][]string{{"s3:PutBucketPolicy", "s3:PutBucketAcl", "s3:PutObjectAcl", "s3:PutObjectVersionAcl",
			"s3:PutAccessPointPolicy", "s3:PutBucketPublicAccessBlock", "s3:PutAccountPublicAccessBlock",
			"dynamodb:PutResourcePolicy", "kms:PutKeyPolicy", "kms:CreateGrant", "sns:AddPermission",
			"sns:SetTopicAttributes", "sqs:AddPermission", "sqs:SetQueueAttributes", "lambda:AddPermission",
			"lambda:CreateFunctionUrlConfig", "ecr:SetRepositoryPolicy", "ram:CreateResourceShare",
			"ram:AssociateResourceShare", "fsx:ManageBackupPrincipalAssociations", "s3:PutBucketOwnershipControls",
			"secretsmanager:PutResourcePolicy", "elasticfilesystem:PutFileSystemPolicy", "s3tables:Put*Policy",
			"backup:PutBackupVaultAccessPolicy", "glue:PutResourcePolicy", "events:PutPermission",
			"ec2:ModifySnapshotAttribute", "ec2:ModifyImageAttribute", "redshift:AuthorizeSnapshotAccess",
			"rds:ModifyDBSnapshotAttribute", "rds:ModifyDBClusterSnapshotAttribute"}},
		closes: "S3 Block Public Access; resource control policies (RCPs) that keep access within the organization"},
	{id: "open-network", class: Exposure, reach: thisAccount, severity: 3,
		title: "it can open networks: security groups, network ACLs, routes",
		steps: [][]string{{"ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress",
			"ec2:CreateNetworkAclEntry", "ec2:ReplaceNetworkAclEntry", "ec2:CreateRoute", "ec2:AcceptVpcPeeringConnection",
			"ec2:ModifySecurityGroupRules"}}},
}
