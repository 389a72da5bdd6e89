package demo

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/installation"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// choice is what the customer selects in the launch form.
type choice struct {
	assets     []schema.Asset
	operations []schema.Operation
}

func (c choice) String() string { return list(c.assets) + "; " + list(c.operations) }

// list formats items like "ec2, rds and s3".
func list[S ~string](items []S) string {
	words := make([]string, len(items))
	for i, s := range items {
		words[i] = string(s)
	}
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// drop returns the choice without its last asset, or without restore if it has
// only one asset, and a title for the update.
func drop(c choice) (less choice, title string) {
	if n := len(c.assets) - 1; n > 0 {
		return choice{assets: c.assets[:n], operations: c.operations}, "no longer protect " + string(c.assets[n])
	}
	return choice{assets: c.assets, operations: []schema.Operation{"backup"}}, "no longer restore"
}

func selection(c choice) policies.Selection {
	return policies.Selection{Profile: "clumio", Assets: c.assets, Operations: c.operations}
}

func environment(connection string) policies.Environment {
	parent := installation.Parent{Name: stackName}
	if connection == otherConnection {
		parent.Name = otherStackName
	}
	return policies.Environment{
		StackNames: parent.StackNames(),
		Partition:  "aws", Account: account, Region: region,
		ControlPlaneRoleARN: controlPlane, DataPlaneAccountID: dataPlane,
		ExternalID: externalID, ConnectionID: connection, Path: policies.DefaultPath,
	}
}

// protect is the parameter of template.yaml for an asset.
var protect = map[schema.Asset]string{
	"ec2": "ProtectEC2", "ec2-mssql": "ProtectEC2MSSQL", "rds": "ProtectRDS",
	"dynamodb": "ProtectDynamoDB", "s3": "ProtectS3",
}

// parameters returns the parameters of template.yaml for a choice.
func parameters(connection string, c choice) []types.Parameter {
	var out []types.Parameter
	set := func(key, value string) {
		out = append(out, types.Parameter{ParameterKey: aws.String(key), ParameterValue: aws.String(value)})
	}
	set("ControlPlaneRoleArn", controlPlane)
	set("DataPlaneAccountId", dataPlane)
	set("ExternalId", externalID)
	set("ConnectionId", connection)
	var operations []string
	for _, o := range c.operations {
		operations = append(operations, string(o))
	}
	set("Operations", strings.Join(operations, ","))
	for asset, parameter := range protect {
		value := "no"
		if slices.Contains(c.assets, asset) {
			value = "yes"
		}
		set(parameter, value)
	}
	return out
}
