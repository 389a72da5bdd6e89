package properties_test

import (
	"fmt"

	"permstack/internal/permissionstack/properties"
)

// CloudFormation passes every scalar as a string, and a parameter with a list as
// a comma-separated string.
func ExampleDecode() {
	chosen, err := properties.Decode(map[string]any{
		"Profile": "clumio", "Assets": "ec2, s3", "SupportRole": "true", "Tags": []any{"team=storage"},
		"ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:provisioner",
	})
	fmt.Println(chosen.Assets, chosen.SupportRole, chosen.Tags, err)

	_, err = properties.Decode(map[string]any{"SupportRole": "maybe", "Tags": "team"})
	fmt.Println(err)
	// Output:
	// [ec2 s3] true [{team storage}] <nil>
	// property SupportRole: want true or false; property Tags: entry 1: want key=value
}
