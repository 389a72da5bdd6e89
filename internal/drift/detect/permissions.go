package detect

import (
	"strings"

	"permstack/internal/iampolicy"
)

// Scope is what the checker's permissions end at. Every part may be a value or
// a CloudFormation pseudo parameter or parameter in ${…}.
type Scope struct {
	Partition, Account, Region string
	StackName                  string // of the parent
	StackUUID                  string // last part of the parent's id, for permission stacks whose names were cut
	RolePath                   string // begins and ends with a slash
	Prefix                     string // of the profile's names: "Clumio", "CPM"
}

// Permission is a statement of the checker's role.
type Permission struct {
	iampolicy.Statement
	Why string
	// OnAWS says that the embedded AWS does not ask for it: CloudFormation's read
	// handlers do, for types that it only records, and AWS's documentation of
	// drift detection does ("Detect unmanaged configuration changes", User Guide).
	OnAWS bool
}

// CheckPermissions is exactly what Check needs.
//
// Reading the documents of foreign policies ends at nothing: which policy
// somebody will attach is not known beforehand, and without its document an
// alert cannot say which way access went. These are reads of managed policies,
// which hold no secrets.
//
// The function's, log group's, queue's, alarm's and schedule's names are those
// that CloudFormation makes up of the parent's; a template can name the
// resources themselves instead, and should where the stack's name may be long.
func CheckPermissions(s Scope) []Permission {
	return []Permission{
		s.allow("ReadStacks", "finds the stacks, reads what they deployed, asks for drift",
			"cloudformation:DescribeStacks cloudformation:GetTemplate cloudformation:ListStackResources cloudformation:DetectStackResourceDrift",
			s.stacks(true)...),
		s.allow("ReadTypes", "drift detection asks for it; it knows no resource", "cloudformation:BatchDescribeTypeConfigurations", "*"),
		s.allow("ReadRoles", "what is on each of our roles", "iam:GetRole iam:GetRolePolicy iam:ListRolePolicies iam:ListAttachedRolePolicies", s.iam("role")),
		s.allow("ReadPolicies", "the default version of our policies, and of those that somebody attached",
			"iam:GetPolicy iam:GetPolicyVersion", "arn:"+s.Partition+":iam::"+s.Account+":policy/*", "arn:"+s.Partition+":iam::aws:policy/*"),
		s.allow("ReadPolicyUse", "drift detection of managed policies asks for it", "iam:ListEntitiesForPolicy", s.iam("policy")),
		s.allow("ReadInstanceProfiles", "which role an instance profile has", "iam:GetInstanceProfile", s.iam("instance-profile")),
		s.allow("ReadTopics", "the topic's policy and tags; drift detection asks for its subscriptions",
			"sns:GetTopicAttributes sns:ListTagsForResource sns:ListSubscriptionsByTopic", s.topics()),
		s.allow("ReadRules", "each rule with its targets and tags", "events:DescribeRule events:ListTargetsByRule events:ListTagsForResource", s.rules()),

		s.onAWS("DetectDrift", "AWS's documentation of drift detection names it beside DetectStackResourceDrift", "cloudformation:DetectStackDrift", s.stacks(true)...),
		s.onAWS("ReadTopicProtection", "drift detection of topics", "sns:GetDataProtectionPolicy", s.topics()),
		s.onAWS("ReadFunctions", "drift detection of functions", "lambda:GetFunction lambda:GetFunctionCodeSigningConfig lambda:GetFunctionEventInvokeConfig lambda:GetPolicy", s.own("lambda", "function:")),
		s.onAWS("ReadLogGroups", "drift detection of log groups", "logs:ListTagsForResource logs:GetDataProtectionPolicy", s.own("logs", "log-group:")),
		s.onAWS("ListLogGroups", "drift detection of log groups; it is a list", "logs:DescribeLogGroups", "arn:"+s.Partition+":logs:"+s.Region+":"+s.Account+":log-group:*"),
		s.onAWS("ReadQueues", "drift detection of the dead-letter queue", "sqs:GetQueueAttributes sqs:ListQueueTags", s.own("sqs", "")),
		s.onAWS("ReadAlarms", "drift detection of alarms", "cloudwatch:DescribeAlarms cloudwatch:ListTagsForResource", s.own("cloudwatch", "alarm:")),
		s.onAWS("ReadSchedules", "drift detection of schedules", "scheduler:GetSchedule", s.own("scheduler", "schedule/*/")),
		s.onAWS("ReadOwnTopics", "the alert topic: its policy, tags and subscriptions",
			"sns:GetTopicAttributes sns:ListTagsForResource sns:ListSubscriptionsByTopic sns:GetSubscriptionAttributes sns:GetDataProtectionPolicy", s.own("sns", "")),
	}
}

// RevertPermissions is what Revert needs beside CheckPermissions. CloudFormation
// carries a change set out as the stack's own role, so none of that role's rights
// are needed here. But whoever may make change sets for a stack may use what its
// role may do: AWS has no condition for "the template that is there". That is the
// price of revert; the stack role's own bounds are the limit.
func RevertPermissions(s Scope) []Permission {
	changeSets := s.allow("PutBack", "drift-aware change sets of the permission stacks",
		"cloudformation:CreateChangeSet cloudformation:DescribeChangeSet cloudformation:ExecuteChangeSet cloudformation:DeleteChangeSet", s.stacks(false)...)
	changeSets.Condition = iampolicy.Conditions{"StringLike": {"cloudformation:ChangeSetName": {ChangeSetPrefix + "*"}}}
	return []Permission{
		s.allow("TakeOff", "removes rogue policies from our own roles", "iam:DeleteRolePolicy iam:DetachRolePolicy", s.iam("role")),
		changeSets,
		s.allow("PutTopicPolicyBack", "change sets do not revert a topic's policy", "sns:SetTopicAttributes", s.topics()),
	}
}

// Policy writes permissions as one policy document.
func Policy(permissions ...Permission) iampolicy.Document {
	out := iampolicy.Document{Version: iampolicy.Version}
	for _, p := range permissions {
		out.Statement = append(out.Statement, p.Statement)
	}
	return out
}

func (s Scope) allow(sid, why, actions string, resources ...string) Permission {
	return Permission{Why: why, Statement: iampolicy.Statement{Sid: sid, Effect: "Allow", Action: strings.Fields(actions), Resource: resources}}
}

func (s Scope) onAWS(sid, why, actions string, resources ...string) Permission {
	p := s.allow(sid, why, actions, resources...)
	p.OnAWS = true
	return p
}

// stacks are the permission stacks, and the parent.
func (s Scope) stacks(parent bool) []string {
	arn := "arn:" + s.Partition + ":cloudformation:" + s.Region + ":" + s.Account + ":stack/"
	out := []string{arn + s.StackName + "-permstack-*/*", arn + "*-" + s.StackUUID + "-permstack-*/*"}
	if parent {
		out = append([]string{arn + s.StackName + "/*"}, out...)
	}
	return out
}

// iam is everything of a kind under our path: installer/, where the parent's own
// roles are, lies under it.
func (s Scope) iam(kind string) string {
	return "arn:" + s.Partition + ":iam::" + s.Account + ":" + kind + s.RolePath + "*"
}

func (s Scope) topics() string {
	return "arn:" + s.Partition + ":sns:" + s.Region + ":" + s.Account + ":" + s.Prefix + "*-" + s.Region + "-*"
}

func (s Scope) rules() string {
	return "arn:" + s.Partition + ":events:" + s.Region + ":" + s.Account + ":rule/" + s.Prefix + "*-" + s.Region + "-*"
}

// own is what CloudFormation names after the parent stack.
func (s Scope) own(service, kind string) string {
	return "arn:" + s.Partition + ":" + service + ":" + s.Region + ":" + s.Account + ":" + kind + s.StackName + "-*"
}
