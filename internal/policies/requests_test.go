package policies_test

import (
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// request is a call that a profile's first role makes, unless another role is
// named, with what must come of it under a selection.
type request struct {
	why      string
	profile  string // empty: clumio
	assets   string // comma-separated; empty: all
	ops      string // empty: all
	options  string // values of settings
	role     string
	action   string
	resource string
	context  map[string]string
	allowed  bool
}

// Where the requests take place.
const (
	here       = "eu-central-1"
	elsewhere  = "eu-west-1"
	account    = "111111111111"
	control    = "222222222222"
	dataPlane  = "333333333333"
	thirdParty = "999999999999"
)

func ec2ARN(kind string) string {
	owner := account
	if kind == "snapshot/snap-1" || kind == "image/ami-1" {
		owner = ""
	}
	return "arn:aws:ec2:" + here + ":" + owner + ":" + kind
}

func rdsARN(region, owner, kind string) string {
	return "arn:aws:rds:" + region + ":" + owner + ":" + kind
}

type kv = map[string]string

var (
	vendor     = kv{"aws:ResourceTag/Vendor": "Clumio"}
	notVendor  = kv{"aws:ResourceTag/Vendor": "Other"}
	asksVendor = kv{"aws:RequestTag/Vendor": "Clumio", "aws:TagKeys": "Vendor"}
	restored   = kv{"aws:ResourceTag/clumio.restore.tag": "task-1"}
	asksTag    = kv{"aws:RequestTag/clumio.restore.tag": "task-1", "aws:TagKeys": "clumio.restore.tag"}
	nothing    = kv{}
)

func with(a kv, key, value string) kv {
	out := kv{key: value}
	for k, v := range a {
		out[k] = v
	}
	return out
}

var requests = []request{
	// EC2 backup.
	{why: "a backup tags its snapshot", assets: "ec2", ops: "backup",
		action: "ec2:CreateSnapshot", resource: ec2ARN("snapshot/snap-1"), context: asksVendor, allowed: true},
	{why: "an untagged snapshot", assets: "ec2", ops: "backup",
		action: "ec2:CreateSnapshot", resource: ec2ARN("snapshot/snap-1"), context: nothing},
	{why: "of any volume", assets: "ec2", ops: "backup",
		action: "ec2:CreateSnapshot", resource: ec2ARN("volume/vol-1"), context: nothing, allowed: true},
	{why: "of any instance", assets: "ec2", ops: "backup",
		action: "ec2:CreateSnapshots", resource: ec2ARN("instance/i-1"), context: nothing, allowed: true},
	{why: "its own snapshot expires", assets: "ec2", ops: "backup",
		action: "ec2:DeleteSnapshot", resource: ec2ARN("snapshot/snap-1"), context: vendor, allowed: true},
	{why: "the customer's snapshot", action: "ec2:DeleteSnapshot", resource: ec2ARN("snapshot/snap-1"), context: nothing},
	{why: "another vendor's snapshot",
		action: "ec2:DeleteSnapshot", resource: ec2ARN("snapshot/snap-1"), context: notVendor},
	{why: "its own snapshot in another Region",
		action: "ec2:DeleteSnapshot", resource: "arn:aws:ec2:" + elsewhere + "::snapshot/snap-1", context: vendor},
	{why: "a backup of DynamoDB deletes no snapshot", assets: "dynamodb",
		action: "ec2:DeleteSnapshot", resource: ec2ARN("snapshot/snap-1"), context: vendor},
	{why: "a tag while creating", assets: "ec2", ops: "backup",
		action: "ec2:CreateTags", resource: ec2ARN("snapshot/snap-1"),
		context: with(asksVendor, "ec2:CreateAction", "CreateSnapshot"), allowed: true},
	{why: "a tag on an existing snapshot",
		action: "ec2:CreateTags", resource: ec2ARN("snapshot/snap-1"),
		context: with(asksVendor, "ec2:CreateAction", "CreateTags")},
	{why: "a tag on an existing snapshot, no create action sent",
		action: "ec2:CreateTags", resource: ec2ARN("snapshot/snap-1"), context: asksVendor},
	{why: "a tag on an existing instance", action: "ec2:CreateTags", resource: ec2ARN("instance/i-1"), context: asksTag},
	{why: "a tag on an existing volume",
		action: "ec2:CreateTags", resource: ec2ARN("volume/vol-1"),
		context: with(asksVendor, "ec2:CreateAction", "CreateTags")},
	{why: "a tag on a registered image", assets: "ec2", ops: "backup",
		action: "ec2:CreateTags", resource: ec2ARN("image/ami-1"), context: asksVendor, allowed: true},
	{why: "any other tag on an image",
		action: "ec2:CreateTags", resource: ec2ARN("image/ami-1"),
		context: kv{"aws:RequestTag/Name": "x", "aws:TagKeys": "Name"}},
	{why: "its image", assets: "ec2", ops: "backup",
		action: "ec2:DeregisterImage", resource: ec2ARN("image/ami-1"), context: vendor, allowed: true},
	{why: "the customer's image", action: "ec2:DeregisterImage", resource: ec2ARN("image/ami-1"), context: nothing},
	{why: "an image from its snapshot", assets: "ec2", ops: "backup",
		action: "ec2:RegisterImage", resource: ec2ARN("snapshot/snap-1"), context: vendor, allowed: true},
	{why: "an image from the customer's snapshot",
		action: "ec2:RegisterImage", resource: ec2ARN("snapshot/snap-1"), context: nothing},
	{why: "tags off its snapshot", assets: "ec2", ops: "backup",
		action: "ec2:DeleteTags", resource: ec2ARN("snapshot/snap-1"), context: vendor, allowed: true},
	{why: "tags off the customer's snapshot",
		action: "ec2:DeleteTags", resource: ec2ARN("snapshot/snap-1"), context: nothing},
	{why: "reads blocks", assets: "ec2", ops: "backup",
		action: "ebs:GetSnapshotBlock", resource: ec2ARN("snapshot/snap-1"), context: nothing, allowed: true},
	{why: "inventory of EC2", assets: "ec2", ops: "backup",
		action: "ec2:DescribeInstances", resource: "*", context: nothing, allowed: true},
	{why: "inventory of what is not chosen", assets: "s3", action: "ec2:DescribeVolumes", resource: "*", context: nothing},

	// EC2 restore.
	{why: "a restore starts a snapshot", assets: "ec2", ops: "restore",
		action: "ebs:StartSnapshot", resource: ec2ARN("snapshot/snap-1"), context: asksVendor, allowed: true},
	{why: "backup alone starts none", assets: "ec2", ops: "backup",
		action: "ebs:StartSnapshot", resource: ec2ARN("snapshot/snap-1"), context: asksVendor},
	{why: "tagging while it starts", assets: "ec2", ops: "restore",
		action: "ec2:CreateTags", resource: "arn:aws:ec2:" + here + "::snapshot/*", context: asksVendor, allowed: true},
	{why: "fills its snapshot", assets: "ec2", ops: "restore",
		action: "ebs:PutSnapshotBlock", resource: ec2ARN("snapshot/snap-1"), context: vendor, allowed: true},
	{why: "fills another's", action: "ebs:PutSnapshotBlock", resource: ec2ARN("snapshot/snap-1"), context: nothing},
	{why: "a restored volume", assets: "ec2", ops: "restore",
		action: "ec2:CreateVolume", resource: ec2ARN("volume/vol-1"), context: asksTag, allowed: true},
	{why: "an untagged volume", action: "ec2:CreateVolume", resource: ec2ARN("volume/vol-1"), context: nothing},
	{why: "tags it while creating", assets: "ec2", ops: "restore",
		action: "ec2:CreateTags", resource: ec2ARN("volume/vol-1"),
		context: with(asksTag, "ec2:CreateAction", "CreateVolume"), allowed: true},
	{why: "tags an instance while launching", assets: "ec2", ops: "restore",
		action: "ec2:CreateTags", resource: ec2ARN("instance/i-1"),
		context: with(asksTag, "ec2:CreateAction", "RunInstances"), allowed: true},
	{why: "deletes a restored volume", assets: "ec2", ops: "restore",
		action: "ec2:DeleteVolume", resource: ec2ARN("volume/vol-1"), context: restored, allowed: true},
	{why: "deletes the customer's volume", action: "ec2:DeleteVolume", resource: ec2ARN("volume/vol-1"), context: nothing},
	{why: "launches", assets: "ec2", ops: "restore",
		action: "ec2:RunInstances", resource: ec2ARN("instance/i-1"), context: asksTag, allowed: true},
	{why: "backup alone launches nothing", assets: "ec2", ops: "backup",
		action: "ec2:RunInstances", resource: ec2ARN("instance/i-1"), context: asksTag},
	{why: "ends a restored instance", assets: "ec2", ops: "restore",
		action: "ec2:TerminateInstances", resource: ec2ARN("instance/i-1"), context: restored, allowed: true},
	{why: "ends the customer's instance",
		action: "ec2:TerminateInstances", resource: ec2ARN("instance/i-1"), context: nothing},
	{why: "ends a vendor-tagged instance that it did not restore",
		action: "ec2:TerminateInstances", resource: ec2ARN("instance/i-1"), context: vendor},
	{why: "stops the customer's instance",
		action: "ec2:StopInstances", resource: ec2ARN("instance/i-1"), context: nothing},
	{why: "attaches to any instance", assets: "ec2", ops: "restore",
		action: "ec2:AttachVolume", resource: ec2ARN("instance/i-1"), context: nothing, allowed: true},
	{why: "attaches any volume", assets: "ec2", ops: "restore",
		action: "ec2:AttachVolume", resource: ec2ARN("volume/vol-1"), context: nothing, allowed: true},
	{why: "detaches from a restored instance", assets: "ec2", ops: "restore",
		action: "ec2:DetachVolume", resource: ec2ARN("instance/i-1"), context: restored, allowed: true},
	{why: "detaches from the customer's instance",
		action: "ec2:DetachVolume", resource: ec2ARN("instance/i-1"), context: nothing},
	{why: "deletes a restored interface", assets: "ec2", ops: "restore",
		action: "ec2:DeleteNetworkInterface", resource: ec2ARN("network-interface/eni-1"), context: restored, allowed: true},
	{why: "deletes the customer's interface",
		action: "ec2:DeleteNetworkInterface", resource: ec2ARN("network-interface/eni-1"), context: nothing},
	{why: "takes the address of the customer's instance",
		action: "ec2:DisassociateAddress", resource: ec2ARN("network-interface/eni-1"), context: nothing},
	{why: "passes the instance's role", assets: "ec2", ops: "restore",
		action: "iam:PassRole", resource: "arn:aws:iam::" + account + ":role/app",
		context: kv{"iam:PassedToService": "ec2.amazonaws.com"}, allowed: true},
	{why: "passes a role to Lambda",
		action: "iam:PassRole", resource: "arn:aws:iam::" + account + ":role/app",
		context: kv{"iam:PassedToService": "lambda.amazonaws.com"}},
	{why: "passes a role to nobody in particular",
		action: "iam:PassRole", resource: "arn:aws:iam::" + account + ":role/app", context: nothing},

	// SQL Server on EC2.
	{why: "Clumio's document", assets: "ec2-mssql", ops: "backup",
		action: "ssm:SendCommand", resource: "arn:aws:ssm:" + here + ":" + account + ":document/Clumio-InventorySync-x",
		context: nothing, allowed: true},
	{why: "AWS's shell",
		action: "ssm:SendCommand", resource: "arn:aws:ssm:" + here + "::document/AWS-RunPowerShellScript", context: nothing},
	{why: "the customer's document",
		action: "ssm:SendCommand", resource: "arn:aws:ssm:" + here + ":" + account + ":document/Admin", context: nothing},
	{why: "on a vendor-tagged instance", assets: "ec2-mssql", ops: "backup",
		action: "ssm:SendCommand", resource: ec2ARN("instance/i-1"), context: vendor, allowed: true},
	{why: "on any instance", action: "ssm:SendCommand", resource: ec2ARN("instance/i-1"), context: nothing},
	{why: "on an instance that a restore made",
		action: "ssm:SendCommand", resource: ec2ARN("instance/i-1"), context: restored},
	{why: "more space for a restore", assets: "ec2-mssql", ops: "restore",
		action: "ec2:CreateVolume", resource: ec2ARN("volume/vol-1"), context: asksVendor, allowed: true},
	{why: "backup alone makes no volume", assets: "ec2-mssql", ops: "backup",
		action: "ec2:CreateVolume", resource: ec2ARN("volume/vol-1"), context: asksVendor},
	{why: "deletes that volume", assets: "ec2-mssql", ops: "restore",
		action: "ec2:DeleteVolume", resource: ec2ARN("volume/vol-1"), context: vendor, allowed: true},
	{why: "deletes any volume", assets: "ec2-mssql", ops: "restore",
		action: "ec2:DeleteVolume", resource: ec2ARN("volume/vol-1"), context: nothing},
	{why: "marks any volume as its own", assets: "ec2-mssql", ops: "restore",
		action: "ec2:CreateTags", resource: ec2ARN("volume/vol-1"), context: asksVendor},
	{why: "the agent speaks", assets: "ec2-mssql", role: "ClumioEC2MSSQLSSMInstanceRoleV2",
		action: "ssmmessages:OpenDataChannel", resource: "*", context: nothing, allowed: true},
	{why: "the agent tags anything", assets: "ec2-mssql", role: "ClumioEC2MSSQLSSMInstanceRoleV2",
		action: "ec2:CreateTags", resource: ec2ARN("instance/i-1"), context: asksVendor},
	{why: "notifies the control plane", assets: "ec2-mssql", role: "ClumioSSMNotificationRole",
		action: "sns:Publish", resource: "arn:aws:sns:" + here + ":" + control + ":ClumioSSMTopic_1",
		context: nothing, allowed: true},
	{why: "notifies a third party", assets: "ec2-mssql", role: "ClumioSSMNotificationRole",
		action: "sns:Publish", resource: "arn:aws:sns:" + here + ":" + thirdParty + ":ClumioSSMTopic_1", context: nothing},

	// RDS.
	{why: "a snapshot", assets: "rds", ops: "backup",
		action: "rds:CreateDBSnapshot", resource: rdsARN(here, account, "db:orders"), context: nothing, allowed: true},
	{why: "copies it across Regions", assets: "rds", ops: "backup",
		action: "rds:CopyDBSnapshot", resource: rdsARN(elsewhere, account, "snapshot:s"), context: nothing, allowed: true},
	{why: "copies from the data plane", assets: "rds", ops: "backup",
		action: "rds:CopyDBSnapshot", resource: rdsARN(here, dataPlane, "snapshot:s"), context: nothing, allowed: true},
	{why: "copies from a third party",
		action: "rds:CopyDBSnapshot", resource: rdsARN(here, thirdParty, "snapshot:s"), context: nothing},
	{why: "deletes its snapshot", assets: "rds", ops: "backup",
		action: "rds:DeleteDBSnapshot", resource: rdsARN(here, account, "snapshot:s"), context: vendor, allowed: true},
	{why: "deletes the customer's snapshot",
		action: "rds:DeleteDBSnapshot", resource: rdsARN(here, account, "snapshot:s"), context: nothing},
	{why: "deletes the customer's cluster snapshot",
		action: "rds:DeleteDBClusterSnapshot", resource: rdsARN(here, account, "cluster-snapshot:s"), context: notVendor},
	{why: "tags its snapshot", assets: "rds", ops: "backup",
		action: "rds:AddTagsToResource", resource: rdsARN(here, account, "snapshot:s"), context: asksVendor, allowed: true},
	{why: "puts any tag on a snapshot", assets: "rds", ops: "backup",
		action: "rds:AddTagsToResource", resource: rdsARN(here, account, "snapshot:s"),
		context: kv{"aws:RequestTag/Name": "x", "aws:TagKeys": "Name"}},
	{why: "backup alone tags no database", assets: "rds", ops: "backup",
		action: "rds:AddTagsToResource", resource: rdsARN(here, account, "db:orders"), context: asksVendor},
	{why: "restores an instance", assets: "rds", ops: "restore",
		action: "rds:RestoreDBInstanceFromDBSnapshot", resource: rdsARN(here, account, "db:orders"),
		context: nothing, allowed: true},
	{why: "backup alone restores none", assets: "rds", ops: "backup",
		action: "rds:RestoreDBInstanceFromDBSnapshot", resource: rdsARN(here, account, "db:orders"), context: nothing},
	{why: "deletes what it restored", assets: "rds", ops: "restore",
		action: "rds:DeleteDBInstance", resource: rdsARN(here, account, "db:orders"), context: restored, allowed: true},
	{why: "deletes the customer's instance",
		action: "rds:DeleteDBInstance", resource: rdsARN(here, account, "db:orders"), context: nothing},
	{why: "deletes the customer's cluster",
		action: "rds:DeleteDBCluster", resource: rdsARN(here, account, "cluster:orders"), context: nothing},
	{why: "a replica elsewhere", assets: "rds", ops: "restore",
		action: "rds:CreateDBInstanceReadReplica", resource: rdsARN(elsewhere, account, "db:replica"),
		context: nothing, allowed: true},
	{why: "a grant for RDS", assets: "rds", ops: "restore",
		action: "kms:CreateGrant", resource: "arn:aws:kms:" + here + ":" + account + ":key/k",
		context: kv{"kms:GrantIsForAWSResource": "true"}, allowed: true},
	{why: "a grant for anyone",
		action: "kms:CreateGrant", resource: "arn:aws:kms:" + here + ":" + account + ":key/k",
		context: kv{"kms:GrantIsForAWSResource": "false"}},

	// DynamoDB.
	{why: "exports a table", assets: "dynamodb", ops: "backup",
		action: "dynamodb:ExportTableToPointInTime", resource: "arn:aws:dynamodb:" + here + ":" + account + ":table/t",
		context: nothing, allowed: true},
	{why: "writes it to the data plane", assets: "dynamodb", ops: "backup",
		action: "s3:PutObject", resource: "arn:aws:s3:::vault/x",
		context: kv{"s3:ResourceAccount": dataPlane}, allowed: true},
	{why: "writes it to a third party",
		action: "s3:PutObject", resource: "arn:aws:s3:::vault/x", context: kv{"s3:ResourceAccount": thirdParty}},
	{why: "writes it to who knows whom", action: "s3:PutObject", resource: "arn:aws:s3:::vault/x", context: nothing},
	{why: "backup alone deletes no table", assets: "dynamodb", ops: "backup",
		action: "dynamodb:DeleteTable", resource: "arn:aws:dynamodb:" + here + ":" + account + ":table/t", context: nothing},
	{why: "reads no items in a backup", assets: "dynamodb", ops: "backup",
		action: "dynamodb:Scan", resource: "arn:aws:dynamodb:" + here + ":" + account + ":table/t", context: nothing},
	{why: "imports a table", assets: "dynamodb", ops: "restore",
		action: "dynamodb:ImportTable", resource: "arn:aws:dynamodb:" + here + ":" + account + ":table/t",
		context: nothing, allowed: true},
	{why: "scaling of DynamoDB", assets: "dynamodb", ops: "restore",
		action:   "application-autoscaling:PutScalingPolicy",
		resource: "arn:aws:application-autoscaling:" + here + ":" + account + ":scalable-target/x",
		context:  kv{"application-autoscaling:service-namespace": "dynamodb"}, allowed: true},
	{why: "scaling of containers",
		action:   "application-autoscaling:PutScalingPolicy",
		resource: "arn:aws:application-autoscaling:" + here + ":" + account + ":scalable-target/x",
		context:  kv{"application-autoscaling:service-namespace": "ecs"}},

	// S3.
	{why: "reads the customer's objects", assets: "s3", ops: "backup",
		action: "s3:GetObject", resource: "arn:aws:s3:::data/x", context: kv{"s3:ResourceAccount": account}, allowed: true},
	{why: "reads a third party's objects",
		action: "s3:GetObject", resource: "arn:aws:s3:::data/x", context: kv{"s3:ResourceAccount": thirdParty}},
	{why: "backup writes nothing in the customer's account", assets: "s3", ops: "backup",
		action: "s3:PutObject", resource: "arn:aws:s3:::data/x", context: kv{"s3:ResourceAccount": account}},
	{why: "restore writes there", assets: "s3", ops: "restore",
		action: "s3:PutObject", resource: "arn:aws:s3:::data/x", context: kv{"s3:ResourceAccount": account}, allowed: true},
	{why: "deletes in the vault",
		action: "s3:DeleteObject", resource: "arn:aws:s3:::vault/x", context: kv{"s3:ResourceAccount": dataPlane}},
	{why: "backup alone deletes nothing", assets: "s3", ops: "backup",
		action: "s3:DeleteObject", resource: "arn:aws:s3:::data/x", context: kv{"s3:ResourceAccount": account}},
	{why: "its event rule", assets: "s3", ops: "backup",
		action: "events:PutRule", resource: "arn:aws:events:" + here + ":" + account + ":rule/clumio-s3-event-rule-1",
		context: nothing, allowed: true},
	{why: "the customer's event rule",
		action: "events:DeleteRule", resource: "arn:aws:events:" + here + ":" + account + ":rule/payments", context: nothing},
	{why: "our inventory rules",
		action: "events:RemoveTargets", resource: "arn:aws:events:" + here + ":" + account +
			":rule/ClumioEC2ApiRule-eu-central-1-prod",
		context: nothing},
	{why: "forwards to the data plane", assets: "s3", ops: "backup",
		action: "events:PutTargets", resource: "arn:aws:events:" + here + ":" + account + ":rule/clumio-s3-event-rule-1",
		context: kv{"events:TargetArn": "arn:aws:events:" + here + ":" + dataPlane + ":event-bus/b"}, allowed: true},
	{why: "forwards to a third party",
		action: "events:PutTargets", resource: "arn:aws:events:" + here + ":" + account + ":rule/clumio-s3-event-rule-1",
		context: kv{"events:TargetArn": "arn:aws:events:" + here + ":" + thirdParty + ":event-bus/b"}},
	{why: "passes the continuous backup role", assets: "s3", ops: "backup",
		action: "iam:PassRole", resource: "arn:aws:iam::" + account +
			":role/permstack/eu-central-1/prod/ClumioS3ContinuousBackupEventBridgeRole-eu-central-1-prod",
		context: kv{"iam:PassedToService": "events.amazonaws.com"}, allowed: true},
	{why: "passes any role to EventBridge",
		action: "iam:PassRole", resource: "arn:aws:iam::" + account + ":role/admin",
		context: kv{"iam:PassedToService": "events.amazonaws.com"}},
	{why: "events go to the data plane", assets: "s3", ops: "backup", role: "ClumioS3ContinuousBackupEventBridgeRole",
		action: "events:PutEvents", resource: "arn:aws:events:" + here + ":" + dataPlane + ":event-bus/b",
		context: nothing, allowed: true},

	// Not allowed for anyone.
	{why: "makes itself an administrator",
		action: "iam:AttachRolePolicy", resource: "arn:aws:iam::" + account +
			":role/permstack/eu-central-1/prod/ClumioIAMRole-eu-central-1-prod",
		context: kv{"iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"}},
	{why: "reads its own role",
		action: "iam:GetRole", resource: "arn:aws:iam::" + account + ":role/permstack/eu-central-1/prod/ClumioIAMRole-eu-central-1-prod",
		context: nothing, allowed: true},
	{why: "the customer's keys in another account",
		action: "kms:Decrypt", resource: "arn:aws:kms:" + here + ":" + thirdParty + ":key/k", context: nothing},
	{why: "opens a support case without the option", action: "support:CreateCase", resource: "*", context: nothing},
}

func splitList[T ~string](s string, all []T) []T {
	if s == "" {
		return all
	}
	var out []T
	for _, v := range strings.Split(s, ",") {
		out = append(out, T(v))
	}
	return out
}

// allRequests returns the requests of every profile.
func allRequests() []request { return slices.Concat(requests, cpmRequests) }

// requestDocuments returns the policies of the role that makes a request.
func requestDocuments(t testing.TB, r request) []iampolicy.Document {
	sel, env := everything(), environment(here)
	sel.Options = nil
	if r.profile != "" {
		p, _ := policies.Profile(r.profile)
		sel, env = policies.Selection{Profile: r.profile, Operations: p.Operations}, cpmEnvironment(here)
		for _, a := range p.Assets {
			sel.Assets = append(sel.Assets, a.Asset)
		}
	}
	sel.Assets, sel.Operations = splitList(r.assets, sel.Assets), splitList(r.ops, sel.Operations)
	sel.Options = splitList[schema.Option](r.options, nil)
	set := synthesize(t, sel, env)
	name := r.role
	if name == "" {
		name = set.Roles[0].Entity
	}
	i := slices.IndexFunc(set.Roles, func(role policies.Role) bool { return role.Entity == name })
	if i < 0 {
		t.Fatalf("%s: no role %s", r.why, name)
	}
	var docs []iampolicy.Document
	for _, p := range slices.Concat(set.Roles[i].Managed, set.Roles[i].Inline) {
		docs = append(docs, p.Document)
	}
	return docs
}

// TestRequests evaluates requests that must be allowed and requests that must not.
func TestRequests(t *testing.T) {
	for _, r := range allRequests() {
		ctx := map[string][]string{}
		for k, v := range r.context {
			ctx[k] = []string{v}
		}
		got := eval.Documents(requestDocuments(t, r), eval.Request{Action: r.action, Resource: r.resource, Context: ctx})
		if (got == eval.Allow) != r.allowed {
			t.Errorf("%s (%s, %s): %s on %s with %v: %v, want allowed %v", r.why, r.assets, r.ops, r.action, r.resource,
				r.context, got, r.allowed)
		}
	}
}
