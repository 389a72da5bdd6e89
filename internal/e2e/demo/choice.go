package demo

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"permstack"
	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
	"permstack/internal/release/launchlink"
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
		Profile: c.profile, Assets: c.assets, Operations: c.operations, Options: newVariant(c.profile).options,
	}
}

// variant is what the demo selects of a profile. It follows from the profile's data.
type variant struct {
	operations []schema.Operation // the first two: backup and restore, in the vendor's words
	options    []schema.Option    // with which a role of another account is trusted
	dataPlane  bool               // the profile has an account that stores the backups
	assets     []string
}

// defaultAssets is how many assets the demo protects unless others are chosen.
const defaultAssets = 5

// newVariant returns the variant of a profile; an unknown profile has an empty one.
func newVariant(name string) variant {
	profile, _ := policies.Profile(name)
	var v variant
	v.operations = profile.Operations[:min(2, len(profile.Operations))]
	for _, n := range profile.Needs {
		v.dataPlane = v.dataPlane || n.Value == schema.DataPlaneAccount
		for _, use := range n.For {
			if n.Value == schema.ControlPlaneRole && use.Option != "" {
				v.options = []schema.Option{use.Option}
			}
		}
	}
	for _, a := range profile.Assets[:min(defaultAssets, len(profile.Assets))] {
		v.assets = append(v.assets, string(a.Asset))
	}
	return v
}

// assetParameters returns the parameters of template.yaml that select an asset, by the asset without hyphens.
var assetParameters = sync.OnceValue(func() map[string]string {
	template, err := cfntemplate.Parse(permstack.Template)
	if err != nil {
		panic(err) // tests parse the same bytes
	}
	return launchlink.AssetParameters(template)
})

// parameters returns the parameters of template.yaml for a choice.
func (s Site) parameters(connection string, c choice) []types.Parameter {
	var out []types.Parameter
	set := func(key, value string) {
		out = append(out, types.Parameter{ParameterKey: aws.String(key), ParameterValue: aws.String(value)})
	}
	set("ControlPlaneRoleArn", s.ControlPlane)
	set("Profile", c.profile)
	var options []string
	for _, o := range newVariant(c.profile).options {
		options = append(options, string(o))
	}
	set("Options", strings.Join(options, ","))
	if newVariant(c.profile).dataPlane {
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
	for key, parameter := range assetParameters() {
		value := "no"
		if slices.ContainsFunc(c.assets, func(a schema.Asset) bool {
			return strings.ReplaceAll(string(a), "-", "") == key
		}) {
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
