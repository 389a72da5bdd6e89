package detect

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"permstack/internal/awsapi/livestate"
	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/drift/changeevent"
	"permstack/internal/notify/finding"
)

// changeDirection returns how a call changed a resource; "" if it changed nothing
// that is compared, or set what is expected.
func (m *model) changeDirection(e changeevent.Event, r *resource) finding.Direction {
	if !concernsType(e, r) || m.setsExpected(e, r) {
		return ""
	}
	if e.Call.Action == "sns:SetTopicAttributes" && e.Parameter("attributeName") != "Policy" {
		return finding.Changed
	}
	return callDirections[e.Call.Action]
}

// concernsType reports whether a call that names a resource changes it. The ARN of a topic is also the physical id of
// its policy, and the beginning of those of its subscriptions: one call is one finding.
func concernsType(e changeevent.Event, r *resource) bool {
	ofPolicy := r.typ.owner != nil // a topic's policy
	switch e.Call.Action {
	case "sns:SetTopicAttributes":
		return r.typ != snsSubscription && ofPolicy == (e.Parameter("attributeName") == "Policy")
	case "sns:AddPermission", "sns:RemovePermission":
		return ofPolicy
	case "sns:Subscribe", "sns:DeleteTopic":
		return r.typ == snsTopic
	}
	return true
}

// setsExpected reports whether a call set what is expected, in whatever form: a tool that
// writes the same value again, or a document in another order, changed nothing.
func (m *model) setsExpected(e changeevent.Event, r *resource) bool {
	policy, name, document := e.Parameter("policyArn"), e.Parameter("policyName"), e.Parameter("policyDocument")
	role, isRole := m.roles[r]
	inline, declared := role.inline[name]
	switch e.Call.Action {
	case "iam:AttachRolePolicy":
		// Of a policy of the installation, the role that got it matters: it is expected to
		// have it, or has a finding of its own.
		return role.managed[policy] || !isRole && m.find(typeRole, e.Parameter("roleName")) != nil
	case "iam:DetachRolePolicy": // what no template declares is only removed again
		return !role.managed[policy]
	case "iam:DeleteRolePolicy":
		return !declared
	case "iam:PutRolePolicy":
		return declared && m.sameMeaning(document, inline.document)
	case "iam:CreatePolicyVersion":
		return m.sameMeaning(document, m.policies[r.physicalID])
	case "iam:UpdateAssumeRolePolicy":
		live, ok := r.live.(*liveRole)
		return ok && m.sameMeaning(document, parseDocument(live.trust))
	case "iam:PutRolePermissionsBoundary":
		return isRole && e.Parameter("permissionsBoundary") == role.boundary
	case "iam:UpdateRole": // of the description alone, or the session as it is
		session, set := parameter(e, "maxSessionDuration")
		return isRole && (!set || text(session) == fmt.Sprint(role.maxSession))
	case "sns:Subscribe":
		live, ok := r.live.(*liveTopic)
		subscribed := ok && slices.ContainsFunc(live.subscriptions, func(s livestate.Subscription) bool {
			return s.Protocol == e.Parameter("protocol") && s.Endpoint == e.Parameter("endpoint")
		})
		// Everybody may subscribe to the alert topic; it is announced. A subscription that exists
		// has a finding, or is allowed.
		return r.stack == m.installation || subscribed
	case "sns:SetTopicAttributes":
		return m.setsTopicAttribute(e)
	case "sqs:SetQueueAttributes":
		return m.setsQueueAttributes(e, r)
	case "events:PutTargets":
		return setsTargets(e, r)
	case "events:PutRule":
		return setsDeclared(e, r, map[string]any{"State": ruleEnabled}, "Name", "Tags", "EventBusName", descriptionProperty)
	case "lambda:UpdateFunctionConfiguration":
		return setsFunction(e, r)
	case "lambda:PutFunctionCodeSigningConfig":
		return setsDeclared(e, r, nil, "FunctionName")
	case "cloudwatch:PutMetricAlarm":
		return setsDeclared(e, r, map[string]any{"ActionsEnabled": "true"}, "AlarmName", "Tags", alarmDescription)
	}
	return false
}

// sameMeaning reports whether a document of a call allows and denies the same as another.
func (m *model) sameMeaning(text string, expected document) bool {
	if text == "" || expected.text == "" {
		return false
	}
	given := parseDocument(text)
	if given.err != nil || expected.err != nil {
		return false
	}
	return compareDocuments(m.account, parsed(expected), parsed(given)).same
}

// parameter returns a parameter of a call, whatever the case of its name.
func parameter(e changeevent.Event, name string) (any, bool) {
	for key, value := range e.Parameters {
		if strings.EqualFold(key, name) {
			return value, value != nil
		}
	}
	return nil, false
}

// setsTopicAttribute reports whether a call set an attribute of a topic to what it is.
func (m *model) setsTopicAttribute(e changeevent.Event) bool {
	// The call also names, by the beginning of their ARNs, the topic's policy and subscriptions.
	topic := m.find(typeTopic, e.Parameter("topicArn"))
	if topic == nil {
		return false
	}
	live, ok := topic.live.(*liveTopic)
	if !ok {
		return false
	}
	name, value := e.Parameter("attributeName"), e.Parameter("attributeValue")
	switch {
	case name == "Policy":
		return m.sameMeaning(value, parseDocument(live.policy))
	case slices.Contains(topicSettings, name):
		return value == live.settings[name]
	}
	return true // how messages look, are traced or logged is not compared
}

// setsQueueAttributes reports whether a call set attributes of a queue to what they are.
func (m *model) setsQueueAttributes(e changeevent.Event, r *resource) bool {
	live, ok := r.live.(*liveQueue)
	value, _ := parameter(e, "attributes")
	attributes, isMap := capitalized(value).(map[string]any)
	if !ok || !isMap {
		return false
	}
	for name, value := range attributes {
		actual := live.attributes[name]
		if text(value) != actual && !(name == "Policy" && m.sameMeaning(text(value), parseDocument(actual))) {
			return false
		}
	}
	return true
}

// setsTargets reports whether a call set targets of a rule as the template has them.
func setsTargets(e changeevent.Event, r *resource) bool {
	value, _ := parameter(e, "targets")
	given := objects(value)
	for _, target := range given {
		same := func(declared map[string]any) bool {
			return reflect.DeepEqual(cfntemplate.TextScalars(capitalized(target)), cfntemplate.TextScalars(any(declared)))
		}
		if !slices.ContainsFunc(objects(r.props["Targets"]), same) {
			return false
		}
	}
	return len(given) > 0
}

// setsFunction reports whether a call set the compared settings of a function as the template has them. Others, such as
// tracing, the size of /tmp and snapshots, are not compared.
func setsFunction(e changeevent.Event, r *resource) bool {
	parameters, _ := capitalized(e.Parameters).(map[string]any)
	var ignored []string
	compared := false
	for name := range parameters {
		if slices.ContainsFunc(functionProperties, func(p string) bool { return strings.EqualFold(p, name) }) {
			compared = true
		} else {
			ignored = append(ignored, name)
		}
	}
	return !compared || setsDeclared(e, r, nil, ignored...)
}

// setsDeclared reports whether every parameter of a call has the declared value of the
// property of the same name, or the default that the property has. CloudTrail writes names
// with a lower-case initial.
func setsDeclared(e changeevent.Event, r *resource, defaults map[string]any, ignored ...string) bool {
	parameters, _ := capitalized(e.Parameters).(map[string]any)
	compared := 0 // CloudTrail hides some values
	for _, name := range sorted(parameters) {
		value := parameters[name]
		expected, declared := r.props[name]
		if !declared {
			expected, declared = defaults[name]
		}
		if slices.Contains(ignored, name) || value == nil || !declared && value == "" {
			continue
		}
		if isUnknown(expected) || !sameValue(expected, value) {
			return false
		}
		compared++
	}
	return compared > 0
}

// sameValue compares a declared value with one of a call: an object may be JSON in text.
func sameValue(expected, given any) bool {
	if s, ok := given.(string); ok {
		if _, isText := expected.(string); !isText && expected != nil {
			var v any
			if json.Unmarshal([]byte(s), &v) == nil {
				given = v
			}
		}
	}
	return reflect.DeepEqual(sortLists(cfntemplate.TextScalars(expected)), sortLists(cfntemplate.TextScalars(given)))
}

// capitalized returns a value with the names of its properties as CloudFormation writes
// them.
func capitalized(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, value := range v {
			if name != "" {
				out[strings.ToUpper(name[:1])+name[1:]] = capitalized(value)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = capitalized(e)
		}
		return out
	}
	return v
}
