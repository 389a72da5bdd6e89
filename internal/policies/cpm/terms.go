package cpm

import (
	"maps"

	"permstack/internal/policies/schema"
)

// The assets and operations that the vendor's capabilities come to.
const (
	ec2      schema.Asset = "ec2"
	rds      schema.Asset = "rds"
	redshift schema.Asset = "redshift"
	dynamoDB schema.Asset = "dynamodb"
	efs      schema.Asset = "efs"
	fsx      schema.Asset = "fsx"
	s3       schema.Asset = "s3"
	sapHana  schema.Asset = "sap-hana"

	backup            schema.Operation = "backup"
	recovery          schema.Operation = "recovery"
	dr                schema.Operation = "dr"
	crossAccount      schema.Operation = "cross-account"
	archive           schema.Operation = "archive"
	copyToS3          schema.Operation = "copy-to-s3"
	s3Sync            schema.Operation = "s3-sync"
	changedBlocks     schema.Operation = "changed-blocks"
	fileLevelRecovery schema.Operation = "file-level-recovery"
	snapshotLock      schema.Operation = "snapshot-lock"
	resourceControl   schema.Operation = "resource-control"
	vpcCapture        schema.Operation = "vpc-capture"
	secrets           schema.Operation = "secrets"
	notification      schema.Operation = "notification"
	costExplorer      schema.Operation = "cost-explorer"
)

// The values of the settings.
const (
	release411a schema.Option = "release=4.1.1a"
	release42   schema.Option = "release=4.2"
	release2509 schema.Option = "release=2025-09"

	kmsAdmin schema.Option = "kms-user=admin"
	kmsOther schema.Option = "kms-user=other"

	instanceRole schema.Option = "trust=instance-role"
	serverRole   schema.Option = "trust=server-role"

	homeRegion  schema.Option = "regions=home"
	everyRegion schema.Option = "regions=every"

	exportMade   schema.Option = "export-role=made"
	exportServer schema.Option = "export-role=server"

	backupDefault schema.Option = "backup-role=aws-default"
	backupMade    schema.Option = "backup-role=made"
)

// minimal is the preset of what the page itself names.
const minimal = "minimal"

var onThePage = []string{minimal}

// of says that a statement serves every operation on the assets.
func of(assets ...schema.Asset) []schema.Use {
	uses := make([]schema.Use, len(assets))
	for i, a := range assets {
		uses[i].Asset = a
	}
	return uses
}

// to says that a statement serves some operations on an asset.
func to(asset schema.Asset, ops ...schema.Operation) []schema.Use {
	uses := make([]schema.Use, len(ops))
	for i, op := range ops {
		uses[i] = schema.Use{Asset: asset, Operation: op}
	}
	return uses
}

// doing says that a statement serves some operations on whatever is chosen.
func doing(ops ...schema.Operation) []schema.Use { return to("", ops...) }

// other says that a statement serves some operations of a KMS user that is not
// an administrator of the keys.
func other(ops ...schema.Operation) []schema.Use {
	uses := doing(ops...)
	for i := range uses {
		uses[i].Option = kmsOther
	}
	return uses
}

func either(uses ...[]schema.Use) []schema.Use {
	var out []schema.Use
	for _, u := range uses {
		out = append(out, u...)
	}
	return out
}

// since says with which release the actions of a statement came.
func since(release schema.Option, actions ...string) map[string]schema.Option {
	out := make(map[string]schema.Option, len(actions))
	for _, a := range actions {
		out[a] = release
	}
	return out
}

func merge(lists ...map[string]schema.Option) map[string]schema.Option {
	out := map[string]schema.Option{}
	for _, l := range lists {
		maps.Copy(out, l)
	}
	return out
}

func when(operator, key string, values ...string) schema.Conditions {
	return schema.Conditions{operator: {key: values}}
}

// All conditions are positive: they fail where their key is absent.
var (
	forAWSServices = when("Bool", "kms:GrantIsForAWSResource", "true")
	withExternalID = when("StringEquals", "sts:ExternalId", "${ExternalId}")
	// inOwnBuckets bounds buckets, whose ARNs have no account, to the customer's:
	// this account and, where one is given, the account of the repositories.
	inOwnBuckets = when("StringEquals", "s3:ResourceAccount", "${Account}", "${DataPlaneAccount}")
	// whileLaunching lets CreateTags through only as part of RunInstances. EC2 sends
	// ec2:CreateAction with every CreateTags; on a direct call it is "CreateTags".
	whileLaunching = when("StringEquals", "ec2:CreateAction", "RunInstances")
	onWorkers      = when("StringEquals", "ec2:ResourceTag/Name", "CPMWorkerMachine")
)

// passedTo bounds iam:PassRole to a service.
func passedTo(service string) schema.Conditions {
	return when("StringEquals", "iam:PassedToService", service)
}

// ${Home} is where the protected resources are, ${Reach} also where disaster
// recovery copies and recovers them to.
var regionTerms = []schema.Term{
	{Name: "Home", Value: "*", For: []schema.Use{{Option: everyRegion}}, Why: "one server protects the account in every Region"},
	{Name: "Home", Value: "${Region}", Why: "the Region of the stack, where the protected resources are"},
	{Name: "Reach", Value: "*", For: []schema.Use{{Operation: dr}, {Option: everyRegion}}, Why: "disaster recovery copies backups to any Region that a policy names, deletes them and recovers from them there"},
	{Name: "Reach", Value: "${Region}", Why: "without disaster recovery nothing leaves the Region of the stack"},
}

const (
	noResourceLevel         = "AWS has no resource-level permission for these actions"
	noResourceLevelSingular = "AWS has no resource-level permission for this action"
)

// ARNs. Snapshots and images have no account in theirs.
const (
	homeEC2  = "arn:${Partition}:ec2:${Home}:${Account}:"
	reachEC2 = "arn:${Partition}:ec2:${Reach}:${Account}:"

	homeSnapshots  = "arn:${Partition}:ec2:${Home}::snapshot/*"
	homeImages     = "arn:${Partition}:ec2:${Home}::image/*"
	homeVolumes    = homeEC2 + "volume/*"
	homeInstances  = homeEC2 + "instance/*"
	snapshots      = "arn:${Partition}:ec2:${Reach}::snapshot/*"
	images         = "arn:${Partition}:ec2:${Reach}::image/*"
	volumes        = reachEC2 + "volume/*"
	instances      = reachEC2 + "instance/*"
	interfaces     = reachEC2 + "network-interface/*"
	subnets        = reachEC2 + "subnet/*"
	securityGroups = reachEC2 + "security-group/*"
	elasticIPs     = reachEC2 + "elastic-ip/*"

	anyRole = "arn:${Partition}:iam::${Account}:role/*"
	keys    = "arn:${Partition}:kms:${Reach}:${Account}:key/*"
	buckets = "arn:${Partition}:s3:::*"
	objects = "arn:${Partition}:s3:::*/*"
)
