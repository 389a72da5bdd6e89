package cpm

import "permstack/internal/policies/schema"

const (
	tables       = "arn:${Partition}:dynamodb:${Reach}:${Account}:table/*"
	tableBackups = "arn:${Partition}:dynamodb:${Reach}:${Account}:table/*/backup/*"
)

// dynamoDBStatements are BackupDynamoDB, RecoveryDynamoDB and BackupCore's part
// for DynamoDB.
var dynamoDBStatements = []schema.Statement{
	{
		Sid: "DescribeTables",
		Why: "read the settings and tags of tables",
		For: of(dynamoDB),
		Actions: []string{
			"dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive",
			"dynamodb:ListTagsOfResource",
		},
		Resources: []string{tables},
	},
	{
		Sid:         "ListTables",
		Why:         "list tables and their backups",
		For:         of(dynamoDB),
		Actions:     []string{"dynamodb:ListBackups", "dynamodb:ListTables"},
		Resources:   []string{"*"},
		WhyWildcard: noResourceLevel,
	},
	{
		Sid:       "DescribeTableBackups",
		Why:       "follow a table's backup",
		For:       of(dynamoDB),
		Actions:   []string{"dynamodb:DescribeBackup"},
		Resources: []string{tableBackups},
	},
	{
		Sid:       "BackUpTables",
		Why:       "take backups of tables, and delete those whose retention is over",
		For:       to(dynamoDB, backup),
		Actions:   []string{"dynamodb:CreateBackup", "dynamodb:DeleteBackup"},
		Resources: []string{tables}, // a backup's ARN begins with its table's
	},
	{
		Sid:       "RestoreTables",
		Why:       "recover a table from a backup",
		For:       to(dynamoDB, recovery),
		Actions:   []string{"dynamodb:CreateTable", "dynamodb:RestoreTableFromBackup"},
		Resources: []string{tables}, // a backup's ARN begins with its table's
	},
	{
		Sid: "FillRestoredTables",
		Why: "let DynamoDB fill the recovered table in the server's name",
		For: to(dynamoDB, recovery),
		Actions: []string{
			"dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem",
			"dynamodb:Query", "dynamodb:Scan", "dynamodb:UpdateItem",
		},
		Resources: []string{tables},
		Note:      "the vendor has these with backup; DynamoDB asks for them when a table is restored, a backup reads no items",
	},
	{
		Sid:       "TagTables",
		Why:       "put the tags of the original on a recovered table",
		For:       to(dynamoDB, recovery),
		Actions:   []string{"dynamodb:TagResource", "dynamodb:UntagResource"},
		Resources: []string{tables},
	},
}
