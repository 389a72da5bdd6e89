// Package launch makes the templates that customers launch from template.yaml:
// launch-stack.yaml, which takes the functions' code from buckets, and
// stackset.yaml, which rolls that out over an Organization. It edits text, so
// that order and spelling stay; what it wants to find and does not is an error,
// and a test holds the result against template.yaml value by value. Comments do
// not stay: with them launch-stack.yaml would pass the 51,200 bytes that
// CloudFormation takes without a bucket.
package launch

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"permstack/internal/cfn/cfntemplate"
)

// Release says where a release lies. The bucket is <BucketPrefix>-<Region> in
// every Region; the keys are the same in all of them.
type Release struct {
	Version      string
	BucketPrefix string
	Code         map[string]string // function → key of its zip
}

// Unreleased is what stands in the templates that git keeps: they do not change
// with every commit. S3 keeps bucket names that begin like this for examples, so
// nobody can put code where such a template looks for it.
func Unreleased(functions ...string) Release {
	r := Release{Version: "unreleased", BucketPrefix: "amzn-s3-demo-permstack", Code: map[string]string{}}
	for _, f := range functions {
		r.Code[f] = Key(r.Version, f+"-arm64.zip")
	}
	return r
}

// Key is where a file of a release lies.
func Key(version, file string) string { return "permstack/" + version + "/" + file }

// ObjectURL is where an object in a Region's bucket can be fetched.
func ObjectURL(prefix, region, key string) string {
	domain := "amazonaws.com"
	if cfntemplate.Partition(region) == "aws-cn" {
		domain += ".cn"
	}
	return "https://" + prefix + "-" + region + ".s3." + region + "." + domain + "/" + key
}

var (
	codeLine   = regexp.MustCompile(`^( +)Code: \{S3Bucket: [^,]+, S3Key: functions/([a-z]+)\}$`)
	groupLine  = regexp.MustCompile(`^( +Parameters: \[.*CatalogVersion.*)\]$`)
	labelLine  = regexp.MustCompile(`^( +)CatalogVersion: \{default: `)
	sectionKey = regexp.MustCompile(`^([A-Za-z]+):`)
)

// Functions names the functions whose code template.yaml has, in its order.
func Functions(template []byte) []string {
	var names []string
	for _, line := range strings.Split(string(template), "\n") {
		if m := codeLine.FindStringSubmatch(line); m != nil {
			names = append(names, m[2])
		}
	}
	return names
}

// Stack makes launch-stack.yaml.
func Stack(template []byte, r Release) ([]byte, error) {
	e := editor{release: r, missing: map[string]bool{
		"the parameter group of CatalogVersion": true, "the label of CatalogVersion": true,
		"the end of Parameters": true, "Mappings": true, "the code of a function": true,
	}}
	e.out = append(e.out,
		"# Release "+r.Version+", made from template.yaml by ./build.sh package. The reasons for",
		"# what stands here are comments there.")
	section := ""
	for _, line := range strings.Split(strings.TrimSuffix(string(template), "\n"), "\n") {
		if m := sectionKey.FindStringSubmatch(line); m != nil {
			if section == "Parameters" {
				e.parameter()
			}
			section = m[1]
		}
		if err := e.line(line); err != nil {
			return nil, err
		}
		if section == "Mappings" && e.missing["Mappings"] {
			e.mapping()
		}
	}
	for _, what := range slices.Sorted(maps.Keys(e.missing)) {
		if e.missing[what] {
			return nil, fmt.Errorf("make launch-stack.yaml: template.yaml does not show %s where it is looked for", what)
		}
	}
	out := []byte(strings.Join(e.out, "\n") + "\n")
	if _, err := cfntemplate.Parse(out); err != nil {
		return nil, fmt.Errorf("read launch-stack.yaml again: %w", err)
	}
	return out, nil
}

// editor writes the new text line by line.
type editor struct {
	release Release
	out     []string
	missing map[string]bool
	skip    int // indentation of the block that is left out; 0 is none
}

func (e *editor) add(lines ...string) { e.out = append(e.out, lines...) }

func (e *editor) line(line string) error {
	indent := len(line) - len(strings.TrimLeft(line, " "))
	if e.skip > 0 && (indent > e.skip || strings.TrimSpace(line) == "") {
		return nil
	}
	e.skip = 0
	if strings.HasPrefix(strings.TrimSpace(line), "#") {
		return nil
	}
	if line == "    Metadata:" { // of a resource: for the SAM CLI alone
		e.skip = indent
		return nil
	}
	if m := groupLine.FindStringSubmatch(line); m != nil {
		e.missing["the parameter group of CatalogVersion"] = false
		e.add(m[1] + ", CodeBucketPrefix]")
		return nil
	}
	if m := codeLine.FindStringSubmatch(line); m != nil {
		return e.code(m[1], m[2])
	}
	e.add(line)
	if m := labelLine.FindStringSubmatch(line); m != nil {
		e.missing["the label of CatalogVersion"] = false
		e.add(m[1] + `CodeBucketPrefix: {default: "Where the release lies"}`)
	}
	return nil
}

// code writes a function's Code: Lambda takes it from a bucket of its own Region
// alone.
func (e *editor) code(indent, function string) error {
	if e.release.Code[function] == "" {
		return fmt.Errorf("make launch-stack.yaml: release %s has no code of function %s", e.release.Version, function)
	}
	e.missing["the code of a function"] = false
	e.add(indent+"Code:",
		indent+"  S3Bucket: !Sub ${CodeBucketPrefix}-${AWS::Region}",
		indent+"  S3Key: !FindInMap [Release, Code, "+function+"]")
	return nil
}

// parameter is added at the end of Parameters, over the blank line there.
func (e *editor) parameter() {
	e.missing["the end of Parameters"] = false
	blank := e.out[len(e.out)-1] == ""
	if blank {
		e.out = e.out[:len(e.out)-1]
	}
	e.add("  CodeBucketPrefix:",
		"    Type: String",
		"    Default: "+e.release.BucketPrefix,
		`    AllowedPattern: "^[a-z0-9][a-z0-9-]{1,46}$"`,
		`    ConstraintDescription: "must have 2 to 47 lower-case letters, digits and hyphens, and no hyphen first."`,
		"    Description: The functions' code is taken from the bucket that has this name, a hyphen and the Region.")
	if blank {
		e.add("")
	}
}

// mapping holds the keys. They are no parameters: an update keeps a parameter's
// former value, and with it the former code.
func (e *editor) mapping() {
	e.missing["Mappings"] = false
	e.add("  Release:", "    Code:")
	for _, f := range slices.Sorted(maps.Keys(e.release.Code)) {
		e.add("      " + f + ": " + e.release.Code[f])
	}
}
