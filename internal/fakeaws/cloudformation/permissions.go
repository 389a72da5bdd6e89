package cloudformation

import (
	"strings"

	"permstack/internal/fakeaws/protocol"
)

// onStack is for actions on a stack: the action itself, and iam:PassRole for a
// role that is passed to CloudFormation. A stack that does not exist has the ARN
// stack/<name>/*; a call without a stack, such as DescribeStacks for all
// stacks, requires the action on every resource.
func (e *Engine) onStack(call *protocol.Call) []protocol.Access {
	resource := e.requestedStack(call)
	context := protocol.TagContext(call.Tags("Tags"), nil, nil)
	for key, parameter := range map[string]string{
		"cloudformation:RoleArn":       "RoleARN",
		"cloudformation:TemplateUrl":   "TemplateURL",
		"cloudformation:ChangeSetName": "ChangeSetName",
	} {
		if v := call.Str(parameter); v != "" {
			context[key] = []string{v}
		}
	}
	out := []protocol.Access{{Action: "cloudformation:" + call.Action, Resource: resource, Context: context}}
	if role := call.Str("RoleARN"); role != "" {
		pass := protocol.PassRole(role, "cloudformation.amazonaws.com")
		pass.Context["iam:AssociatedResourceArn"] = []string{resource}
		out = append(out, pass)
	}
	return out
}

// requestedStack returns the ARN of the stack that a call names, also by the
// ARN of a change set, or "*".
func (e *Engine) requestedStack(call *protocol.Call) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	name := call.Str("StackName")
	if name == "" && strings.Contains(call.Str("ChangeSetName"), ":changeSet/") {
		if s, _, err := e.findChangeSet(call); err == nil {
			return s.id
		}
	}
	if name == "" {
		return "*"
	}
	if s := e.find(call.Account, call.Region, name, true); s != nil {
		return s.id
	}
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	return stackARN(call.Account, call.Region, name, "*")
}

// onResourceDrift is for DetectStackResourceDrift. The services check each
// type's reads.
func (e *Engine) onResourceDrift(call *protocol.Call) []protocol.Access {
	return append(e.onStack(call), protocol.Access{
		Action: "cloudformation:BatchDescribeTypeConfigurations", Resource: "*",
	})
}

// onStackDrift is for DetectStackDrift, which also requires the detection of
// drift of single resources.
func (e *Engine) onStackDrift(call *protocol.Call) []protocol.Access {
	out := e.onResourceDrift(call)
	return append(out, protocol.Access{
		Action: "cloudformation:DetectStackResourceDrift", Resource: out[0].Resource, Context: out[0].Context,
	})
}
