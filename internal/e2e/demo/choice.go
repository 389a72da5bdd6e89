package demo

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// choice is what the customer selects in the launch form.
type choice struct {
	profile    string
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
		return choice{c.profile, c.assets[:n], c.operations}, "no longer protect " + string(c.assets[n])
	}
	return choice{c.profile, c.assets, c.operations[:1]}, "no longer " + string(c.operations[1])
}

func (c choice) selection() policies.Selection {
	return policies.Selection{
		Profile: c.profile, Assets: c.assets, Operations: c.operations, Options: variants[c.profile].options,
	}
}

// variants are what the demo selects of each profile: the words for backup and restore,
// and the settings with which a role of another account is trusted.
var variants = map[string]struct {
	operations []schema.Operation
	options    []schema.Option
	dataPlane  bool // the profile has an account that stores the backups
	assets     []string
}{
	"clumio": {operations: []schema.Operation{"backup", "restore"}, dataPlane: true,
		assets: []string{"ec2", "ec2-mssql", "rds", "dynamodb", "s3"}},
	"cpm": {operations: []schema.Operation{"backup", "recovery"}, options: []schema.Option{"trust=server-role"},
		assets: []string{"ec2", "rds", "redshift", "dynamodb", "s3"}},
}

// protect is the parameter of template.yaml for an asset.
var protect = map[schema.Asset]string{
	"ec2": "ProtectEC2", "ec2-mssql": "ProtectEC2MSSQL", "rds": "ProtectRDS",
	"dynamodb": "ProtectDynamoDB", "s3": "ProtectS3", "redshift": "ProtectRedshift", "efs": "ProtectEFS",
	"fsx": "ProtectFSx", "sap-hana": "ProtectSAPHANA",
}

// parameters returns the parameters of template.yaml for a choice.
func (s Site) parameters(connection string, c choice) []types.Parameter {
	var out []types.Parameter
	set := func(key, value string) {
		out = append(out, types.Parameter{ParameterKey: aws.String(key), ParameterValue: aws.String(value)})
	}
	set("ControlPlaneRoleArn", s.ControlPlane)
	set("Profile", c.profile)
	var options []string
	for _, o := range variants[c.profile].options {
		options = append(options, string(o))
	}
	set("Options", strings.Join(options, ","))
	if variants[c.profile].dataPlane {
		set("DataPlaneAccountId", s.DataPlane)
	}
	set("ExternalId", s.ExternalID)
	set("ConnectionId", connection)
	set("RolePath", s.Path)
	set("ResourceTags", s.resourceTags())
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

// resourceTags returns the tags in the form of the parameter ResourceTags.
func (s Site) resourceTags() string {
	var words []string
	for _, key := range slices.Sorted(maps.Keys(s.Tags)) {
		words = append(words, key+"="+s.Tags[key])
	}
	return strings.Join(words, ",")
}

// stackTags returns the tags as CloudFormation takes them.
func (s Site) stackTags() []types.Tag {
	var tags []types.Tag
	for _, key := range slices.Sorted(maps.Keys(s.Tags)) {
		tags = append(tags, types.Tag{Key: aws.String(key), Value: aws.String(s.Tags[key])})
	}
	return tags
}

// iamTags returns the tags as IAM takes them.
func (s Site) iamTags() []iamtypes.Tag {
	var tags []iamtypes.Tag
	for _, key := range slices.Sorted(maps.Keys(s.Tags)) {
		tags = append(tags, iamtypes.Tag{Key: aws.String(key), Value: aws.String(s.Tags[key])})
	}
	return tags
}
