// Package launch generates the templates that customers launch from
// template.yaml: launch-stack.yaml, which takes the functions' code from buckets,
// and stackset.yaml, which deploys that over an Organization.
//
// The templates are changed as YAML nodes, so the style of template.yaml does not
// matter: order and comments are kept, everything else about the style is
// package yamlfmt's.
package launch

import (
	"permstack/internal/awsapi/region"
	"permstack/internal/release/launchlink"
)

// Release identifies the objects of a release. The bucket is
// <BucketPrefix>-<Region> in every Region; the keys are the same in all of them.
type Release struct {
	Version      string
	BucketPrefix string
	Code         map[string]map[string]string // architecture of a zip → function → key
	// Regions are those that the release is published to. The bucket of another Region
	// may be a third party's, so the template refuses to be launched there. None means
	// every Region, for templates that are not published.
	Regions []string
	// Signed reports that AWS Signer signed the zips. The templates of other releases refuse a code signing configuration.
	Signed bool
	// Documents are the profiles whose permissions the release has as a document.
	Documents []string
}

// Architectures are those of the zips, by Go's names, which are also keys of a mapping.
var Architectures = []string{"amd64", "arm64"}

// zipArchitecture returns the architecture of a function's zip in Go's terms.
func zipArchitecture(a region.Architecture) string {
	if a == region.ARM64 {
		return "arm64"
	}
	return "amd64"
}

// Unreleased returns the release of the templates that git keeps, which do not
// change with every commit. S3 reserves bucket names with this prefix for
// examples ("amzn-s3-demo-", S3 User Guide, "General purpose bucket naming
// rules"), so nobody can put code where such a template finds it.
func Unreleased(functions ...string) Release {
	r := Release{Version: "unreleased", BucketPrefix: "amzn-s3-demo-permstack", Code: map[string]map[string]string{}}
	for _, arch := range Architectures {
		r.Code[arch] = map[string]string{}
		for _, f := range functions {
			r.Code[arch][f] = launchlink.Key(r.Version, f+"-"+arch+".zip")
		}
	}
	return r
}
