package cpm

import "permstack/internal/policies/schema"

const (
	fileSystems    = "arn:${Partition}:elasticfilesystem:${Reach}:${Account}:file-system/*"
	accessPoints   = "arn:${Partition}:elasticfilesystem:${Reach}:${Account}:access-point/*"
	vaults         = "arn:${Partition}:backup:${Reach}:${Account}:backup-vault:*"
	recoveryPoints = "arn:${Partition}:backup:${Reach}:${Account}:recovery-point:*"
)

// efsStatements are the capability EFS: AWS Backup makes the backups.
var efsStatements = []schema.Statement{
	{
		Sid: "DescribeFileSystems",
		Why: "read the settings, mount targets, access points and tags of file systems",
		For: of(efs),
		Actions: []string{
			"elasticfilesystem:DescribeAccessPoints", "elasticfilesystem:DescribeFileSystems",
			"elasticfilesystem:DescribeLifecycleConfiguration", "elasticfilesystem:DescribeMountTargetSecurityGroups",
			"elasticfilesystem:DescribeMountTargets", "elasticfilesystem:DescribeTags",
			"elasticfilesystem:ListTagsForResource",
		},
		Since: merge(
			since(release42, "elasticfilesystem:DescribeAccessPoints",
				"elasticfilesystem:DescribeMountTargetSecurityGroups", "elasticfilesystem:DescribeMountTargets"),
			since(release2509, "elasticfilesystem:ListTagsForResource"),
		),
		Resources: []string{fileSystems, accessPoints},
	},
	{
		Sid: "FollowBackupJobs",
		Why: "follow the jobs of AWS Backup and list its vaults, and roles to run the jobs with",
		For: of(efs),
		Actions: []string{
			"backup:DescribeBackupJob", "backup:DescribeCopyJob", "backup:DescribeRestoreJob",
			"backup:ListBackupJobs", "backup:ListBackupVaults", "backup:ListRestoreJobs", "iam:ListRoles",
		},
		Resources:   []string{"*"},
		WhyWildcard: noResourceLevel,
	},
	{
		Sid:       "ReadRecoveryPoints",
		Why:       "read recovery points and their tags",
		For:       of(efs),
		Actions:   []string{"backup:DescribeRecoveryPoint", "backup:GetRecoveryPointRestoreMetadata", "backup:ListTags"},
		Resources: []string{recoveryPoints},
	},
	{
		Sid:       "BackUpFileSystems",
		Why:       "start backups into a vault",
		For:       to(efs, backup),
		Actions:   []string{"backup:StartBackupJob"},
		Resources: []string{vaults},
	},
	{
		Sid:       "CopyRecoveryPoints",
		Why:       "copy recovery points to a vault of another Region or account",
		For:       to(efs, dr, crossAccount),
		Actions:   []string{"backup:StartCopyJob"},
		Resources: []string{recoveryPoints},
	},
	{
		Sid:       "ExpireRecoveryPoints",
		Why:       "delete recovery points whose retention is over, or move them to cold storage",
		For:       to(efs, backup, dr),
		Actions:   []string{"backup:DeleteRecoveryPoint", "backup:UpdateRecoveryPointLifecycle"},
		Resources: []string{recoveryPoints},
	},
	{
		Sid:       "RestoreFileSystems",
		Why:       "start the recovery of a file system",
		For:       to(efs, recovery),
		Actions:   []string{"backup:StartRestoreJob"},
		Resources: []string{recoveryPoints},
	},
	{
		Sid: "SetUpFileSystems",
		Why: "give a recovered file system the settings, mount targets, access points and tags of the original",
		For: to(efs, recovery),
		Actions: []string{
			"elasticfilesystem:CreateAccessPoint", "elasticfilesystem:CreateMountTarget",
			"elasticfilesystem:CreateTags", "elasticfilesystem:PutBackupPolicy",
			"elasticfilesystem:PutLifecycleConfiguration", "elasticfilesystem:TagResource",
			"elasticfilesystem:UpdateFileSystem",
		},
		Since: since(release42, "elasticfilesystem:CreateAccessPoint",
			"elasticfilesystem:CreateMountTarget", "elasticfilesystem:TagResource"),
		Resources: []string{fileSystems},
	},
	{
		Sid:       "PassDefaultBackupRole",
		Why:       "have AWS Backup work with its default role",
		For:       to(efs, backup, dr, crossAccount, recovery),
		Actions:   []string{"iam:PassRole"},
		Resources: []string{"arn:${Partition}:iam::${Account}:role/service-role/AWSBackupDefaultServiceRole"},
		When:      passedTo("backup.amazonaws.com"),
	},
	{
		Sid:       "PassBackupRole",
		Why:       "have AWS Backup work with the role made for it here",
		For:       backupRole.For,
		Actions:   []string{"iam:PassRole"},
		Resources: []string{"${roles:CPMBackupRole}"},
		When:      passedTo("backup.amazonaws.com"),
	},
}

// backupRole is with what AWS Backup protects EFS: the part for EFS of AWS's own
// managed policies for its default role (AWS Backup Developer Guide, "IAM service
// roles"). AWS Backup names no account when it takes a role; only who may pass
// the role can hand it over.
var backupRole = schema.Role{
	Entity: "CPMBackupRole",
	Why:    "AWS Backup protects and recovers EFS file systems with this role",
	For:    []schema.Use{{Asset: efs, Option: backupMade}},
	Trust: []schema.Trust{{
		Sid:     "AWSBackup",
		Why:     "only AWS Backup takes it",
		Service: "backup.amazonaws.com",
	}},
	Policies: []schema.Policy{{
		Entity: "CPMBackupPolicy",
		Kind:   schema.Managed,
		Why:    "backups, copies and recoveries of EFS by AWS Backup",
		For:    of(efs),
		Statements: []schema.Statement{
			{
				Sid:       "BackUpFileSystems",
				Why:       "read a file system for its backup",
				For:       to(efs, backup),
				Actions:   []string{"elasticfilesystem:Backup", "elasticfilesystem:DescribeTags"},
				Resources: []string{fileSystems},
			},
			{
				Sid:       "RestoreFileSystems",
				Why:       "make a file system and fill it from a recovery point, or take it back on failure",
				For:       to(efs, recovery),
				Actions:   []string{"elasticfilesystem:DeleteFileSystem", "elasticfilesystem:DescribeFileSystems", "elasticfilesystem:Restore", "elasticfilesystem:TagResource"},
				Resources: []string{fileSystems},
			},
			{
				Sid:         "CreateFileSystems",
				Why:         "make the file system that a recovery fills",
				For:         to(efs, recovery),
				Actions:     []string{"elasticfilesystem:CreateFileSystem"},
				Resources:   []string{"*"},
				WhyWildcard: noResourceLevelSingular,
			},
			{
				Sid:       "KeepRecoveryPoints",
				Why:       "put tags on a recovery point and read its vault",
				Actions:   []string{"backup:DescribeBackupVault", "backup:TagResource"},
				Resources: []string{vaults, recoveryPoints},
			},
			{
				Sid:       "CopyRecoveryPoints",
				Why:       "copy recovery points out of a vault and into one of another Region",
				For:       to(efs, dr, crossAccount),
				Actions:   []string{"backup:CopyFromBackupVault", "backup:CopyIntoBackupVault"},
				Resources: []string{vaults},
			},
			{
				Sid:       "CopyIntoOtherAccounts",
				Why:       "copy recovery points into a vault of another account of the customer",
				For:       to(efs, crossAccount),
				Actions:   []string{"backup:CopyIntoBackupVault"},
				Resources: []string{"arn:${Partition}:backup:${Reach}:${OtherAccount}:backup-vault:*"},
			},
			{
				Sid:       "UseKeys",
				Why:       "work with encrypted file systems and vaults",
				Actions:   []string{"kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"},
				Resources: []string{keys},
			},
			{
				Sid:       "GrantKeysToAWS",
				Why:       "let EFS use the key of a recovered file system",
				Actions:   []string{"kms:CreateGrant"},
				Resources: []string{keys},
				When:      forAWSServices,
			},
		},
	}},
}
