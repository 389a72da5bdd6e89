package cpm

import "permstack/internal/policies/schema"

// s3Statements are CopyToS3, S3Sync, Archive and the part of VPC that keeps a
// template in a bucket.
var s3Statements = []schema.Statement{
	{
		Sid:         "ListBuckets",
		Why:         "list the customer's buckets, to choose one",
		For:         either(of(s3), doing(copyToS3, s3Sync, vpcCapture)),
		Actions:     []string{"s3:ListAllMyBuckets"},
		Resources:   []string{"*"},
		WhyWildcard: noResourceLevelSingular,
	},
	{
		Sid:       "ReadBuckets",
		Why:       "list what is in a bucket",
		For:       either(doing(copyToS3, vpcCapture), to(s3, s3Sync)),
		Actions:   []string{"s3:ListBucket"},
		Resources: []string{buckets},
		When:      inOwnBuckets,
	},
	{
		Sid:       "LocateBuckets",
		Why:       "learn where a bucket lies",
		For:       either(doing(copyToS3), to(s3, s3Sync)),
		Actions:   []string{"s3:GetBucketLocation"},
		Resources: []string{buckets},
		When:      inOwnBuckets,
	},
	{
		Sid: "CheckRepositories",
		Why: "check that a bucket fits as a repository: encryption, versions, locks",
		For: doing(copyToS3),
		Actions: []string{
			"s3:GetBucketObjectLockConfiguration", "s3:GetBucketVersioning", "s3:GetEncryptionConfiguration",
			"s3:ListBucketVersions",
		},
		Resources: []string{buckets},
		When:      inOwnBuckets,
	},
	{
		Sid: "KeepRepositories",
		Why: "write backups to a repository, read them, set and keep their locks, and delete what has expired",
		For: doing(copyToS3),
		Actions: []string{
			"s3:AbortMultipartUpload", "s3:DeleteObject*", "s3:GetObject*", "s3:ListMultipartUploadParts",
			"s3:PutObject*", "s3:ReplicateObject",
		},
		Resources: []string{objects},
		When:      inOwnBuckets,
		Note:      "the vendor's wildcards in the names; bucket names are the customer's, so the account bounds them",
	},
	{
		Sid:       "RestoreArchived",
		Why:       "fetch an archived backup back from Glacier",
		For:       doing(archive),
		Actions:   []string{"s3:RestoreObject"},
		Resources: []string{objects},
		When:      inOwnBuckets,
	},
	{
		Sid: "SyncObjects",
		Why: "copy objects with their tags and rights from bucket to bucket, and delete what is gone at the source",
		For: to(s3, s3Sync),
		Actions: []string{
			"s3:DeleteObject", "s3:GetObject", "s3:GetObjectTagging", "s3:PutObject", "s3:PutObjectAcl",
			"s3:PutObjectTagging",
		},
		Resources: []string{objects},
		When:      inOwnBuckets,
	},
	{
		Sid:       "UploadTemplates",
		Why:       "put the template of a captured network into a bucket for CloudFormation",
		For:       doing(vpcCapture),
		Actions:   []string{"s3:PutObject"},
		Resources: []string{objects},
		When:      inOwnBuckets,
	},
}
