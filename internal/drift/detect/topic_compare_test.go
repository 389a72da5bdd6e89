package detect

import (
	"context"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"

	"permstack/internal/awsapi/livestate"
)

// unitSNS returns a topic with a tag and two subscriptions.
type unitSNS struct {
	livestate.SNS
	err        map[string]error // by the name of the call
	attributes map[string]string
	filters    map[string]string // by the ARN of the subscription
	written    []string
}

func (c *unitSNS) GetTopicAttributes(
	context.Context, *sns.GetTopicAttributesInput, ...func(*sns.Options),
) (*sns.GetTopicAttributesOutput, error) {
	return &sns.GetTopicAttributesOutput{Attributes: c.attributes}, c.err["GetTopicAttributes"]
}

func (c *unitSNS) ListTagsForResource(
	context.Context, *sns.ListTagsForResourceInput, ...func(*sns.Options),
) (*sns.ListTagsForResourceOutput, error) {
	return &sns.ListTagsForResourceOutput{Tags: []snstypes.Tag{{Key: aws.String("k"), Value: aws.String("v")}}},
		c.err["ListTagsForResource"]
}

func (c *unitSNS) ListSubscriptionsByTopic(
	context.Context, *sns.ListSubscriptionsByTopicInput, ...func(*sns.Options),
) (*sns.ListSubscriptionsByTopicOutput, error) {
	return &sns.ListSubscriptionsByTopicOutput{Subscriptions: []snstypes.Subscription{
		{SubscriptionArn: aws.String("PendingConfirmation"), Protocol: aws.String("email"), Endpoint: aws.String("a"),
			Owner: aws.String(unitAccount)},
		{SubscriptionArn: aws.String(unitTopic + ":1"), Protocol: aws.String("sqs"), Endpoint: aws.String("b"),
			Owner: aws.String(unitAccount)},
		{SubscriptionArn: aws.String(unitTopic + ":2"), Protocol: aws.String("sqs"), Endpoint: aws.String("c"),
			Owner: aws.String(unitAccount)},
	}}, c.err["ListSubscriptionsByTopic"]
}

func (c *unitSNS) GetSubscriptionAttributes(
	_ context.Context, in *sns.GetSubscriptionAttributesInput, _ ...func(*sns.Options),
) (*sns.GetSubscriptionAttributesOutput, error) {
	return &sns.GetSubscriptionAttributesOutput{
		Attributes: map[string]string{"FilterPolicy": c.filters[*in.SubscriptionArn]},
	}, c.err["GetSubscriptionAttributes "+*in.SubscriptionArn]
}

func (c *unitSNS) SetTopicAttributes(
	_ context.Context, in *sns.SetTopicAttributesInput, _ ...func(*sns.Options),
) (*sns.SetTopicAttributesOutput, error) {
	c.written = append(c.written, *in.TopicArn+" "+*in.AttributeName+" "+*in.AttributeValue)
	return nil, c.err["SetTopicAttributes"]
}

// TestReadTopic checks what is read of a topic: filters of the alert topic's subscriptions alone.
func TestReadTopic(t *testing.T) {
	missing := apiError("SNS", "x", "NotFound", "no")
	for _, tc := range []struct {
		name    string
		err     map[string]error
		change  func(m *model)
		unknown []string
		check   func(live *liveTopic) bool
	}{
		{"alert topic", nil, nil, nil, func(live *liveTopic) bool {
			return live.policy == "p" && live.settings["KmsMasterKeyId"] == "key" && len(live.settings) == 1 &&
				live.tags["k"] == "v" && len(live.subscriptions) == 3 && len(live.filters) == 1 &&
				live.filters[unitTopic+":2"] == "f"
		}},
		{"another topic of the installation", nil, func(m *model) { m.installation = unitStack("other") }, nil,
			func(live *liveTopic) bool { return len(live.subscriptions) == 3 && live.filters == nil }},
		{"not of an installation", nil, func(m *model) { m.installation = nil }, nil,
			func(live *liveTopic) bool { return live.subscriptions == nil && live.filters == nil }},
		{"missing", map[string]error{"GetTopicAttributes": missing}, nil, nil,
			func(live *liveTopic) bool { return live.deleted() && live.tags == nil }},
		{"denied", map[string]error{"GetTopicAttributes": errDenied}, nil, []string{"PolicyDocument"},
			func(live *liveTopic) bool { return live.settings == nil && live.tags["k"] == "v" }},
		{"tags denied", map[string]error{"ListTagsForResource": errDenied}, nil, []string{"Tags"}, nil},
		{"deleted before its tags were read", map[string]error{"ListTagsForResource": missing}, nil, nil, nil},
		{"subscriptions denied", map[string]error{"ListSubscriptionsByTopic": errDenied}, nil, []string{"Subscription"}, nil},
		{"subscription removed meanwhile", map[string]error{"GetSubscriptionAttributes " + unitTopic + ":1": missing}, nil,
			nil, func(live *liveTopic) bool { return live.filters[unitTopic+":2"] == "f" }},
		{"subscription denied", map[string]error{"GetSubscriptionAttributes " + unitTopic + ":1": errDenied}, nil,
			[]string{"FilterPolicy"}, func(live *liveTopic) bool { return live.filters[unitTopic+":2"] == "f" }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := unitStack("backup")
			r := s.add(typeTopic, "Topic", unitTopic, `{}`)
			m := unitModel(s)
			if tc.change != nil {
				tc.change(m)
			}
			c := unitCheck(nil, nil)
			c.aws.SNS = &unitSNS{
				err: tc.err, filters: map[string]string{unitTopic + ":2": "f"},
				attributes: map[string]string{"Policy": "p", "KmsMasterKeyId": "key", "DeliveryPolicy": "", "DisplayName": "d"},
			}
			state, errs := readTopic(t.Context(), c.reader, m, r)
			var unknown []string
			for _, e := range errs {
				unknown = append(unknown, e.properties[0])
			}
			if !slices.Equal(unknown, tc.unknown) || tc.check != nil && !tc.check(state.(*liveTopic)) {
				t.Errorf("got %+v, unknown %q", state, unknown)
			}
		})
	}
}

// TestTopicComparison checks what is reported of a topic. One without a policy in a template has SNS's default policy.
func TestTopicComparison(t *testing.T) {
	byDefault := DefaultTopicPolicy(unitTopic, unitAccount)
	for _, tc := range []struct {
		name, properties string
		live             func(live *liveTopic)
		policy           string // the topics of a declared policy
		want             []string
	}{
		{"as declared", `{}`, nil, "", nil},
		{"deleted", `{}`, func(live *liveTopic) { live.missing = true }, "",
			[]string{"Topic resource-deleted grants-less: - → none"}},
		{"tag", `{"Tags":[{"Key":"a","Value":"b"}]}`, func(live *liveTopic) { live.tags = map[string]string{} }, "",
			[]string{"Topic tags-changed [a] changed: b → none"}},
		{"tags that were not read", `{"Tags":[{"Key":"a","Value":"b"}]}`, func(live *liveTopic) {
			live.tagErrs.add(errDenied, "", "Tags")
		}, "", []string{"Topic not-readable [iam:GetRole] unreadable (access-denied)"}},
		{"key added", `{}`, func(live *liveTopic) { live.settings["KmsMasterKeyId"] = "k" }, "",
			[]string{"Topic topic-changed [KmsMasterKeyId] grants-less: none → k"}},
		{"key removed", `{"KmsMasterKeyId":"k"}`, nil, "",
			[]string{"Topic topic-changed [KmsMasterKeyId] grants-more: k → none"}},
		{"key as declared", `{"KmsMasterKeyId":"k"}`, func(live *liveTopic) { live.settings["KmsMasterKeyId"] = "k" }, "",
			nil},
		{"key that is not known", `{"KmsMasterKeyId":"\u0000unknown"}`, nil, "", nil},
		{"delivery policy", `{}`, func(live *liveTopic) { live.settings["DeliveryPolicy"] = "d" }, "",
			[]string{"Topic topic-changed [DeliveryPolicy] changed: none → d"}},
		{"settings that were not read", `{"KmsMasterKeyId":"k"}`, func(live *liveTopic) { live.settings = nil }, "", nil},
		{"policy", `{}`, func(live *liveTopic) { live.policy = everyoneTrust }, "",
			[]string{"Topic topic-policy-changed grants-more: document → document"}},
		{"policy that is not known", `{}`, func(live *liveTopic) { live.policy = "" }, "", nil},
		{"policy that a template declares", `{}`, func(live *liveTopic) { live.policy = everyoneTrust }, unitTopic, nil},
		{"policy of another topic", `{}`, func(live *liveTopic) { live.policy = everyoneTrust }, "arn:other",
			[]string{"Topic topic-policy-changed grants-more: document → document"}},
		{"attributes that were not read", `{}`, func(live *liveTopic) {
			live.policy = ""
			live.errs.add(errDenied, "", "PolicyDocument")
		}, "", []string{"Topic not-readable [iam:GetRole] unreadable (access-denied)"}},
		{"attributes that were not read, reported of the policy", `{}`, func(live *liveTopic) {
			live.errs.add(errDenied, "", "PolicyDocument")
		}, unitTopic, nil},
		{"subscriptions that were not read", `{}`, func(live *liveTopic) {
			live.subscriptionErrs.add(errDenied, "", "Subscription")
		}, "", []string{"Topic not-readable [iam:GetRole] unreadable (access-denied)"}},
	} {
		for _, policyType := range []string{typeTopicInlinePolicy, "AWS::SNS::TopicPolicy"} {
			t.Run(tc.name+" "+policyType, func(t *testing.T) {
				s := unitStack("access")
				r := s.add(typeTopic, "Topic", unitTopic, tc.properties)
				if tc.policy != "" {
					s.add(policyType, "Policy", "p", `{"TopicArn":"`+tc.policy+`","Topics":["`+tc.policy+`"]}`)
				}
				s.add("AWS::SNS::Subscription", "Other", "o", `{"Topics":["`+unitTopic+`"]}`)
				live := &liveTopic{liveTopicAttributes: liveTopicAttributes{policy: byDefault, settings: map[string]string{}}}
				if tc.live != nil {
					tc.live(live)
				}
				checkDrafts(t, live.compare(unitModel(s), r), tc.want...)
			})
		}
	}
	r := unitStack("access").add(typeTopic, "Topic", unitTopic, `{"KmsMasterKeyId":"k"}`)
	if got := declaredTopic(nil, r).(*liveTopic); len(got.settings) != 1 || got.settings["KmsMasterKeyId"] != "k" {
		t.Errorf("got %+v", got)
	}
	v := &resolver{stack: unitStack("access")}
	for properties, want := range map[string]string{`{}`: "", `{"TopicName":"topic"}`: unitTopic} {
		if got := snsTopic.physicalID(v, jsonObject(properties)); got != want {
			t.Errorf("%s: got %s, want %s", properties, got, want)
		}
	}
}

// TestTopicPolicyComparison checks what is reported of a policy of one topic, or of several.
func TestTopicPolicyComparison(t *testing.T) {
	const second = "arn:aws:sns:us-east-1:123456789012:second"
	declared := allowing("sns:Publish")
	for _, tc := range []struct {
		name, typ, properties string
		live                  liveTopicPolicy
		deleted               bool // the topic
		change                func(r *resource)
		want                  []string
	}{
		{"as declared", typeTopicInlinePolicy, `{"TopicArn":"` + unitTopic + `"}`,
			liveTopicPolicy{unitTopic: {policy: declared}},
			false, nil, nil},
		{"changed", typeTopicInlinePolicy, `{"TopicArn":"` + unitTopic + `"}`,
			liveTopicPolicy{unitTopic: {policy: everyoneTrust}},
			false, nil, []string{"Policy topic-policy-changed grants-more: document → document"}},
		{"changed, of two topics", "AWS::SNS::TopicPolicy", `{"Topics":["` + unitTopic + `","` + second + `"]}`,
			liveTopicPolicy{unitTopic: {policy: declared}, second: {policy: everyoneTrust}}, false, nil,
			[]string{"Policy topic-policy-changed [" + second + "] grants-more: document → document"}},
		{"topic that was deleted", typeTopicInlinePolicy, `{"TopicArn":"` + unitTopic + `"}`,
			liveTopicPolicy{unitTopic: {missing: true}}, true, nil, nil},
		{"topic that does not exist", typeTopicInlinePolicy, `{"TopicArn":"` + unitTopic + `"}`,
			liveTopicPolicy{unitTopic: {missing: true}}, false, nil,
			[]string{"Policy resource-deleted grants-less: " + unitTopic + " → none"}},
		{"not readable", typeTopicInlinePolicy, `{"TopicArn":"` + unitTopic + `"}`,
			liveTopicPolicy{unitTopic: {errs: readErrors{{properties: []string{"PolicyDocument"}, err: errDenied}}}}, false, nil,
			[]string{"Policy not-readable [iam:GetRole] unreadable (access-denied)"}},
		{"not known, compared by CloudFormation", typeTopicInlinePolicy, `{"TopicArn":"` + unitTopic + `"}`,
			liveTopicPolicy{unitTopic: {policy: everyoneTrust}}, false,
			func(r *resource) { r.props["PolicyDocument"] = unknown }, nil},
		{"not known", "AWS::SNS::TopicPolicy", `{"Topics":["` + unitTopic + `"]}`,
			liveTopicPolicy{unitTopic: {policy: everyoneTrust}}, false,
			func(r *resource) { r.props["PolicyDocument"] = unknown },
			[]string{"Policy not-readable [PolicyDocument] unreadable (expected-unknown)"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := unitStack("access")
			s.add(typeTopic, "Topic", unitTopic, `{}`).live = &liveTopic{
				liveTopicAttributes: liveTopicAttributes{missing: tc.deleted},
			}
			r := s.add(tc.typ, "Policy", "p", tc.properties)
			r.props["PolicyDocument"] = declared
			if tc.change != nil {
				tc.change(r)
			}
			checkDrafts(t, tc.live.compare(unitModel(s), r), tc.want...)
			if tc.live.deleted() {
				t.Error("a topic policy is not deleted by itself")
			}
		})
	}
}

// TestSubscriptionComparison checks which subscriptions are findings: those by which messages leave the account, unless
// a declared policy allows the account to subscribe.
func TestSubscriptionComparison(t *testing.T) {
	const vendor, theirs = "111122223333", "999988887777"
	queue := func(account string) string { return "arn:aws:sqs:us-east-1:" + account + ":q" }
	for _, tc := range []struct {
		name     string
		s        livestate.Subscription
		filter   string
		alert    []string // findings if it is the alert topic's
		messages []string // and if it is a topic of a permission stack
	}{
		{"mail", livestate.Subscription{Protocol: "email", Endpoint: "a@b", Owner: unitAccount}, "", nil,
			[]string{"Topic subscription-added [email:a@b] grants-more: none → email:a@b of account " + unitAccount}},
		{"mail of another account", livestate.Subscription{Protocol: "email", Endpoint: "a@b", Owner: theirs}, "",
			[]string{"Topic subscription-added [email:a@b] grants-more: none → email:a@b of account " + theirs},
			[]string{"Topic subscription-added [email:a@b] grants-more: none → email:a@b of account " + theirs}},
		{"own queue", livestate.Subscription{Protocol: "sqs", Endpoint: queue(unitAccount), Owner: unitAccount}, "", nil,
			nil},
		{"queue of another account", livestate.Subscription{Protocol: "sqs", Endpoint: queue(theirs), Owner: unitAccount}, "",
			[]string{"Topic subscription-added [sqs:" + queue(theirs) + "] grants-more: none → sqs:" + queue(theirs) +
				" of account " + unitAccount},
			[]string{"Topic subscription-added [sqs:" + queue(theirs) + "] grants-more: none → sqs:" + queue(theirs) +
				" of account " + unitAccount}},
		{"queue of the vendor", livestate.Subscription{Protocol: "sqs", Endpoint: queue(vendor), Owner: vendor}, "", nil,
			nil},
		{"mail of the vendor", livestate.Subscription{Protocol: "email", Endpoint: "a@b", Owner: vendor}, "", nil, nil},
		{"declared", livestate.Subscription{Protocol: "email", Endpoint: "declared@b", Owner: theirs}, "", nil, nil},
		{"declared, with a filter", livestate.Subscription{Protocol: "email", Endpoint: "declared@b", Owner: theirs}, "f",
			[]string{"Topic topic-changed [email:declared@b] monitoring: none → f"},
			[]string{"Topic topic-changed [email:declared@b] monitoring: none → f"}},
	} {
		for _, ofParent := range []bool{true, false} {
			name, want := tc.name+" of a permission stack", tc.messages
			if ofParent {
				name, want = tc.name+" of the parent", tc.alert
			}
			t.Run(name, func(t *testing.T) {
				s := unitStack("access")
				r := s.add(typeTopic, "Topic", unitTopic, `{}`)
				s.add(typeTopicInlinePolicy, "Policy", "p", `{"TopicArn":"`+unitTopic+`","PolicyDocument":{"Statement":[
					{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::`+vendor+`:root"],"Service":"x"},"Action":"a"}]}}`)
				s.add("AWS::SNS::Subscription", "Mail", "m", `{"Protocol":"email","Endpoint":"declared@b"}`)
				m := unitModel(unitStack("backup"), s)
				if ofParent {
					m.installation = s
				}
				tc.s.ARN = unitTopic + ":1"
				live := &liveTopic{
					subscriptions: []livestate.Subscription{tc.s}, filters: map[string]string{tc.s.ARN: tc.filter},
				}
				got := live.compareSubscriptions(m, r)
				checkDrafts(t, got, want...)
				for _, d := range got {
					if d.RemovalID != tc.s.ARN {
						t.Errorf("got the id %q", d.RemovalID)
					}
				}
			})
		}
	}
}

// TestSubscriptionBesideDeclared checks that a declared subscription does not hide the next one.
func TestSubscriptionBesideDeclared(t *testing.T) {
	s := unitStack("access")
	r := s.add(typeTopic, "Topic", unitTopic, `{}`)
	s.add("AWS::SNS::Subscription", "Mail", "m", `{"Protocol":"email","Endpoint":"a"}`)
	live := &liveTopic{subscriptions: []livestate.Subscription{
		{Protocol: "email", Endpoint: "a", Owner: unitAccount}, {Protocol: "email", Endpoint: "b", Owner: unitAccount},
	}}
	checkDrafts(t, live.compareSubscriptions(unitModel(unitStack("backup"), s), r),
		"Topic subscription-added [email:b] grants-more: none → email:b of account "+unitAccount)
}

// TestSubscriberAccounts checks whom the declared policies of a topic allow to subscribe.
func TestSubscriberAccounts(t *testing.T) {
	s := unitStack("access")
	policy := func(topic, principal string) string {
		return `{"TopicArn":"` + topic + `","PolicyDocument":{"Statement":[{"Effect":"Allow","Principal":{"AWS":` +
			principal +
			`},"Action":"a"}]}}`
	}
	s.add(typeTopicInlinePolicy, "B", "b", policy("arn:other", `"777788889999"`))
	s.add(typeTopicInlinePolicy, "A", "a", policy(unitTopic, `["111122223333","arn:aws:iam::444455556666:root","*","x"]`))
	s.add("AWS::SNS::Subscription", "C", "c", `{"Topics":["`+unitTopic+`"],"PolicyDocument":{"Statement":[
		{"Effect":"Allow","Principal":{"AWS":"777788889999"},"Action":"a"}]}}`)
	if got := unitModel(s).subscribers(unitTopic); !slices.Equal(got, []string{"111122223333", "444455556666"}) {
		t.Errorf("got %q", got)
	}
}

// TestAlertSubscribers checks who is listed as subscribed to the alert topic, and whether anybody receives messages.
func TestAlertSubscribers(t *testing.T) {
	pending := livestate.Subscription{ARN: "PendingConfirmation", Protocol: "email", Endpoint: "p"}
	confirmed := livestate.Subscription{ARN: unitTopic + ":1", Protocol: "email", Endpoint: "c"}
	for _, tc := range []struct {
		name        string
		live        liveState
		other       bool // it is a topic of another stack
		subscribers string
		known, none bool
	}{
		{"nobody", &liveTopic{}, false, "", true, true},
		{"pending", &liveTopic{subscriptions: []livestate.Subscription{pending}}, false, "email:p", true, true},
		{"confirmed", &liveTopic{subscriptions: []livestate.Subscription{pending, confirmed}}, false, "email:c,email:p", true,
			false},
		{"filtered", &liveTopic{subscriptions: []livestate.Subscription{confirmed},
			filters: map[string]string{confirmed.ARN: "f"}}, false, "email:c filtered " + digest("f")[:8], true, false},
		{"not readable", &liveTopic{subscriptionErrs: readErrors{{err: errDenied}}}, false, "", false, false},
		{"missing", &liveTopic{liveTopicAttributes: liveTopicAttributes{missing: true}}, false, "", true, false},
		{"not read", nil, false, "", false, false},
		{"topic of another stack", &liveTopic{}, true, "", false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			parent, access := unitStack("backup"), unitStack("access")
			parent.add(typeTopic, "NotRead", "n", `{}`)
			s := parent
			if tc.other {
				s = access
			}
			s.add(typeTopic, "Topic", unitTopic, `{}`).live = tc.live
			access.add(typeTopic, "Other", "o", `{}`).live = &liveTopic{subscriptions: []livestate.Subscription{pending}}
			m := unitModel(parent, access)
			subscribers, known := m.alertSubscribers()
			if subscribers != tc.subscribers || known != tc.known || m.hasNoSubscriber() != tc.none {
				t.Errorf("got %q, known %v, nobody %v", subscribers, known, m.hasNoSubscriber())
			}
		})
	}
}
