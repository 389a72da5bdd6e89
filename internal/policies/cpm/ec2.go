package cpm

import "permstack/internal/policies/schema"

// onEC2 is whatever has to do with instances: the assets on EC2, and operations
// that launch workers.
var onEC2 = either(of(ec2, sapHana), launchingWorkers)

// ec2Backup is BackupCore's part for EC2, with NativeSnapshotsLock, CBT and FLR.
var ec2Backup = []schema.Statement{
	{
		Sid: "DescribeEC2",
		Why: "list instances, volumes, snapshots, images and what they use",
		For: onEC2,
		Actions: []string{
			"ec2:DescribeAddresses", "ec2:DescribeImages", "ec2:DescribeInstanceStatus",
			"ec2:DescribeInstanceTypeOfferings", "ec2:DescribeInstanceTypes", "ec2:DescribeInstances",
			"ec2:DescribeNetworkInterfaceAttribute", "ec2:DescribeNetworkInterfacePermissions",
			"ec2:DescribeNetworkInterfaces", "ec2:DescribePlacementGroups", "ec2:DescribeSnapshots",
			"ec2:DescribeTags", "ec2:DescribeVolumeStatus", "ec2:DescribeVolumes",
		},
		Since:       since(release42, "ec2:DescribeInstanceTypeOfferings"),
		Resources:   []string{"*"},
		WhyWildcard: noResourceLevel,
	},
	{
		Sid: "DescribeEC2Attributes",
		Why: "read details of images, instances, snapshots and volumes",
		For: onEC2,
		Actions: []string{
			"ec2:DescribeImageAttribute", "ec2:DescribeInstanceAttribute", "ec2:DescribeSnapshotAttribute",
			"ec2:DescribeVolumeAttribute",
		},
		Resources: []string{images, snapshots, instances, volumes},
	},
	{
		Sid:       "CreateBackups",
		Why:       "take snapshots of volumes, of all volumes of an instance at once, or an image of an instance",
		For:       to(ec2, backup),
		Actions:   []string{"ec2:CreateImage", "ec2:CreateSnapshot", "ec2:CreateSnapshots"},
		Resources: []string{homeSnapshots, homeImages, homeVolumes, homeInstances},
	},
	{
		Sid:       "RegisterImages",
		Why:       "make an image of snapshots, to launch the recovered instance from",
		For:       to(ec2, backup, recovery),
		Actions:   []string{"ec2:RegisterImage"},
		Resources: []string{images, snapshots},
	},
	{
		Sid:       "DeleteBackups",
		Why:       "delete snapshots and images whose retention is over, also copies in a disaster recovery Region",
		For:       to(ec2, backup, dr, recovery),
		Actions:   []string{"ec2:DeleteSnapshot", "ec2:DeregisterImage"},
		Resources: []string{snapshots, images},
		Note:      "the vendor documents no tag that all its snapshots carry, so no tag bounds this",
	},
	{
		Sid:       "CopyBackups",
		Why:       "copy snapshots and images to another Region or from another account",
		For:       to(ec2, dr, crossAccount),
		Actions:   []string{"ec2:CopyImage", "ec2:CopySnapshot"},
		Resources: []string{snapshots, images},
	},
	{
		Sid:       "ShareBackups",
		Why:       "share snapshots and images with another account of the customer",
		For:       to(ec2, crossAccount),
		Actions:   []string{"ec2:ModifyImageAttribute", "ec2:ModifySnapshotAttribute"},
		Resources: []string{images, snapshots},
		Presets:   onThePage,
	},
	{
		Sid:       "StopSharingBackups",
		Why:       "end the sharing of a snapshot once it was copied",
		For:       to(ec2, crossAccount),
		Actions:   []string{"ec2:ResetSnapshotAttribute"},
		Resources: []string{snapshots},
	},
	{
		Sid:       "TagBackups",
		Why:       "mark snapshots and images with their policy and generation, and copy the tags of what was backed up",
		For:       to(ec2, backup, dr, crossAccount),
		Actions:   []string{"ec2:CreateTags"},
		Resources: []string{snapshots, images},
	},
	{
		Sid:         "DescribeLockedSnapshots",
		Why:         "see which snapshots are locked",
		For:         to(ec2, snapshotLock),
		Actions:     []string{"ec2:DescribeLockedSnapshots"},
		Since:       since(release2509, "ec2:DescribeLockedSnapshots"),
		Resources:   []string{"*"},
		WhyWildcard: noResourceLevelSingular,
	},
	{
		Sid:       "LockSnapshots",
		Why:       "lock snapshots for as long as a policy keeps them, and unlock those of governance mode",
		For:       to(ec2, snapshotLock),
		Actions:   []string{"ec2:LockSnapshot", "ec2:UnlockSnapshot"},
		Since:     since(release2509, "ec2:LockSnapshot", "ec2:UnlockSnapshot"),
		Resources: []string{snapshots},
	},
	{
		Sid:       "ListBlocks",
		Why:       "list the blocks of snapshots, to copy or explore them",
		For:       either(to(ec2, changedBlocks), doing(copyToS3, fileLevelRecovery)),
		Actions:   []string{"ebs:ListSnapshotBlocks"},
		Resources: []string{snapshots},
	},
	{
		Sid:       "ListChangedBlocks",
		Why:       "list what changed between two snapshots, so that only that is copied",
		For:       either(to(ec2, changedBlocks), doing(copyToS3)),
		Actions:   []string{"ebs:ListChangedBlocks"},
		Resources: []string{snapshots},
	},
	{
		Sid:       "ReadBlocks",
		Why:       "read the data in a snapshot, block by block",
		For:       doing(copyToS3, fileLevelRecovery),
		Actions:   []string{"ebs:GetSnapshotBlock"},
		Resources: []string{snapshots},
	},
	{
		Sid:     "RunBackupScripts",
		Why:     "run the scripts that make an application's backup consistent, through AWS's own documents",
		For:     either(to(ec2, backup, changedBlocks), of(sapHana)),
		Actions: []string{"ssm:SendCommand"},
		Resources: []string{
			homeInstances,
			"arn:${Partition}:ssm:${Home}::document/AWS-RunShellScript",
			"arn:${Partition}:ssm:${Home}::document/AWS-RunPowerShellScript",
			"arn:${Partition}:ssm:${Home}::document/AWSEC2-*VssSnapshot",
		},
	},
	{
		Sid:         "FollowBackupScripts",
		Why:         "see how those scripts fared",
		For:         either(to(ec2, backup, changedBlocks), of(sapHana)),
		Actions:     []string{"ssm:GetCommandInvocation", "ssm:ListCommandInvocations"},
		Since:       since(release42, "ssm:ListCommandInvocations"),
		Resources:   []string{"*"},
		WhyWildcard: noResourceLevel,
	},
	{
		Sid:       "KeepSAPHanaParameters",
		Why:       "hand settings of a SAP HANA backup to its instance, and take them away again",
		For:       of(sapHana),
		Actions:   []string{"ssm:DeleteParameter", "ssm:GetParameter", "ssm:PutParameter"},
		Resources: []string{"arn:${Partition}:ssm:${Home}:${Account}:parameter/*"},
		Note:      "the vendor documents no name that its parameters begin with",
	},
}
