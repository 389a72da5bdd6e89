// Package clumio is Clumio's "Permissions file details" page as data: one file
// per asset, and in it the asset's inventory, policies, roles and event rules.
// What differs from the page has a Note.
package clumio

import (
	"slices"

	"permstack/internal/policies/catalog"
)

// Profile is the whole page.
var Profile = catalog.Profile{
	Name:   "clumio",
	Vendor: "Clumio",
	Assets: []catalog.AssetInfo{
		{Asset: ec2, Title: "EC2 instances and EBS volumes"},
		{Asset: ec2MSSQL, Title: "SQL Server on EC2"},
		{Asset: rds, Title: "RDS and Aurora", DataPlane: true},
		{Asset: dynamoDB, Title: "DynamoDB", DataPlane: true},
		{Asset: s3, Title: "S3", DataPlane: true},
	},
	Operations: []catalog.Operation{backup, restore},
	Options: []catalog.OptionInfo{
		{Option: supportRole, Title: "ClumioSupportRole, for support cases", ControlPlaneRole: true},
		{Option: awsBackup, Title: "Inventory of what AWS Backup protects"},
	},
	Roles: []catalog.Role{
		iamRole,
		ssmInstanceRole,
		continuousBackupRole,
		ssmNotificationRole,
		clumioSupportRole,
	},
	Topics: []catalog.Topic{eventPub},
	Rules:  slices.Concat(ec2Rules, rdsRules, dynamoDBRules, s3Rules),
}

// iamRole is the role that Clumio takes in the customer's account.
var iamRole = catalog.Role{
	Entity: "ClumioIAMRole",
	Why:    "Clumio takes this role for inventory, backup and restore; without it, it can protect nothing",
	Trust: []catalog.Trust{{
		Sid:  "OnlyTheControlPlaneRole",
		Why:  "only one intermediate role in Clumio's control plane may take this role",
		AWS:  "${ControlPlaneRole}",
		When: withExternalID,
	}},
	Policies: []catalog.Policy{
		inventoryPolicy,
		kmsPolicy,
		baseValidationPolicy,
		driftDetectPolicy,
		baseManagedPolicy,
		dynamoDBBackupPolicy,
		dynamoDBRestorePolicy,
		ec2BackupPolicy,
		ec2RestorePolicy,
		ec2MSSQLPolicy,
		rdsBackupPolicy,
		rdsRestorePolicy,
		s3BackupPolicy,
		s3RestorePolicy,
	},
}

var inventoryPolicy = catalog.Policy{
	Entity: "ClumioInventoryPolicy",
	Kind:   catalog.Inline,
	Why:    "read-only view of the chosen assets, so that Clumio can list what there is to protect",
	Statements: slices.Concat(
		awsBackupInventory,
		dynamoDBInventory,
		ec2Inventory,
		rdsInventory,
		s3Inventory,
	),
}

var awsBackupInventory = []catalog.Statement{{
	Sid:         "ListWhatAWSBackupProtects",
	Why:         "see what AWS Backup already protects",
	For:         with(awsBackup),
	Actions:     []string{"backup:ListProtectedResources"},
	Resources:   []string{"*"},
	WhyWildcard: noResourceLevelSingular,
}}
