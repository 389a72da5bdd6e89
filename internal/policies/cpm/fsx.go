package cpm

import "permstack/internal/policies/schema"

const (
	fsxARN             = "arn:${Partition}:fsx:${Reach}:${Account}:"
	fsxBackups         = fsxARN + "backup/*"
	fsxFileSystems     = fsxARN + "file-system/*"
	fsxVolumes         = fsxARN + "volume/*"
	fsxVirtualMachines = fsxARN + "storage-virtual-machine/*"
)

// fsxStatements are the capability FSX.
var fsxStatements = []schema.Statement{
	{
		Sid: "DescribeFSx",
		Why: "list file systems, volumes, backups and the directories that they belong to",
		For: of(fsx),
		Actions: []string{
			"ds:DescribeDirectories", "fsx:DescribeBackups", "fsx:DescribeDataRepositoryAssociations",
			"fsx:DescribeFileSystems", "fsx:DescribeStorageVirtualMachines", "fsx:DescribeVolumes",
		},
		Resources:   []string{"*"},
		WhyWildcard: noResourceLevel,
	},
	{
		Sid:       "ReadFSxTags",
		Why:       "read the tags by which policies choose",
		For:       of(fsx),
		Actions:   []string{"fsx:ListTagsForResource"},
		Resources: []string{fsxBackups, fsxFileSystems, fsxVolumes, fsxVirtualMachines},
	},
	{
		Sid:       "BackUpFSx",
		Why:       "take backups of file systems and volumes",
		For:       to(fsx, backup),
		Actions:   []string{"fsx:CreateBackup"},
		Resources: []string{fsxBackups, fsxFileSystems, fsxVolumes},
	},
	{
		Sid:       "DeleteFSxBackups",
		Why:       "delete backups whose retention is over, also copies in a disaster recovery Region",
		For:       to(fsx, backup, dr),
		Actions:   []string{"fsx:DeleteBackup"},
		Resources: []string{fsxBackups},
	},
	{
		Sid:       "CopyFSxBackups",
		Why:       "copy backups to another Region",
		For:       to(fsx, dr),
		Actions:   []string{"fsx:CopyBackup"},
		Since:     since(release42, "fsx:CopyBackup"),
		Resources: []string{fsxBackups},
	},
	{
		Sid:       "TagFSx",
		Why:       "mark backups with their policy, and put the tags of the original on what is recovered",
		For:       to(fsx, backup, dr, recovery),
		Actions:   []string{"fsx:TagResource"},
		Resources: []string{fsxBackups, fsxFileSystems, fsxVolumes, fsxVirtualMachines},
	},
	{
		Sid: "RestoreFSx",
		Why: "recover file systems, virtual machines of storage and volumes from backups",
		For: to(fsx, recovery),
		Actions: []string{
			"fsx:CreateFileSystem", "fsx:CreateFileSystemFromBackup", "fsx:CreateStorageVirtualMachine",
			"fsx:CreateVolumeFromBackup",
		},
		Resources: []string{fsxBackups, fsxFileSystems, fsxVolumes, fsxVirtualMachines},
	},
}
