package detect_test

import (
	"strings"

	"permstack/internal/drift/detect"
	"permstack/internal/iampolicy"
)

// permissionScope limits the resources of the drift check's permissions.
type permissionScope struct {
	Partition, Account, Region string
	StackName                  string // of the parent
	StackUUID                  string // last part of the parent's id, for permission stacks with truncated names
	RolePath                   string // begins and ends with a slash
	Prefix                     string // of the profile's names: "Clumio", "CPM"
}

// permission is a statement of the drift check's role.
type permission struct {
	iampolicy.Statement
	Why string
	// OnAWS is true if the embedded AWS does not require it: CloudFormation's read
	// handlers do, for types that it only records, and AWS's documentation of
	// drift detection does ("Detect unmanaged configuration changes", User Guide).
	OnAWS bool
}

// checkPermissions returns exactly what Check needs.
//
// Reading managed policies is not limited to those of the installation: which
// policy will be attached is not known beforehand, and without its document a
// finding has no direction. Managed policies contain no secrets.
//
// The names of the function, log group, queue, alarm and schedule are those that
// CloudFormation generates from the parent's.
func checkPermissions(s permissionScope) []permission {
	return []permission{
		s.allow(
			"ReadStacks",
			"finds the stacks, reads their templates, detects drift",
			"cloudformation:DescribeStacks cloudformation:GetTemplate cloudformation:ListStackResources "+
				"cloudformation:DetectStackResourceDrift",
			s.stacks(true)...),
		s.allow(
			"ReadTypes",
			"drift detection requires it; it supports no resources",
			"cloudformation:BatchDescribeTypeConfigurations",
			"*",
		),
		s.allow(
			"ReadRoles",
			"the policies of each role",
			"iam:GetRole iam:GetRolePolicy iam:ListRolePolicies iam:ListAttachedRolePolicies",
			s.iam("role"),
		),
		s.allow(
			"ReadPolicies",
			"the default version of the installation's policies, and of those that were attached",
			"iam:GetPolicy iam:GetPolicyVersion",
			"arn:"+s.Partition+":iam::"+s.Account+":policy/*",
			"arn:"+s.Partition+":iam::aws:policy/*",
		),
		s.allow(
			"ReadPolicyUse",
			"drift detection of managed policies requires it",
			"iam:ListEntitiesForPolicy",
			s.iam("policy"),
		),
		s.allow(
			"ReadInstanceProfiles",
			"which role an instance profile has",
			"iam:GetInstanceProfile",
			s.iam("instance-profile"),
		),
		s.allow("ReadTopics", "the topic's policy and tags; drift detection reads its subscriptions",
			"sns:GetTopicAttributes sns:ListTagsForResource sns:ListSubscriptionsByTopic", s.topics()),
		s.allow(
			"ReadRules",
			"each rule with its targets and tags",
			"events:DescribeRule events:ListTargetsByRule events:ListTagsForResource",
			s.rules(),
		),

		s.onAWS(
			"DetectDrift",
			"AWS's documentation of drift detection names it beside DetectStackResourceDrift",
			"cloudformation:DetectStackDrift",
			s.stacks(true)...),
		s.allow("ReadTopicProtection", "drift detection of topics", "sns:GetDataProtectionPolicy", s.topics()),
		s.onAWS(
			"ReadFunctions",
			"drift detection of functions",
			"lambda:GetFunction lambda:GetFunctionCodeSigningConfig lambda:GetFunctionEventInvokeConfig lambda:GetPolicy",
			s.own("lambda", "function:"),
		),
		s.allow("ReadLogGroups", "drift detection of log groups",
			"logs:ListTagsForResource logs:GetDataProtectionPolicy", s.own("logs", "log-group:")),
		s.allow("ListLogGroups", "drift detection of log groups; lists support no resource",
			"logs:DescribeIndexPolicies logs:DescribeLogGroups logs:DescribeResourcePolicies", "*"),
		s.onAWS(
			"ReadQueues",
			"drift detection of the dead-letter queue",
			"sqs:GetQueueAttributes sqs:ListQueueTags",
			s.own("sqs", ""),
		),
		s.onAWS(
			"ReadAlarms",
			"drift detection of alarms",
			"cloudwatch:DescribeAlarms cloudwatch:ListTagsForResource",
			s.own("cloudwatch", "alarm:"),
		),
		s.onAWS(
			"ReadSchedules",
			"drift detection of schedules",
			"scheduler:GetSchedule",
			s.own("scheduler", "schedule/*/"),
		),
		s.onAWS(
			"ReadOwnTopics",
			"the alert topic: its policy, tags and subscriptions",
			"sns:GetTopicAttributes sns:ListTagsForResource sns:ListSubscriptionsByTopic sns:GetSubscriptionAttributes "+
				"sns:GetDataProtectionPolicy",
			s.own("sns", ""),
		),
	}
}

// revertPermissions returns what Revert needs in addition to checkPermissions.
// CloudFormation executes a change set with the stack's own role, so that role's
// permissions are not needed here. But a principal that may create change sets of
// a stack can use what its role may do: AWS has no condition for the current
// template. The stack role's own permissions are the limit.
func revertPermissions(s permissionScope) []permission {
	changeSets := s.allow(
		"RevertByChangeSet",
		"drift-aware change sets of the permission stacks",
		"cloudformation:CreateChangeSet cloudformation:DescribeChangeSet cloudformation:ExecuteChangeSet "+
			"cloudformation:DeleteChangeSet",
		s.stacks(false)...)
	changeSets.Condition = iampolicy.Conditions{
		"StringLike": {"cloudformation:ChangeSetName": {detect.ChangeSetPrefix + "*"}},
	}
	return []permission{
		s.allow(
			"RemovePolicies",
			"removes undeclared policies from the installation's roles",
			"iam:DeleteRolePolicy iam:DetachRolePolicy",
			s.iam("role"),
		),
		changeSets,
		s.allow("RestoreTopicPolicy", "change sets do not revert a topic's policy", "sns:SetTopicAttributes", s.topics()),
	}
}

// policyDocument returns permissions as one policy document.
func policyDocument(permissions ...permission) iampolicy.Document {
	out := iampolicy.Document{Version: iampolicy.Version}
	for _, p := range permissions {
		out.Statement = append(out.Statement, p.Statement)
	}
	return out
}

func (s permissionScope) allow(sid, why, actions string, resources ...string) permission {
	return permission{
		Why:       why,
		Statement: iampolicy.Statement{Sid: sid, Effect: "Allow", Action: strings.Fields(actions), Resource: resources},
	}
}

func (s permissionScope) onAWS(sid, why, actions string, resources ...string) permission {
	p := s.allow(sid, why, actions, resources...)
	p.OnAWS = true
	return p
}

// stacks returns the ARNs of the permission stacks, and of the parent.
func (s permissionScope) stacks(parent bool) []string {
	arn := "arn:" + s.Partition + ":cloudformation:" + s.Region + ":" + s.Account + ":stack/"
	out := []string{arn + s.StackName + "-permstack-*/*", arn + "*-" + s.StackUUID + "-permstack-*/*"}
	if parent {
		out = append([]string{arn + s.StackName + "/*"}, out...)
	}
	return out
}

// iam returns the ARN pattern of a kind under the installation's path. installer/,
// where the parent's own roles are, is below it.
func (s permissionScope) iam(kind string) string {
	return "arn:" + s.Partition + ":iam::" + s.Account + ":" + kind + s.RolePath + "*"
}

func (s permissionScope) topics() string {
	return "arn:" + s.Partition + ":sns:" + s.Region + ":" + s.Account + ":" + s.Prefix + "*-" + s.Region + "-*"
}

func (s permissionScope) rules() string {
	return "arn:" + s.Partition + ":events:" + s.Region + ":" + s.Account + ":rule/" + s.Prefix + "*-" + s.Region + "-*"
}

// own returns the ARN pattern of what CloudFormation names after the parent stack.
func (s permissionScope) own(service, kind string) string {
	return "arn:" + s.Partition + ":" + service + ":" + s.Region + ":" + s.Account + ":" + kind + s.StackName + "-*"
}
