package cpm

import "permstack/internal/policies/schema"

// kms is the page's three sets: an administrator lists keys; any other user also
// has the set of each operation that is chosen. CopyToS3 adds two actions.
var kms = []schema.Statement{
	{
		Sid:         "ListKeys",
		Why:         "list keys and their aliases, to offer them where a backup or a copy is encrypted",
		Actions:     []string{"kms:ListAliases", "kms:ListKeys"},
		Resources:   []string{"*"},
		Presets:     onThePage,
		WhyWildcard: noResourceLevel,
	},
	{
		Sid:       "DescribeKeys",
		Why:       "read which key encrypts a backup",
		For:       other(backup, dr, recovery),
		Actions:   []string{"kms:DescribeKey"},
		Resources: []string{keys},
		Presets:   onThePage,
	},
	{
		Sid:       "GenerateDataKeys",
		Why:       "have snapshots and their copies encrypted with the customer's keys",
		For:       other(backup, dr),
		Actions:   []string{"kms:GenerateDataKeyPairWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext"},
		Resources: []string{keys},
		Presets:   onThePage,
	},
	{
		Sid:       "GrantKeysToAWS",
		Why:       "let an AWS service use the key of a snapshot or of a copy",
		For:       other(backup, dr),
		Actions:   []string{"kms:CreateGrant"},
		Resources: []string{keys},
		When:      forAWSServices,
		Presets:   onThePage,
	},
	{
		Sid:       "ReEncrypt",
		Why:       "recover with another key than the one of the backup",
		For:       other(recovery),
		Actions:   []string{"kms:ReEncryptFrom", "kms:ReEncryptTo"},
		Resources: []string{keys},
		Presets:   onThePage,
	},
	{
		Sid:       "UseSharedKeys",
		Why:       "read what another account of the customer shared under its key, in the Region where it lies",
		For:       other(crossAccount),
		Actions:   []string{"kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom"},
		Resources: []string{"arn:${Partition}:kms:${Reach}:${OtherAccount}:key/*"},
		Note:      "the page's sets have no resource; the key's own policy must let this account in too",
	},
	{
		Sid:       "GrantSharedKeysToAWS",
		Why:       "let an AWS service use the key that another account of the customer shared",
		For:       other(crossAccount),
		Actions:   []string{"kms:CreateGrant"},
		Resources: []string{"arn:${Partition}:kms:${Reach}:${OtherAccount}:key/*"},
		When:      forAWSServices,
	},
	{
		Sid:       "UseKeysForCopiesToS3",
		Why:       "read encrypted blocks and encrypt the copies in S3",
		For:       other(copyToS3),
		Actions:   []string{"kms:Decrypt", "kms:GenerateDataKey"},
		Resources: []string{keys},
	},
}
