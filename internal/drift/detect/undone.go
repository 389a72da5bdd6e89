package detect

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"permstack/internal/drift/changeevent"
	"permstack/internal/notify/finding"
)

// undone returns a finding for each resource that events changed and that is as
// expected now: somebody made the change and undid it, maybe after using it. Calls
// that can only restore a resource, or that change nothing which is compared, make
// no finding, and neither do calls that a current finding explains.
func (m *model) undone(events []changeevent.Event, current []finding.Finding) []draft {
	var out []draft
	for _, r := range m.resources {
		if r.outOfScope || r.stack.inProgress {
			continue
		}
		explained := func(e changeevent.Event) bool {
			return slices.ContainsFunc(current, func(f finding.Finding) bool { return concerns(f, r) && explains(f, e) })
		}
		var calls []finding.Call
		var direction finding.Direction
		for _, e := range events {
			if e.Failed || !e.NamesResource(r.physicalID) || m.madeByUpdate(e) {
				continue
			}
			d := m.changeDirection(e, r)
			if d == "" || explained(e) {
				continue
			}
			calls = append(calls, e.Call)
			if direction == "" || d == finding.GrantsMore || d == finding.Monitoring && direction != finding.GrantsMore {
				direction = d
			}
		}
		if len(calls) == 0 {
			continue
		}
		calls = changeevent.NewestCalls(calls)
		d := r.liveDraft(finding.ChangeUndone, "", calls[0].Action, direction, finding.Value{}, finding.Value{})
		d.Calls = calls
		m.markMonitoring(&d)
		out = append(out, d)
	}
	return out
}

// madeByUpdate reports whether CloudFormation made a call while it created or updated
// the parent stack, with the rights of whoever updated it. What the update changed is
// announced.
func (m *model) madeByUpdate(e changeevent.Event) bool {
	const service = "cloudformation.amazonaws.com"
	if m.installation == nil || e.Call.Source != service {
		return false
	}
	began := aws.ToTime(m.installation.described.LastUpdatedTime)
	if began.IsZero() {
		began = aws.ToTime(m.installation.described.CreationTime)
	}
	return !e.Time.Before(began.Add(-time.Minute)) && e.Time.Before(began.Add(longestUpdate))
}

// concerns reports whether a finding is about a resource, or says that it is not
// known.
func concerns(f finding.Finding, r *resource) bool {
	if f.Kind == finding.ChoiceChanged || f.Stack != r.stack.name {
		return false
	}
	return f.LogicalID == r.logicalID || f.LogicalID == "" && f.Direction == finding.Unreadable ||
		f.PhysicalID == r.physicalID
}

// explainingKinds are the kinds of findings that a call of IAM makes.
var explainingKinds = map[string][]finding.Kind{
	"iam:AttachRolePolicy":              {finding.AttachmentAdded, finding.AttachmentRemoved, finding.AttachedElsewhere},
	"iam:DetachRolePolicy":              {finding.AttachmentAdded, finding.AttachmentRemoved},
	"iam:AttachUserPolicy":              {finding.AttachedElsewhere},
	"iam:AttachGroupPolicy":             {finding.AttachedElsewhere},
	"iam:PutRolePolicy":                 inlineKinds,
	"iam:DeleteRolePolicy":              inlineKinds,
	"iam:CreatePolicyVersion":           {finding.PolicyChanged, finding.PolicyVersionAdded, finding.BoundaryChanged},
	"iam:SetDefaultPolicyVersion":       {finding.PolicyChanged, finding.BoundaryChanged},
	"iam:DeletePolicy":                  {finding.PolicyChanged, finding.BoundaryChanged},
	"iam:UpdateAssumeRolePolicy":        {finding.TrustChanged},
	"iam:PutRolePermissionsBoundary":    {finding.BoundaryChanged},
	"iam:DeleteRolePermissionsBoundary": {finding.BoundaryChanged},
	"iam:UpdateRole":                    {finding.SessionChanged, finding.PropertyChanged},
	"iam:AddRoleToInstanceProfile":      {finding.ProfileAdded, finding.ProfileChanged},
	"iam:RemoveRoleFromInstanceProfile": {finding.ProfileAdded, finding.ProfileChanged},
}

var inlineKinds = []finding.Kind{
	finding.InlinePolicyAdded, finding.InlinePolicyChanged, finding.InlinePolicyRemoved,
}

// explains reports whether a finding about a resource is what a call made, so that the call was not undone. Otherwise a
// small difference that is left open, such as a tag, would hide every change of the resource that is undone.
func explains(f finding.Finding, e changeevent.Event) bool {
	kinds, ofIAM := explainingKinds[e.Call.Action]
	switch {
	case f.Direction == finding.Unreadable, f.Kind == finding.ResourceDeleted, f.Kind == finding.RoleIdentityChanged:
		return true // nothing is known about the resource, or it is another one
	case !ofIAM:
		return f.Kind != finding.TagsChanged
	case !slices.Contains(kinds, f.Kind):
		return false
	case slices.Contains(inlineKinds, f.Kind):
		return f.Subject == e.Parameter("policyName")
	case f.Kind == finding.AttachmentAdded, f.Kind == finding.AttachmentRemoved:
		return f.Subject == e.Parameter("policyArn")
	}
	return true
}

// callDirections are the calls that change a resource, and how the access differed
// until it was restored. Of calls that are not listed nothing is compared, or they
// can only restore a resource.
var callDirections = map[string]finding.Direction{
	"iam:AttachRolePolicy": finding.GrantsMore, "iam:PutRolePolicy": finding.GrantsMore,
	"iam:UpdateAssumeRolePolicy": finding.GrantsMore, "iam:DeleteRolePermissionsBoundary": finding.GrantsMore,
	"iam:PutRolePermissionsBoundary": finding.GrantsMore, "iam:AttachUserPolicy": finding.GrantsMore,
	"iam:AttachGroupPolicy": finding.GrantsMore, "iam:CreatePolicyVersion": finding.GrantsMore,
	"iam:SetDefaultPolicyVersion": finding.GrantsMore, "iam:AddRoleToInstanceProfile": finding.GrantsMore,
	"iam:CreateRole": finding.GrantsMore, "iam:UpdateRole": finding.Changed,
	"iam:DetachRolePolicy": finding.GrantsLess, "iam:DeleteRolePolicy": finding.GrantsLess,
	"iam:DeleteRole": finding.GrantsLess, "iam:DeletePolicy": finding.GrantsLess,
	"iam:RemoveRoleFromInstanceProfile": finding.GrantsLess,

	"sns:SetTopicAttributes": finding.GrantsMore, "sns:AddPermission": finding.GrantsMore,
	"sns:Subscribe": finding.GrantsMore, "sns:RemovePermission": finding.GrantsLess,
	"sns:DeleteTopic": finding.GrantsLess,

	"events:PutRule": finding.GrantsMore, "events:PutTargets": finding.GrantsMore,
	"events:DisableRule": finding.GrantsLess, "events:RemoveTargets": finding.GrantsLess,
	"events:DeleteRule": finding.GrantsLess,

	"lambda:UpdateFunctionCode": finding.Monitoring, "lambda:UpdateFunctionConfiguration": finding.Monitoring,
	"lambda:AddPermission": finding.GrantsMore, "lambda:RemovePermission": finding.Monitoring,
	"lambda:CreateFunctionUrlConfig": finding.GrantsMore, "lambda:PutFunctionConcurrency": finding.Monitoring,
	"lambda:DeleteFunction": finding.Monitoring, "lambda:PutFunctionCodeSigningConfig": finding.GrantsMore,
	"lambda:DeleteFunctionCodeSigningConfig": finding.GrantsMore,

	"cloudwatch:PutMetricAlarm": finding.Monitoring, "cloudwatch:DisableAlarmActions": finding.Monitoring,
	"cloudwatch:DeleteAlarms": finding.Monitoring,

	"sqs:SetQueueAttributes": finding.Monitoring, "sqs:AddPermission": finding.Monitoring,
	"sqs:DeleteQueue": finding.Monitoring,

	"ssm:PutParameter": finding.Monitoring, "ssm:DeleteParameter": finding.Monitoring,
	"ssm:DeleteParameters": finding.Monitoring,
}
