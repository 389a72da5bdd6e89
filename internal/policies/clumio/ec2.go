package clumio

import "permstack/internal/policies/schema"

var ec2Inventory = []schema.Statement{
	{
		Sid: "DescribeEC2",
		Why: "list EC2 and EBS resources and their details",
		For: of(ec2),
		Actions: []string{
			"ec2:DescribeImages", "ec2:DescribeInstances", "ec2:DescribeInstanceStatus", "ec2:DescribeInstanceTypes",
			"ec2:DescribeInstanceCreditSpecifications", "ec2:DescribeInstanceTypeOfferings", "ec2:DescribeTags",
			"ec2:DescribeSnapshots", "ec2:DescribeAvailabilityZones", "ec2:DescribeSecurityGroups",
			"ec2:DescribeFastSnapshotRestores", "ec2:DescribeVolumes", "ec2:DescribeVolumeStatus",
		},
		Resources:   []string{"*"},
		WhyWildcard: noResourceLevel,
		Note:        "the page's ec2:DescribeFastSnapshotRestore is no action; the call is DescribeFastSnapshotRestores",
	},
	{
		Sid: "DescribeEC2Attributes",
		Why: "read details of images, instances, snapshots and volumes",
		For: of(ec2),
		Actions: []string{
			"ec2:DescribeImageAttribute", "ec2:DescribeInstanceAttribute", "ec2:DescribeSnapshotAttribute",
			"ec2:DescribeVolumeAttribute",
		},
		Resources: []string{anyImage, anySnapshot, anyInstance, anyVolume},
	},
	{
		Sid:       "ListSnapshotBlocks",
		Why:       "list the blocks of snapshots, and those that changed between two",
		For:       of(ec2),
		Actions:   []string{"ebs:ListChangedBlocks", "ebs:ListSnapshotBlocks"},
		Resources: []string{anySnapshot},
	},
	{
		Sid:       "DescribeVolumeKeys",
		Why:       "learn which keys encrypt volumes and snapshots",
		For:       of(ec2),
		Actions:   []string{"kms:DescribeKey"},
		Resources: []string{customerKeys},
	},
}

var ec2BackupPolicy = schema.Policy{
	Entity: "ClumioEC2BackupPolicy",
	Kind:   schema.Managed,
	Why:    "EBS and EC2 backups; what Clumio made is told apart by the tag Vendor: Clumio",
	For:    to(backup, ec2),
	Statements: []schema.Statement{
		{
			Sid:       "CreateTaggedSnapshots",
			Why:       "take point-in-time snapshots of a volume or instance; only when the request carries the vendor tag",
			Actions:   []string{"ec2:CreateSnapshot", "ec2:CreateSnapshots"},
			Resources: []string{anySnapshot},
			When:      requestsVendorTag,
		},
		{
			Sid:       "SnapshotAnyVolumeOrInstance",
			Why:       "take them of any volume or instance; the snapshot that comes of it has to be tagged, as CreateTaggedSnapshots says",
			Actions:   []string{"ec2:CreateSnapshot", "ec2:CreateSnapshots"},
			Resources: []string{anyVolume, anyInstance},
		},
		{
			Sid:       "CleanUpVendorResources",
			Why:       "delete snapshots that a newer one supersedes or whose backup expired, deregister the image of a backup that fails, remove tags from both; vendor-tagged ones only",
			Actions:   []string{"ec2:DeleteSnapshot", "ec2:DeregisterImage", "ec2:DeleteTags"},
			Resources: []string{anySnapshot, anyImage},
			When:      onVendorTagged,
		},
		{
			Sid:       "RegisterImageFromVendorSnapshots",
			Why:       "register an image of an instance for AWS snapshot backups; from vendor-tagged snapshots only",
			Actions:   []string{"ec2:RegisterImage"},
			Resources: []string{anySnapshot},
			When:      onVendorTagged,
		},
		{
			Sid:       "RegisterImage",
			Why:       "the image's side of registering it; the snapshot's side bounds what it is made from",
			Actions:   []string{"ec2:RegisterImage"},
			Resources: []string{anyImage},
		},
		{
			Sid:       "TagSnapshotsWhileCreating",
			Why:       "tag snapshots as part of creating them, never on its own",
			Actions:   []string{"ec2:CreateTags"},
			Resources: []string{anySnapshot},
			When:      whileCreating("CreateSnapshot", "CreateSnapshots"),
		},
		{
			Sid:       "TagImages",
			Why:       "tag the image just registered, as RegisterImage does not tag; only with the vendor tag in the request",
			Actions:   []string{"ec2:CreateTags"},
			Resources: []string{anyImage},
			When:      requestsVendorTag,
			Note:      "IAM has no key that tells a fresh image from an older one; an image so tagged can be deregistered, its snapshots stay",
		},
		{
			Sid:       "ReadSnapshots",
			Why:       "read the data in a snapshot, block by block",
			Actions:   []string{"ebs:GetSnapshotBlock", "ebs:ListChangedBlocks", "ebs:ListSnapshotBlocks"},
			Resources: []string{anySnapshot},
		},
		describeInstanceSurroundings,
		readInstanceProfiles,
		readRoles,
	},
}

// What backup and restore both read.
var (
	describeInstanceSurroundings = schema.Statement{
		Sid: "DescribeWhatInstancesUse",
		Why: "describe resources that an instance uses, to record them and to check a restored one",
		Actions: []string{
			"ec2:DescribeCapacityReservations", "ec2:DescribeAddresses", "ec2:DescribeNetworkInterfaces",
			"ec2:DescribeVpcs", "ec2:DescribeElasticGpus", "ec2:DescribeSubnets", "ec2:DescribeKeyPairs",
		},
		Resources:   []string{"*"},
		WhyWildcard: noResourceLevel,
		Note:        "the page's two elastic-inference actions are gone: AWS retired the service",
	}
	readInstanceProfiles = schema.Statement{
		Sid:       "ReadInstanceProfiles",
		Why:       "read the instance profile of an instance, to record it or to check it before attaching",
		Actions:   []string{"iam:GetInstanceProfile"},
		Resources: []string{anyInstanceProfile},
	}
	readRoles = schema.Statement{
		Sid:       "ReadRoles",
		Why:       "read the role in an instance profile",
		Actions:   []string{"iam:GetRole"},
		Resources: []string{anyRole},
	}
)

var ec2Rules = []schema.Rule{
	{
		Entity: "ClumioEC2ApiRule",
		Why:    "images, instance profiles and volume attachments that changed by an API call",
		Asset:  ec2,
		Topic:  eventPub.Entity,
		Pattern: apiCalls("aws.ec2",
			"DeleteSnapshot", "CreateImage", "DeregisterImage", "DeleteImage", "RegisterImage", "CopyImage",
			"AssociateIamInstanceProfile", "DisassociateIamInstanceProfile", "ReplaceIamInstanceProfileAssociation",
			"AttachVolume", "DetachVolume"),
	},
	{
		Entity: "ClumioEBSEventRule",
		Why:    "volumes and snapshots that come and go",
		Asset:  ec2,
		Topic:  eventPub.Entity,
		Pattern: serviceEvents("aws.ec2",
			[]string{"EBS Volume Notification", "EBS Snapshot Notification"},
			"event", "createVolume", "modifyVolume", "deleteVolume", "createSnapshot", "createSnapshots",
			"copySnapshot", "shareSnapshot"),
	},
	{
		Entity:  "ClumioEC2StateRule",
		Why:     "instances that start, stop or end",
		Asset:   ec2,
		Topic:   eventPub.Entity,
		Pattern: serviceEvents("aws.ec2", []string{"EC2 Instance State-change Notification"}, "state", "running", "stopped", "terminated"),
	},
	tagRule("ClumioEC2TagRule", ec2, "ebs", "ec2"),
	awsBackupRule("ClumioEC2AWSBackupRule", ec2, "EBS", "EC2"),
}
