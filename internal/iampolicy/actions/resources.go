package actions

import (
	_ "embed"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"permstack/internal/iampolicy"
)

//go:embed resources.txt
var resources string

// resourceARNs maps lower-case actions to the ARN patterns of the resource types that they act on.
var resourceARNs = sync.OnceValue(func() map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(resources) {
		fields := strings.Fields(line)
		out[strings.ToLower(fields[0])] = fields[1:]
	}
	return out
})

// ActsOn reports whether an action acts on any resource that a policy's Resource value matches. It returns true for
// actions without resource types in AWS's list.
func ActsOn(action, resource string) bool {
	arns, known := resourceARNs()[strings.ToLower(action)]
	if !known || resource == "*" {
		return true
	}
	want, isARN := iampolicy.ParseARN(resource)
	return !isARN || slices.ContainsFunc(arns, func(text string) bool {
		have, ok := iampolicy.ParseARN(text)
		return !ok || overlap(have, want)
	})
}

// overlap reports whether some ARN matches both patterns, of which pseudo parameters are any text. An empty field
// matches any value, because some ARNs have an account in AWS's list and none in policies.
func overlap(p, q arn.ARN) bool {
	field := func(p, q string) bool {
		return p == "" || q == "" || iampolicy.Overlap(iampolicy.VariablesAsWildcards(p), iampolicy.VariablesAsWildcards(q))
	}
	return field(p.Partition, q.Partition) && field(p.Service, q.Service) && field(p.Region, q.Region) &&
		field(p.AccountID, q.AccountID) && field(p.Resource, q.Resource)
}

// ResourceARNs returns the ARN patterns of the resource types that an action acts on; none if it has no resource types
// in AWS's list, is not of a profile, or has wildcards.
func ResourceARNs(action string) []string { return resourceARNs()[strings.ToLower(action)] }
