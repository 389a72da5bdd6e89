package provisioner

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/cfn/stacks"
	"permstack/internal/installation"
	"permstack/internal/policies"
)

// stackIDKey is the attribute that holds the StackId of a part.
var stackIDKey = map[installation.Part]string{
	installation.Access: "AccessStackId", installation.Inventory: "InventoryStackId",
}

// responseData returns the attributes that the template can read with Fn::GetAtt.
// It always sets every key: Fn::GetAtt of a missing key fails.
func responseData(set policies.Set, granted string, deployed map[installation.Part]*types.Stack) map[string]any {
	data := map[string]any{
		"RoleArn": "", "SupportRoleArn": "", "EventTopicArn": "",
		"CatalogVersion": set.CatalogVersion, "GrantedHash": granted, "AnnouncedHash": "",
		"AccessStackId": "", "InventoryStackId": "", "PermissionStackIds": "",
		"LeftBehind": "nothing",
	}
	var ids string
	for _, part := range installation.Parts {
		stack := deployed[part]
		if stack == nil {
			continue
		}
		id := aws.ToString(stack.StackId)
		data[stackIDKey[part]] = id
		if ids != "" {
			ids += ","
		}
		ids += id
		for key, value := range stacks.Outputs(stack) {
			switch key {
			case "RoleArn", "SupportRoleArn", "EventTopicArn":
				data[key] = value
			}
		}
	}
	data["PermissionStackIds"] = ids
	return data
}
