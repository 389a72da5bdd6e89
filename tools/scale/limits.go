package main

import (
	"bytes"
	"fmt"
)

// AWS's quotas. CloudFormation user guide, "Understand CloudFormation quotas";
// IAM user guide, "IAM and AWS STS quotas"; AWS General Reference, "Amazon SNS
// endpoints and quotas". Those that can be raised are at their start.
const (
	instancesPerStackSet = 100_000
	stackSetsPerAdmin    = 1_000
	operationsPerRegion  = 10_000 // stack instances worked on at a time, of an administrator
	stacksPerRegion      = 2_000  // of an account
	rolesPerAccount      = 1_000
	policiesPerAccount   = 1_500
	topicsPerRegion      = 100_000
	rulesPerBus          = 300
	emailsPerSecond      = 10  // to one subscription of a topic; beyond it SNS turns the subscription off
	publishesPerSecond   = 300 // of an account in the smallest Regions; 30,000 in us-east-1
)

// What one permstack stack creates, with every asset and option of the Clumio profile.
const (
	ourStacks   = 3 // the parent and two permission stacks
	ourRoles    = 5 + 3
	ourPolicies = 9
	ourRules    = 14 + 1
	ourTopics   = 2
)

func limits(b *bytes.Buffer, p place) {
	rows := [][]string{{"limit", "AWS quota", "needed", "headroom"}}
	add := func(what string, quota, needed int) {
		headroom := fmt.Sprintf("%.1f ×", float64(quota)/float64(needed))
		if needed > quota {
			headroom = fmt.Sprintf("**passed**: %d of them", (needed+quota-1)/quota)
		}
		rows = append(rows, []string{what, grouped(quota), grouped(needed), headroom})
	}
	add("instances of a stack set", instancesPerStackSet, p.stacks())
	add("stack sets of an administrator", stackSetsPerAdmin, stackSets(p))
	add("stack instances worked on at a time, a Region", operationsPerRegion, p.accounts/4)
	add("roles of an account (IAM is one for all Regions)", rolesPerAccount, ourRoles*p.regions)
	add("managed policies of an account", policiesPerAccount, ourPolicies*p.regions)
	add("stacks of an account in a Region", stacksPerRegion, ourStacks)
	add("event rules of a bus", rulesPerBus, ourRules)
	add("topics of an account in a Region", topicsPerRegion, ourTopics)
	table(b, "Limits, "+p.name, rows...)
}

// stackSets is how many stack sets the place takes.
func stackSets(p place) int { return (p.stacks() + instancesPerStackSet - 1) / instancesPerStackSet }
