package demo

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"permstack"
	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/policies"
	policychoice "permstack/internal/policies/choice"
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

// reductions returns the choices of the update, the preferred first: without the last asset, and without restore.
func (c choice) reductions() []choice {
	var out []choice
	if n := len(c.assets) - 1; n > 0 {
		out = append(out, choice{c.profile, c.assets[:n], c.operations})
	}
	if n := len(c.operations) - 1; n > 0 {
		out = append(out, choice{c.profile, c.assets, c.operations[:n]})
	}
	return out
}

// update returns the title of the update from a choice to one of its reductions.
func (c choice) update(less choice) string {
	if n := len(less.assets); n < len(c.assets) {
		return "no longer protect " + list(c.assets[n:])
	}
	return "no longer " + list(c.operations[len(less.operations):])
}

// newChoices returns what is launched, and what the update keeps of it. Backup is chosen with restore, or with another
// operation if restores of these assets need nothing more than backups: the update has to remove access.
func (s Site) newChoices(profile string, assets []schema.Asset) (all, less choice, err error) {
	operations := newVariant(profile).operations
	for i := 1; i < len(operations); i++ {
		all = choice{profile, assets, []schema.Operation{operations[0], operations[i]}}
		before, err := s.synthesize(s.Connection, all)
		if err != nil {
			return all, less, err
		}
		for _, less := range all.reductions() {
			after, err := s.synthesize(s.Connection, less)
			if err == nil && countActions(expectedRoles(after)) < countActions(expectedRoles(before)) {
				return all, less, nil
			}
		}
	}
	return all, less, fmt.Errorf("the demo has no update of %s in profile %s that removes access: choose more assets",
		list(assets), profile)
}

func (c choice) selection() policies.Selection {
	return policies.Selection{
		Profile: c.profile, Assets: c.assets, Operations: c.operations, Options: newVariant(c.profile).options,
	}
}

// variant is what the demo selects of a profile. It follows from the profile's data.
type variant struct {
	operations []schema.Operation // backup, those that restore, and the others, in the vendor's words
	options    []schema.Option    // with which a role of another account is trusted
	assets     []string
}

// defaultAssets is how many assets the demo protects unless others are chosen.
const defaultAssets = 5

// newVariant returns the variant of a profile; an unknown profile has an empty one.
func newVariant(name string) variant {
	profile, _ := policies.Profile(name)
	var v variant
	var restores, others []schema.Operation
	for _, o := range profile.Operations[min(1, len(profile.Operations)):] {
		if slices.Contains(profile.RestoreOperations, o) {
			restores = append(restores, o)
		} else {
			others = append(others, o)
		}
	}
	v.operations = slices.Concat(profile.Operations[:min(1, len(profile.Operations))], restores, others)
	for _, n := range profile.Needs {
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

// template returns the launch template of a built-in profile.
func template(profile string) (*cfntemplate.Template, error) {
	t, err := cfntemplate.Parse(permstack.ProfileTemplate(profile))
	if err != nil {
		return nil, fmt.Errorf("parse the launch template of profile %s: %w", profile, err)
	}
	return t, nil
}

// parameters returns the parameters of the profile's template for a choice, by name.
func (s Site) parameters(connection string, c choice) (map[string]string, error) {
	t, err := template(c.profile)
	if err != nil {
		return nil, err
	}
	link := launchlink.Link{Profile: c.profile}
	for _, a := range c.assets {
		link.Assets = append(link.Assets, string(a))
	}
	for _, o := range c.operations {
		link.Operations = append(link.Operations, string(o))
	}
	for _, o := range newVariant(c.profile).options {
		link.Options = append(link.Options, string(o))
	}
	out, err := link.Answers(t)
	if err != nil {
		return nil, err
	}
	out["ConnectionId"], out["RolePath"], out["ResourceTags"] = connection, s.Path, s.resourceTags()
	for _, value := range policychoice.Needed(c.selection()) {
		switch value {
		case schema.ControlPlaneRole:
			out["ControlPlaneRoleArn"] = s.ControlPlane
		case schema.DataPlaneAccount:
			out["DataPlaneAccountId"] = s.DataPlane
		case schema.ExternalID:
			out["ExternalId"] = s.ExternalID
		}
	}
	return out, nil
}

// stackParameters returns parameters as CloudFormation takes them.
func stackParameters(values map[string]string) []types.Parameter {
	var out []types.Parameter
	for _, name := range slices.Sorted(maps.Keys(values)) {
		out = append(out, types.Parameter{ParameterKey: aws.String(name), ParameterValue: aws.String(values[name])})
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
