package cpm

import (
	"maps"

	"permstack/internal/policies/catalog"
)

// The assets and operations that the vendor's capabilities come to.
const (
	ec2      catalog.Asset = "ec2"
	rds      catalog.Asset = "rds"
	redshift catalog.Asset = "redshift"
	dynamoDB catalog.Asset = "dynamodb"
	efs      catalog.Asset = "efs"
	fsx      catalog.Asset = "fsx"
	s3       catalog.Asset = "s3"
	sapHana  catalog.Asset = "sap-hana"

	backup            catalog.Operation = "backup"
	recovery          catalog.Operation = "recovery"
	dr                catalog.Operation = "dr"
	crossAccount      catalog.Operation = "cross-account"
	archive           catalog.Operation = "archive"
	copyToS3          catalog.Operation = "copy-to-s3"
	s3Sync            catalog.Operation = "s3-sync"
	changedBlocks     catalog.Operation = "changed-blocks"
	fileLevelRecovery catalog.Operation = "file-level-recovery"
	snapshotLock      catalog.Operation = "snapshot-lock"
	resourceControl   catalog.Operation = "resource-control"
	vpcCapture        catalog.Operation = "vpc-capture"
	secrets           catalog.Operation = "secrets"
	notification      catalog.Operation = "notification"
	costExplorer      catalog.Operation = "cost-explorer"
)

// The values of the settings.
const (
	release411a catalog.Option = "release=4.1.1a"
	release42   catalog.Option = "release=4.2"
	release2509 catalog.Option = "release=2025-09"

	kmsAdmin catalog.Option = "kms-user=admin"
	kmsOther catalog.Option = "kms-user=other"

	instanceRole catalog.Option = "trust=instance-role"
	serverRole   catalog.Option = "trust=server-role"

	homeRegion  catalog.Option = "regions=home"
	everyRegion catalog.Option = "regions=every"

	exportMade   catalog.Option = "export-role=made"
	exportServer catalog.Option = "export-role=server"

	backupDefault catalog.Option = "backup-role=aws-default"
	backupMade    catalog.Option = "backup-role=made"
)

// minimal is the preset of what the page itself names.
const minimal = "minimal"

var onThePage = []string{minimal}

// of says that a statement serves every operation on the assets.
func of(assets ...catalog.Asset) []catalog.Use {
	uses := make([]catalog.Use, len(assets))
	for i, a := range assets {
		uses[i].Asset = a
	}
	return uses
}

// to says that a statement serves some operations on an asset.
func to(asset catalog.Asset, ops ...catalog.Operation) []catalog.Use {
	uses := make([]catalog.Use, len(ops))
	for i, op := range ops {
		uses[i] = catalog.Use{Asset: asset, Operation: op}
	}
	return uses
}

// doing says that a statement serves some operations on whatever is chosen.
func doing(ops ...catalog.Operation) []catalog.Use { return to("", ops...) }

// other says that a statement serves some operations of a KMS user that is not
// an administrator of the keys.
func other(ops ...catalog.Operation) []catalog.Use {
	uses := doing(ops...)
	for i := range uses {
		uses[i].Option = kmsOther
	}
	return uses
}

func either(uses ...[]catalog.Use) []catalog.Use {
	var out []catalog.Use
	for _, u := range uses {
		out = append(out, u...)
	}
	return out
}

// since says with which release the actions of a statement came.
func since(release catalog.Option, actions ...string) map[string]catalog.Option {
	out := make(map[string]catalog.Option, len(actions))
	for _, a := range actions {
		out[a] = release
	}
	return out
}

func merge(lists ...map[string]catalog.Option) map[string]catalog.Option {
	out := map[string]catalog.Option{}
	for _, l := range lists {
		maps.Copy(out, l)
	}
	return out
}

func when(operator, key string, values ...string) catalog.Conditions {
	return catalog.Conditions{operator: {key: values}}
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
func passedTo(service string) catalog.Conditions {
	return when("StringEquals", "iam:PassedToService", service)
}

// ${Home} is where the protected resources are, ${Reach} also where disaster
// recovery copies and recovers them to.
var regionTerms = []catalog.Term{
	{Name: "Home", Value: "*", For: []catalog.Use{{Option: everyRegion}}, Why: "one server protects the account in every Region"},
	{Name: "Home", Value: "${Region}", Why: "the Region of the stack, where the protected resources are"},
	{Name: "Reach", Value: "*", For: []catalog.Use{{Operation: dr}, {Option: everyRegion}}, Why: "disaster recovery copies backups to any Region that a policy names, deletes them and recovers from them there"},
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
