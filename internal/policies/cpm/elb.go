package cpm

import "permstack/internal/policies/schema"

const (
	elbARN        = "arn:${Partition}:elasticloadbalancing:${Reach}:${Account}:"
	loadBalancers = elbARN + "loadbalancer/*"
	targetGroups  = elbARN + "targetgroup/*"
	listeners     = elbARN + "listener/*"
	listenerRules = elbARN + "listener-rule/*"
)

var describeLoadBalancers = []string{
	"elasticloadbalancing:DescribeInstanceHealth", "elasticloadbalancing:DescribeListenerCertificates",
	"elasticloadbalancing:DescribeListeners", "elasticloadbalancing:DescribeLoadBalancerAttributes",
	"elasticloadbalancing:DescribeLoadBalancerPolicies", "elasticloadbalancing:DescribeLoadBalancerPolicyTypes",
	"elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeRules",
	"elasticloadbalancing:DescribeSSLPolicies", "elasticloadbalancing:DescribeTags",
	"elasticloadbalancing:DescribeTargetGroupAttributes", "elasticloadbalancing:DescribeTargetGroups",
	"elasticloadbalancing:DescribeTargetHealth",
}

// elbStatements are the capability VPC's part for load balancers, which came with
// the release of September 2025.
var elbStatements = []schema.Statement{
	{
		Sid:         "CaptureLoadBalancers",
		Why:         "record load balancers, their listeners and targets",
		For:         doing(vpcCapture),
		Actions:     describeLoadBalancers,
		Since:       since(release2509, describeLoadBalancers...),
		Resources:   []string{"*"},
		WhyWildcard: noResourceLevel,
	},
	{
		Sid:       "CaptureUserPoolClients",
		Why:       "record the Cognito client that a listener signs people in with",
		For:       doing(vpcCapture),
		Actions:   []string{"cognito-idp:DescribeUserPoolClient"},
		Since:     since(release2509, "cognito-idp:DescribeUserPoolClient"),
		Resources: []string{"arn:${Partition}:cognito-idp:${Reach}:${Account}:userpool/*"},
	},
	sinceSeptember(schema.Statement{
		Sid: "RebuildLoadBalancers",
		Why: "make load balancers anew with their settings and targets, and take them back on failure",
		Actions: []string{
			"elasticloadbalancing:ConfigureHealthCheck",
			"elasticloadbalancing:CreateAppCookieStickinessPolicy", "elasticloadbalancing:CreateLBCookieStickinessPolicy",
			"elasticloadbalancing:CreateListener", "elasticloadbalancing:CreateLoadBalancer",
			"elasticloadbalancing:CreateLoadBalancerListeners", "elasticloadbalancing:CreateLoadBalancerPolicy",
			"elasticloadbalancing:DeleteLoadBalancer", "elasticloadbalancing:ModifyLoadBalancerAttributes",
			"elasticloadbalancing:RegisterInstancesWithLoadBalancer",
			"elasticloadbalancing:SetLoadBalancerPoliciesOfListener",
		},
		Resources: []string{loadBalancers},
	}),
	sinceSeptember(schema.Statement{
		Sid: "RebuildTargetGroups",
		Why: "make the target groups of load balancers anew, and take them back on failure",
		Actions: []string{
			"elasticloadbalancing:CreateTargetGroup",
			"elasticloadbalancing:DeleteTargetGroup", "elasticloadbalancing:ModifyTargetGroupAttributes",
			"elasticloadbalancing:RegisterTargets",
		},
		Resources: []string{targetGroups},
	}),
	sinceSeptember(schema.Statement{
		Sid: "RebuildListeners",
		Why: "make the listeners and rules of load balancers anew, and take them back on failure",
		Actions: []string{
			"elasticloadbalancing:CreateRule", "elasticloadbalancing:DeleteListener",
			"elasticloadbalancing:DeleteRule", "elasticloadbalancing:RemoveListenerCertificates",
		},
		Resources: []string{listeners, listenerRules},
	}),
	sinceSeptember(schema.Statement{
		Sid:       "TagLoadBalancers",
		Why:       "put the tags of the original on load balancers and what belongs to them",
		Actions:   []string{"elasticloadbalancing:AddTags"},
		Resources: []string{loadBalancers, targetGroups, listeners, listenerRules},
	}),
}

// sinceSeptember says that all of a statement came with that release.
func sinceSeptember(st schema.Statement) schema.Statement {
	st.For = doing(vpcCapture)
	st.Since = since(release2509, st.Actions...)
	return st
}
