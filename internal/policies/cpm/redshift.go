package cpm

import "permstack/internal/policies/schema"

const (
	redshiftClusters  = "arn:${Partition}:redshift:${Reach}:${Account}:cluster:*"
	redshiftSnapshots = "arn:${Partition}:redshift:${Reach}:${Account}:snapshot:*/*"
	redshiftGroups    = "arn:${Partition}:redshift:${Reach}:${Account}:parametergroup:*"
)

// redshiftStatements are RedshiftOperations and BackupCore's part for Redshift.
var redshiftStatements = []schema.Statement{
	{
		Sid: "DescribeRedshift",
		Why: "list clusters, their snapshots, parameters and tags",
		For: of(redshift),
		Actions: []string{
			"redshift:DescribeClusterParameters", "redshift:DescribeClusterSnapshots",
			"redshift:DescribeClusters", "redshift:DescribeTags",
		},
		Resources: []string{redshiftClusters, redshiftSnapshots, redshiftGroups},
	},
	{
		Sid:         "DescribeRedshiftGroups",
		Why:         "list the parameter and subnet groups of clusters",
		For:         of(redshift),
		Actions:     []string{"redshift:DescribeClusterParameterGroups", "redshift:DescribeClusterSubnetGroups"},
		Resources:   []string{"*"},
		WhyWildcard: noResourceLevel,
	},
	{
		Sid:       "SnapshotClusters",
		Why:       "take snapshots of clusters, keep automatic ones as copies, and delete them when their retention is over",
		For:       to(redshift, backup, dr),
		Actions:   []string{"redshift:CopyClusterSnapshot", "redshift:CreateClusterSnapshot", "redshift:DeleteClusterSnapshot"},
		Resources: []string{redshiftClusters, redshiftSnapshots},
	},
	{
		Sid:       "TagClusters",
		Why:       "mark snapshots with their policy, and put the tags of the original on a recovered cluster",
		For:       to(redshift, backup, dr, recovery),
		Actions:   []string{"redshift:CreateTags", "redshift:DeleteTags"},
		Since:     since(release42, "redshift:DeleteTags"),
		Resources: []string{redshiftClusters, redshiftSnapshots},
	},
	{
		Sid:       "RestoreClusters",
		Why:       "recover a cluster from a snapshot, and take it back when that fails",
		For:       to(redshift, recovery),
		Actions:   []string{"redshift:DeleteCluster", "redshift:RestoreFromClusterSnapshot"},
		Since:     since(release42, "redshift:DeleteCluster"),
		Resources: []string{redshiftClusters, redshiftSnapshots},
	},
	{
		Sid:       "ShareClusterSnapshots",
		Why:       "let another account of the customer recover from a snapshot, and end that again",
		For:       to(redshift, crossAccount),
		Actions:   []string{"redshift:AuthorizeSnapshotAccess", "redshift:RevokeSnapshotAccess"},
		Since:     since(release42, "redshift:AuthorizeSnapshotAccess", "redshift:RevokeSnapshotAccess"),
		Resources: []string{redshiftSnapshots, redshiftClusters},
	},
}
