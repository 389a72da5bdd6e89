package clumio

import "permstack/internal/policies/schema"

var s3Inventory = []schema.Statement{
	{
		Sid:         "ListBuckets",
		Why:         "list S3 buckets and read their CloudWatch metrics",
		For:         of(s3),
		Actions:     []string{"s3:ListAllMyBuckets", "cloudwatch:GetMetricStatistics"},
		Resources:   []string{"*"},
		WhyWildcard: noResourceLevel,
	},
	{
		Sid: "DescribeBuckets",
		Why: "read details of the account's buckets",
		For: of(s3),
		Actions: []string{
			"s3:GetBucketLocation", "s3:GetEncryptionConfiguration", "s3:GetBucketVersioning", "s3:GetBucketPolicy",
			"s3:GetBucketTagging", "s3:GetReplicationConfiguration", "s3:GetLifecycleConfiguration",
			"s3:GetBucketLogging",
		},
		Resources: []string{buckets},
		When:      inCustomerAccount,
	},
}

// vendorRule is how Clumio names the rules that forward bucket events. It does
// not match the inventory rules that permstack makes, which begin with "Clumio".
const vendorRule = "arn:${Partition}:events:${Region}:${Account}:rule/clumio*"

var s3BackupPolicy = schema.Policy{
	Entity: "ClumioS3BackupPolicy",
	Kind:   schema.Managed,
	Why:    "backups and continuous backups of S3",
	For:    to(backup, s3),
	Statements: []schema.Statement{
		{
			Sid:         "ReadMetricsAndOrganization",
			Why:         "read CloudWatch metrics of buckets, and learn the organization, so that one bucket policy can cover all of it rather than one per account",
			Actions:     []string{"cloudwatch:GetMetricStatistics", "organizations:DescribeOrganization"},
			Resources:   []string{"*"},
			WhyWildcard: noResourceLevel,
		},
		{
			Sid:       "WriteToDataPlane",
			Why:       "write the backup to Clumio's data-plane account, and nowhere else",
			Actions:   []string{"s3:ListBucket", "s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging"},
			Resources: []string{buckets},
			When:      inDataPlane,
		},
		{
			Sid: "ReadBuckets",
			Why: "read buckets and objects and have S3 list them, before a backup; turn on bucket events towards EventBridge, for continuous backup",
			Actions: []string{
				"s3:GetInventoryConfiguration", "s3:PutInventoryConfiguration", "s3:ListBucket", "s3:ListBucketVersions",
				"s3:ListBucketMultipartUploads", "s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersionTagging",
				"s3:GetObjectVersion", "s3:GetBucketNotification", "s3:PutBucketNotification",
			},
			Resources: []string{buckets},
			When:      inCustomerAccount,
		},
		{
			Sid: "ForwardBucketEvents",
			Why: "set up Clumio's own EventBridge rule that forwards bucket events, for continuous backup",
			Actions: []string{
				"events:DescribeRule", "events:PutRule", "events:DeleteRule", "events:RemoveTargets",
				"events:ListTargetsByRule",
			},
			Resources: []string{vendorRule},
		},
		{
			Sid:       "ForwardToDataPlane",
			Why:       "point that rule to an event bus in Clumio's data-plane account, and nowhere else",
			Actions:   []string{"events:PutTargets"},
			Resources: []string{vendorRule},
			// events:TargetArn has several values, one a target: all must match.
			// EventBridge sends it with every PutTargets.
			When: when("ForAllValues:ArnLike", "events:TargetArn", dataPlaneBuses),
		},
		{
			Sid:       "PassContinuousBackupRole",
			Why:       "pass the continuous backup role, which EventBridge wants for a target in another account",
			Actions:   []string{"iam:PassRole"},
			Resources: []string{"${roles:ClumioS3ContinuousBackupEventBridgeRole}"},
			When:      passedTo("events.amazonaws.com"),
		},
	},
}

const dataPlaneBuses = "arn:${Partition}:events:${Region}:${DataPlaneAccount}:event-bus/*"

var s3RestorePolicy = schema.Policy{
	Entity: "ClumioS3RestorePolicy",
	Kind:   schema.Managed,
	Why:    "restores of S3",
	For:    to(restore, s3),
	Statements: []schema.Statement{{
		Sid:       "WriteObjects",
		Why:       "write and remove objects in the customer's own buckets during a restore",
		Actions:   []string{"s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging", "s3:DeleteObject"},
		Resources: []string{objects},
		When:      inCustomerAccount,
	}},
}

var continuousBackupRole = schema.Role{
	Entity: "ClumioS3ContinuousBackupEventBridgeRole",
	Why:    "EventBridge forwards bucket events to Clumio through it, for continuous backup of S3",
	For:    to(backup, s3),
	Trust: []schema.Trust{{
		Sid:     "OnlyEventBridge",
		Why:     "EventBridge takes it for rules of this account, as targets in other accounts need a role",
		Service: "events.amazonaws.com",
		When:    fromAccount,
	}},
	Policies: []schema.Policy{{
		Entity: "ClumioS3ContinuousBackupEventBridgePolicy",
		Kind:   schema.Inline,
		Why:    "forward bucket events to Clumio",
		Statements: []schema.Statement{{
			Sid:       "PutEventsToDataPlane",
			Why:       "forward the account's S3 events to an event bus in Clumio's data-plane account",
			Actions:   []string{"events:PutEvents"},
			Resources: []string{dataPlaneBuses},
		}},
	}},
}

var s3Rules = []schema.Rule{
	{
		Entity: "ClumioS3ApiRule",
		Why:    "buckets and their settings that come, change and go by an API call",
		Asset:  s3,
		Topic:  eventPub.Entity,
		Pattern: apiCalls("aws.s3",
			"CreateBucket", "DeleteBucket", "DeleteBucketLifecycle", "DeleteBucketPolicy", "DeleteBucketReplication",
			"DeleteBucketTagging", "DeleteBucketEncryption", "DeleteBucketPublicAccessBlock", "PutBucketAcl",
			"PutBucketLifecycle", "PutBucketPolicy", "PutBucketReplication", "PutBucketTagging", "PutBucketVersioning",
			"PutBucketEncryption", "PutBucketPublicAccessBlock"),
	},
	awsBackupRule("ClumioS3AWSBackupRule", s3, "S3"),
}
