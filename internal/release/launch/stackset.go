package launch

import (
	_ "embed"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/cfn/yamlfmt"
	"permstack/internal/release/launchlink"
)

//go:embed stackset.yaml
var stackSet []byte

// StackSet generates stackset.yaml from launch-stack.yaml.
func StackSet(launchStack []byte, r Release) ([]byte, error) {
	return stackSetTemplate("stackset.yaml", "launch-stack.yaml", launchStack, r)
}

// ProfileStackSetFile returns the name of the template of a profile's stack set in a release.
func ProfileStackSetFile(profile string) string { return profile + "-stackset.yaml" }

// ProfileStackSet generates the template of a stack set that launches the template of a profile.
func ProfileStackSet(profile string, stack []byte, r Release) ([]byte, error) {
	return stackSetTemplate(ProfileStackSetFile(profile), launchlink.ProfileFile(profile), stack, r)
}

// stackSetTemplate generates the template of a stack set that launches another one. It
// has the same parameters and rules and passes the values to every account as the stack
// set's own parameters, so that they also reach accounts that join later.
func stackSetTemplate(name, memberName string, launchStack []byte, r Release) ([]byte, error) {
	member, err := yamlfmt.Parse(launchStack)
	if err != nil {
		return nil, fmt.Errorf("generate %s: %s: %w", name, memberName, err)
	}
	parsed, err := cfntemplate.Parse(launchStack)
	if err != nil {
		return nil, fmt.Errorf("generate %s: %s: %w", name, memberName, err)
	}
	root, err := yamlfmt.Parse(stackSet)
	if err == nil {
		err = addMemberSections(root, member)
	}
	if err == nil {
		err = passParameters(root, parsed.Parameters)
	}
	if err == nil && r.Signed {
		err = refuseCodeSigning(root, "OneAccount", "A code signing configuration is of one account and Region, and a stack "+
			"set has several: leave CodeSigningConfigArn empty.")
	}
	if err != nil {
		return nil, fmt.Errorf("generate %s: %w", name, err)
	}
	set(lookup(root, "Mappings", "Release", "Template"), "Key", scalar(launchlink.Key(r.Version, memberName)))
	root.HeadComment = "# Release " + r.Version +
		", generated from template.yaml and internal/release/launch/stackset.yaml by\n" +
		"# ./build.sh package."
	return format(name, root)
}

// addMemberSections adds what the console shows of the parameters, the parameters
// and the rules of the member's template.
func addMemberSections(root, member *yaml.Node) error {
	for _, path := range [][]string{
		{"Metadata", interfaceKey, "ParameterGroups"}, {"Metadata", interfaceKey, "ParameterLabels"}, {"Parameters"},
		{"Rules"},
	} {
		to, err := require(root, path...)
		if err != nil {
			return err
		}
		from, err := require(member, path...)
		if err != nil {
			return err
		}
		to.Content = append(to.Content, from.Content...)
	}
	return nil
}

// passParameters passes parameters to the stack set. Lists are joined: the value
// of a stack set's parameter is a string.
func passParameters(root *yaml.Node, parameters []*cfntemplate.Parameter) error {
	properties := lookup(root, "Resources", "Members", "Properties")
	if properties == nil {
		return errors.New("the template has no resource Members")
	}
	passed := sequence()
	for _, p := range parameters {
		value := call("Ref", scalar(p.Name))
		if p.IsList() {
			value = call("Fn::Join", sequence(scalar(","), value))
		}
		passed.Content = append(passed.Content,
			mapping(field{"ParameterKey", scalar(p.Name)}, field{"ParameterValue", value}))
	}
	set(properties, "Parameters", passed)
	return nil
}
