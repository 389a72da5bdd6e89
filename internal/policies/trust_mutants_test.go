package policies_test

import (
	"slices"
	"strings"

	"permstack/internal/policies/schema"
)

// The principals that a trust or topic statement is widened to.
var (
	widerAWS = []string{
		"*", "arn:${Partition}:iam::${ControlPlaneAccount}:root", "arn:${Partition}:iam::${Account}:root",
		"arn:${Partition}:iam::" + thirdParty + ":root", "arn:${Partition}:iam::" + thirdParty + ":role/ControlPlane",
		thirdParty,
	}
	widerServices = []string{"lambda.amazonaws.com", "ec2.amazonaws.com", "s3.amazonaws.com"}
)

// trustMutants yields every mutant of the trust policy of every role, and of the policy of every topic.
func trustMutants(p schema.Profile, yield func(string, schema.Profile)) {
	for i, r := range p.Roles {
		for j, trust := range r.Trust {
			with := func(what string, changed ...schema.Trust) {
				m := p
				m.Roles = slices.Clone(p.Roles)
				m.Roles[i].Trust = slices.Concat(r.Trust[:j], changed, r.Trust[j+1:])
				yield(r.Entity+"/"+trust.Sid+": "+what, m)
			}
			with("removed")
			changePrincipal(trust.AWS, trust.Service, func(what, aws, service string) {
				changed := trust
				changed.AWS, changed.Service = aws, service
				with(what, trust, changed)
				with(what+" instead", changed)
			})
			changeConditions(trust.When, func(what string, when schema.Conditions) {
				changed := trust
				changed.When = when
				with(what, changed)
			})
			for value, conditions := range trust.WhenGiven {
				changeConditions(conditions, func(what string, when schema.Conditions) {
					changed := trust
					changed.WhenGiven = map[schema.Value]schema.Conditions{value: when}
					with(what, changed)
				})
			}
			for k := range trust.For {
				changed := trust
				changed.For = slices.Clone(trust.For)
				changed.For[k] = schema.Use{Asset: trust.For[k].Asset, Operation: trust.For[k].Operation}
				if changed.For[k] != trust.For[k] {
					with("without the option "+string(trust.For[k].Option), changed)
				}
			}
		}
	}
	for i, topic := range p.Topics {
		for j, st := range topic.Statements {
			with := func(what string, changed ...schema.TopicStatement) {
				m := p
				m.Topics = slices.Clone(p.Topics)
				m.Topics[i].Statements = slices.Concat(topic.Statements[:j], changed, topic.Statements[j+1:])
				yield(topic.Entity+"/"+st.Sid+": "+what, m)
			}
			with("removed")
			changePrincipal(st.AWS, st.Service, func(what, aws, service string) {
				changed := st
				changed.AWS, changed.Service = aws, service
				with(what, st, changed)
			})
			changeConditions(st.When, func(what string, when schema.Conditions) {
				changed := st
				changed.When = when
				with(what, changed)
			})
			for _, action := range append(strings.Fields(topicReads+" "+topicOthers), "SNS:Publish", "SNS:*", "*") {
				if !slices.Contains(st.Actions, action) {
					changed := st
					changed.Actions = append(slices.Clone(st.Actions), action)
					with("action "+action+" added", changed)
				}
			}
			for k, action := range st.Actions {
				changed := st
				changed.Actions = slices.Delete(slices.Clone(st.Actions), k, k+1)
				with("action "+action+" removed", changed)
			}
		}
	}
}

func changePrincipal(aws, service string, yield func(what, aws, service string)) {
	for _, wider := range widerAWS {
		if wider != aws {
			yield("principal "+wider, wider, "")
		}
	}
	for _, wider := range widerServices {
		if wider != service && !(service == "${EC2Service}" && wider == "ec2.amazonaws.com") {
			yield("principal "+wider, "", wider)
		}
	}
}
