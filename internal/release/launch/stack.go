package launch

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"permstack/internal/awsapi/region"
	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/cfn/yamlfmt"
)

const (
	bucketParameter  = "CodeBucketPrefix"
	versionParameter = "CatalogVersion" // the parameter group of the prefix is that of this parameter
	interfaceKey     = "AWS::CloudFormation::Interface"
)

// codeFunction is a Lambda function of template.yaml whose code this project
// builds.
type codeFunction struct {
	name     string // directory under functions/
	resource *yaml.Node
}

// codeFunctions returns the functions of a template whose code has the key
// functions/<name>, in the template's order.
func codeFunctions(root *yaml.Node) []codeFunction {
	var out []codeFunction
	resources := lookup(root, "Resources")
	if resources == nil {
		return nil
	}
	for i := 0; i+1 < len(resources.Content); i += 2 {
		resource := resources.Content[i+1]
		kind, key := lookup(resource, "Type"), lookup(resource, "Properties", "Code", "S3Key")
		if kind == nil || kind.Value != "AWS::Lambda::Function" || key == nil {
			continue
		}
		if name, ok := strings.CutPrefix(key.Value, "functions/"); ok {
			out = append(out, codeFunction{name, resource})
		}
	}
	return out
}

// Functions returns the names of the functions whose code template.yaml needs, in
// its order. It returns none for a template that cannot be parsed, which Stack
// reports.
func Functions(template []byte) []string {
	root, err := yamlfmt.Parse(template)
	if err != nil {
		return nil
	}
	var names []string
	for _, f := range codeFunctions(root) {
		names = append(names, f.name)
	}
	return names
}

// Stack generates launch-stack.yaml.
func Stack(template []byte, r Release) ([]byte, error) {
	return releaseStack(template, "", "the backup service", r)
}

// releaseStack generates the template of a profile for a release, or that of all of them if profile is empty.
func releaseStack(template []byte, profile, vendor string, r Release) ([]byte, error) {
	root, err := yamlfmt.Parse(template)
	if err == nil {
		err = releaseCode(root, r)
	}
	if err == nil {
		err = addBucketParameter(root, r)
	}
	if err == nil {
		err = addDocumentOutput(root, profile, vendor, r)
	}
	if err != nil {
		return nil, fmt.Errorf("generate launch-stack.yaml: %w", err)
	}
	root.HeadComment = "# Release " + r.Version + ", generated from template.yaml by ./build.sh package."
	return format("launch-stack.yaml", root)
}

// format writes a generated template and checks that it is one.
func format(name string, root *yaml.Node) ([]byte, error) {
	out, err := yamlfmt.Format(root)
	if err == nil {
		_, err = cfntemplate.Parse(out)
	}
	if err != nil {
		return nil, fmt.Errorf("generate %s: %w", name, err)
	}
	return out, nil
}

// releaseCode makes every function take its code from the release. Lambda accepts
// a bucket of its own Region only. The keys are in a mapping and not in
// parameters: an update keeps the value of a parameter, and with it the old code.
func releaseCode(root *yaml.Node, r Release) error {
	functions := codeFunctions(root)
	if len(functions) == 0 {
		return fmt.Errorf("no AWS::Lambda::Function of the template has code under functions/")
	}
	for _, f := range functions {
		for _, arch := range Architectures {
			if r.Code[arch][f.name] == "" {
				return fmt.Errorf("release %s has no code of function %s for %s", r.Version, f.name, arch)
			}
		}
		set(lookup(f.resource, "Properties"), "Code", mapping(
			field{"S3Bucket", call("Fn::Sub", scalar("${"+bucketParameter+"}-${AWS::Region}"))},
			field{"S3Key", call("Fn::FindInMap", sequence(scalar("Code"), inRegion("Zip"), scalar(f.name)))},
		))
		set(lookup(f.resource, "Properties"), "Architectures", sequence(inRegion("Architecture")))
		remove(f.resource, "Metadata") // for the SAM CLI alone
	}
	mappings, err := require(root, "Mappings")
	if err != nil {
		return err
	}
	code := mapping()
	for _, arch := range Architectures {
		keys := mapping()
		for _, name := range slices.Sorted(maps.Keys(r.Code[arch])) {
			set(keys, name, scalar(r.Code[arch][name]))
		}
		set(code, arch, keys)
	}
	set(mappings, "Code", code)
	set(mappings, "Regions", regionMapping(r.Regions))
	if err := addRegionRule(root, r.Regions); err != nil {
		return err
	}
	if !r.Signed {
		return refuseCodeSigning(root, "UnsignedRelease", "This release is not signed: leave CodeSigningConfigArn empty.")
	}
	return nil
}

const signingParameter = "CodeSigningConfigArn"

// refuseCodeSigning adds a rule that refuses a code signing configuration to a template with the parameter.
func refuseCodeSigning(root *yaml.Node, name, reason string) error {
	if lookup(root, "Parameters", signingParameter) == nil {
		return nil
	}
	rules, err := require(root, "Rules")
	if err != nil {
		return err
	}
	set(rules, name, mapping(field{"Assertions", sequence(mapping(
		field{"Assert", call("Fn::Equals", sequence(ref(signingParameter), scalar("")))},
		field{"AssertDescription", scalar(reason)},
	))}))
	return nil
}

// addRegionRule adds a rule that refuses a launch in a Region that the release was not
// published to, with the list of those that it was.
func addRegionRule(root *yaml.Node, published []string) error {
	if len(published) == 0 {
		return nil
	}
	rules, err := require(root, "Rules")
	if err != nil {
		return err
	}
	var list []*yaml.Node
	for _, name := range published {
		list = append(list, scalar(name))
	}
	set(rules, "PublishedRegion", mapping(field{"Assertions", sequence(mapping(
		field{"Assert", call("Fn::Contains", sequence(sequence(list...), ref("AWS::Region")))},
		field{
			"AssertDescription",
			scalar("This release was published to these Regions only: " + strings.Join(published, ", ") + "."),
		},
	))}))
	return nil
}

// inRegion returns a value of the mapping Regions for the stack's Region. A Region
// that is not in it cannot be launched in.
func inRegion(key string) *yaml.Node {
	return call("Fn::FindInMap", sequence(scalar("Regions"), call("Ref", scalar("AWS::Region")), scalar(key)))
}

// regionMapping returns the mapping of Regions to the architecture of Lambda functions
// and of the zip: arm64 where Lambda has it. It has only the published Regions, if they
// are known.
func regionMapping(published []string) *yaml.Node {
	out := mapping()
	for _, name := range region.Names() {
		if len(published) > 0 && !slices.Contains(published, name) {
			continue
		}
		arch := region.LambdaArchitecture(name)
		set(out, name, mapping(
			field{"Architecture", scalar(string(arch))}, field{"Zip", scalar(zipArchitecture(arch))},
		))
	}
	return out
}

// addBucketParameter adds the parameter CodeBucketPrefix with its label, in the
// group of CatalogVersion. In a published release it has one value: a third party's
// link to the release's template could name a bucket with other code.
func addBucketParameter(root *yaml.Node, r Release) error {
	parameters, err := require(root, "Parameters")
	if err != nil {
		return err
	}
	fields := []field{{"Type", scalar("String")}, {"Default", scalar(r.BucketPrefix)}}
	if len(r.Regions) > 0 {
		fields = append(fields, field{"AllowedValues", sequence(scalar(r.BucketPrefix))},
			field{"ConstraintDescription", scalar("must be the prefix of the buckets of this release.")})
	} else {
		fields = append(fields, field{"AllowedPattern", scalar("^[a-z0-9][a-z0-9-]{1,46}$")}, field{
			"ConstraintDescription",
			scalar("must have 2 to 47 lower-case letters, digits and hyphens, and no hyphen first."),
		})
	}
	set(parameters, bucketParameter, mapping(append(fields, field{
		"Description", scalar("Prefix of the buckets with the functions' code. A hyphen and the Region follow it."),
	})...))
	labels, err := require(root, "Metadata", interfaceKey, "ParameterLabels")
	if err != nil {
		return err
	}
	set(labels, bucketParameter, mapping(field{"default", scalar("Bucket prefix of the release")}))
	groups, err := require(root, "Metadata", interfaceKey, "ParameterGroups")
	if err != nil {
		return err
	}
	for _, group := range groups.Content {
		names := lookup(group, "Parameters")
		if names != nil &&
			slices.ContainsFunc(names.Content, func(n *yaml.Node) bool { return n.Value == versionParameter }) {
			names.Content = append(names.Content, scalar(bucketParameter))
			return nil
		}
	}
	return fmt.Errorf("no parameter group has %s", versionParameter)
}
