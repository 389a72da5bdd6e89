package detect

import (
	"context"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"permstack/internal/awsapi/livestate"
)

// unitEvents returns a rule with tags and a target.
type unitEvents struct {
	livestate.Events
	err map[string]error
	bus []string // of the calls
}

func (c *unitEvents) DescribeRule(
	_ context.Context, in *eventbridge.DescribeRuleInput, _ ...func(*eventbridge.Options),
) (*eventbridge.DescribeRuleOutput, error) {
	c.bus = append(c.bus, aws.ToString(in.EventBusName)+"|"+*in.Name)
	return &eventbridge.DescribeRuleOutput{Arn: aws.String("arn"), State: "ENABLED"}, c.err["DescribeRule"]
}

func (c *unitEvents) ListTagsForResource(
	context.Context, *eventbridge.ListTagsForResourceInput, ...func(*eventbridge.Options),
) (*eventbridge.ListTagsForResourceOutput, error) {
	return &eventbridge.ListTagsForResourceOutput{Tags: []ebtypes.Tag{{Key: aws.String("k"), Value: aws.String("v")}}},
		c.err["ListTagsForResource"]
}

func (c *unitEvents) ListTargetsByRule(
	context.Context, *eventbridge.ListTargetsByRuleInput, ...func(*eventbridge.Options),
) (*eventbridge.ListTargetsByRuleOutput, error) {
	return &eventbridge.ListTargetsByRuleOutput{Targets: []ebtypes.Target{{Id: aws.String("1"), Arn: aws.String("t")}}},
		c.err["ListTargetsByRule"]
}

// TestReadRule checks what is read of an event rule, of the default bus or another one.
func TestReadRule(t *testing.T) {
	missing := apiError("EventBridge", "DescribeRule", "ResourceNotFoundException", "no")
	for _, tc := range []struct {
		name, id string
		err      map[string]error
		rule     string
		unknown  []string
		check    func(live *liveEventRule) bool
	}{
		{"default bus", "rule", nil, "|rule", nil, func(live *liveEventRule) bool {
			return live.state == "ENABLED" && live.tags["k"] == "v" && live.targets["1"]["Arn"] == "t"
		}},
		{"another bus", "bus|rule", nil, "bus|rule", nil, nil},
		{"missing", "rule", map[string]error{"DescribeRule": missing}, "|rule", nil, func(live *liveEventRule) bool {
			return live.deleted() && len(live.targets) == 0
		}},
		{"denied", "rule", map[string]error{"DescribeRule": errDenied}, "|rule", []string{"State"},
			func(live *liveEventRule) bool { return len(live.targets) == 1 }},
		{"tags denied", "rule", map[string]error{"ListTagsForResource": errDenied}, "|rule", []string{"Tags"}, nil},
		{"targets denied", "rule", map[string]error{"ListTargetsByRule": errDenied}, "|rule", []string{"Targets"}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			api := &unitEvents{err: tc.err}
			c := unitCheck(nil, nil)
			c.aws.Events = api
			live := c.readEventRule(t.Context(), tc.id)
			var unknown []string
			for _, e := range live.errs {
				unknown = append(unknown, e.properties[0])
			}
			if !slices.Equal(unknown, tc.unknown) || !slices.Equal(api.bus, []string{tc.rule}) ||
				tc.check != nil && !tc.check(live) {
				t.Errorf("got %+v, unknown %q, rule %q", live, unknown, api.bus)
			}
		})
	}
}

// TestRuleComparison checks what is reported of an event rule.
func TestRuleComparison(t *testing.T) {
	const properties = `{"Name":"rule","EventPattern":{"source":["a","b"]},"RoleArn":"role","ScheduleExpression":"s",` +
		`"Targets":[{"Id":"1","Arn":"t1"},{"Id":"2","Arn":"t2","Input":"{}","DeadLetterConfig":{"Arn":"q"}}]}`
	const second = `{"Arn":"t2","DeadLetterConfig":{"Arn":"q"},"Id":"2","Input":"{}"}`
	for _, tc := range []struct {
		name   string
		change func(r *resource, live *liveEventRule)
		want   []string
	}{
		{"as declared", nil, nil},
		{"deleted", func(_ *resource, live *liveEventRule) { live.missing = true },
			[]string{"Rule resource-deleted grants-less: - → none"}},
		{"disabled", func(_ *resource, live *liveEventRule) { live.state = "DISABLED" },
			[]string{"Rule rule-changed [state] grants-less: ENABLED → DISABLED"}},
		{"enabled", func(r *resource, live *liveEventRule) { r.props["State"] = "DISABLED" },
			[]string{"Rule rule-changed [state] grants-more: DISABLED → ENABLED"}},
		{"another enabled state", func(_ *resource, live *liveEventRule) {
			live.state = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
		}, []string{"Rule rule-changed [state] changed: ENABLED → ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"}},
		{"state that is not known", func(r *resource, live *liveEventRule) {
			r.props["State"], live.state = unknown, "DISABLED"
		}, nil},
		{"more events", func(_ *resource, live *liveEventRule) { live.pattern = `{"source":["a","b","c"]}` },
			[]string{`Rule rule-changed [pattern] grants-more: {"source":["a","b"]} → {"source":["a","b","c"]}`}},
		{"fewer events", func(_ *resource, live *liveEventRule) { live.pattern = `{"source":["a"]}` },
			[]string{`Rule rule-changed [pattern] grants-less: {"source":["a","b"]} → {"source":["a"]}`}},
		{"pattern that is not declared", func(r *resource, live *liveEventRule) { delete(r.props, "EventPattern") },
			[]string{`Rule rule-changed [pattern] grants-more: none → {"source":["b","a"]}`}},
		{"pattern that is not known", func(r *resource, live *liveEventRule) {
			r.props["EventPattern"], live.pattern = unknown, "x"
		}, nil},
		{"schedule", func(_ *resource, live *liveEventRule) { live.schedule = "x" },
			[]string{"Rule rule-changed [schedule] changed: s → x"}},
		{"schedule that is not known", func(r *resource, live *liveEventRule) {
			r.props["ScheduleExpression"], live.schedule = unknown, "x"
		}, nil},
		{"role", func(_ *resource, live *liveEventRule) { live.roleARN = "x" },
			[]string{"Rule rule-changed [role] changed: role → x"}},
		{"role that is not known", func(r *resource, live *liveEventRule) {
			r.props["RoleArn"], live.roleARN = unknown, "x"
		}, nil},
		{"target added", func(_ *resource, live *liveEventRule) { live.targets["3"] = jsonObject(`{"Id":"3","Arn":"t3"}`) },
			[]string{"Rule rule-changed [target 3] grants-more: none → t3"}},
		{"target removed", func(_ *resource, live *liveEventRule) { delete(live.targets, "1") },
			[]string{"Rule rule-changed [target 1] grants-less: t1 → none"}},
		{"another target", func(_ *resource, live *liveEventRule) { live.targets["1"]["Arn"] = "x" },
			[]string{"Rule rule-changed [target 1] grants-more: t1 → x"}},
		{"another input", func(_ *resource, live *liveEventRule) { live.targets["1"]["Input"] = "x" },
			[]string{`Rule rule-changed [target 1] changed: t1 → {"Arn":"t1","Id":"1","Input":"x"}`}},
		{"another dead-letter queue", func(_ *resource, live *liveEventRule) {
			live.targets["2"]["DeadLetterConfig"] = map[string]any{"Arn": "x"}
		}, []string{`Rule rule-changed [target 2] grants-more: ` + second +
			` → {"Arn":"t2","DeadLetterConfig":{"Arn":"x"},"Id":"2","Input":"{}"}`}},
		{"no dead-letter queue", func(_ *resource, live *liveEventRule) { delete(live.targets["2"], "DeadLetterConfig") },
			[]string{`Rule rule-changed [target 2] changed: ` + second + ` → {"Arn":"t2","Id":"2","Input":"{}"}`}},
		{"another input, and the same dead-letter queue", func(_ *resource, live *liveEventRule) {
			live.targets["2"]["Input"] = "x"
		}, []string{`Rule rule-changed [target 2] changed: ` + second +
			` → {"Arn":"t2","DeadLetterConfig":{"Arn":"q"},"Id":"2","Input":"x"}`}},
		{"targets that are not known", func(r *resource, live *liveEventRule) {
			r.props["Targets"], live.targets = []any{map[string]any{"Arn": unknown}}, nil
		}, nil},
		{"targets that cannot be read", func(_ *resource, live *liveEventRule) {
			live.targets = nil
			live.errs.add(errDenied, "", "Targets")
		}, []string{"Rule not-readable [iam:GetRole] unreadable (access-denied)"}},
		{"rule that cannot be read", func(_ *resource, live *liveEventRule) {
			live.state, live.schedule = "", ""
			live.errs.add(errDenied, "", "State", "Tags")
		}, []string{"Rule not-readable [iam:GetRole] unreadable (access-denied)"}},
		{"tag", func(r *resource, live *liveEventRule) {
			r.stack.tags, live.tags = map[string]string{"team": "a"}, map[string]string{"team": "b"}
		}, []string{"Rule tags-changed [team] changed: a → b"}},
		{"tags that cannot be read", func(r *resource, live *liveEventRule) {
			r.stack.tags, live.tags = map[string]string{"team": "a"}, map[string]string{"x": "b"}
			live.errs.add(errDenied, "", "Tags")
		}, []string{"Rule not-readable [iam:GetRole] unreadable (access-denied)"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := unitStack("access").add("AWS::Events::Rule", "Rule", "rule", properties)
			live := &liveEventRule{
				state: "ENABLED", pattern: `{"source":["b","a"]}`, schedule: "s", roleARN: "role",
				targets: map[string]map[string]any{"1": jsonObject(`{"Id":"1","Arn":"t1"}`), "2": jsonObject(second)},
			}
			if tc.change != nil {
				tc.change(r, live)
			}
			checkDrafts(t, live.compare(nil, r), tc.want...)
		})
	}
	for properties, want := range map[string]liveEventRule{
		`{}`: {state: "ENABLED"}, `{"State":"DISABLED","EventPattern":{"a":[1]}}`: {state: "DISABLED", pattern: `{"a":[1]}`},
	} {
		r := unitStack("access").add("AWS::Events::Rule", "Rule", "rule", properties)
		if got := declaredRule(nil, r).(*liveEventRule); got.state != want.state || got.pattern != want.pattern {
			t.Errorf("%s: got %+v", properties, got)
		}
	}
}

// TestTags checks which tags are findings: those that are expected and not there, and those of CloudFormation that name
// another stack.
func TestTags(t *testing.T) {
	own := stackARN("access", unitUUID)
	for _, tc := range []struct {
		name, typ  string
		stack      map[string]string
		properties string
		live       map[string]string
		want       []string
	}{
		{"as expected", typeRole, map[string]string{"team": "a"}, `{}`, map[string]string{"team": "a", "theirs": "b"}, nil},
		{"missing", typeRole, map[string]string{"team": "a"}, `{}`, nil, []string{"R tags-changed [team] changed: a → none"}},
		{"another value", typeRole, map[string]string{"team": "a"}, `{}`, map[string]string{"team": "b"},
			[]string{"R tags-changed [team] changed: a → b"}},
		{"of the resource", typeRole, map[string]string{"team": "a"}, `{"Tags":[{"Key":"team","Value":"c"}]}`,
			map[string]string{"team": "a"}, []string{"R tags-changed [team] changed: c → a"}},
		{"of AWS", typeRole, map[string]string{"aws:servicecatalog:x": "a"}, `{}`, nil, nil},
		{"not known", typeRole, nil, `{"Tags":[{"Key":"team","Value":"\u0000unknown"}]}`, nil, nil},
		{"of a rule, from the stack", "AWS::Events::Rule", map[string]string{"team": "a"}, `{}`, nil, nil},
		{"of a rule with others", "AWS::Events::Rule", map[string]string{"team": "a"}, `{}`, map[string]string{"x": "y"},
			[]string{"R tags-changed [team] changed: a → none"}},
		{"of a rule, its own", "AWS::Events::Rule", map[string]string{"team": "a"}, `{"Tags":[{"Key":"team","Value":"a"}]}`,
			nil, []string{"R tags-changed [team] changed: a → none"}},
		{"of this stack", typeRole, nil, `{}`,
			map[string]string{"aws:cloudformation:stack-id": own, "aws:cloudformation:logical-id": "R"}, nil},
		{"of another stack", typeRole, nil, `{}`, map[string]string{"aws:cloudformation:stack-id": "x"},
			[]string{"R tags-changed [aws:cloudformation:stack-id] changed: " + own + " → x"}},
		{"of another resource", typeRole, nil, `{}`, map[string]string{"aws:cloudformation:logical-id": "X"},
			[]string{"R tags-changed [aws:cloudformation:logical-id] changed: R → X"}},
		{"of a type without tags", typeManagedPolicy, map[string]string{"team": "a"}, `{}`, nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := unitStack("access")
			s.tags = tc.stack
			if s.tags == nil {
				s.tags = map[string]string{}
			}
			checkDrafts(t, s.add(tc.typ, "R", "r", tc.properties).compareTags(tc.live), tc.want...)
		})
	}
}

// unitSQS returns the attributes of a queue.
type unitSQS struct {
	attributes map[string]string
	err        error
}

func (c *unitSQS) GetQueueAttributes(
	context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options),
) (*sqs.GetQueueAttributesOutput, error) {
	return &sqs.GetQueueAttributesOutput{Attributes: c.attributes}, c.err
}

// TestQueueComparison checks what is reported of a queue: its policy, and what delays messages or keeps them from it.
func TestQueueComparison(t *testing.T) {
	policy := allowing("sqs:SendMessage")
	for _, tc := range []struct {
		name       string
		properties string
		policies   string // the property Queues of the policy
		live       map[string]string
		err        error
		want       []string
	}{
		{"as declared", `{}`, `["q"]`, map[string]string{"Policy": policy, "DelaySeconds": "0", "VisibilityTimeout": "30",
			"MaximumMessageSize": "262144"}, nil, nil},
		{"larger messages", `{}`, `["q"]`, map[string]string{"Policy": policy, "MaximumMessageSize": "1048576"}, nil, nil},
		{"smaller messages", `{}`, `["q"]`, map[string]string{"Policy": policy, "MaximumMessageSize": "1024"}, nil,
			[]string{"Queue property-changed [MaximumMessageSize] monitoring: 262144 → 1024"}},
		{"delay", `{}`, `["q"]`, map[string]string{"Policy": policy, "DelaySeconds": "900"}, nil,
			[]string{"Queue property-changed [DelaySeconds] monitoring: 0 → 900"}},
		{"longer invisible", `{}`, `["q"]`, map[string]string{"Policy": policy, "VisibilityTimeout": "31"}, nil,
			[]string{"Queue property-changed [VisibilityTimeout] monitoring: 30 → 31"}},
		{"declared delay", `{"DelaySeconds":5}`, `["q"]`, map[string]string{"Policy": policy, "DelaySeconds": "900"}, nil,
			nil},
		{"redrive", `{}`, `["q"]`, map[string]string{"Policy": policy, "RedrivePolicy": "r"}, nil,
			[]string{"Queue property-changed [RedrivePolicy] monitoring: none → r"}},
		{"key", `{}`, `["q"]`, map[string]string{"Policy": policy, "KmsMasterKeyId": "k"}, nil,
			[]string{"Queue property-changed [KmsMasterKeyId] monitoring: none → k"}},
		{"declared key", `{"KmsMasterKeyId":"x"}`, `["q"]`, map[string]string{"Policy": policy, "KmsMasterKeyId": "k"}, nil,
			nil},
		{"policy", `{}`, `["q"]`, map[string]string{"Policy": allowing("sqs:*")}, nil,
			[]string{"Queue queue-policy-changed grants-more: document → document"}},
		{"policy that is not declared", `{}`, `["other"]`, map[string]string{"Policy": policy}, nil,
			[]string{"Queue queue-policy-changed grants-more: document → document"}},
		{"policy that is not known", `{}`, `["q","\u0000unknown"]`, map[string]string{"Policy": allowing("sqs:*")}, nil, nil},
		{"missing", `{}`, `["q"]`, nil, apiError("SQS", "GetQueueAttributes", "QueueDoesNotExist", "no"),
			[]string{"Queue resource-deleted grants-less: - → none"}},
		{"denied", `{}`, `["q"]`, nil, errDenied, []string{"Queue not-readable [iam:GetRole] unreadable (access-denied)"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := unitStack("backup")
			r := s.add("AWS::SQS::Queue", "Queue", "q", tc.properties)
			s.add("AWS::SQS::QueuePolicy", "Policy", "p", `{"Queues":`+tc.policies+`,"PolicyDocument":`+policy+`}`)
			if tc.name == "policy that is not known" {
				s.resources[1].props["PolicyDocument"] = unknown
			}
			c, m := unitCheck(nil, nil), unitModel(s)
			c.clients.SQS = &unitSQS{tc.live, tc.err}
			live, _ := sqsQueue.read(t.Context(), c.reader, m, r)
			checkDrafts(t, live.compare(m, r), tc.want...)
		})
	}
}
