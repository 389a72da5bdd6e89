package actions

import (
	_ "embed"
	"slices"
	"strings"
	"sync"

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
	want := fields(resource)
	return slices.ContainsFunc(arns, func(arn string) bool {
		have := fields(arn)
		return len(have) != len(want) || overlapAll(have, want)
	})
}

// fields returns the six fields of an ARN, with * for CloudFormation's pseudo parameters.
func fields(arn string) []string {
	for _, pseudo := range []string{"Partition", "Region", "AccountId", "StackName", "URLSuffix"} {
		arn = strings.ReplaceAll(arn, "${AWS::"+pseudo+"}", "*")
	}
	return strings.SplitN(arn, ":", 6)
}

// overlapAll reports whether some ARN matches both patterns. An empty field matches any value, because some ARNs have
// an
// account in AWS's list and none in policies.
func overlapAll(p, q []string) bool {
	for i := range p {
		if p[i] != "" && q[i] != "" && !iampolicy.Overlap(p[i], q[i]) {
			return false
		}
	}
	return true
}

// ResourceARNs returns the ARN patterns of the resource types that an action acts on; none if it has no resource types
// in AWS's list, is not of a profile, or has wildcards.
func ResourceARNs(action string) []string { return resourceARNs()[strings.ToLower(action)] }
