// Package cpm is the permissions of N2WS Backup & Recovery (CPM) as data: the
// vendor's page on the least permissions, and the statements of its published
// permission files with the release that first asked for each action. One file
// holds one family of capabilities; docs/profiles/cpm.md maps every capability
// to what is chosen here:
//
//	capability                chosen by
//	BackupCore                any choice; what belongs to an asset, with the asset
//	RDSBackup                 rds × backup, dr, recovery, copy-to-s3 by use
//	Recovery                  ec2 × recovery; workers; resource-control
//	RecoveryDR                recovery (KMS)
//	RecoveryRDS               rds × recovery
//	Notification              notification
//	CrossAccountOperations    rds × cross-account
//	RedshiftOperations        redshift × backup, recovery, cross-account by use
//	BackupDynamoDB            dynamodb × backup, recovery by use
//	RecoveryDynamoDB          dynamodb × recovery
//	VPC                       vpc-capture
//	CopyToS3                  copy-to-s3; its rds actions with rds
//	Archive                   archive
//	CPMWorkerTermination      the operations that launch workers
//	ResourceControl           ec2, rds × resource-control
//	EFS, FSX                  efs, fsx × backup, dr, recovery by use
//	CostExplorer              cost-explorer
//	SupportedServiceRegions   any choice
//	S3Sync                    s3 × s3-sync
//	CBT                       ec2 × changed-blocks
//	FLR                       file-level-recovery
//	SapHanaDB                 sap-hana
//	SecretsManager            secrets
//	NativeSnapshotsLock       ec2 × snapshot-lock
//
// The vendor grants everything on "*". Here every action that takes an ARN has
// one: of the account, and of the stack's Region unless disaster recovery or
// the setting regions=every asks for more.
package cpm

import (
	"slices"

	"permstack/internal/policies/schema"
)

// Profile is the whole of it.
var Profile = schema.Profile{
	Name:   "cpm",
	Vendor: "N2WS",
	Assets: []schema.AssetInfo{
		{Asset: ec2, Title: "EC2 instances, EBS volumes and images"},
		{Asset: rds, Title: "RDS, Aurora and DocumentDB"},
		{Asset: redshift, Title: "Redshift clusters"},
		{Asset: dynamoDB, Title: "DynamoDB tables"},
		{Asset: efs, Title: "EFS file systems, through AWS Backup"},
		{Asset: fsx, Title: "FSx file systems and volumes"},
		{Asset: s3, Title: "S3 buckets"},
		{Asset: sapHana, Title: "SAP HANA on EC2"},
	},
	Operations: allOperations,
	Settings: []schema.Setting{
		{
			Name: "release", Title: "Release of the server", Cumulative: true, Default: release2509,
			Values: []schema.OptionInfo{
				{Option: release411a, Title: "4.1.1a"},
				{Option: release42, Title: "4.2"},
				{Option: release2509, Title: "September 2025"},
			},
		},
		{
			Name: "kms-user", Title: "What the role is to the customer's keys", Default: kmsOther,
			Values: []schema.OptionInfo{
				{Option: kmsOther, Title: "any other user: what backup, disaster recovery and recovery need is granted here"},
				{Option: kmsAdmin, Title: "an administrator by the keys' own policies: listing them is enough"},
			},
		},
		{
			Name: "trust", Title: "Who takes the role", Default: instanceRole,
			Values: []schema.OptionInfo{
				{Option: instanceRole, Title: "the server's instance, as its instance role"},
				{Option: serverRole, Title: "the server's role, from another account"},
			},
		},
		{
			Name: "regions", Title: "Where the protected resources are", Default: homeRegion,
			Values: []schema.OptionInfo{
				{Option: homeRegion, Title: "in the Region of the stack"},
				{Option: everyRegion, Title: "in every Region of the account"},
			},
		},
		{
			Name: "export-role", Title: "Role with which RDS exports to S3", Default: exportMade,
			Values: []schema.OptionInfo{
				{Option: exportMade, Title: "a role of its own"},
				{Option: exportServer, Title: "the server's role, which RDS then may take too"},
			},
		},
		{
			Name: "backup-role", Title: "Role with which AWS Backup protects EFS", Default: backupDefault,
			Values: []schema.OptionInfo{
				{Option: backupDefault, Title: "AWS Backup's default role, which its console makes"},
				{Option: backupMade, Title: "a role of its own, for EFS alone"},
			},
		},
	},
	Presets: []schema.Preset{
		{
			Name: minimal, Title: "what the vendor's page names, beside its files", Marked: true,
			Assets: allAssets, Operations: []schema.Operation{backup, recovery, dr, crossAccount},
		},
		{Name: "enterprise", Title: "everything that the Enterprise edition does", Assets: allAssets, Operations: allOperations},
	},
	Needs: []schema.Need{{
		Value: schema.ControlPlaneRole, For: []schema.Use{{Option: serverRole}},
		Missing: "option " + string(serverRole) + " trusts it; give the ARN of the role of the server's instance",
		Unused:  "option " + string(instanceRole) + " trusts no role; choose " + string(serverRole) + " or leave it out",
	}, {
		Value: schema.ExternalID, For: []schema.Use{{Option: serverRole}},
		Unused: "an instance shows none; choose " + string(serverRole) + " or leave it out",
	}},
	Terms: regionTerms,
	Roles: []schema.Role{cpmRole, exportRole, backupRole},
}

var (
	allAssets     = []schema.Asset{ec2, rds, redshift, dynamoDB, efs, fsx, s3, sapHana}
	allOperations = []schema.Operation{
		backup, recovery, dr, crossAccount, archive, copyToS3, s3Sync, changedBlocks, fileLevelRecovery,
		snapshotLock, resourceControl, vpcCapture, secrets, notification, costExplorer,
	}
)

// cpmRole is the role that the server works with in an account.
var cpmRole = schema.Role{
	Entity:             "CPMRole",
	Why:                "the backup server works in this account with this role; without it, it can protect nothing",
	InstanceProfile:    "CPMInstanceProfile",
	InstanceProfileFor: []schema.Use{{Option: instanceRole}},
	Trust: []schema.Trust{
		{
			Sid:     "TheServersInstance",
			Why:     "the server's instance gets the role from EC2",
			For:     []schema.Use{{Option: instanceRole}},
			Service: "${EC2Service}",
		},
		{
			Sid:       "TheServersRole",
			Why:       "only the role of the server, which is in another account, may take this role",
			For:       []schema.Use{{Option: serverRole}},
			AWS:       "${ControlPlaneRole}",
			WhenGiven: map[schema.Value]schema.Conditions{schema.ExternalID: withExternalID},
		},
		{
			// A trust policy cannot name a role that does not exist yet, so it names
			// the account and has the condition name the role.
			Sid: "ItselfForWorkers",
			Why: "in the server's own account, a worker for copies to S3 or for file-level recovery takes the role through the role",
			For: []schema.Use{
				{Operation: copyToS3, Option: instanceRole}, {Operation: fileLevelRecovery, Option: instanceRole},
			},
			AWS:  "arn:${Partition}:iam::${Account}:root",
			When: when("ArnEquals", "aws:PrincipalArn", "${roles:CPMRole}"),
		},
		{
			// RDS names no account when it takes a role; only who may pass the role
			// can hand it over.
			Sid:     "ExportsOfRDS",
			Why:     "RDS writes exports to S3 with the server's role, as was chosen",
			For:     []schema.Use{{Asset: rds, Operation: copyToS3, Option: exportServer}},
			Service: "export.rds.amazonaws.com",
		},
	},
	Policies: []schema.Policy{{
		Entity: "CPMPolicy",
		Kind:   schema.Managed,
		Why:    "what the backup server does for the chosen assets",
		Statements: slices.Concat(
			core, kms, ec2Backup, ec2Recovery, workers, rdsStatements, redshiftStatements, dynamoDBStatements,
			efsStatements, fsxStatements, s3Statements, vpcStatements, elbStatements, extras,
		),
	}},
}
