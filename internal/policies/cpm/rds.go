package cpm

import "permstack/internal/policies/schema"

const (
	homeRDS  = "arn:${Partition}:rds:${Home}:${Account}:"
	reachRDS = "arn:${Partition}:rds:${Reach}:${Account}:"
	otherRDS = "arn:${Partition}:rds:${Reach}:${OtherAccount}:"

	dbClusters         = reachRDS + "cluster:*"
	dbInstances        = reachRDS + "db:*"
	dbSnapshots        = reachRDS + "snapshot:*"
	dbClusterSnapshots = reachRDS + "cluster-snapshot:*"
	dbClusterGroups    = reachRDS + "cluster-pg:*"
	dbGroups           = reachRDS + "pg:*"
	dbOptionGroups     = reachRDS + "og:*"
	dbSubnetGroups     = reachRDS + "subgrp:*"
	dbSecurityGroups   = reachRDS + "secgrp:*"
)

// rdsStatements are RDSBackup, RecoveryRDS, CrossAccountOperations, and what
// BackupCore, CopyToS3 and ResourceControl have for RDS. Amazon DocumentDB has
// the same actions and ARNs.
var rdsStatements = []schema.Statement{
	{
		Sid: "DescribeRDS",
		Why: "list databases, their snapshots, groups and tags",
		For: of(rds),
		Actions: []string{
			"rds:DescribeDBClusterParameterGroups", "rds:DescribeDBClusterParameters",
			"rds:DescribeDBClusterSnapshots", "rds:DescribeDBClusters", "rds:DescribeDBInstances",
			"rds:DescribeDBParameterGroups", "rds:DescribeDBParameters", "rds:DescribeDBSnapshots",
			"rds:DescribeDBSubnetGroups", "rds:DescribeOptionGroups", "rds:ListTagsForResource",
		},
		Resources: []string{
			dbClusters, dbInstances, dbSnapshots, dbClusterSnapshots,
			dbClusterGroups, dbGroups, dbOptionGroups, dbSubnetGroups,
		},
	},
	{
		Sid:         "DescribeDBEngines",
		Why:         "learn which engine versions there are",
		For:         of(rds),
		Actions:     []string{"rds:DescribeDBEngineVersions"},
		Resources:   []string{"*"},
		WhyWildcard: noResourceLevelSingular,
	},
	{
		Sid:     "CreateDBSnapshots",
		Why:     "take snapshots of instances and clusters",
		For:     to(rds, backup),
		Actions: []string{"rds:CreateDBClusterSnapshot", "rds:CreateDBSnapshot"},
		Resources: []string{
			homeRDS + "db:*", homeRDS + "cluster:*", homeRDS + "snapshot:*", homeRDS + "cluster-snapshot:*",
		},
	},
	{
		Sid:       "TagDBSnapshots",
		Why:       "mark snapshots with their policy and generation",
		For:       to(rds, backup, dr, crossAccount),
		Actions:   []string{"rds:AddTagsToResource"},
		Resources: []string{dbSnapshots, dbClusterSnapshots},
	},
	{
		Sid:       "CopyDBSnapshots",
		Why:       "copy snapshots, to another Region or under another key",
		For:       to(rds, backup, dr, crossAccount),
		Actions:   []string{"rds:CopyDBClusterSnapshot", "rds:CopyDBSnapshot"},
		Resources: []string{dbSnapshots, dbClusterSnapshots},
	},
	{
		Sid:       "CopySharedDBSnapshots",
		Why:       "copy the snapshots that other accounts of the customer share with this one",
		For:       to(rds, crossAccount),
		Actions:   []string{"rds:CopyDBClusterSnapshot", "rds:CopyDBSnapshot"},
		Resources: []string{otherRDS + "snapshot:*", otherRDS + "cluster-snapshot:*"},
	},
	{
		Sid:       "DeleteDBSnapshots",
		Why:       "delete snapshots whose retention is over, also copies in a disaster recovery Region",
		For:       to(rds, backup, dr),
		Actions:   []string{"rds:DeleteDBClusterSnapshot", "rds:DeleteDBSnapshot"},
		Resources: []string{dbSnapshots, dbClusterSnapshots},
		Note:      "the vendor documents no tag that all its snapshots carry, so no tag bounds this",
	},
	{
		Sid:       "ShareDBSnapshots",
		Why:       "share an instance's snapshot with another account of the customer",
		For:       to(rds, crossAccount),
		Actions:   []string{"rds:ModifyDBSnapshotAttribute"},
		Resources: []string{dbSnapshots},
		Presets:   onThePage,
	},
	{
		Sid:       "ShareDBClusterSnapshots",
		Why:       "share a cluster's snapshot with another account of the customer",
		For:       to(rds, crossAccount),
		Actions:   []string{"rds:ModifyDBClusterSnapshotAttribute"},
		Resources: []string{dbClusterSnapshots},
	},
	{
		Sid:     "RestoreDatabases",
		Why:     "recover an instance or a cluster from a snapshot",
		For:     to(rds, recovery),
		Actions: []string{"rds:RestoreDBClusterFromSnapshot", "rds:RestoreDBInstanceFromDBSnapshot"},
		Resources: []string{
			dbInstances, dbClusters, dbSnapshots, dbClusterSnapshots,
			dbClusterGroups, dbGroups, dbOptionGroups, dbSubnetGroups,
		},
	},
	{
		Sid:     "CreateDatabases",
		Why:     "add the instances of a recovered cluster, or the one that recovery from S3 fills",
		For:     to(rds, recovery, copyToS3),
		Actions: []string{"rds:CreateDBInstance"},
		Resources: []string{
			dbClusters, dbInstances, dbOptionGroups, dbGroups, dbSecurityGroups, dbSubnetGroups,
		},
	},
	{
		Sid:       "TagDatabases",
		Why:       "put the tags of the original on a recovered database",
		For:       to(rds, recovery, copyToS3),
		Actions:   []string{"rds:AddTagsToResource"},
		Resources: []string{dbInstances, dbClusters},
	},
	{
		Sid:       "DeleteDatabases",
		Why:       "take back a recovered database when recovery fails",
		For:       to(rds, recovery, copyToS3),
		Actions:   []string{"rds:DeleteDBCluster", "rds:DeleteDBInstance"},
		Resources: []string{dbClusters, dbInstances, dbClusterSnapshots},
		Note:      "the vendor has these with backup; a backup deletes no database. It documents no tag that could bound them",
	},
	{
		Sid:       "ExportDBSnapshots",
		Why:       "export snapshots to S3 and follow the export",
		For:       to(rds, copyToS3),
		Actions:   []string{"rds:DescribeExportTasks", "rds:StartExportTask"},
		Resources: []string{dbSnapshots, dbClusterSnapshots, dbClusters},
	},
	{
		Sid:         "CancelExports",
		Why:         "cancel an export that goes wrong",
		For:         to(rds, copyToS3),
		Actions:     []string{"rds:CancelExportTask"},
		Resources:   []string{"*"},
		WhyWildcard: noResourceLevelSingular,
	},
	{
		Sid:     "PrepareDatabases",
		Why:     "set a database up for a worker that fills it from S3",
		For:     to(rds, copyToS3),
		Actions: []string{"rds:ModifyDBInstance"},
		Resources: []string{
			dbInstances, dbOptionGroups, dbGroups, dbSecurityGroups, dbSubnetGroups,
		},
	},
	{
		Sid:       "ConnectToDatabases",
		Why:       "sign a worker in to the database that it fills",
		For:       to(rds, copyToS3),
		Actions:   []string{"rds-db:connect"},
		Resources: []string{"arn:${Partition}:rds-db:${Reach}:${Account}:dbuser:*/*"},
	},
	{
		Sid:       "PassExportRole",
		Why:       "have RDS write the export with its own role",
		For:       []schema.Use{{Asset: rds, Operation: copyToS3, Option: exportMade}},
		Actions:   []string{"iam:PassRole"},
		Resources: []string{"${roles:CPMExportRole}"},
		When:      passedTo("export.rds.amazonaws.com"),
	},
	{
		Sid:       "PassItselfToExport",
		Why:       "have RDS write the export with the server's role",
		For:       []schema.Use{{Asset: rds, Operation: copyToS3, Option: exportServer}},
		Actions:   []string{"iam:PassRole"},
		Resources: []string{"${roles:CPMRole}"},
		When:      passedTo("export.rds.amazonaws.com"),
	},
	{
		Sid:       "StartAndStopDatabases",
		Why:       "switch database instances on and off as resource control asks for it",
		For:       to(rds, resourceControl),
		Actions:   []string{"rds:StartDBInstance", "rds:StopDBInstance"},
		Resources: []string{dbInstances},
	},
}

// exportRole is with what RDS writes an export (RDS User Guide, "Providing access
// to an Amazon S3 bucket using an IAM role"). RDS names no account when it takes
// a role; only who may pass the role can hand it over.
var exportRole = schema.Role{
	Entity: "CPMExportRole",
	Why:    "RDS writes exports of snapshots to S3 with this role",
	For:    []schema.Use{{Asset: rds, Operation: copyToS3, Option: exportMade}},
	Trust: []schema.Trust{{
		Sid:     "ExportsOfRDS",
		Why:     "only RDS exports take it",
		Service: "export.rds.amazonaws.com",
	}},
	Policies: []schema.Policy{{
		Entity: "CPMExportPolicy",
		Kind:   schema.Managed,
		Why:    "write exports of RDS snapshots to the customer's buckets",
		Statements: []schema.Statement{
			{
				Sid:       "FindBucket",
				Why:       "find the bucket of the export",
				Actions:   []string{"s3:GetBucketLocation", "s3:ListBucket"},
				Resources: []string{buckets},
				When:      inOwnBuckets,
			},
			{
				Sid:       "WriteExport",
				Why:       "write the files of an export, read them again, and remove those of one that failed",
				Actions:   []string{"s3:DeleteObject*", "s3:GetObject*", "s3:PutObject*"},
				Resources: []string{objects},
				When:      inOwnBuckets,
				Note:      "AWS's documentation asks for these actions by their wildcards",
			},
		},
	}},
}
