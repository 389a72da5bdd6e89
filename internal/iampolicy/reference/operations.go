package reference

import "strings"

// operations maps operations of S3 whose action has another name ("Required permissions for Amazon S3 API operations",
// S3 User Guide).
var operations = map[string]string{
	"s3:ListObjects": "s3:ListBucket", "s3:ListObjectsV2": "s3:ListBucket", "s3:HeadBucket": "s3:ListBucket",
	"s3:HeadObject": "s3:GetObject", "s3:CopyObject": "s3:PutObject", "s3:CreateMultipartUpload": "s3:PutObject",
	"s3:UploadPart": "s3:PutObject", "s3:CompleteMultipartUpload": "s3:PutObject", "s3:DeleteObjects": "s3:DeleteObject",
	"s3:ListBuckets": "s3:ListAllMyBuckets", "s3:ListObjectVersions": "s3:ListBucketVersions",
	"s3:GetBucketLifecycleConfiguration":    "s3:GetLifecycleConfiguration",
	"s3:PutBucketLifecycleConfiguration":    "s3:PutLifecycleConfiguration",
	"s3:GetBucketReplication":               "s3:GetReplicationConfiguration",
	"s3:GetBucketEncryption":                "s3:GetEncryptionConfiguration",
	"s3:PutBucketNotificationConfiguration": "s3:PutBucketNotification",
	"s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
	"s3:GetObjectLockConfiguration":         "s3:GetBucketObjectLockConfiguration",
	"s3:PutBucketEncryption":                "s3:PutEncryptionConfiguration",
	"s3:PutObjectLockConfiguration":         "s3:PutBucketObjectLockConfiguration",
	"s3:DeleteBucketLifecycle":              "s3:PutLifecycleConfiguration",
	"s3:GetPublicAccessBlock":               "s3:GetBucketPublicAccessBlock",
	"s3:PutPublicAccessBlock":               "s3:PutBucketPublicAccessBlock",
}

// ActionOfOperation returns the action of an API operation of S3 whose action has another name, ignoring case:
// "s3:ListBucket" for "s3:ListObjectsV2"; "" for another name.
func ActionOfOperation(name string) string {
	for operation, action := range operations {
		if strings.EqualFold(operation, name) {
			return action
		}
	}
	return ""
}
