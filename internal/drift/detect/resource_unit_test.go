package detect

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"permstack/internal/drift/changeevent"
	"permstack/internal/notify/finding"
)

// TestResourceSources checks which sources check a resource, and when it has been checked.
func TestResourceSources(t *testing.T) {
	inSync := &detection{status: "IN_SYNC"}
	busy := &detection{err: apiError("CloudFormation", "D", "ValidationError",
		"Drift detection cannot be performed on stack [x] while it is in the following state(s)")}
	for _, tc := range []struct {
		name                                string
		typ                                 string
		change                              func(r *resource)
		live, detection, checkable, checked bool
	}{
		{"role", typeRole, func(r *resource) { r.detection = inSync }, true, true, true, true},
		{"not read live", typeRole, func(r *resource) { r.detection, r.liveDone = inSync, false }, true, true, true, false},
		{"not asked", typeRole, func(*resource) {}, true, true, true, false},
		{"failed", typeRole, func(r *resource) { r.detection = &detection{err: errDenied} }, true, true, true, true},
		{"after the deadline", typeRole, func(r *resource) {
			r.detection = &detection{err: context.DeadlineExceeded}
		}, true, true, true, false},
		{"stack busy", typeRole, func(r *resource) { r.detection = busy }, true, true, true, false},
		{"out of scope", typeRole, func(r *resource) { r.outOfScope = true }, false, false, false, true},
		{"stack in progress", typeRole, func(r *resource) { r.stack.inProgress = true }, false, false, true, false},
		{"stack in progress, type that is not checked", "Custom::X", func(r *resource) { r.stack.inProgress = true }, false,
			false, true, false},
		{"stack unstable", typeRole, func(r *resource) { r.stack.unstable = true }, true, false, true, true},
		{"not deployed under this name", typeRole, func(r *resource) { r.undetectable = true }, true, false, true, true},
		{"not deployed", typeRole, func(r *resource) { r.undetectable, r.notDeployed = true, true }, false, false, false,
			true},
		{"not evaluated", typeRole, func(r *resource) { r.props, r.detection = nil, inSync }, false, true, true, true},
		{"by CloudFormation alone", "AWS::Logs::LogGroup", func(r *resource) { r.detection, r.liveDone = inSync, false },
			false,
			true, true, true},
		{"live alone", "AWS::SNS::TopicPolicy", func(*resource) {}, true, false, true, true},
		{"type that is not checked", "Custom::X", func(*resource) {}, false, false, false, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := unitStack("access").add(tc.typ, "R", "r", `{}`)
			tc.change(r)
			if r.hasLiveComparison() != tc.live || r.hasDetection() != tc.detection || r.checkable() != tc.checkable ||
				r.checked() != tc.checked {
				t.Errorf("live %v, detection %v, checkable %v, checked %v", r.hasLiveComparison(), r.hasDetection(),
					r.checkable(), r.checked())
			}
		})
	}
}

// TestDeletedWithOwner checks when the deletion of a resource is that of its owners.
func TestDeletedWithOwner(t *testing.T) {
	gone, exists := &liveTopic{liveTopicAttributes: liveTopicAttributes{missing: true}}, &liveTopic{}
	for _, tc := range []struct {
		name, typ, properties string
		first, second         liveState
		want                  bool
	}{
		{"both deleted", "AWS::SNS::TopicPolicy", `{"Topics":["t1","t2"]}`, gone, gone, true},
		{"one deleted", "AWS::SNS::TopicPolicy", `{"Topics":["t1","t2"]}`, gone, exists, false},
		{"none deleted", "AWS::SNS::TopicPolicy", `{"Topics":["t1"]}`, exists, gone, false},
		{"no topics", "AWS::SNS::TopicPolicy", `{"Topics":[]}`, gone, gone, false},
		{"topic of no stack", "AWS::SNS::TopicPolicy", `{"Topics":["other"]}`, gone, gone, false},
		{"type without an owner", typeRole, `{"Topics":["t1"]}`, gone, gone, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := unitStack("access")
			s.add(typeTopic, "First", "t1", `{}`).live = tc.first
			s.add(typeTopic, "Second", "t2", `{}`).live = tc.second
			r := s.add(tc.typ, "R", "r", tc.properties)
			if got := r.deletedWithOwner(unitModel(s)); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
	r := unitStack("access").add(typeRole, "R", "r", `{}`)
	for want, d := range map[bool]*detection{true: {status: "DELETED"}, false: {status: "MODIFIED"}} {
		if r.detection = d; r.isDeleted() != want {
			t.Errorf("status %s: deleted %v", d.status, r.isDeleted())
		}
	}
	if r.detection = nil; r.isDeleted() || (*resource)(nil).isDeleted() {
		t.Error("what is not known is deleted")
	}
	r.live, r.detection = &liveRole{}, &detection{status: "DELETED"}
	if r.isDeleted() {
		t.Error("a role that exists is deleted")
	}
}

// TestResolver checks the values of Ref and Fn::GetAtt that follow from physical ids.
func TestResolver(t *testing.T) {
	s := unitStack("backup")
	s.listed = []listed{
		{logicalID: "Role", physicalID: "role", typ: typeRole}, {logicalID: "Plain", physicalID: "plain", typ: typeRole},
		{logicalID: "Secret", physicalID: "secret", typ: typeRole}, {logicalID: "Topic", physicalID: unitTopic,
			typ: typeTopic},
		{logicalID: "Queue", physicalID: "https://sqs/1/q", typ: "AWS::SQS::Queue"},
		{logicalID: "Function", physicalID: "f", typ: "AWS::Lambda::Function"},
		{logicalID: "Log", physicalID: "log", typ: "AWS::Logs::LogGroup"},
		{logicalID: "Rule", physicalID: "bus|rule", typ: "AWS::Events::Rule"},
		{logicalID: "Alarm", physicalID: "a", typ: "AWS::CloudWatch::Alarm"},
		{logicalID: "Unregistered", physicalID: "u", typ: "Custom::X"},
	}
	if err := s.evaluate(unitParent(), `
Parameters: {Masked: {Type: String, NoEcho: true}}
Resources:
  Role: {Type: AWS::IAM::Role, Properties: {Path: /p/}}
  Plain: {Type: AWS::IAM::Role}
  Secret: {Type: AWS::IAM::Role, Properties: {Path: !Ref Masked}}
`); err != nil {
		t.Fatal(err)
	}
	s.parameters(map[string]string{"Masked": "****"})
	if err := s.evaluate(unitParent(), s.body); err != nil {
		t.Fatal(err)
	}
	s.addResources(s.listed)
	const prefix = ":us-east-1:123456789012:"
	for at, want := range map[[2]string]string{
		{"Role", "Arn"}: "arn:aws:iam::123456789012:role/p/role", {"Plain", "Arn"}: "arn:aws:iam::123456789012:role/plain",
		{"Secret", "Arn"}: unknown, {"Topic", "TopicArn"}: unitTopic, {"Topic", "TopicName"}: "topic",
		{"Queue", "Arn"}: "arn:aws:sqs" + prefix + "q", {"Queue", "QueueName"}: "q", {"Queue", "QueueUrl"}: "https://sqs/1/q",
		{"Function", "Arn"}: "arn:aws:lambda" + prefix + "function:f", {"Log", "Arn"}: "arn:aws:logs" + prefix +
			"log-group:log:*",
		{"Rule", "Arn"}: "arn:aws:events" + prefix + "rule/bus/rule", {"Alarm", "Arn"}: "arn:aws:cloudwatch" + prefix +
			"alarm:a",
		{"Unregistered", "Arn"}: unknown, {"Role", "RoleId"}: unknown, {"Missing", "Arn"}: unknown,
	} {
		t.Run(at[0]+"."+at[1], func(t *testing.T) {
			if got, err := s.references.GetAtt(at[0], at[1]); err != nil || got != want {
				t.Errorf("got %q, %v, want %q", got, err, want)
			}
		})
	}
	for id, want := range map[string]string{"Role": "role", "Missing": unknown} {
		if got, err := s.references.Ref(id); err != nil || got != want {
			t.Errorf("Ref %s: got %q, %v", id, got, err)
		}
	}
	missing := &resolver{stack: s}
	if _, known := missing.path("NotInTemplate"); known {
		t.Error("the path of a resource that is not in the template is known")
	}
}

// TestModel checks the order of resources, and what an installation expects together.
func TestModel(t *testing.T) {
	s := unitStack("access")
	for i, typ := range []string{
		"Custom::X", "AWS::Events::Rule", typeTopic, typeTopicInlinePolicy, "AWS::IAM::InstanceProfile", typeManagedPolicy,
		typeRole, "AWS::Logs::LogGroup",
	} {
		s.add(typ, fmt.Sprint(i), fmt.Sprint(i), `{}`)
	}
	s.add(typeRole, "NotEvaluated", "n", "")
	m := unitModel(s)
	var order []string
	for _, r := range m.resources {
		order = append(order, r.logicalID)
	}
	if want := []string{"6", "NotEvaluated", "5", "4", "3", "2", "1", "0", "7"}; !slices.Equal(order, want) {
		t.Errorf("got the order %q, want %q", order, want)
	}
	if len(m.roles) != 1 || len(m.policies) != 1 || m.find(typeRole, "6") != s.resources[6] || m.find(typeRole,
		"5") != nil {
		t.Errorf("got %d roles and %d policies", len(m.roles), len(m.policies))
	}
}

// TestSecrets checks which values are masked: external ids of the templates and of AWS, but not those of one character.
func TestSecrets(t *testing.T) {
	trusting := func(id string) string {
		return `{"AssumeRolePolicyDocument":{"Statement":[{"Effect":"Allow","Principal":"*","Action":"a","Condition":` +
			`{"StringEquals":{"sts:ExternalId":"` + id + `"}}}]}}`
	}
	s, forged := unitStack("access"), unitStack("access")
	s.add(typeRole, "A", "a", trusting("id"))
	s.add(typeRole, "B", "b", trusting("x"))
	live := jsonText(jsonObject(trusting("live"))["AssumeRolePolicyDocument"])
	s.add(typeRole, "C", "c", trusting(`\u0000unknown`)).live = &liveRole{trust: live}
	s.add(typeTopic, "D", "d", `{}`).live = &liveTopic{}
	forged.add(typeRole, "A", "a", trusting("forged"))
	m := unitModel(s)
	if got := m.secrets(); !slices.Equal(got, []string{"id", "live"}) {
		t.Errorf("got %q", got)
	}
	m.deployed = unitModel(forged)
	if got := m.secrets(); !slices.Equal(got, []string{"forged", "id", "live"}) {
		t.Errorf("got %q", got)
	}
}

// TestCompareModel checks that findings of both sources become one, those of a policy that was deleted with its topic
// none, and a permission that drift detection lacks one for each stack.
func TestCompareModel(t *testing.T) {
	denied := &detection{err: apiError("CloudFormation", "DetectStackResourceDrift", "AccessDenied",
		"User: u is not authorized to perform: cloudformation:DetectStackResourceDrift on resource: r")}
	parent, access := unitStack("backup"), unitStack("access")
	parent.add("AWS::Logs::LogGroup", "Log", "l", `{}`).detection = denied
	parent.add("AWS::Logs::LogGroup", "Other", "o", `{}`).detection = denied
	access.add("AWS::Logs::LogGroup", "Log", "l", `{}`).detection = denied
	access.add("AWS::Logs::LogGroup", "Broken", "b", `{}`).detection = &detection{err: errDenied}
	access.add(typeTopic, "Topic", "t", `{}`).live = &liveTopic{liveTopicAttributes: liveTopicAttributes{missing: true}}
	policy := access.add(typeTopicInlinePolicy, "Policy", "p", `{"TopicArn":"t"}`)
	policy.detection = &detection{status: "DELETED"}
	access.add(typeRole, "Role", "r", `{}`).detection = &detection{status: "DELETED"}
	parent.add(typeRole, "Role", "own", `{}`).live = &liveRole{missing: true}
	got := unitModel(parent, access).compare()
	const permission = "cloudformation:DetectStackResourceDrift"
	checkDrafts(t, got,
		"Broken not-readable [iam:GetRole] unreadable (access-denied)",
		"Role resource-deleted grants-less: - → none", "Role resource-deleted monitoring: - → none",
		"Topic resource-deleted grants-less: - → none",
		"not-readable ["+permission+"] unreadable (access-denied)",
		"not-readable ["+permission+"] unreadable (access-denied)")
	for _, d := range got {
		if d.Permission == permission && (d.Type != stackType || d.PhysicalID != stackARN(d.Stack, unitUUID)) {
			t.Errorf("got %+v", d.Finding)
		}
	}
}

// TestMarkMonitoring checks which findings of the parent stack are about the check.
func TestMarkMonitoring(t *testing.T) {
	for _, tc := range []struct {
		name string
		f    finding.Finding
		want finding.Direction
	}{
		{"less", finding.Finding{Stack: "backup", Direction: finding.GrantsLess}, finding.Monitoring},
		{"changed", finding.Finding{Stack: "backup", Direction: finding.Changed}, finding.Monitoring},
		{"more", finding.Finding{Stack: "backup", Direction: finding.GrantsMore}, finding.GrantsMore},
		{"tags", finding.Finding{Stack: "backup", Kind: finding.TagsChanged, Direction: finding.Changed}, finding.Changed},
		{"same access", finding.Finding{Stack: "backup", Direction: finding.Changed, Reason: finding.EffectiveAccessSame},
			finding.Changed},
		{"another stack", finding.Finding{Stack: "access", Direction: finding.GrantsLess}, finding.GrantsLess},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := unitModel(unitStack("backup"))
			d := draft{Finding: tc.f}
			if m.markMonitoring(&d); d.Direction != tc.want {
				t.Errorf("got %s, want %s", d.Direction, tc.want)
			}
			m.installation = nil
			d = draft{Finding: tc.f}
			if m.markMonitoring(&d); d.Direction != tc.f.Direction {
				t.Errorf("without an installation: got %s", d.Direction)
			}
		})
	}
}

// TestLimit checks to which resources events limit a check: those that they name, and what depends on them.
func TestLimit(t *testing.T) {
	call := func(action string, names ...string) changeevent.Event {
		return changeevent.Event{Names: names, Call: finding.Call{Action: action}}
	}
	all := []string{"access/", "access/Beside", "access/Log", "access/Other", "access/OtherBeside", "access/Policy",
		"access/Role", "access/Shared", "access/Topic", "access/TopicPolicy", "access/Unused"}
	for _, tc := range []struct {
		name  string
		event changeevent.Event
		want  []string
	}{
		{"nothing", call("iam:TagRole", "x"), nil},
		{"role", call("iam:TagRole", "role"), []string{"access/Beside", "access/Role"}},
		{"other role", call("iam:TagRole", "other"), []string{"access/Other", "access/OtherBeside"}},
		{"policy", call("iam:CreatePolicyVersion", unitPolicy), []string{"access/Beside", "access/Policy", "access/Role"}},
		{"inline policy", call("x:Y", "beside"), []string{"access/Beside", "access/Role"}},
		{"topic", call("sns:Subscribe", unitTopic), []string{"access/Topic", "access/TopicPolicy"}},
		{"topic policy", call("x:Y", "topicpolicy"), []string{"access/Topic", "access/TopicPolicy"}},
		{"log", call("x:Y", "log"), []string{"access/Log"}},
		{"stack", changeevent.Event{Stack: stackARN("access", unitUUID)}, all},
		{"call on the stack", call("cloudformation:UpdateStack", "access"), all},
		{"call on the stack, by its id", call("cloudformation:UpdateStack", stackARN("access", unitUUID)), all},
		{"call on another stack", call("cloudformation:UpdateStack", "web"), nil},
		{"another call with the name", call("x:Y", "access"), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := unitStack("access")
			s.add(typeRole, "Role", "role", `{"ManagedPolicyArns":["`+unitPolicy+`"]}`)
			s.add(typeRole, "Other", "other", `{}`)
			s.add(typeManagedPolicy, "Policy", unitPolicy, `{"Roles":["other"]}`)
			s.add("AWS::IAM::RolePolicy", "Beside", "beside", `{"RoleName":"role","PolicyName":"p"}`)
			s.add("AWS::IAM::Policy", "OtherBeside", "otherbeside", `{"Roles":["other"],"PolicyName":"p"}`)
			s.add("AWS::IAM::Policy", "Unused", "unused", `{"Roles":[],"PolicyName":"p"}`)
			s.add(typeTopic, "Topic", unitTopic, `{}`)
			s.add(typeTopicInlinePolicy, "TopicPolicy", "topicpolicy", `{"TopicArn":"`+unitTopic+`"}`)
			s.add("AWS::SNS::TopicPolicy", "Shared", "shared", `{"Topics":["elsewhere"]}`)
			s.add("AWS::Logs::LogGroup", "Log", "log", `{}`)
			if tc.name == "policy" || tc.name == "other role" {
				s.resources[2].props["Roles"] = []any{}
			}
			m := unitModel(unitStack("backup"), s)
			got := m.limit([]changeevent.Event{tc.event}, []*stack{unitStack("backup"), s})
			if !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			for _, r := range s.resources {
				if r.outOfScope == slices.Contains(tc.want, "access/"+r.logicalID) {
					t.Errorf("%s: out of scope %v", r.logicalID, r.outOfScope)
				}
			}
		})
	}
	if namesStack(changeevent.Event{}, &stack{}) || !namesAny([]changeevent.Event{{}, call("cloudformation:X", "access")},
		unitStack("access")) {
		t.Error("an event of no stack names one, or one of two does not")
	}
}

// TestReadLive checks that a resource is not done if the time was over.
func TestReadLive(t *testing.T) {
	for want, err := range map[bool]error{true: errDenied, false: context.DeadlineExceeded} {
		s := unitStack("access")
		r := s.add("AWS::IAM::InstanceProfile", "P", "p", `{}`)
		c := unitCheck(nil, &unitIAM{err: map[string]error{"GetInstanceProfile": err}})
		if c.readLive(t.Context(), unitModel(s), r); r.liveDone != want || r.live == nil {
			t.Errorf("%v: done %v", err, r.liveDone)
		}
	}
}
