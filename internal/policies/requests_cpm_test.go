package policies_test

// cpm is a request under the profile cpm, in the server's own account.
func cpm(choice, why, action, resource string, context kv, allowed bool) request {
	assets, ops := choice, ""
	for i := range choice {
		if choice[i] == ':' {
			assets, ops = choice[:i], choice[i+1:]
			break
		}
	}
	return request{profile: "cpm", assets: assets, ops: ops, why: why, action: action, resource: resource,
		context: context, allowed: allowed}
}

// as is a request by another role, or under other settings.
func (r request) as(role, options string) request { r.role, r.options = role, options; return r }

func iamARN(owner, kind string) string { return "arn:aws:iam::" + owner + ":" + kind }

var (
	worker     = kv{"ec2:ResourceTag/Name": "CPMWorkerMachine"}
	notWorker  = kv{"ec2:ResourceTag/Name": "payments"}
	asksWorker = kv{"aws:RequestTag/Name": "CPMWorkerMachine", "aws:TagKeys": "Name"}
	own        = kv{"s3:ResourceAccount": account}
	strange    = kv{"s3:ResourceAccount": thirdParty}
	drSnapshot = "arn:aws:ec2:" + elsewhere + "::snapshot/snap-1"
)

var cpmRequests = []request{
	// Workers.
	cpm("ec2:file-level-recovery", "a worker ends", "ec2:TerminateInstances", ec2ARN("instance/i-1"), worker, true),
	cpm("", "the customer's instance ends", "ec2:TerminateInstances", ec2ARN("instance/i-1"), notWorker, false),
	cpm("", "an instance without a name ends", "ec2:TerminateInstances", ec2ARN("instance/i-1"), nothing, false),
	cpm("ec2:backup,recovery", "without workers nothing ends", "ec2:TerminateInstances",
		ec2ARN("instance/i-1"), worker, false),
	cpm("ec2:file-level-recovery", "a worker gets its name at launch", "ec2:CreateTags",
		ec2ARN("instance/i-1"), with(asksWorker, "ec2:CreateAction", "RunInstances"), true),
	cpm("", "the worker's name on an instance that runs", "ec2:CreateTags",
		ec2ARN("instance/i-1"), with(asksWorker, "ec2:CreateAction", "CreateTags"), false),
	cpm("", "the same, no create action sent", "ec2:CreateTags", ec2ARN("instance/i-1"), asksWorker, false),
	cpm("ec2:file-level-recovery", "a worker is launched", "ec2:RunInstances", ec2ARN("instance/i-1"), nothing, true),
	cpm("ec2:file-level-recovery", "with its role", "iam:PassRole",
		iamARN(account, "role/permstack/eu-central-1/prod/CPMRole-eu-central-1-prod"),
		kv{"iam:PassedToService": "ec2.amazonaws.com"}, true),
	cpm("ec2:file-level-recovery", "but no other", "iam:PassRole",
		iamARN(account, "role/admin"), kv{"iam:PassedToService": "ec2.amazonaws.com"}, false),

	// EC2.
	cpm("ec2:backup", "a snapshot of a volume", "ec2:CreateSnapshot", ec2ARN("volume/vol-1"), nothing, true),
	cpm("ec2:backup", "the snapshot's side", "ec2:CreateSnapshot", ec2ARN("snapshot/snap-1"), nothing, true),
	cpm("ec2:backup", "of another account's volume", "ec2:CreateSnapshot",
		"arn:aws:ec2:"+here+":"+thirdParty+":volume/vol-1", nothing, false),
	cpm("ec2:backup", "in another Region", "ec2:CreateSnapshot",
		"arn:aws:ec2:"+elsewhere+":"+account+":volume/vol-1", nothing, false),
	cpm("ec2:backup", "in another Region, where all are protected", "ec2:CreateSnapshot",
		"arn:aws:ec2:"+elsewhere+":"+account+":volume/vol-1", nothing, true).as("", "regions=every"),
	cpm("ec2:backup", "backup copies nothing", "ec2:CopySnapshot", ec2ARN("snapshot/snap-1"), nothing, false),
	cpm("ec2:dr", "disaster recovery does, to another Region", "ec2:CopySnapshot", drSnapshot, nothing, true),
	cpm("ec2:backup", "an old snapshot", "ec2:DeleteSnapshot", ec2ARN("snapshot/snap-1"), nothing, true),
	cpm("ec2:backup", "an old snapshot elsewhere", "ec2:DeleteSnapshot", drSnapshot, nothing, false),
	cpm("ec2:backup,dr", "the copy elsewhere", "ec2:DeleteSnapshot", drSnapshot, nothing, true),
	cpm("ec2:backup", "backup shares nothing", "ec2:ModifySnapshotAttribute",
		ec2ARN("snapshot/snap-1"), nothing, false),
	cpm("ec2:cross-account", "cross-account does", "ec2:ModifySnapshotAttribute",
		ec2ARN("snapshot/snap-1"), kv{"ec2:Add/userId": thirdParty}, true),
	cpm("ec2:cross-account", "and ends it", "ec2:ModifySnapshotAttribute",
		ec2ARN("snapshot/snap-1"), kv{"ec2:Remove/userId": thirdParty}, true),
	cpm("", "a public snapshot", "ec2:ModifySnapshotAttribute",
		ec2ARN("snapshot/snap-1"), kv{"ec2:Add/group": "all"}, false),
	cpm("", "a public snapshot, in the call that shares it with an account", "ec2:ModifySnapshotAttribute",
		ec2ARN("snapshot/snap-1"), kv{"ec2:Add/group": "all", "ec2:Add/userId": thirdParty}, false),
	cpm("ec2:recovery", "settings of a recovered instance", "ec2:ModifyInstanceAttribute",
		ec2ARN("instance/i-1"), kv{"ec2:Attribute": "disableApiTermination"}, true),
	cpm("", "user data of an instance", "ec2:ModifyInstanceAttribute",
		ec2ARN("instance/i-1"), kv{"ec2:Attribute": "UserData"}, false),
	cpm("ec2:backup", "backup launches nothing", "ec2:RunInstances", ec2ARN("instance/i-1"), nothing, false),
	cpm("ec2:recovery", "recovery launches", "ec2:RunInstances", ec2ARN("instance/i-1"), nothing, true),
	cpm("ec2:recovery", "with the role of the original", "iam:PassRole",
		iamARN(account, "role/app"), kv{"iam:PassedToService": "ec2.amazonaws.com"}, true),
	cpm("", "a role to Lambda", "iam:PassRole",
		iamARN(account, "role/app"), kv{"iam:PassedToService": "lambda.amazonaws.com"}, false),
	cpm("", "a role to nobody in particular", "iam:PassRole", iamARN(account, "role/app"), nothing, false),
	cpm("ec2:resource-control", "stops an instance", "ec2:StopInstances", ec2ARN("instance/i-1"), nothing, true),
	cpm("ec2:backup", "backup stops none", "ec2:StopInstances", ec2ARN("instance/i-1"), nothing, false),
	cpm("ec2:backup", "backup runs no script", "ssm:SendCommand",
		"arn:aws:ssm:"+here+"::document/AWS-RunShellScript", nothing, false),
	cpm("ec2:run-scripts", "AWS's document for scripts", "ssm:SendCommand",
		"arn:aws:ssm:"+here+"::document/AWS-RunShellScript", nothing, true),
	cpm("", "the customer's document", "ssm:SendCommand",
		"arn:aws:ssm:"+here+":"+account+":document/Admin", nothing, false),
	cpm("ec2:snapshot-lock", "locks a snapshot", "ec2:LockSnapshot", ec2ARN("snapshot/snap-1"), nothing, true),
	cpm("ec2:snapshot-lock", "not before the release that can", "ec2:LockSnapshot",
		ec2ARN("snapshot/snap-1"), nothing, false).as("", "release=4.2"),
	cpm("s3", "no EC2 without it", "ec2:CreateSnapshot", ec2ARN("snapshot/snap-1"), nothing, false),
	cpm("ec2:backup", "reads no blocks", "ebs:GetSnapshotBlock", ec2ARN("snapshot/snap-1"), nothing, false),
	cpm("ec2:copy-to-s3", "reads blocks for S3", "ebs:GetSnapshotBlock", ec2ARN("snapshot/snap-1"), nothing, true),

	// RDS, Redshift, DynamoDB.
	cpm("rds:backup", "a database's snapshot", "rds:CreateDBSnapshot",
		rdsARN(here, account, "db:orders"), nothing, true),
	cpm("rds:backup", "deletes an old one", "rds:DeleteDBSnapshot", rdsARN(here, account, "snapshot:s"), nothing, true),
	cpm("rds:backup,dr,cross-account", "backups delete no database", "rds:DeleteDBInstance",
		rdsARN(here, account, "db:orders"), nothing, false),
	cpm("rds:recovery", "recovers a cluster", "rds:RestoreDBClusterFromSnapshot",
		rdsARN(here, account, "cluster:orders"), nothing, true),
	cpm("rds:backup,dr,cross-account", "copies nobody else's unless other accounts are listed", "rds:CopyDBSnapshot",
		rdsARN(here, thirdParty, "snapshot:s"), nothing, false),
	cpm("rds:dr", "copies a database with an option group", "rds:CopyDBSnapshot",
		rdsARN(elsewhere, account, "og:oracle"), nothing, true),
	cpm("rds:copy-to-s3", "hands RDS the export role", "iam:PassRole",
		iamARN(account, "role/permstack/eu-central-1/prod/CPMExportRole-eu-central-1-prod"),
		kv{"iam:PassedToService": "export.rds.amazonaws.com"}, true),
	cpm("rds:copy-to-s3", "hands RDS no other", "iam:PassRole",
		iamARN(account, "role/admin"), kv{"iam:PassedToService": "export.rds.amazonaws.com"}, false),
	cpm("rds:copy-to-s3", "hands EC2 not the export role", "iam:PassRole",
		iamARN(account, "role/permstack/eu-central-1/prod/CPMExportRole-eu-central-1-prod"), kv{"iam:PassedToService": "ec2.amazonaws.com"},
		false),
	cpm("rds:copy-to-s3", "the export is written", "s3:PutObject",
		"arn:aws:s3:::exports/x", own, true).as("CPMExportRole", ""),
	cpm("rds:copy-to-s3", "to nobody else", "s3:PutObject",
		"arn:aws:s3:::exports/x", strange, false).as("CPMExportRole", ""),
	cpm("rds:secrets", "reads a secret", "secretsmanager:GetSecretValue",
		"arn:aws:secretsmanager:"+here+":"+account+":secret:db-x", nothing, true),
	cpm("rds:backup,recovery,dr", "no secret without that", "secretsmanager:GetSecretValue",
		"arn:aws:secretsmanager:"+here+":"+account+":secret:db-x", nothing, false),
	cpm("redshift:backup", "a cluster's snapshot", "redshift:CreateClusterSnapshot",
		"arn:aws:redshift:"+here+":"+account+":snapshot:c/s", nothing, true),
	cpm("redshift:backup", "backup deletes no cluster", "redshift:DeleteCluster",
		"arn:aws:redshift:"+here+":"+account+":cluster:c", nothing, false),
	cpm("dynamodb:backup", "a table's backup", "dynamodb:CreateBackup",
		"arn:aws:dynamodb:"+here+":"+account+":table/t", nothing, true),
	cpm("dynamodb:backup", "an old one", "dynamodb:DeleteBackup",
		"arn:aws:dynamodb:"+here+":"+account+":table/t/backup/1", nothing, true),
	cpm("dynamodb:backup", "backup reads no items", "dynamodb:Scan",
		"arn:aws:dynamodb:"+here+":"+account+":table/t", nothing, false),
	cpm("dynamodb:recovery", "recovers from a backup", "dynamodb:RestoreTableFromBackup",
		"arn:aws:dynamodb:"+here+":"+account+":table/t/backup/1", nothing, true),

	// EFS, FSx.
	cpm("efs:backup", "a backup into a vault", "backup:StartBackupJob",
		"arn:aws:backup:"+here+":"+account+":backup-vault:v", nothing, true),
	cpm("efs:backup", "with AWS Backup's own role", "iam:PassRole",
		iamARN(account, "role/service-role/AWSBackupDefaultServiceRole"), kv{"iam:PassedToService": "backup.amazonaws.com"},
		true),
	cpm("efs:backup", "with a role of the customer", "iam:PassRole",
		iamARN(account, "role/efs-backup"), kv{"iam:PassedToService": "backup.amazonaws.com"}, true),
	cpm("efs:backup", "with no other role if that is selected", "iam:PassRole",
		iamARN(account, "role/admin"), kv{"iam:PassedToService": "backup.amazonaws.com"}, false).as("",
		"backup-role=aws-default"),
	cpm("efs:backup", "the customer's role to nobody else", "iam:PassRole",
		iamARN(account, "role/efs-backup"), kv{"iam:PassedToService": "ec2.amazonaws.com"}, false),
	cpm("efs:backup", "with the one made for it", "iam:PassRole",
		iamARN(account, "role/permstack/eu-central-1/prod/CPMBackupRole-eu-central-1-prod"), kv{"iam:PassedToService": "backup.amazonaws.com"},
		true).as("", "backup-role=made"),
	cpm("efs:backup", "that one reads the file system", "elasticfilesystem:Backup",
		"arn:aws:elasticfilesystem:"+here+":"+account+":file-system/fs-1", nothing, true).as("CPMBackupRole",
		"backup-role=made"),
	cpm("efs:backup", "and writes none", "elasticfilesystem:Restore",
		"arn:aws:elasticfilesystem:"+here+":"+account+":file-system/fs-1", nothing, false).as("CPMBackupRole",
		"backup-role=made"),
	cpm("fsx:backup", "a file system's backup", "fsx:CreateBackup",
		"arn:aws:fsx:"+here+":"+account+":file-system/fs-1", nothing, true),
	cpm("fsx:backup", "backup makes no file system", "fsx:CreateFileSystemFromBackup",
		"arn:aws:fsx:"+here+":"+account+":file-system/fs-1", nothing, false),

	// S3.
	cpm("ec2:copy-to-s3", "writes to a repository", "s3:PutObject", "arn:aws:s3:::repository/x", own, true),
	cpm("ec2:copy-to-s3", "sets its lock", "s3:PutObjectRetention", "arn:aws:s3:::repository/x", own, true),
	cpm("", "writes to a third party", "s3:PutObject", "arn:aws:s3:::repository/x", strange, false),
	cpm("", "writes to who knows whom", "s3:PutObject", "arn:aws:s3:::repository/x", nothing, false),
	cpm("", "deletes a bucket", "s3:DeleteBucket", "arn:aws:s3:::repository", own, false),
	cpm("", "opens a bucket", "s3:PutBucketPolicy", "arn:aws:s3:::repository", own, false),
	cpm("s3:s3-sync", "copies objects", "s3:GetObject", "arn:aws:s3:::data/x", own, true),
	cpm("ec2:backup,recovery,dr", "reads no objects without need", "s3:GetObject", "arn:aws:s3:::data/x", own, false),

	// Networks.
	cpm("ec2:vpc-capture", "records networks", "ec2:DescribeRouteTables", "*", nothing, true),
	cpm("ec2:vpc-capture", "makes a subnet", "ec2:CreateSubnet", ec2ARN("subnet/subnet-1"), nothing, true),
	cpm("ec2:backup", "makes none without that", "ec2:CreateSubnet", ec2ARN("subnet/subnet-1"), nothing, false),
	cpm("ec2:vpc-capture", "load balancers since September 2025", "elasticloadbalancing:CreateLoadBalancer",
		"arn:aws:elasticloadbalancing:"+here+":"+account+":loadbalancer/app/a/1", nothing, true),
	cpm("ec2:vpc-capture", "not before", "elasticloadbalancing:CreateLoadBalancer",
		"arn:aws:elasticloadbalancing:"+here+":"+account+":loadbalancer/app/a/1", nothing, false).as("", "release=4.2"),

	// Keys.
	cpm("ec2:backup", "a grant for AWS", "kms:CreateGrant",
		"arn:aws:kms:"+here+":"+account+":key/k", kv{"kms:GrantIsForAWSResource": "true"}, true),
	cpm("", "a grant for anybody", "kms:CreateGrant", "arn:aws:kms:"+here+":"+account+":key/k", nothing, false),
	cpm("", "an administrator needs no grant", "kms:CreateGrant",
		"arn:aws:kms:"+here+":"+account+":key/k", kv{"kms:GrantIsForAWSResource": "true"}, false).as("", "kms-user=admin"),
	cpm("ec2:backup,dr", "another account's key", "kms:DescribeKey",
		"arn:aws:kms:"+here+":"+thirdParty+":key/k", nothing, false),
	cpm("ec2:cross-account", "another account's key, unless other accounts are listed", "kms:DescribeKey",
		"arn:aws:kms:"+here+":"+thirdParty+":key/k", nothing, false),
	cpm("ec2:copy-to-s3", "the key of a bucket in another Region", "kms:GenerateDataKey",
		"arn:aws:kms:"+elsewhere+":"+account+":key/k", nothing, true),
	cpm("ec2:backup", "a key in another Region without need", "kms:GenerateDataKey",
		"arn:aws:kms:"+elsewhere+":"+account+":key/k", nothing, false),

	// Roles.
	cpm("ec2:backup", "assumes its role in another account", "sts:AssumeRole",
		iamARN(thirdParty, "role/permstack/eu-west-1/prod/CPMRole-eu-west-1-prod"), nothing, true),
	cpm("", "assumes another role there", "sts:AssumeRole", iamARN(thirdParty, "role/admin"), nothing, false),
	cpm("", "assumes another role here", "sts:AssumeRole", iamARN(account, "role/admin"), nothing, false),
	cpm("", "makes itself an administrator", "iam:AttachRolePolicy",
		iamARN(account, "role/permstack/eu-central-1/prod/CPMRole-eu-central-1-prod"),
		kv{"iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"}, false),
	cpm("", "makes a key for a user", "iam:CreateAccessKey", iamARN(account, "user/u"), nothing, false),

	// The rest.
	cpm("ec2:notification", "an alert", "sns:Publish", "arn:aws:sns:"+here+":"+account+":alerts", nothing, true),
	cpm("ec2:backup", "none without that", "sns:Publish", "arn:aws:sns:"+here+":"+account+":alerts", nothing, false),
	cpm("ec2:cost-explorer", "reads costs", "ce:GetCostAndUsage",
		"arn:aws:billing::"+account+":billingview/primary", nothing, true),
	cpm("sap-hana:backup", "keeps a parameter", "ssm:PutParameter",
		"arn:aws:ssm:"+here+":"+account+":parameter/hana", nothing, true),
	cpm("ec2:backup", "the public list of Regions", "ssm:GetParametersByPath",
		"arn:aws:ssm:us-east-1::parameter/aws/service/global-infrastructure/services", nothing, true),
	cpm("", "the customer's parameters by their path", "ssm:GetParametersByPath",
		"arn:aws:ssm:"+here+":"+account+":parameter/prod", nothing, false),
}
