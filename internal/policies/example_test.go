package policies_test

import (
	"errors"
	"fmt"

	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

func ExampleSynthesize() {
	set, err := policies.Synthesize(
		policies.Selection{
			Profile: "clumio", Assets: []schema.Asset{"s3"}, Operations: []schema.Operation{"backup"},
		},
		policies.Environment{
			Account: "123456789012", Region: "eu-central-1", ConnectionID: "prod",
			ControlPlaneRoleARN: "arn:aws:iam::111122223333:role/ControlPlane",
			DataPlaneAccountID:  "444455556666",
			ExternalID:          "example",
		},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, role := range set.Roles {
		fmt.Println(role.Path + role.Name)
	}
	// Output:
	// /permstack/eu-central-1/prod/ClumioIAMRole-eu-central-1-prod
	// /permstack/eu-central-1/prod/ClumioS3ContinuousBackupEventBridgeRole-eu-central-1-prod
}

func ExampleInputError() {
	_, err := policies.Synthesize(policies.Selection{Profile: "acme"}, policies.Environment{})
	var input *policies.InputError
	if errors.As(err, &input) {
		fmt.Println(input.Problems)
	}
	// Output: [unknown profile "acme"; valid: aws-backup, clumio, cpm, veeam]
}
