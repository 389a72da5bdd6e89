// Package clumio is Clumio's "Permissions file details" page as data: one file
// per asset, and in it the asset's inventory, policies, roles and event rules.
// What differs from the page has a Note.
package clumio

import (
	"slices"

	"permstack/internal/policies/schema"
)

// Profile is the whole page.
var Profile = schema.Profile{
	Name:   "clumio",
	Vendor: "Clumio",
	Assets: []schema.AssetInfo{
		{Asset: ec2, Title: "EC2 instances and EBS volumes"},
		{Asset: ec2MSSQL, Title: "SQL Server on EC2"},
		{Asset: rds, Title: "RDS and Aurora"},
		{Asset: dynamoDB, Title: "DynamoDB"},
		{Asset: s3, Title: "S3"},
	},
	Operations: []schema.Operation{backup, restore},
	Options: []schema.OptionInfo{
		{Option: supportRole, Title: "ClumioSupportRole, for support cases"},
		{Option: awsBackup, Title: "Inventory of what AWS Backup protects"},
	},
	Needs: []schema.Need{
		{Value: schema.ControlPlaneRole, Missing: "give the ARN of the vendor's role that may assume the role here"},
		{Value: schema.ExternalID, Missing: "the vendor's console shows it for the connection"},
		needsDataPlane(rds), needsDataPlane(dynamoDB), needsDataPlane(s3),
		{
			Value: schema.SupportControlPlaneRole, For: with(supportRole),
			Missing: "option " + string(supportRole) + " trusts it; give its ARN",
		},
	},
	Roles: []schema.Role{
		iamRole,
		ssmInstanceRole,
		ssmNotificationRole,
		continuousBackupRole,
		clumioSupportRole,
	},
	Topics: []schema.Topic{eventPub},
	Rules:  slices.Concat(dynamoDBRules, ec2Rules, rdsRules, s3Rules),
}

// needsDataPlane is for assets whose data moves through Clumio's own account.
func needsDataPlane(a schema.Asset) schema.Need {
	return schema.Need{
		Value: schema.DataPlaneAccount, For: of(a),
		Missing: string(a) + " sends data there; give the 12-digit id of Clumio's data-plane account",
	}
}

// iamRole is the role that Clumio takes in the customer's account.
var iamRole = schema.Role{
	Entity: "ClumioIAMRole",
	Why:    "Clumio takes this role for inventory, backup and restore; without it, it can protect nothing",
	Trust: []schema.Trust{{
		Sid:  "OnlyTheControlPlaneRole",
		Why:  "only one intermediate role in Clumio's control plane may take this role",
		AWS:  "${ControlPlaneRole}",
		When: withExternalID,
	}},
	Policies: []schema.Policy{
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

var inventoryPolicy = schema.Policy{
	Entity: "ClumioInventoryPolicy",
	Kind:   schema.Inline,
	Why:    "read-only view of the chosen assets, so that Clumio can list what there is to protect",
	Statements: slices.Concat(
		awsBackupInventory,
		dynamoDBInventory,
		ec2Inventory,
		rdsInventory,
		s3Inventory,
	),
}

var awsBackupInventory = []schema.Statement{{
	Sid:         "ListWhatAWSBackupProtects",
	Why:         "see what AWS Backup already protects",
	For:         with(awsBackup),
	Actions:     []string{"backup:ListProtectedResources"},
	Resources:   []string{"*"},
	WhyWildcard: noResourceLevelSingular,
}}
