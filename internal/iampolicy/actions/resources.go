package actions

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

//go:embed resources.txt
var resources string

var resourceARNs = sync.OnceValue(func() map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(resources) {
		fields := strings.Fields(line)
		out[strings.ToLower(fields[0])] = fields[1:]
	}
	return out
})

// ActsOn tells whether an action of the catalogue acts on anything that a
// policy's resource stands for. Where AWS's list does not say, it may.
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

// fields cuts an ARN into its six fields, with * for what CloudFormation fills in.
func fields(arn string) []string {
	for _, pseudo := range []string{"Partition", "Region", "AccountId", "StackName", "URLSuffix"} {
		arn = strings.ReplaceAll(arn, "${AWS::"+pseudo+"}", "*")
	}
	return strings.SplitN(arn, ":", 6)
}

// overlapAll tells whether two ARNs have one in common. AWS's list writes some
// ARNs with an account and some policies without, so that an empty field means any.
func overlapAll(p, q []string) bool {
	for i := range p {
		if p[i] != "" && q[i] != "" && !Overlap(p[i], q[i]) {
			return false
		}
	}
	return true
}

// Overlap tells whether two patterns with wildcards (*) have a text in common.
func Overlap(p, q string) bool {
	row := make([]bool, len(q)+1) // row[j]: p[i:] and q[j:] have one
	for i := len(p); i >= 0; i-- {
		diagonal := false
		for j := len(q); j >= 0; j-- {
			below, endP, endQ := row[j], i == len(p), j == len(q)
			switch {
			case endP && endQ:
				row[j] = true
			case !endP && p[i] == '*':
				row[j] = below || !endQ && row[j+1]
			case !endQ && q[j] == '*':
				row[j] = row[j+1] || !endP && below
			case endP || endQ:
				row[j] = false
			default:
				row[j] = diagonal && (p[i] == q[j] || p[i] == '?' || q[j] == '?')
			}
			diagonal = below
		}
	}
	return row[0]
}
