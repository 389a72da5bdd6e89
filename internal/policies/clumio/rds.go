package clumio

import "permstack/internal/policies/schema"

// RDS ARNs. Backups are copied across Regions and shared with Clumio's
// data-plane account, so snapshots are named in every Region.
const (
	clusters      = "arn:${Partition}:rds:${Region}:${Account}:cluster:*"
	instances     = "arn:${Partition}:rds:${Region}:${Account}:db:*"
	clusterGroups = "arn:${Partition}:rds:${Region}:${Account}:cluster-pg:*"
	dbGroups      = "arn:${Partition}:rds:${Region}:${Account}:pg:*"
	optionGroups  = "arn:${Partition}:rds:${Region}:${Account}:og:*"
	subnetGroups  = "arn:${Partition}:rds:${Region}:${Account}:subgrp:*"
	secGroups     = "arn:${Partition}:rds:${Region}:${Account}:secgrp:*"
	autoBackups   = "arn:${Partition}:rds:${Region}:${Account}:auto-backup:*"

	optionGroupsEverywhere     = "arn:${Partition}:rds:*:${Account}:og:*"
	snapshotsEverywhere        = "arn:${Partition}:rds:*:${Account}:snapshot:*"
	clusterSnapshotsEverywhere = "arn:${Partition}:rds:*:${Account}:cluster-snapshot:*"
	dataPlaneSnapshots         = "arn:${Partition}:rds:*:${DataPlaneAccount}:snapshot:*"
	dataPlaneClusterSnapshots  = "arn:${Partition}:rds:*:${DataPlaneAccount}:cluster-snapshot:*"
)

var rdsInventory = []schema.Statement{
	{
		Sid: "DescribeRDS",
		Why: "keep the inventory of clusters, instances, global clusters and their tags current, and read automated backups for point-in-time backups",
		For: of(rds),
		Actions: []string{
			"rds:DescribeDBClusters", "rds:DescribeDBInstances", "rds:DescribeDBInstanceAutomatedBackups",
			"rds:DescribeGlobalClusters", "rds:ListTagsForResource",
		},
		Resources: []string{
			clusters, instances, autoBackups, "arn:${Partition}:rds::${Account}:global-cluster:*",
		},
	},
	{
		Sid: "DescribeRDSSnapshots",
		Why: "read snapshots, the customer's and those that Clumio keeps, for Convert and during restores",
		For: of(rds),
		Actions: []string{
			"rds:DescribeDBClusterSnapshotAttributes", "rds:DescribeDBClusterSnapshots",
			"rds:DescribeDBSnapshotAttributes", "rds:DescribeDBSnapshots",
		},
		Resources: []string{
			"arn:${Partition}:rds:*:${Account}:db:*", "arn:${Partition}:rds:*:${Account}:cluster:*",
			snapshotsEverywhere, clusterSnapshotsEverywhere, dataPlaneSnapshots, dataPlaneClusterSnapshots,
		},
	},
	{
		Sid:       "DescribeOptionGroups",
		Why:       "read option groups, also those of other Regions that a copy needs",
		For:       of(rds),
		Actions:   []string{"rds:DescribeOptionGroups"},
		Resources: []string{optionGroupsEverywhere},
	},
	{
		Sid:         "DescribeOptionGroupOptions",
		Why:         "learn which options an engine offers",
		For:         of(rds),
		Actions:     []string{"rds:DescribeOptionGroupOptions"},
		Resources:   []string{"*"},
		WhyWildcard: noResourceLevelSingular,
	},
}

// rdsTagNote stands beside every statement that puts a tag on RDS resources.
const rdsTagNote = "RDS authorizes tags given while creating as AddTagsToResource and has no key that tells the two apart, so the request must carry one of Clumio's own tags"

var rdsBackupPolicy = schema.Policy{
	Entity: "ClumioRdsBackupPolicy",
	Kind:   schema.Managed,
	Why:    "snapshots and backups of RDS and Aurora, in the Region and across Regions",
	For:    to(backup, rds),
	Statements: []schema.Statement{
		{
			Sid:       "CopyClusterSnapshots",
			Why:       "copy a cluster snapshot to and from Clumio's data-plane account",
			Actions:   []string{"rds:CopyDBClusterSnapshot"},
			Resources: []string{clusterSnapshotsEverywhere, dataPlaneClusterSnapshots},
		},
		{
			Sid:       "CopySnapshots",
			Why:       "copy an instance snapshot to and from Clumio's data-plane account",
			Actions:   []string{"rds:CopyDBSnapshot"},
			Resources: []string{snapshotsEverywhere, dataPlaneSnapshots},
		},
		{
			Sid: "ShareSnapshots",
			Why: "share a snapshot with Clumio's data-plane account, so that it can be copied there, and recognise the snapshots that Clumio took, to clean them up",
			Actions: []string{
				"rds:ModifyDBClusterSnapshotAttribute", "rds:ModifyDBSnapshotAttribute", "rds:ListTagsForResource",
			},
			Resources: []string{clusterSnapshotsEverywhere, snapshotsEverywhere},
			Note:      "IAM has no key for the account that a snapshot is shared with",
		},
		{
			Sid:       "CreateClusterSnapshots",
			Why:       "take snapshots of clusters, and read them",
			Actions:   []string{"rds:CreateDBClusterSnapshot", "rds:DescribeDBClusterSnapshots"},
			Resources: []string{clusters, "arn:${Partition}:rds:${Region}:${Account}:cluster-snapshot:*"},
		},
		{
			Sid:       "CreateSnapshots",
			Why:       "take a snapshot of an instance",
			Actions:   []string{"rds:CreateDBSnapshot"},
			Resources: []string{instances, "arn:${Partition}:rds:${Region}:${Account}:snapshot:*"},
		},
		{
			Sid:       "DescribeSubnetGroups",
			Why:       "record the subnet group of an instance or cluster",
			Actions:   []string{"rds:DescribeDBSubnetGroups"},
			Resources: []string{subnetGroups},
		},
		{
			Sid:       "TagSnapshotsAsVendor",
			Why:       "mark the snapshots that Clumio takes; only with the vendor tag",
			Actions:   []string{"rds:AddTagsToResource"},
			Resources: []string{clusterSnapshotsEverywhere, snapshotsEverywhere},
			When:      requestsVendorTag,
			Note:      rdsTagNote,
		},
		{
			Sid:       "TagSnapshots",
			Why:       "mark the temporary snapshots that Clumio takes; only with its RDS snapshot tag",
			Actions:   []string{"rds:AddTagsToResource"},
			Resources: []string{clusterSnapshotsEverywhere, snapshotsEverywhere},
			When:      requestsTag(rdsSnapshotTag),
			Note:      rdsTagNote,
		},
		{
			Sid:       "ModifyOptionGroups",
			Why:       "change an option group, also in the Region that a copy goes to",
			Actions:   []string{"rds:ModifyOptionGroup"},
			Resources: []string{optionGroupsEverywhere},
		},
		{
			Sid:       "ModifyClusters",
			Why:       "change cluster settings, to apply a point-in-time configuration",
			Actions:   []string{"rds:ModifyDBCluster"},
			Resources: []string{clusters, clusterGroups, optionGroups},
		},
		{
			Sid:       "ModifyInstances",
			Why:       "change instance settings, to apply a point-in-time configuration",
			Actions:   []string{"rds:ModifyDBInstance"},
			Resources: []string{instances, dbGroups, optionGroups, secGroups},
		},
		{
			Sid:         "DescribeSecurityGroups",
			Why:         "read the security groups of an instance or cluster",
			Actions:     []string{"ec2:DescribeSecurityGroups"},
			Resources:   []string{"*"},
			WhyWildcard: noResourceLevelSingular,
		},
		{
			Sid:       "DeleteVendorSnapshots",
			Why:       "delete snapshots that Clumio took; vendor-tagged ones only",
			Actions:   []string{"rds:DeleteDBClusterSnapshot", "rds:DeleteDBSnapshot"},
			Resources: []string{clusterSnapshotsEverywhere, snapshotsEverywhere},
			When:      onVendorTagged,
		},
		{
			Sid:       "DeleteTemporarySnapshots",
			Why:       "delete the temporary snapshots that Clumio took; only those with its RDS snapshot tag",
			Actions:   []string{"rds:DeleteDBClusterSnapshot", "rds:DeleteDBSnapshot"},
			Resources: []string{clusterSnapshotsEverywhere, snapshotsEverywhere},
			When:      onTag(rdsSnapshotTag),
		},
	},
}

var rdsRestorePolicy = schema.Policy{
	Entity: "ClumioRdsRestorePolicy",
	Kind:   schema.Managed,
	Why:    "restores of RDS and Aurora",
	For:    to(restore, rds),
	Statements: []schema.Statement{
		{
			Sid:       "FollowRestored",
			Why:       "recognise what was restored, so that it can be cleaned up, and put the roles back on a restored cluster or instance",
			Actions:   []string{"rds:ListTagsForResource", "rds:AddRoleToDBCluster", "rds:AddRoleToDBInstance"},
			Resources: []string{clusters, instances},
		},
		{
			Sid:       "CreateInstances",
			Why:       "create the instances of a restored cluster",
			Actions:   []string{"rds:CreateDBInstance"},
			Resources: []string{clusters, instances, optionGroups, dbGroups, secGroups, subnetGroups},
		},
		{
			Sid:       "CreateParameterGroups",
			Why:       "recreate the parameter group",
			Actions:   []string{"rds:CreateDBParameterGroup"},
			Resources: []string{dbGroups},
		},
		{
			Sid:     "RestoreInstances",
			Why:     "restore an instance from a snapshot or to a point in time",
			Actions: []string{"rds:RestoreDBInstanceFromDBSnapshot", "rds:RestoreDBInstanceToPointInTime"},
			Resources: []string{
				instances, optionGroups, dbGroups, subnetGroups, autoBackups,
				"arn:${Partition}:rds:${Region}:${Account}:snapshot:*",
			},
		},
		{
			Sid:     "RestoreClusters",
			Why:     "restore a cluster from a snapshot or to a point in time",
			Actions: []string{"rds:RestoreDBClusterFromSnapshot", "rds:RestoreDBClusterToPointInTime"},
			Resources: []string{
				clusters, clusterGroups, optionGroups, subnetGroups,
				"arn:${Partition}:rds:${Region}:${Account}:cluster-auto-backup:*",
				"arn:${Partition}:rds:${Region}:${Account}:cluster-snapshot:*",
			},
		},
		{
			Sid:       "UntagVendorResources",
			Why:       "take the vendor tag off what was restored; vendor-tagged ones only",
			Actions:   []string{"rds:RemoveTagsFromResource"},
			Resources: []string{clusters, instances},
			When:      onVendorTagged,
		},
		{
			Sid:       "UntagRestoredResources",
			Why:       "take the restore tag off what was restored; restore-tagged ones only",
			Actions:   []string{"rds:RemoveTagsFromResource"},
			Resources: []string{clusters, instances},
			When:      onRestored,
		},
		{
			Sid:       "TagAsVendor",
			Why:       "mark what is restored, in the Region of a copied option group too, so that it can be cleaned up; only with the vendor tag",
			Actions:   []string{"rds:AddTagsToResource"},
			Resources: []string{clusters, instances, optionGroupsEverywhere},
			When:      requestsVendorTag,
			Note:      rdsTagNote,
		},
		{
			Sid:       "TagAsRestored",
			Why:       "mark what is restored, in the Region of a copied option group too, so that it can be cleaned up; only with the restore tag",
			Actions:   []string{"rds:AddTagsToResource"},
			Resources: []string{clusters, instances, optionGroupsEverywhere},
			When:      requestsRestoreTag,
			Note:      rdsTagNote,
		},
		{
			Sid:       "CreateOptionGroups",
			Why:       "recreate the option group, in any Region for restores across Regions",
			Actions:   []string{"rds:CreateOptionGroup"},
			Resources: []string{optionGroupsEverywhere},
		},
		{
			Sid:     "CreateReadReplicas",
			Why:     "recreate read replicas, in any Region, also ones not connected to Clumio",
			Actions: []string{"rds:CreateDBInstanceReadReplica"},
			Resources: []string{
				"arn:${Partition}:rds:*:${Account}:cluster:*", "arn:${Partition}:rds:*:${Account}:db:*",
				optionGroupsEverywhere, "arn:${Partition}:rds:*:${Account}:pg:*",
				"arn:${Partition}:rds:*:${Account}:subgrp:*",
			},
		},
		{
			Sid:       "DeleteVendorDatabases",
			Why:       "remove a cluster or instance that a restore made, when it fails; vendor-tagged ones only",
			Actions:   []string{"rds:DeleteDBCluster", "rds:DeleteDBInstance"},
			Resources: []string{clusters, instances},
			When:      onVendorTagged,
		},
		{
			Sid:       "DeleteRestoredDatabases",
			Why:       "remove a cluster or instance that a restore made, when it fails; restore-tagged ones only",
			Actions:   []string{"rds:DeleteDBCluster", "rds:DeleteDBInstance"},
			Resources: []string{clusters, instances},
			When:      onRestored,
		},
		{
			Sid:       "PassRoles",
			Why:       "pass those roles to the restored cluster or instance",
			Actions:   []string{"iam:PassRole"},
			Resources: []string{anyRole},
			When:      passedTo("rds.amazonaws.com"),
			Note:      "any role of the account, as any may be on the instance that was backed up; to RDS only",
		},
		{
			Sid:       "GrantKeysToRDS",
			Why:       "let RDS use the key of a restored instance, cluster or read replica, in the replica's Region too",
			Actions:   []string{"kms:CreateGrant"},
			Resources: []string{customerKeysEverywhere},
			When:      forAWSServices,
		},
	},
}

var rdsRules = []schema.Rule{
	{
		Entity: "ClumioRDSApiRule",
		Why:    "snapshots and clusters that come and go by an API call",
		Asset:  rds,
		Topic:  eventPub.Entity,
		Pattern: apiCalls("aws.rds",
			"DeleteDBSnapshot", "DeleteDBClusterSnapshot", "CopyDBClusterSnapshot", "CopyDBSnapshot",
			"CreateDBCluster", "DeleteDBCluster"),
	},
	{
		Entity: "ClumioRDSEventRule",
		Why:    "what RDS reports of instances, clusters and snapshots",
		Asset:  rds,
		Topic:  eventPub.Entity,
		Pattern: serviceEvents("aws.rds", []string{
			"RDS DB Instance Event", "RDS DB Snapshot Event", "RDS DB Cluster Event", "RDS DB Cluster Snapshot Event",
		}, ""),
	},
	tagRule("ClumioRDSTagRule", rds, "rds"),
	awsBackupRule("ClumioRDSAWSBackupRule", rds, "RDS", "Aurora"),
}
