// Package region knows AWS's Regions: their partition, DNS suffix, console and the
// architecture of Lambda functions there. It is the only table of them; a test
// compares it with the SDK's metadata.
package region

import (
	"maps"
	"slices"
)

// Architecture is a value of a Lambda function's property Architectures.
type Architecture string

const (
	ARM64 Architecture = "arm64"
	X8664 Architecture = "x86_64"
)

// Partition is a group of Regions with their own accounts, ARNs and endpoints.
type Partition struct {
	ID        string // in ARNs: "aws"
	DNSSuffix string // of endpoints: "amazonaws.com"
	// Console is the domain of the console; a Region and a dot precede it. "" if it
	// is not public.
	Console string
}

// partitions are those of the SDK (aws-sdk-go-v2, internal/endpoints/awsrulesfn,
// partitions.json). The consoles of aws, aws-us-gov and aws-cn are documented (AWS
// Management Console guide; GovCloud user guide; Amazon Web Services in China); that
// of aws-eusc is the one that AWS's sign-in for the European Sovereign Cloud uses.
var partitions = map[string]Partition{
	"aws":        {"aws", "amazonaws.com", "console.aws.amazon.com"},
	"aws-cn":     {"aws-cn", "amazonaws.com.cn", "console.amazonaws.cn"},
	"aws-eusc":   {"aws-eusc", "amazonaws.eu", "console.amazonaws-eusc.eu"},
	"aws-iso":    {"aws-iso", "c2s.ic.gov", ""},
	"aws-iso-b":  {"aws-iso-b", "sc2s.sgov.gov", ""},
	"aws-iso-e":  {"aws-iso-e", "cloud.adc-e.uk", ""},
	"aws-iso-f":  {"aws-iso-f", "csp.hci.ic.gov", ""},
	"aws-us-gov": {"aws-us-gov", "amazonaws.com", "console.amazonaws-us-gov.com"},
}

// regions maps each Region to its partition and the architecture with which the
// functions run there. Source of the Regions: the SDK, as above. Source of arm64: the
// Regions to which AWS's Powertools for AWS Lambda publishes layers for arm64
// functions (aws-powertools/powertools-lambda-python, workflows
// reusable_deploy_v3_layer_stack.yml and layers_partitions.yml, read 2026-11-26). A
// Region of which it is not known has x86_64, which Lambda has everywhere.
var regions = map[string]struct {
	partition    string
	architecture Architecture
}{
	"af-south-1":      {"aws", ARM64},
	"ap-east-1":       {"aws", ARM64},
	"ap-east-2":       {"aws", X8664},
	"ap-northeast-1":  {"aws", ARM64},
	"ap-northeast-2":  {"aws", ARM64},
	"ap-northeast-3":  {"aws", ARM64},
	"ap-south-1":      {"aws", ARM64},
	"ap-south-2":      {"aws", ARM64},
	"ap-southeast-1":  {"aws", ARM64},
	"ap-southeast-2":  {"aws", ARM64},
	"ap-southeast-3":  {"aws", ARM64},
	"ap-southeast-4":  {"aws", ARM64},
	"ap-southeast-5":  {"aws", X8664},
	"ap-southeast-6":  {"aws", X8664},
	"ap-southeast-7":  {"aws", X8664},
	"ca-central-1":    {"aws", ARM64},
	"ca-west-1":       {"aws", ARM64},
	"eu-central-1":    {"aws", ARM64},
	"eu-central-2":    {"aws", ARM64},
	"eu-north-1":      {"aws", ARM64},
	"eu-south-1":      {"aws", ARM64},
	"eu-south-2":      {"aws", ARM64},
	"eu-west-1":       {"aws", ARM64},
	"eu-west-2":       {"aws", ARM64},
	"eu-west-3":       {"aws", ARM64},
	"il-central-1":    {"aws", ARM64},
	"me-central-1":    {"aws", ARM64},
	"me-south-1":      {"aws", ARM64},
	"mx-central-1":    {"aws", X8664},
	"sa-east-1":       {"aws", ARM64},
	"us-east-1":       {"aws", ARM64},
	"us-east-2":       {"aws", ARM64},
	"us-west-1":       {"aws", ARM64},
	"us-west-2":       {"aws", ARM64},
	"cn-north-1":      {"aws-cn", ARM64},
	"cn-northwest-1":  {"aws-cn", X8664},
	"eusc-de-east-1":  {"aws-eusc", X8664},
	"us-iso-east-1":   {"aws-iso", X8664},
	"us-iso-west-1":   {"aws-iso", X8664},
	"us-isob-east-1":  {"aws-iso-b", X8664},
	"us-isob-west-1":  {"aws-iso-b", X8664},
	"eu-isoe-west-1":  {"aws-iso-e", X8664},
	"us-isof-east-1":  {"aws-iso-f", X8664},
	"us-isof-south-1": {"aws-iso-f", X8664},
	"us-gov-east-1":   {"aws-us-gov", ARM64},
	"us-gov-west-1":   {"aws-us-gov", ARM64},
}

// Names returns all Regions, sorted.
func Names() []string { return slices.Sorted(maps.Keys(regions)) }

// PartitionIDs returns the ids of all partitions, sorted.
func PartitionIDs() []string { return slices.Sorted(maps.Keys(partitions)) }

// IsKnown reports whether a Region exists.
func IsKnown(name string) bool {
	_, ok := regions[name]
	return ok
}

// Lookup returns the partition of a Region, and false if the Region is not
// known.
func Lookup(name string) (Partition, bool) {
	r, ok := regions[name]
	return partitions[r.partition], ok
}

// DNSSuffix returns the DNS suffix of a partition, "amazonaws.com" for an unknown one.
func DNSSuffix(partition string) string {
	if p, ok := partitions[partition]; ok {
		return p.DNSSuffix
	}
	return partitions["aws"].DNSSuffix
}

// LambdaArchitecture returns the architecture of the functions in a Region.
func LambdaArchitecture(name string) Architecture {
	if r, ok := regions[name]; ok {
		return r.architecture
	}
	return X8664
}
