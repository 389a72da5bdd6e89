package detect

import (
	"slices"
	"testing"
	"time"

	"permstack/internal/awsapi/livestate"
	"permstack/internal/drift/changeevent"
	"permstack/internal/notify/finding"
)

const (
	vendorTrust = `{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},` +
		`"Action":"sts:AssumeRole"}]}`
	unitTopic  = "arn:aws:sns:us-east-1:123456789012:topic"
	unitPolicy = "arn:aws:iam::123456789012:policy/P"
)

// unitEvent is a call that CloudTrail recorded.
func unitEvent(action, names, parameters string) changeevent.Event {
	return changeevent.Event{
		Time: unitNow, Names: []string{names}, Parameters: jsonObject(parameters),
		Call: finding.Call{ID: action, Action: action, Time: unitNow},
	}
}

// undoneStack is a stack with a resource of each kind that calls change, as it is expected.
func undoneStack() *stack {
	s := unitStack("access")
	role := s.add(typeRole, "Role", "role", `{"MaxSessionDuration":7200,"PermissionsBoundary":"b",`+
		`"ManagedPolicyArns":["`+unitPolicy+`"],"Policies":[{"PolicyName":"inline","PolicyDocument":`+
		allowing("s3:GetObject")+`}]}`)
	role.live = &liveRole{trust: vendorTrust}
	s.add(typeManagedPolicy, "Policy", unitPolicy, `{"PolicyDocument":`+allowing("s3:GetObject")+`}`)
	topic := s.add(typeTopic, "Topic", unitTopic, `{}`)
	topic.live = &liveTopic{
		liveTopicAttributes: liveTopicAttributes{policy: allowing("sns:Publish"),
			settings: map[string]string{"KmsMasterKeyId": "key"}},
		subscriptions: []livestate.Subscription{{Protocol: "email", Endpoint: "a@example.com"}},
	}
	s.add(typeTopicInlinePolicy, "TopicPolicy", unitTopic, `{"TopicArn":"`+unitTopic+`"}`)
	s.add("AWS::SNS::Subscription", "Subscription", unitTopic+":1", `{}`)
	s.add("AWS::SQS::Queue", "Queue", "https://q", `{}`).live = &liveQueue{attributes: map[string]string{
		"Policy": allowing("sqs:SendMessage"), "DelaySeconds": "0",
	}}
	s.add("AWS::Events::Rule", "Rule", "rule", `{"Name":"rule","EventPattern":{"source":["a","b"]},`+
		`"Targets":[{"Id":"1","Arn":"arn:1"},{"Id":"2","Arn":"arn:2","Input":"{}"}]}`)
	s.add("AWS::Lambda::Function", "Function", "function",
		`{"Timeout":60,"Handler":"bootstrap","CodeSigningConfigArn":"c"}`)
	s.add("AWS::CloudWatch::Alarm", "Alarm", "alarm", `{"Threshold":1,"Namespace":"permstack"}`)
	s.add("AWS::IAM::Role", "Secret", "secret", `{"Threshold":"`+"\\u0000unknown"+`"}`)
	return s
}

// TestSetsExpected checks which calls changed something that is compared, and how the access differed until it was
// undone: not one that set what is expected, in whatever form.
func TestSetsExpected(t *testing.T) {
	const none = finding.Direction("")
	for _, tc := range []struct {
		action, resource, parameters string
		want                         finding.Direction
	}{
		{"iam:AttachRolePolicy", "Role", `{"roleName":"role","policyArn":"arn:aws:iam::aws:policy/Admin"}`,
			finding.GrantsMore},
		{"iam:AttachRolePolicy", "Role", `{"roleName":"role","policyArn":"` + unitPolicy + `"}`, none},
		{"iam:AttachRolePolicy", "Policy", `{"roleName":"role","policyArn":"` + unitPolicy + `"}`, none},
		{"iam:AttachRolePolicy", "Policy", `{"roleName":"theirs","policyArn":"` + unitPolicy + `"}`, finding.GrantsMore},
		{"iam:DetachRolePolicy", "Role", `{"policyArn":"` + unitPolicy + `"}`, finding.GrantsLess},
		{"iam:DetachRolePolicy", "Role", `{"policyArn":"arn:aws:iam::aws:policy/Admin"}`, none},
		{"iam:DeleteRolePolicy", "Role", `{"policyName":"inline"}`, finding.GrantsLess},
		{"iam:DeleteRolePolicy", "Role", `{"policyName":"theirs"}`, none},
		{"iam:PutRolePolicy", "Role", `{"policyName":"inline","policyDocument":` + quoted(allowing("s3:getobject")) + `}`,
			none},
		{"iam:PutRolePolicy", "Role", `{"policyName":"inline","policyDocument":` + quoted(allowing("s3:*")) + `}`,
			finding.GrantsMore},
		{"iam:PutRolePolicy", "Role", `{"policyName":"theirs","policyDocument":` + quoted(allowing("s3:GetObject")) + `}`,
			finding.GrantsMore},
		{"iam:PutRolePolicy", "Role", `{"policyName":"inline"}`, finding.GrantsMore},
		{"iam:PutRolePolicy", "Role", `{"policyName":"inline","policyDocument":"{"}`, finding.GrantsMore},
		{"iam:CreatePolicyVersion", "Policy", `{"policyDocument":` + quoted(allowing("s3:GetObject")) + `}`, none},
		{"iam:CreatePolicyVersion", "Policy", `{"policyDocument":` + quoted(allowing("s3:*")) + `}`, finding.GrantsMore},
		{"iam:CreatePolicyVersion", "Role", `{"policyDocument":` + quoted(allowing("s3:*")) + `}`, finding.GrantsMore},
		{"iam:UpdateAssumeRolePolicy", "Role", `{"policyDocument":` + quoted(vendorTrust) + `}`, none},
		{"iam:UpdateAssumeRolePolicy", "Role", `{"policyDocument":` + quoted(allowing("sts:AssumeRole")) + `}`,
			finding.GrantsMore},
		{"iam:UpdateAssumeRolePolicy", "Policy", `{"policyDocument":` + quoted(vendorTrust) + `}`, finding.GrantsMore},
		{"iam:PutRolePermissionsBoundary", "Role", `{"permissionsBoundary":"b"}`, none},
		{"iam:PutRolePermissionsBoundary", "Role", `{"permissionsBoundary":"x"}`, finding.GrantsMore},
		{"iam:PutRolePermissionsBoundary", "Policy", `{"permissionsBoundary":""}`, finding.GrantsMore},
		{"iam:UpdateRole", "Role", `{"description":"d"}`, none},
		{"iam:UpdateRole", "Role", `{"maxSessionDuration":7200}`, none},
		{"iam:UpdateRole", "Role", `{"maxSessionDuration":43200}`, finding.Changed},
		{"iam:UpdateRole", "Policy", `{}`, finding.Changed},
		{"iam:TagRole", "Role", `{}`, none},
		{"sns:Subscribe", "Topic", `{"protocol":"email","endpoint":"a@example.com"}`, none},
		{"sns:Subscribe", "Topic", `{"protocol":"email","endpoint":"b@example.com"}`, finding.GrantsMore},
		{"sns:Subscribe", "Topic", `{"protocol":"https","endpoint":"a@example.com"}`, finding.GrantsMore},
		{"sns:Subscribe", "TopicPolicy", `{"protocol":"email","endpoint":"b@example.com"}`, none},
		{"sns:DeleteTopic", "Topic", `{}`, finding.GrantsLess},
		{"sns:DeleteTopic", "Subscription", `{}`, none},
		{"sns:AddPermission", "TopicPolicy", `{}`, finding.GrantsMore},
		{"sns:AddPermission", "Topic", `{}`, none},
		{"sns:RemovePermission", "TopicPolicy", `{}`, finding.GrantsLess},
		{"sns:RemovePermission", "Topic", `{}`, none},
		{"sns:SetTopicAttributes", "TopicPolicy", `{"topicArn":"` + unitTopic +
			`","attributeName":"Policy","attributeValue":` +
			quoted(allowing("sns:*")) + `}`, finding.GrantsMore},
		{"sns:SetTopicAttributes", "TopicPolicy", `{"topicArn":"` + unitTopic +
			`","attributeName":"Policy","attributeValue":` +
			quoted(allowing("SNS:Publish")) + `}`, none},
		{"sns:SetTopicAttributes", "Topic", `{"topicArn":"` + unitTopic + `","attributeName":"Policy","attributeValue":` +
			quoted(allowing("sns:*")) + `}`, none},
		{"sns:SetTopicAttributes", "Topic",
			`{"topicArn":"` + unitTopic + `","attributeName":"KmsMasterKeyId","attributeValue":"key"}`, none},
		{"sns:SetTopicAttributes", "Topic",
			`{"topicArn":"` + unitTopic + `","attributeName":"KmsMasterKeyId","attributeValue":"theirs"}`, finding.Changed},
		{"sns:SetTopicAttributes", "TopicPolicy",
			`{"topicArn":"` + unitTopic + `","attributeName":"KmsMasterKeyId","attributeValue":"theirs"}`, none},
		{"sns:SetTopicAttributes", "Subscription",
			`{"topicArn":"` + unitTopic + `","attributeName":"KmsMasterKeyId","attributeValue":"theirs"}`, none},
		{"sns:SetTopicAttributes", "Topic",
			`{"topicArn":"` + unitTopic + `","attributeName":"DisplayName","attributeValue":"x"}`, none},
		{"sns:SetTopicAttributes", "Topic",
			`{"topicArn":"arn:other","attributeName":"KmsMasterKeyId","attributeValue":"key"}`,
			finding.Changed},
		{"sqs:SetQueueAttributes", "Queue", `{"attributes":{"DelaySeconds":"0"}}`, none},
		{"sqs:SetQueueAttributes", "Queue", `{"attributes":{"DelaySeconds":"900"}}`, finding.Monitoring},
		{"sqs:SetQueueAttributes", "Queue", `{"attributes":{"Policy":` + quoted(allowing("SQS:SendMessage")) + `}}`, none},
		{"sqs:SetQueueAttributes", "Queue", `{"attributes":{"Policy":` + quoted(allowing("sqs:*")) + `}}`,
			finding.Monitoring},
		{"sqs:SetQueueAttributes", "Queue", `{"attributes":{"RedrivePolicy":` + quoted(allowing("x")) + `}}`,
			finding.Monitoring},
		{"sqs:SetQueueAttributes", "Queue", `{}`, finding.Monitoring},
		{"sqs:SetQueueAttributes", "Rule", `{"attributes":{}}`, finding.Monitoring},
		{"events:PutTargets", "Rule", `{"targets":[{"id":"1","arn":"arn:1"}]}`, none},
		{"events:PutTargets", "Rule", `{"targets":[{"id":"1","arn":"arn:1"},{"id":"2","arn":"arn:2","input":"{}"}]}`, none},
		{"events:PutTargets", "Rule", `{"targets":[{"id":"1","arn":"arn:1"},{"id":"3","arn":"arn:3"}]}`, finding.GrantsMore},
		{"events:PutTargets", "Rule", `{"targets":[]}`, finding.GrantsMore},
		{"events:PutRule", "Rule", `{"name":"rule","eventPattern":"{\"source\":[\"b\",\"a\"]}","state":"ENABLED",` +
			`"description":"d","tags":[],"roleArn":""}`, none},
		{"events:PutRule", "Rule", `{"name":"rule","eventPattern":"{\"source\":[\"b\"]}"}`, finding.GrantsMore},
		{"events:PutRule", "Rule", `{"name":"rule","eventPattern":"{\"source\":[\"b\",\"a\"]}","state":"DISABLED"}`,
			finding.GrantsMore},
		{"events:PutRule", "Rule", `{"name":"rule","eventPattern":"{"}`, finding.GrantsMore},
		{"events:PutRule", "Rule", `{"name":"rule","roleArn":"r"}`, finding.GrantsMore},
		{"events:PutRule", "Rule", `{"name":"rule","eventPattern":"{\"source\":[\"b\",\"a\"]}","roleArn":"r"}`,
			finding.GrantsMore},
		{"events:PutRule", "Rule", `{"name":"rule","state":"ENABLED","eventPattern":""}`, finding.GrantsMore},
		{"events:PutRule", "Rule", `{"name":"rule","eventPattern":null}`, finding.GrantsMore},
		{"lambda:UpdateFunctionConfiguration", "Function", `{"functionName":"function","timeout":60,"tracingConfig":{}}`,
			none},
		{"lambda:UpdateFunctionConfiguration", "Function", `{"functionName":"function","timeout":3}`, finding.Monitoring},
		{"lambda:UpdateFunctionConfiguration", "Function", `{"functionName":"function","tracingConfig":{}}`, none},
		{"lambda:PutFunctionCodeSigningConfig", "Function", `{"functionName":"function","codeSigningConfigArn":"c"}`, none},
		{"lambda:PutFunctionCodeSigningConfig", "Function", `{"functionName":"function","codeSigningConfigArn":"x"}`,
			finding.GrantsMore},
		{"cloudwatch:PutMetricAlarm", "Alarm", `{"alarmName":"alarm","threshold":1.0,"actionsEnabled":true,"namespace":` +
			`"permstack","alarmDescription":"d"}`, none},
		{"cloudwatch:PutMetricAlarm", "Alarm", `{"alarmName":"alarm","threshold":2}`, finding.Monitoring},
		{"cloudwatch:PutMetricAlarm", "Alarm", `{"alarmName":"alarm","actionsEnabled":false}`, finding.Monitoring},
		{"cloudwatch:PutMetricAlarm", "Alarm", `{"alarmName":"alarm"}`, finding.Monitoring},
		{"cloudwatch:PutMetricAlarm", "Secret", `{"threshold":"x"}`, finding.Monitoring},
	} {
		t.Run(tc.action+" "+tc.resource+" "+tc.parameters, func(t *testing.T) {
			s := undoneStack()
			m := unitModel(unitStack("backup"), s)
			i := slices.IndexFunc(s.resources, func(r *resource) bool { return r.logicalID == tc.resource })
			if got := m.changeDirection(unitEvent(tc.action, "", tc.parameters), s.resources[i]); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	t.Run("subscription to the alert topic", func(t *testing.T) {
		parent := unitStack("backup")
		topic := parent.add(typeTopic, "Topic", unitTopic, `{}`)
		e := unitEvent("sns:Subscribe", unitTopic, `{"protocol":"email","endpoint":"x"}`)
		if got := unitModel(parent).changeDirection(e, topic); got != "" { // it is announced
			t.Errorf("got %s", got)
		}
	})
	t.Run("topic that was not read", func(t *testing.T) {
		s := unitStack("access")
		topic := s.add(typeTopic, "Topic", unitTopic, `{}`)
		e := unitEvent("sns:SetTopicAttributes", unitTopic, `{"topicArn":"`+unitTopic+`","attributeName":"DisplayName"}`)
		if got := unitModel(s).changeDirection(e, topic); got != finding.Changed {
			t.Errorf("got %s", got)
		}
	})
}

// TestSameValue checks which values of a call are those of a template: an object may be JSON in text.
func TestSameValue(t *testing.T) {
	for _, tc := range []struct {
		name            string
		expected, given any
		want            bool
	}{
		{"text", "a", "a", true}, {"number in text", 5, "5", true}, {"other", "a", "b", false},
		{"object in text", jsonObject(`{"a":[1,2]}`), `{"a":[2,1]}`, true},
		{"text that is JSON", `{"a":1}`, `{"a":1}`, true},
		{"text that is JSON in another form", `{"a":1}`, `{"a": 1}`, false},
		{"nothing, and null", nil, "null", false},
		{"object, and invalid text", jsonObject(`{"a":1}`), `{`, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := sameValue(tc.expected, tc.given); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

// quoted returns a text as JSON has it.
func quoted(s string) string { return jsonText([]any{s})[1 : len(jsonText([]any{s}))-1] }

// TestSameMeaning checks that a document which cannot be parsed has no meaning that another one has.
func TestSameMeaning(t *testing.T) {
	m := unitModel(unitStack("backup"))
	invalid := parseDocument(allowing("s3:*"))
	invalid.err = errBroken
	for _, tc := range []struct {
		name, text string
		expected   document
		want       bool
	}{
		{"same", allowing("s3:*"), parseDocument(allowing("S3:*")), true},
		{"other", allowing("s3:*"), parseDocument(allowing("s3:Get*")), false},
		{"no document", "", document{}, false},
		{"none expected", allowing("s3:*"), document{}, false},
		{"none given", "", parseDocument(`{"Statement":[]}`), false},
		{"invalid", "{", parseDocument(`{"Statement":[]}`), false},
		{"invalid expected", `{"Statement":[]}`, parseDocument("{"), false},
		{"invalid, with statements", allowing("s3:*"), invalid, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := m.sameMeaning(tc.text, tc.expected); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

// TestUndone checks which changes that were undone are reported, with the direction of the gravest.
func TestUndone(t *testing.T) {
	attach := unitEvent("iam:AttachRolePolicy", "role", `{"policyArn":"arn:aws:iam::aws:policy/Admin"}`)
	detach := unitEvent("iam:DetachRolePolicy", "role", `{"policyArn":"`+unitPolicy+`"}`)
	session := unitEvent("iam:UpdateRole", "role", `{"maxSessionDuration":43200}`)
	code := unitEvent("lambda:UpdateFunctionCode", "function", `{}`)
	publish := unitEvent("lambda:AddPermission", "function", `{}`)
	configure := unitEvent("lambda:PutFunctionConcurrency", "function", `{}`)
	detach.Call.Time = unitNow.Add(time.Second)
	again := unitEvent("iam:AttachRolePolicy", "role", `{"policyArn":"`+unitPolicy+`"}`)
	failedCall := attach
	failedCall.Failed = true
	ofRole := func(f finding.Finding) finding.Finding {
		f.Stack, f.LogicalID, f.PhysicalID = "access", "Role", "role"
		return f
	}
	for _, tc := range []struct {
		name    string
		events  []changeevent.Event
		current []finding.Finding
		change  func(parent, access *stack)
		want    []string // the calls of a finding are all but the first skip
		skip    int
	}{
		{"nothing", nil, nil, nil, nil, 0},
		{"more", []changeevent.Event{attach}, nil, nil, []string{"Role change-undone [iam:AttachRolePolicy] grants-more"}, 0},
		{"failed call", []changeevent.Event{failedCall}, nil, nil, nil, 0},
		{"another resource", []changeevent.Event{unitEvent("iam:AttachRolePolicy", "x", `{"policyArn":"y"}`)}, nil, nil, nil,
			0},
		{"less, then more", []changeevent.Event{detach, attach}, nil, nil,
			[]string{"Role change-undone [iam:DetachRolePolicy] grants-more"}, 0},
		{"more, then less", []changeevent.Event{attach, detach}, nil, nil,
			[]string{"Role change-undone [iam:DetachRolePolicy] grants-more"}, 0},
		{"less, then changed", []changeevent.Event{detach, session}, nil, nil,
			[]string{"Role change-undone [iam:DetachRolePolicy] grants-less"}, 0},
		{"monitoring, then more", []changeevent.Event{code, publish}, nil, nil,
			[]string{"Function change-undone [lambda:UpdateFunctionCode] grants-more"}, 0},
		{"more, then monitoring", []changeevent.Event{publish, code}, nil, nil,
			[]string{"Function change-undone [lambda:UpdateFunctionCode] grants-more"}, 0},
		{"monitoring", []changeevent.Event{configure, code}, nil, nil,
			[]string{"Function change-undone [lambda:UpdateFunctionCode] monitoring"}, 0},
		{"what is expected", []changeevent.Event{unitEvent("iam:AttachRolePolicy", "role",
			`{"policyArn":"`+unitPolicy+`"}`)}, nil, nil, nil, 0},
		{"explained", []changeevent.Event{attach}, []finding.Finding{ofRole(finding.Finding{
			Kind: finding.AttachmentAdded, Subject: "arn:aws:iam::aws:policy/Admin"})}, nil, nil, 0},
		{"explained for another resource", []changeevent.Event{attach}, []finding.Finding{{Stack: "access",
			LogicalID: "Other", Kind: finding.AttachmentAdded, Subject: "arn:aws:iam::aws:policy/Admin"}}, nil,
			[]string{"Role change-undone [iam:AttachRolePolicy] grants-more"}, 0},
		{"out of scope", []changeevent.Event{attach, code}, nil, func(_, access *stack) {
			access.resources[0].outOfScope = true
		}, []string{"Function change-undone [lambda:UpdateFunctionCode] monitoring"}, 1},
		{"beside a failed call", []changeevent.Event{failedCall, detach}, nil, nil,
			[]string{"Role change-undone [iam:DetachRolePolicy] grants-less"}, 1},
		{"beside a call that set what is expected", []changeevent.Event{again, detach}, nil, nil,
			[]string{"Role change-undone [iam:DetachRolePolicy] grants-less"}, 1},
		{"stack in progress", []changeevent.Event{attach}, nil, func(_, access *stack) { access.inProgress = true }, nil, 0},
		{"by an update of the parent", []changeevent.Event{func() changeevent.Event {
			e := attach
			e.Call.Source = "cloudformation.amazonaws.com"
			return e
		}()}, nil, nil, nil, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			parent, access := unitStack("backup"), undoneStack()
			access.name = "access"
			if tc.change != nil {
				tc.change(parent, access)
			}
			got := unitModel(parent, access).undone(tc.events, tc.current)
			checkDrafts(t, got, tc.want...)
			if len(got) == 1 && len(got[0].Calls) != len(tc.events)-tc.skip {
				t.Errorf("got the calls %+v", got[0].Calls)
			}
		})
	}
	t.Run("of the parent stack", func(t *testing.T) {
		parent := undoneStack()
		checkDrafts(t, unitModel(parent).undone([]changeevent.Event{detach}, nil),
			"Role change-undone [iam:DetachRolePolicy] monitoring")
	})
}
