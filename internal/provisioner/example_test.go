package provisioner_test

import (
	"fmt"

	"permstack/internal/provisioner"
)

// CloudFormation passes every scalar as a string, and a parameter with a list as
// a comma-separated string.
func ExampleDecodeProperties() {
	properties, err := provisioner.DecodeProperties(map[string]any{
		"Profile": "clumio", "Assets": "ec2, s3", "SupportRole": "true", "Tags": []any{"team=storage"},
		"ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:provisioner",
	})
	fmt.Println(properties.Assets, properties.SupportRole, properties.Tags, err)

	_, err = provisioner.DecodeProperties(map[string]any{"SupportRole": "maybe", "Tags": "team"})
	fmt.Println(err)
	// Output:
	// [ec2 s3] true [{team storage}] <nil>
	// property SupportRole: want true or false; property Tags: entry 1: want key=value
}
