package cloudformation

import (
	"slices"
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
	for _, list := range []string{"ResourceTypes", "ImportResourceTypes"} {
		if v := call.List(list); len(v) > 0 {
			context["cloudformation:"+list] = v
		}
	}
	out := []protocol.Access{{Action: "cloudformation:" + call.Action, Resource: resource, Context: context}}
	out = append(out, e.tagging(call, resource)...)
	if role := call.Str("RoleARN"); role != "" {
		pass := protocol.PassRole(role, "cloudformation.amazonaws.com")
		pass.Context["iam:AssociatedResourceArn"] = []string{resource}
		out = append(out, pass)
	}
	return out
}

// tagging returns the permissions to add and remove a stack's tags, with the call that does it as
// cloudformation:CreateAction (CloudFormation User Guide, "Control access based on resource-mutating API actions").
func (e *Engine) tagging(call *protocol.Call, resource string) (out []protocol.Access) {
	tags := call.Tags("Tags")
	access := func(action string, context map[string][]string) {
		context["cloudformation:CreateAction"] = []string{call.Action}
		out = append(out, protocol.Access{Action: "cloudformation:" + action, Resource: resource, Context: context})
	}
	if len(tags) > 0 {
		access("TagResource", protocol.TagContext(tags, nil, nil))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.find(call.Account, call.Region, call.Str("StackName"), true)
	if s == nil || !hasList(call, "Tags") {
		return out
	}
	var removed []string
	for _, t := range s.tags {
		if !slices.ContainsFunc(tags, func(o protocol.Tag) bool { return o.Key == t.Key }) {
			removed = append(removed, t.Key)
		}
	}
	if len(removed) > 0 {
		access("UntagResource", protocol.TagContext(nil, removed, nil))
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
