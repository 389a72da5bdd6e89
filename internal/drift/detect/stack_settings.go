package detect

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"permstack/internal/awsapi/ratelimit"
	"permstack/internal/iampolicy"
	"permstack/internal/notify/finding"
)

// stackRoleVariable is the environment variable with which the parent's template passes the stack role to the
// provisioner.
const stackRoleVariable = "STACK_ROLE_ARN"

// compareStackSettings reports settings of a permission stack that no template contains, and that everybody who may
// update it can set: with whose rights CloudFormation changes it, who receives its events, what prevents its next
// update. Such an update also narrows access, for example at the end of a restore window.
func (c *check) compareStackSettings(ctx context.Context, parent, s *stack) {
	for _, topic := range s.described.NotificationARNs {
		s.settingChanged("NotificationARNs", topic, finding.GrantsMore, finding.None, topic)
	}
	actual := aws.ToString(s.described.RoleARN)
	if expected := parent.stackRole(); expected != "" && actual != "" && actual != expected {
		s.settingChanged("RoleARN", "RoleARN", finding.GrantsMore, finding.Text(expected), actual)
	}
	if rollback := s.described.RollbackConfiguration; rollback != nil {
		for _, trigger := range rollback.RollbackTriggers {
			s.settingChanged("RollbackConfiguration", aws.ToString(trigger.Arn), finding.Monitoring, finding.None,
				aws.ToString(trigger.Arn))
		}
	}
	if c.o.Limited && !namesAny(c.o.Events, s) {
		return
	}
	out, err := ratelimit.Call(ctx, c.cloudformation, c.clients.CloudFormation.GetStackPolicy,
		&cloudformation.GetStackPolicyInput{StackName: &s.id})
	switch {
	case err != nil:
		s.unreadable(finding.TargetStack, err)
	case !allowsUpdates(aws.ToString(out.StackPolicyBody)):
		s.settingChanged("StackPolicy", "StackPolicy", finding.Monitoring, finding.None, aws.ToString(out.StackPolicyBody))
	}
}

func (s *stack) settingChanged(
	property, subject string, direction finding.Direction, expected finding.Value, actual string,
) {
	d := s.draft(finding.PropertyChanged, subject, direction)
	d.Property, d.Expected, d.Actual = property, expected, finding.Text(actual)
	s.drafts = append(s.drafts, d)
}

// parentSettings returns the choices of the settings of the parent stack that no template contains. A customer may well
// have set them, so their change is announced. The stack policy has the previous value if it was not read.
func (c *check) parentSettings(ctx context.Context, s *stack) []finding.Choice {
	var settings []string
	add := func(name, value string) {
		if value != "" {
			settings = append(settings, name+" "+value)
		}
	}
	add("role", aws.ToString(s.described.RoleARN))
	for _, topic := range s.described.NotificationARNs {
		add("topic", topic)
	}
	if rollback := s.described.RollbackConfiguration; rollback != nil {
		for _, trigger := range rollback.RollbackTriggers {
			add("alarm", aws.ToString(trigger.Arn))
		}
	}
	slices.Sort(settings)
	choice := finding.Choice{Name: finding.StackSettingsChoice, Value: finding.NoSetting}
	if len(settings) > 0 {
		choice.Value = strings.Join(settings, ",")
	}
	previous := strings.Split(c.o.Previous(choice.Name), ",")
	for _, setting := range settings { // who may do more, or receives more
		if !strings.HasPrefix(setting, "alarm ") && !slices.Contains(previous, setting) {
			choice.Direction = finding.GrantsMore
		}
	}
	policy := finding.Choice{Name: finding.StackPolicyChoice, Value: c.o.Previous(finding.StackPolicyChoice)}
	if !c.o.Limited || namesAny(c.o.Events, s) {
		out, err := ratelimit.Call(ctx, c.cloudformation, c.clients.CloudFormation.GetStackPolicy,
			&cloudformation.GetStackPolicyInput{StackName: &s.id})
		switch {
		case err != nil:
			s.unreadable(finding.TargetStack, err)
		case allowsUpdates(aws.ToString(out.StackPolicyBody)):
			policy.Value = finding.NoSetting
		default:
			body := aws.ToString(out.StackPolicyBody)
			policy.Value, policy.Changes = "sha256 "+digest(body)[:16], []string{"policy: " + body}
		}
	}
	if policy.Value == "" {
		return []finding.Choice{choice}
	}
	return []finding.Choice{choice, policy}
}

// stackRole returns the role with which the provisioner updates the permission stacks; "" if it is not known.
func (s *stack) stackRole() string {
	for _, r := range s.resources {
		environment, _ := r.props["Environment"].(map[string]any)
		variables, _ := environment["Variables"].(map[string]any)
		if arn := text(variables[stackRoleVariable]); r.typ == lambdaFunction && arn != "" && !isUnknown(arn) {
			return arn
		}
	}
	return ""
}

// allowsUpdates reports whether a stack policy allows every update of every resource. Without a policy all are allowed;
// a policy can be replaced, not removed (user guide, "Prevent updates to stack resources").
func allowsUpdates(policy string) bool {
	if strings.TrimSpace(policy) == "" {
		return true
	}
	document, err := iampolicy.Parse([]byte(policy))
	if err != nil {
		return false
	}
	all := false
	for _, s := range document.Statement {
		if s.Effect != "Allow" {
			return false
		}
		everything := len(s.Resource) == 1 && s.Resource[0] == "*" && len(s.Condition) == 0
		for _, action := range s.Action {
			all = all || everything && (action == "*" || strings.EqualFold(action, "Update:*"))
		}
	}
	return all
}
