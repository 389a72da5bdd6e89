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
		NameLength: 128, Tags: true,
		Rights: handlerRights{
			ARN: func(r *request, id string) string { return r.arn("kms", r.stack.region, "key/"+id) },
			For: map[string][]string{
				"kms:EnableKeyRotation": {"EnableKeyRotation"}, "kms:DisableKeyRotation": {"EnableKeyRotation"},
				"kms:DisableKey": {"Enabled"}, "kms:EnableKey": {"Enabled"}, "kms:PutKeyPolicy": {"KeyPolicy"},
				"kms:TagResource": {"Tags"}, "kms:UntagResource": {"Tags"}, "kms:UpdateKeyDescription": {"Description"},
			},
		},
		Replace: []string{"KeySpec", "KeyUsage", "MultiRegion", "Origin"},
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
		Properties: []string{"AliasName", "TargetKeyId"}, Name: "AliasName", NameLength: 256,
		Rights: handlerRights{
			ARN: func(r *request, id string) string { return r.arn("kms", r.stack.region, id) },
		},
	},
}
