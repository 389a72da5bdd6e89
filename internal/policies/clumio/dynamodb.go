package clumio

import "permstack/internal/policies/schema"

const (
	tables           = "arn:${Partition}:dynamodb:${Region}:${Account}:table/*"
	tablesEverywhere = "arn:${Partition}:dynamodb:*:${Account}:table/*"
	tableBackups     = "arn:${Partition}:dynamodb:${Region}:${Account}:table/*/backup/*"

	autoscalingService = "dynamodb.application-autoscaling.amazonaws.com"
	autoscalingRole    = "arn:${Partition}:iam::${Account}:role/aws-service-role/" + autoscalingService +
		"/AWSServiceRoleForApplicationAutoScaling_DynamoDBTable"
)

var dynamoDBInventory = []schema.Statement{
	{
		Sid: "DescribeTables",
		Why: "list DynamoDB tables and their details",
		For: of(dynamoDB),
		Actions: []string{
			"dynamodb:DescribeBackup", "dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable",
			"dynamodb:DescribeTableReplicaAutoScaling", "dynamodb:ListTagsOfResource",
		},
		Resources: []string{tables},
	},
	{
		Sid:       "DescribeGlobalTables",
		Why:       "list DynamoDB global tables and their details",
		For:       of(dynamoDB),
		Actions:   []string{"dynamodb:DescribeGlobalTable", "dynamodb:DescribeGlobalTableSettings"},
		Resources: []string{"arn:${Partition}:dynamodb::${Account}:global-table/*"},
	},
	{
		Sid:         "ListTables",
		Why:         "list tables, global tables and native backups",
		For:         of(dynamoDB),
		Actions:     []string{"dynamodb:ListBackups", "dynamodb:ListGlobalTables", "dynamodb:ListTables"},
		Resources:   []string{"*"},
		WhyWildcard: noResourceLevel,
	},
}

var dynamoDBBackupPolicy = schema.Policy{
	Entity: "ClumioDynamoDbBackupPolicy",
	Kind:   schema.Managed,
	Why:    "native and SecureVault backups of DynamoDB",
	For:    to(backup, dynamoDB),
	Statements: []schema.Statement{
		{
			Sid: "BackUpTables",
			Why: "back up table data and settings; for the first backup, export the table to S3 and turn its stream on",
			Actions: []string{
				"dynamodb:ExportTableToPointInTime", "dynamodb:UpdateTable",
				"dynamodb:CreateBackup", "dynamodb:DescribeTable", "dynamodb:DescribeContinuousBackups",
				"dynamodb:DescribeTimeToLive", "dynamodb:ListTagsOfResource", "dynamodb:UpdateContinuousBackups",
			},
			Resources: []string{tables},
		},
		{
			Sid:       "ReadStreams",
			Why:       "read changes from the stream, for incremental backups",
			Actions:   []string{"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"},
			Resources: []string{tables + "/stream/*"},
		},
		{
			Sid:       "FollowExport",
			Why:       "follow the export to S3, for the first backup",
			Actions:   []string{"dynamodb:DescribeExport"},
			Resources: []string{tables + "/export/*"},
		},
		{
			Sid:       "UploadToDataPlane",
			Why:       "upload the exported table to Clumio's data-plane account, and nowhere else",
			Actions:   []string{"s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl"},
			Resources: []string{objects},
			When:      inDataPlane,
		},
		{
			Sid:       "UseKeys",
			Why:       "read items of an encrypted table and encrypt the exported files",
			Actions:   keyUse,
			Resources: []string{customerKeys, dataPlaneKeys},
		},
		{
			Sid:       "GrantKeysToDynamoDB",
			Why:       "let DynamoDB use the table's key for the export and the backup",
			Actions:   []string{"kms:CreateGrant"},
			Resources: []string{customerKeys, dataPlaneKeys},
			When:      forAWSServices,
		},
		{
			Sid:       "DeleteBackups",
			Why:       "delete backups that expired or failed",
			Actions:   []string{"dynamodb:DeleteBackup", "dynamodb:DescribeBackup"},
			Resources: []string{tableBackups},
		},
		{
			Sid: "ListBackupsAndScaling",
			Why: "list native backups and record autoscaling settings",
			Actions: []string{
				"dynamodb:ListBackups",
				"application-autoscaling:DescribeScalableTargets", "application-autoscaling:DescribeScalingPolicies",
			},
			Resources:   []string{"*"},
			WhyWildcard: noResourceLevel,
		},
	},
}

var dynamoDBRestorePolicy = schema.Policy{
	Entity: "ClumioDynamoDbRestorePolicy",
	Kind:   schema.Managed,
	Why:    "restores of native and SecureVault backups of DynamoDB",
	For:    to(restore, dynamoDB),
	Statements: []schema.Statement{
		{
			Sid:       "UseKeys",
			Why:       "decrypt the stored files and encrypt the restored items, in the Regions of replicas too",
			Actions:   keyUse,
			Resources: []string{customerKeysEverywhere, dataPlaneKeys},
		},
		{
			Sid: "RestoreTables",
			Why: "create the table and its replicas in other Regions and set them as they were; restore from a native backup, its items included, or to a point in time, across Regions too",
			Actions: []string{
				"dynamodb:CreateTable", "dynamodb:CreateTableReplica", "dynamodb:UpdateTableReplicaAutoScaling",
				"dynamodb:DescribeTable", "dynamodb:RestoreTableFromBackup", "dynamodb:RestoreTableToPointInTime",
				"dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem",
				"dynamodb:Query", "dynamodb:Scan", "dynamodb:UpdateItem",
			},
			Resources: []string{tablesEverywhere},
		},
		{
			Sid: "FinishTables",
			Why: "restore to a new table by import from S3; restore tags and time to live; remove the table when a restore fails",
			Actions: []string{
				"dynamodb:ImportTable", "dynamodb:TagResource", "dynamodb:UntagResource", "dynamodb:UpdateTimeToLive",
				"dynamodb:DeleteTable",
			},
			Resources: []string{tables},
			Note:      "the page gates DeleteTable on no tag: a table is restored without tags, so no tag could tell it from others",
		},
		{
			Sid:       "FollowImport",
			Why:       "follow that import",
			Actions:   []string{"dynamodb:DescribeImport"},
			Resources: []string{tables + "/import/*"},
		},
		{
			Sid:       "ReadFromDataPlane",
			Why:       "read the files that the import uses from Clumio's data-plane account",
			Actions:   []string{"s3:GetObject", "s3:ListBucket"},
			Resources: []string{buckets},
			When:      inDataPlane,
		},
		{
			Sid: "WriteImportLogs",
			Why: "logs that the ImportTable call writes",
			Actions: []string{
				"logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents",
				"logs:PutRetentionPolicy",
			},
			Resources: []string{
				"arn:${Partition}:logs:${Region}:${Account}:log-group:/aws-dynamodb/imports",
				"arn:${Partition}:logs:${Region}:${Account}:log-group:/aws-dynamodb/imports:*",
			},
		},
		{
			Sid:         "ListLogGroups",
			Why:         "find the log group that the ImportTable call writes to",
			Actions:     []string{"logs:DescribeLogGroups"},
			Resources:   []string{"*"},
			WhyWildcard: noResourceLevelSingular,
		},
		{
			Sid:       "RestoreScaling",
			Why:       "restore autoscaling of provisioned throughput; of DynamoDB only",
			Actions:   []string{"application-autoscaling:PutScalingPolicy", "application-autoscaling:RegisterScalableTarget"},
			Resources: []string{"arn:${Partition}:application-autoscaling:${Region}:${Account}:scalable-target/*"},
			When:      when("StringEquals", "application-autoscaling:service-namespace", "dynamodb"),
		},
		{
			Sid:       "PassScalingRole",
			Why:       "restores across Regions and to a point in time that carry autoscaling",
			Actions:   []string{"iam:PassRole"},
			Resources: []string{autoscalingRole},
			When:      passedTo("application-autoscaling.amazonaws.com", autoscalingService),
		},
		{
			Sid:       "CreateScalingRole",
			Why:       "RegisterScalableTarget makes DynamoDB's service-linked role for autoscaling where it is missing",
			Actions:   []string{"iam:CreateServiceLinkedRole"},
			Resources: []string{autoscalingRole},
			When:      when("StringEquals", "iam:AWSServiceName", autoscalingService),
		},
	},
}

var dynamoDBRules = []schema.Rule{
	{
		Entity: "ClumioDynamoDBApiRule",
		Why:    "tables, backups and global tables that come, change and go by an API call",
		Asset:  dynamoDB,
		Topic:  eventPub.Entity,
		Pattern: apiCalls("aws.dynamodb",
			"CreateTable", "DeleteTable", "RestoreTableFromBackup", "RestoreTableToPointInTime", "UpdateTable",
			"UpdateContinuousBackups", "CreateBackup", "DeleteBackup", "CreateGlobalTable", "UpdateGlobalTable",
			"UpdateGlobalTableSettings"),
	},
	tagRule("ClumioDynamoDBTagRule", dynamoDB, "dynamodb"),
	awsBackupRule("ClumioDynamoDBAWSBackupRule", dynamoDB, "DynamoDB"),
}
