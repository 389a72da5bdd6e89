package clumio

import "permstack/internal/policies/schema"

var ec2RestorePolicy = schema.Policy{
	Entity: "ClumioEC2RestorePolicy",
	Kind:   schema.Managed,
	Why:    "EBS and EC2 restores; what a restore is working on is told apart by the tag clumio.restore.tag",
	For:    to(restore, ec2),
	Statements: []schema.Statement{
		{
			Sid:       "StartTaggedSnapshot",
			Why:       "begin to rebuild a snapshot from a backup; only when the request carries the vendor tag",
			Actions:   []string{"ebs:StartSnapshot"},
			Resources: []string{anySnapshot},
			When:      requestsVendorTag,
		},
		{
			Sid:       "FillVendorSnapshots",
			Why:       "put the data into that snapshot and complete it; vendor-tagged snapshots only",
			Actions:   []string{"ebs:CompleteSnapshot", "ebs:PutSnapshotBlock"},
			Resources: []string{anySnapshot},
			When:      onVendorTagged,
		},
		{
			Sid:       "CreateRestoreSnapshots",
			Why:       "snapshot a restored instance or volume to make an image of it; only with the restore tag in the request",
			Actions:   []string{"ec2:CreateSnapshot", "ec2:CreateSnapshots"},
			Resources: []string{anySnapshot},
			When:      requestsRestoreTag,
		},
		{
			Sid:       "SnapshotAnyVolumeOrInstance",
			Why:       "the volume's and instance's side of the same; the snapshot that comes of it has to be tagged",
			Actions:   []string{"ec2:CreateSnapshot", "ec2:CreateSnapshots"},
			Resources: []string{anyVolume, anyInstance},
		},
		{
			Sid:       "CreateRestoreVolumes",
			Why:       "create the restored volume; only when the request carries the restore tag",
			Actions:   []string{"ec2:CreateVolume"},
			Resources: []string{anyVolume},
			When:      requestsRestoreTag,
		},
		{
			Sid:       "AttachToAnyInstance",
			Why:       "attach restored volumes to the restored instance, or to the one that the request names",
			Actions:   []string{"ec2:AttachVolume"},
			Resources: []string{anyInstance},
		},
		{
			Sid:       "AttachOrDetachAnyVolume",
			Why:       "the volume's side: an existing volume may go to a restored instance and a restored volume to any instance; the instance's side bounds detaching",
			Actions:   []string{"ec2:AttachVolume", "ec2:DetachVolume"},
			Resources: []string{anyVolume},
		},
		{
			Sid: "WorkOnRestoredInstances",
			Why: "start, stop and end instances, detach their volumes, give them their address or take it back, at the steps of a restore; restore-tagged instances and interfaces only",
			Actions: []string{
				"ec2:DetachVolume", "ec2:StartInstances", "ec2:StopInstances", "ec2:TerminateInstances",
				"ec2:AssociateAddress", "ec2:DisassociateAddress",
			},
			Resources: []string{anyInstance, anyNetworkInterface},
			When:      onRestored,
		},
		{
			Sid: "CleanUpRestored",
			Why: "delete the volume and network interface and deregister the image of a restore that fails, and take the restore tag off when it is done; restore-tagged ones only",
			Actions: []string{
				"ec2:DeleteVolume", "ec2:DeleteNetworkInterface", "ec2:DeregisterImage", "ec2:DeleteTags",
			},
			Resources: []string{anySnapshot, anyImage, anyVolume, anyInstance, anyNetworkInterface},
			When:      onRestored,
		},
		{
			Sid:       "RegisterImageFromRestoredSnapshots",
			Why:       "register an image for a restore to AMI; from restore-tagged snapshots only",
			Actions:   []string{"ec2:RegisterImage"},
			Resources: []string{anySnapshot},
			When:      onRestored,
		},
		{
			Sid:       "RegisterImage",
			Why:       "the image's side of registering it; the snapshot's side bounds what it is made from",
			Actions:   []string{"ec2:RegisterImage"},
			Resources: []string{anyImage},
		},
		{
			Sid:     "LaunchRestoredInstance",
			Why:     "launch the restored instance with what it needs",
			Actions: []string{"ec2:RunInstances"},
			Resources: []string{
				anyImage, anySnapshot, anyInstance, anyVolume, anyNetworkInterface,
				"arn:${Partition}:ec2:${Region}:${Account}:subnet/*",
				"arn:${Partition}:ec2:${Region}:${Account}:key-pair/*",
				"arn:${Partition}:ec2:${Region}:${Account}:security-group/*",
			},
		},
		{
			Sid:       "TagWhileCreating",
			Why:       "tag what a restore creates as part of creating it, never on its own, so that no tag of Clumio's gets onto anything else",
			Actions:   []string{"ec2:CreateTags"},
			Resources: []string{anySnapshot, anyVolume, anyInstance, anyNetworkInterface},
			When:      whileCreating("CreateSnapshot", "CreateSnapshots", "CreateVolume", "RunInstances", "StartSnapshot"),
		},
		{
			Sid:       "TagSnapshotsWhileStarting",
			Why:       "tag a snapshot while StartSnapshot makes it",
			Actions:   []string{"ec2:CreateTags"},
			Resources: []string{"arn:${Partition}:ec2:${Region}::snapshot/${*}"},
			When:      requestsVendorTag,
			Note:      "EBS sends no ec2:CreateAction with StartSnapshot and names the snapshot to come as snapshot/*, which ${*} matches to the letter: no existing snapshot's ARN does",
		},
		{
			Sid:       "TagImages",
			Why:       "tag the image just registered, as RegisterImage does not tag; only with the restore tag in the request",
			Actions:   []string{"ec2:CreateTags"},
			Resources: []string{anyImage},
			When:      requestsRestoreTag,
			Note:      "IAM has no key that tells a fresh image from an older one; an image so tagged can be deregistered, its snapshots stay",
		},
		{
			Sid:       "PassInstanceRole",
			Why:       "give the restored instance its instance profile",
			Actions:   []string{"iam:PassRole"},
			Resources: []string{anyRole},
			When:      passedTo("${EC2Service}"),
			Note:      "any role of the account, as any may be in the instance profile that the backup recorded; to EC2 only",
		},
		{
			Sid: "UseSnapshots",
			Why: "read the data in a snapshot, block by block, and create volumes from it; the volume's side bounds those",
			Actions: []string{
				"ebs:GetSnapshotBlock", "ebs:ListChangedBlocks", "ebs:ListSnapshotBlocks", "ec2:CreateVolume",
			},
			Resources: []string{anySnapshot},
			Note:      "the page does not name the snapshot's side of CreateVolume: the call is authorized on its source snapshot too and fails without it",
		},
		readInstanceProfiles,
		readRoles,
		describeInstanceSurroundings,
	},
}
