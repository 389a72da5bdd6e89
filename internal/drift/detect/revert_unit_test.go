package detect

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/notify/finding"
)

// unitRolePolicies records what is removed from roles.
type unitRolePolicies struct {
	err   error
	calls []string
}

func (c *unitRolePolicies) DeleteRolePolicy(
	_ context.Context, in *iam.DeleteRolePolicyInput, _ ...func(*iam.Options),
) (*iam.DeleteRolePolicyOutput, error) {
	c.calls = append(c.calls, "delete "+*in.PolicyName+" of "+*in.RoleName)
	return nil, c.err
}

func (c *unitRolePolicies) DetachRolePolicy(
	_ context.Context, in *iam.DetachRolePolicyInput, _ ...func(*iam.Options),
) (*iam.DetachRolePolicyOutput, error) {
	c.calls = append(c.calls, "detach "+*in.PolicyArn+" from "+*in.RoleName)
	return nil, c.err
}

// unitReverter is a run of Revert of stacks, of which the first is the parent.
func unitReverter(clients Clients, stacks ...*stack) *reverter {
	cf, _ := clients.CloudFormation.(*unitCloudFormation)
	if cf == nil {
		cf = &unitCloudFormation{}
	}
	c := unitCheck(cf, nil)
	clients.CloudFormation = cf
	c.clients = clients
	return &reverter{
		check: c, model: unitModel(stacks...), stacks: stacks, parentID: unitParent(), outcomes: map[string]outcome{},
		forged: map[string]bool{},
	}
}

// TestRemoveRolePolicy checks that a policy is removed from a role only if no template declares it.
func TestRemoveRolePolicy(t *testing.T) {
	for _, tc := range []struct {
		name, properties string
		kind             finding.Kind
		subject          string
		err              error
		want             finding.Outcome
		call             string
	}{
		{"inline", `{}`, finding.InlinePolicyAdded, "x", nil, finding.PolicyDeleted, "delete x of role"},
		{"attached", `{}`, finding.AttachmentAdded, "a", nil, finding.PolicyDetached, "detach a from role"},
		{"inline, declared now", `{"Policies":[{"PolicyName":"x","PolicyDocument":{}}]}`, finding.InlinePolicyAdded, "x", nil,
			finding.PolicyDeclared, ""},
		{"attached, declared now", `{"ManagedPolicyArns":["a"]}`, finding.AttachmentAdded, "a", nil, finding.PolicyDeclared,
			""},
		{"inline, with the name of an attached one", `{"ManagedPolicyArns":["x"]}`, finding.InlinePolicyAdded, "x", nil,
			finding.PolicyDeleted, "delete x of role"},
		{"attached, with the name of an inline one", `{"Policies":[{"PolicyName":"a","PolicyDocument":{}}]}`,
			finding.AttachmentAdded, "a", nil, finding.PolicyDetached, "detach a from role"},
		{"inline policies are not known", `{"Policies":["\u0000unknown"]}`, finding.InlinePolicyAdded, "x", nil,
			finding.ValueUnknown, ""},
		{"attached policies are not known", `{"ManagedPolicyArns":["\u0000unknown"]}`, finding.InlinePolicyAdded, "x", nil,
			finding.ValueUnknown, ""},
		{"removed meanwhile", `{}`, finding.InlinePolicyAdded, "x", errMissing, finding.PolicyRemoved, "delete x of role"},
		{"denied", `{}`, finding.AttachmentAdded, "a", errDenied, finding.CallFailed, "detach a from role"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			access := unitStack("access")
			r := access.add(typeRole, "Role", "role", tc.properties)
			api := &unitRolePolicies{err: tc.err}
			v := unitReverter(Clients{RolePolicies: api}, unitStack("backup"), access)
			o := removeRolePolicy(t.Context(), v, r, finding.Finding{Kind: tc.kind, Subject: tc.subject})
			if o.result != tc.want || strings.Join(api.calls, ",") != tc.call ||
				(o.err != nil) != (tc.want == finding.CallFailed) {
				t.Errorf("got %s, %v after %q", o.result, o.err, api.calls)
			}
		})
	}
}

// TestRevertResult checks which outcomes count as done, and that every finding is listed.
func TestRevertResult(t *testing.T) {
	v := unitReverter(Clients{}, unitStack("backup"))
	v.outcomes = map[string]outcome{"1": {result: finding.Restored}, "2": failed(errDenied)}
	got := v.result(finding.Report{Findings: []finding.Finding{{ID: "1"}, {ID: "2"}, {ID: "3"}}})
	if len(got.Done) != 1 || got.Done[0].Finding.ID != "1" || len(got.Failed) != 2 ||
		got.Failed[0].Outcome != finding.CallFailed || got.Failed[0].Permission != "iam:GetRole" ||
		got.Failed[0].Message == "" || got.Failed[1].Outcome != finding.NotAttempted || got.Failed[1].Message != "" {
		t.Errorf("got %+v", got)
	}
}

// TestRevertErrors checks when nothing is attempted.
func TestRevertErrors(t *testing.T) {
	full := Clients{
		CloudFormation: &unitCloudFormation{}, ChangeSets: &unitChangeSets{}, RolePolicies: &unitRolePolicies{},
		TopicPolicies: &unitSNS{},
	}
	report := finding.Report{ParentStackID: unitParent().ID}
	for name, tc := range map[string]struct {
		clients func(c *Clients)
		report  finding.Report
		want    string
	}{
		"no parent":         {nil, finding.Report{}, "names no parent stack"},
		"no change sets":    {func(c *Clients) { c.ChangeSets = nil }, report, "can only read"},
		"no role policies":  {func(c *Clients) { c.RolePolicies = nil }, report, "can only read"},
		"no topic policies": {func(c *Clients) { c.TopicPolicies = nil }, report, "can only read"},
		"missing parent":    {nil, report, "does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			clients := full
			if tc.clients != nil {
				tc.clients(&clients)
			}
			_, err := Revert(t.Context(), clients, tc.report, Options{})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

// TestObstacle checks what a change set cannot revert.
func TestObstacle(t *testing.T) {
	of := func(stack, id, physical string, f finding.Finding) finding.Finding {
		f.Stack, f.LogicalID, f.PhysicalID, f.Type = stack, id, physical, typeRole
		return f
	}
	for _, tc := range []struct {
		name     string
		f        finding.Finding
		operator bool
		want     finding.Outcome
	}{
		{"not readable", of("access", "Role", "role", finding.Finding{Kind: finding.NotReadable}), false,
			finding.NothingKnown},
		{"template of the parent", of("backup", "", "", finding.Finding{Kind: finding.TemplateChanged}), false,
			finding.ParentStack},
		{"template", of("access", "", "", finding.Finding{Kind: finding.TemplateChanged}), false, ""},
		{"stack", of("access", "", "", finding.Finding{Kind: finding.StackHeld}), false, finding.ByHand},
		{"deleted stack", of("access", "", "", finding.Finding{Kind: finding.ResourceDeleted}), false, finding.StackMissing},
		{"resource of the parent", of("backup", "Role", "own", finding.Finding{Kind: finding.TrustChanged}), false,
			finding.ParentStack},
		{"resource of the parent, by a person", of("backup", "Role", "own", finding.Finding{Kind: finding.TrustChanged}),
			true, ""},
		{"another resource", of("access", "Other", "role", finding.Finding{}), false, finding.NotInStack},
		{"another name", of("access", "Role", "other", finding.Finding{}), false, finding.NotInStack},
		{"resource that cannot be evaluated", of("access", "Unknown", "u", finding.Finding{}), false, finding.NotInStack},
		{"another role", of("access", "Role", "role", finding.Finding{Reason: finding.RoleRecreated}), false,
			finding.RoleReplaced},
		{"another role, by a person", of("access", "Role", "role", finding.Finding{Reason: finding.RoleRecreated}), true, ""},
		{"deleted", of("access", "Role", "role", finding.Finding{Kind: finding.ResourceDeleted}), false, ""},
		{"property", of("access", "Role", "role", finding.Finding{Kind: finding.PropertyChanged, Property: "X"}), false, ""},
		{"rule", of("access", "Role", "role", finding.Finding{Kind: finding.RuleChanged, Property: "X"}), false, ""},
		{"declared property", of("access", "Role", "role", finding.Finding{Kind: finding.TrustChanged, Property: "Path"}),
			false, ""},
		{"undeclared property", of("access", "Role", "role", finding.Finding{Kind: finding.BoundaryChanged,
			Property: "PermissionsBoundary"}), false, finding.PropertyUndeclared},
		{"declared tag", of("access", "Role", "role", finding.Finding{Kind: finding.TagsChanged, Property: "Tags",
			Subject: "a"}), false, ""},
		{"tag of the stack", of("access", "Role", "role", finding.Finding{Kind: finding.TagsChanged, Property: "Tags",
			Subject: "b"}), false, finding.TagOfStack},
		{"something else with the property Tags", of("access", "Role", "role", finding.Finding{Kind: finding.TrustChanged,
			Property: "Tags", Subject: "b"}), false, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			parent, access := unitStack("backup"), unitStack("access")
			parent.add(typeRole, "Role", "own", `{}`)
			access.add(typeRole, "Role", "role", `{"Path":"/","Tags":[{"Key":"a","Value":"v"}]}`)
			access.add(typeRole, "Unknown", "u", "")
			clients := Clients{}
			if tc.operator {
				clients.Operator = &Operator{}
			}
			s := access
			if tc.f.Stack == "backup" {
				s = parent
			}
			if got := unitReverter(clients, parent, access).obstacle(tc.f, s); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestRevertByCalls checks which findings are reverted before and after the change sets.
func TestRevertByCalls(t *testing.T) {
	inline := finding.Finding{ID: "1", Stack: "access", LogicalID: "Role", PhysicalID: "role", Type: typeRole,
		Kind: finding.InlinePolicyAdded, Subject: "x"}
	policy := finding.Finding{ID: "2", Stack: "access", LogicalID: "Policy", PhysicalID: "p", Type: typeTopicInlinePolicy,
		Kind: finding.TopicPolicyChanged}
	for _, tc := range []struct {
		name  string
		f     finding.Finding
		first bool
		done  bool // already
		want  finding.Outcome
	}{
		{"inline policy first", inline, true, false, finding.PolicyDeleted},
		{"inline policy not later", inline, false, false, ""},
		{"topic policy later", policy, false, false, finding.PolicyRestored},
		{"topic policy not first", policy, true, false, ""},
		{"already done", finding.Finding{ID: "9", Stack: "access", LogicalID: "Policy", PhysicalID: "p",
			Type: typeTopicInlinePolicy, Kind: finding.TopicPolicyChanged}, false, true, finding.Restored},
		{"another kind", finding.Finding{ID: "3", Stack: "access", LogicalID: "Role", PhysicalID: "role", Type: typeRole,
			Kind: finding.TrustChanged}, true, false, ""},
		{"resource that does not exist", finding.Finding{ID: "4", Stack: "access", LogicalID: "Other", Type: typeRole,
			Kind: finding.InlinePolicyAdded}, true, false, finding.NotInStack},
		{"resource of another type", finding.Finding{ID: "5", Stack: "access", LogicalID: "Policy", PhysicalID: "p",
			Type: typeRole, Kind: finding.InlinePolicyAdded}, true, false, finding.NotInStack},
		{"resource that cannot be evaluated", finding.Finding{ID: "6", Stack: "access", LogicalID: "Unknown",
			PhysicalID: "u", Type: typeRole, Kind: finding.InlinePolicyAdded}, true, false, finding.NotInStack},
	} {
		t.Run(tc.name, func(t *testing.T) {
			access := unitStack("access")
			access.add(typeRole, "Role", "role", `{}`)
			access.add(typeRole, "Unknown", "u", "")
			access.add(typeTopicInlinePolicy, "Policy", "p", `{"TopicArn":"t","PolicyDocument":`+everyoneTrust+`}`)
			v := unitReverter(Clients{RolePolicies: &unitRolePolicies{}, TopicPolicies: &unitSNS{}}, unitStack("backup"), access)
			if tc.done {
				v.outcomes[tc.f.ID] = outcome{result: finding.Restored}
			}
			// A finding that no call reverts does not keep the next one from being reverted.
			other := finding.Finding{ID: "0", Stack: "access", Type: typeRole, Kind: finding.NotReadable}
			v.byCalls(t.Context(), finding.Report{Findings: []finding.Finding{other, tc.f, inline, policy}}, tc.first)
			if got := v.outcomes[tc.f.ID].result; got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			last := map[bool]string{true: "1", false: "2"}[tc.first]
			if !v.outcomes[last].done() {
				t.Errorf("the finding after it: %+v", v.outcomes[last])
			}
		})
	}
}

// TestTopicPolicyReverts checks how the policies of topics are restored.
func TestTopicPolicyReverts(t *testing.T) {
	for _, tc := range []struct {
		name     string
		ofParent bool
		operator bool
		document string
		err      error
		want     finding.Outcome
		topic    finding.Outcome // of a topic without a declared policy
		calls    int
	}{
		{"permission stack", false, false, everyoneTrust, nil, finding.PolicyRestored, finding.PolicyNotDeclared, 2},
		{"parent", true, false, everyoneTrust, nil, finding.ParentStack, finding.ParentStack, 0},
		{"parent, by a person", true, true, everyoneTrust, nil, finding.PolicyRestored, finding.PolicyNotDeclared, 2},
		{"policy that is not known", false, false, unknown, nil, finding.ValueUnknown, finding.PolicyNotDeclared, 0},
		{"no policy", false, false, "", nil, finding.ValueUnknown, finding.PolicyNotDeclared, 0},
		{"denied", false, false, everyoneTrust, errDenied, finding.CallFailed, finding.PolicyNotDeclared, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			parent, access := unitStack("backup"), unitStack("access")
			s := access
			if tc.ofParent {
				s = parent
			}
			r := s.add("AWS::SNS::TopicPolicy", "Policy", "p", `{"Topics":["t1","t2"]}`)
			r.props["PolicyDocument"] = tc.document
			topic := s.add(typeTopic, "Topic", "t1", `{}`)
			api := &unitSNS{err: map[string]error{"SetTopicAttributes": tc.err}}
			clients := Clients{TopicPolicies: api}
			if tc.operator {
				clients.Operator = &Operator{}
			}
			v := unitReverter(clients, parent, access)
			o := topicPolicyReverts[finding.TopicPolicyChanged].do(t.Context(), v, r, finding.Finding{})
			if o.result != tc.want || len(api.written) != tc.calls || tc.calls > 0 &&
				api.written[0] != "t1 Policy "+tc.document {
				t.Errorf("got %s after %q", o.result, api.written)
			}
			o = snsTopic.reverts[finding.TopicPolicyChanged].do(t.Context(), v, topic, finding.Finding{})
			if o.result != tc.topic {
				t.Errorf("topic: got %s, want %s", o.result, tc.topic)
			}
		})
	}
}

// TestRestorePolicies checks that the policy of a topic that was created again is written, unless it has another name.
func TestRestorePolicies(t *testing.T) {
	now := func(id, typ string) []types.StackResourceSummary {
		return []types.StackResourceSummary{{
			LogicalResourceId: aws.String("Topic"), PhysicalResourceId: &id, ResourceType: &typ,
		}}
	}
	for _, tc := range []struct {
		name      string
		resources []types.StackResourceSummary
		listErr   error
		topics    string
		err       error
		want      finding.Outcome
		calls     int
	}{
		{"policy", now(unitTopic, typeTopic), nil, unitTopic, nil, finding.TopicRecreated, 1},
		{"no policy", now(unitTopic, typeTopic), nil, "arn:other", nil, finding.Restored, 0},
		{"another name", now("arn:new", typeTopic), nil, unitTopic, nil, finding.Restored, 0},
		{"another type", now(unitTopic, "AWS::SNS::Other"), nil, unitTopic, nil, finding.Restored, 0},
		{"not listed", nil, errDenied, unitTopic, nil, finding.CallFailed, 0},
		{"denied", now(unitTopic, typeTopic), nil, unitTopic, errDenied, finding.CallFailed, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			access := unitStack("access")
			access.add(typeRole, "Role", "role", `{"TopicArn":"`+unitTopic+`"}`)
			access.add(typeTopicInlinePolicy, "Policy", "p", `{"TopicArn":"`+tc.topics+`","PolicyDocument":`+everyoneTrust+`}`)
			api := &unitSNS{err: map[string]error{"SetTopicAttributes": tc.err}}
			cf := &unitCloudFormation{
				resources: tc.resources, resourcesOf: access.id, err: map[string]error{"ListStackResources": tc.listErr},
			}
			v := unitReverter(Clients{TopicPolicies: api, CloudFormation: cf}, unitStack("backup"), access)
			o := restorePolicies(t.Context(), v, finding.Finding{Stack: "access", PhysicalID: unitTopic, Type: typeTopic})
			if o.result != tc.want || len(api.written) != tc.calls {
				t.Errorf("got %s, %v after %q", o.result, o.err, api.written)
			}
			if tc.name == "denied" && !strings.Contains(o.err.Error(), "recreated topic") {
				t.Errorf("got %v", o.err)
			}
		})
	}
	t.Run("policy that is not known", func(t *testing.T) {
		access := unitStack("access")
		access.add(typeTopicInlinePolicy, "Policy", "p", `{"TopicArn":"`+unitTopic+`","PolicyDocument":"\u0000unknown"}`)
		v := unitReverter(Clients{CloudFormation: &unitCloudFormation{resources: now(unitTopic, typeTopic)}},
			unitStack("backup"), access)
		o := restorePolicies(t.Context(), v, finding.Finding{Stack: "access", PhysicalID: unitTopic, Type: typeTopic})
		if o.result != finding.ValueUnknown || o.err != nil {
			t.Errorf("got %+v", o)
		}
	})
}
