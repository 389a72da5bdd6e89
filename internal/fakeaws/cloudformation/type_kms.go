package cloudformation

import "permstack/internal/fakeaws/protocol"

// Keys and aliases are only written down: nothing here is encrypted.
var kmsKey = recordType{
	s: schema{
		Properties: []string{
			"BypassPolicyLockoutSafetyCheck", "Description", "EnableKeyRotation", "Enabled", "KeyPolicy", "KeySpec", "KeyUsage",
			"MultiRegion", "Origin",
			"PendingWindowInDays", "RotationPeriodInDays", "Tags",
		},
		Replace: []string{"KeySpec", "KeyUsage", "MultiRegion", "Origin"}, NameLength: 128, Tags: true,
		Permissions: handlerPermissions{
			Create: []string{"kms:CreateKey", "kms:EnableKeyRotation", "kms:TagResource"},
			Read: []string{
				"kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags",
			},
			Update: []string{
				"kms:PutKeyPolicy", "kms:EnableKeyRotation", "kms:DisableKeyRotation",
				"kms:UpdateKeyDescription", "kms:TagResource", "kms:UntagResource",
			},
			Delete: []string{"kms:ScheduleKeyDeletion"},
		},
	},
	attrs: func(r *request, _ string) (string, map[string]any) {
		id := r.id
		if id == "" {
			id = protocol.NewUUID()
		}
		return id, map[string]any{"Arn": r.arn("kms", r.stack.region, "key/"+id), "KeyId": id}
	},
}

var kmsAlias = recordType{
	s: schema{
		Properties: []string{"AliasName", "TargetKeyId"}, Required: []string{"AliasName", "TargetKeyId"},
		Replace: []string{"AliasName"}, Name: "AliasName", NameLength: 256,
		Permissions: handlerPermissions{
			Create: []string{"kms:CreateAlias"},
			Read:   []string{"kms:ListAliases"},
			Update: []string{"kms:UpdateAlias"},
			Delete: []string{"kms:DeleteAlias"},
		},
	},
}
