package clumio

import "permstack/internal/policies/schema"

// The assets, operations and options of the page.
const (
	ec2      schema.Asset = "ec2"
	ec2MSSQL schema.Asset = "ec2-mssql"
	rds      schema.Asset = "rds"
	dynamoDB schema.Asset = "dynamodb"
	s3       schema.Asset = "s3"

	backup  schema.Operation = "backup"
	restore schema.Operation = "restore"

	supportRole schema.Option = "support-role"
	awsBackup   schema.Option = "aws-backup-inventory"
)

// to says what a statement is there for.
func to(op schema.Operation, asset schema.Asset) []schema.Use {
	return []schema.Use{{Asset: asset, Operation: op}}
}

// of says that a statement serves every operation on the assets.
func of(assets ...schema.Asset) []schema.Use {
	uses := make([]schema.Use, len(assets))
	for i, a := range assets {
		uses[i].Asset = a
	}
	return uses
}

// with says that a statement is there with an option.
func with(o schema.Option) []schema.Use { return []schema.Use{{Option: o}} }

// The page's two tags. ClumioVendorTag marks what Clumio made; ClumioRestoreTag
// marks what a restore is working on, until it is done.
const (
	vendorTag      = "Vendor"
	vendorTagValue = "Clumio"
	restoreTag     = "clumio.restore.tag"
	// rdsSnapshotTag is not on the page. Clumio's public Terraform module gates
	// the removal of RDS snapshots on it.
	rdsSnapshotTag = "clumio.rds.snapshot.tag"
)

// All conditions are positive: they fail where their key is absent.
var (
	onVendorTagged     = when("StringEquals", "aws:ResourceTag/"+vendorTag, vendorTagValue)
	requestsVendorTag  = when("StringEquals", "aws:RequestTag/"+vendorTag, vendorTagValue)
	onRestored         = onTag(restoreTag)
	requestsRestoreTag = requestsTag(restoreTag)

	inCustomerAccount = when("StringEquals", "s3:ResourceAccount", "${Account}")
	inDataPlane       = when("StringEquals", "s3:ResourceAccount", "${DataPlaneAccount}")

	forAWSServices = when("Bool", "kms:GrantIsForAWSResource", "true")
	fromAccount    = when("StringEquals", "aws:SourceAccount", "${Account}")
	withExternalID = when("StringEquals", "sts:ExternalId", "${ExternalId}")
)

func when(operator, key string, values ...string) schema.Conditions {
	return schema.Conditions{operator: {key: values}}
}

func onTag(key string) schema.Conditions { return when("StringLike", "aws:ResourceTag/"+key, "*") }
func requestsTag(key string) schema.Conditions {
	return when("StringLike", "aws:RequestTag/"+key, "*")
}

// whileCreating lets CreateTags through only as part of another create call.
// EC2 sends ec2:CreateAction with every CreateTags; on a direct call it is
// "CreateTags" itself.
func whileCreating(actions ...string) schema.Conditions {
	return when("StringEquals", "ec2:CreateAction", actions...)
}

// passedTo bounds iam:PassRole to services.
func passedTo(services ...string) schema.Conditions {
	return when("StringEquals", "iam:PassedToService", services...)
}

// ARNs that several policies share.
const (
	anySnapshot         = "arn:${Partition}:ec2:${Region}::snapshot/*"
	anyImage            = "arn:${Partition}:ec2:${Region}::image/*"
	anyVolume           = "arn:${Partition}:ec2:${Region}:${Account}:volume/*"
	anyInstance         = "arn:${Partition}:ec2:${Region}:${Account}:instance/*"
	anyNetworkInterface = "arn:${Partition}:ec2:${Region}:${Account}:network-interface/*"

	anyRole            = "arn:${Partition}:iam::${Account}:role/*"
	anyInstanceProfile = "arn:${Partition}:iam::${Account}:instance-profile/*"

	customerKeys            = "arn:${Partition}:kms:${Region}:${Account}:key/*"
	customerKeysEverywhere  = "arn:${Partition}:kms:*:${Account}:key/*"
	dataPlaneKeys           = "arn:${Partition}:kms:${Region}:${DataPlaneAccount}:key/*"
	buckets                 = "arn:${Partition}:s3:::*"
	objects                 = "arn:${Partition}:s3:::*/*"
	vendorDocuments         = "arn:${Partition}:ssm:${Region}:${Account}:document/Clumio*"
	managedInstances        = "arn:${Partition}:ssm:${Region}:${Account}:managed-instance/*"
	noResourceLevel         = "AWS has no resource-level permission for these actions"
	noResourceLevelSingular = "AWS has no resource-level permission for this action"
)

// use lists the cryptographic uses of a key that the page names.
var keyUse = []string{
	"kms:DescribeKey", "kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey",
}
