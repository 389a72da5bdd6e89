package detect

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"permstack/internal/notify/finding"
)

func (m *model) compareTopic(r *resource, live *liveTopicTags) []found {
	if live.gone {
		f := r.finding(finding.ResourceGone, "", finding.GrantsLess)
		f.Expected, f.Actual, f.SeenBy = "topic "+r.physicalID, "there is no such topic", []string{seenLive}
		f.Details = []string{"With it went its policy and its subscriptions; a new topic of the same name has neither."}
		f.Advice = adviceMakeAgain + " Then let the backup service subscribe again."
		return []found{{f, r, ""}}
	}
	out := r.unread(live.gaps)
	if live.tags != nil {
		out = append(out, r.compareTags(m.wantedTags(r), live.tags)...)
	}
	// A topic for which no template has a policy has SNS's own.
	if !m.hasPolicy(r.physicalID) {
		out = append(out, r.unread(live.liveTopic.gaps)...)
		if live.policy != "" {
			out = append(out, m.topicPolicy(r, "", readDocument(defaultTopicPolicy(r.physicalID, m.account)), live.liveTopic, "Policy")...)
		}
	}
	return out
}

// hasPolicy tells whether a template of ours has a policy for a topic.
func (m *model) hasPolicy(topicARN string) bool {
	return slices.ContainsFunc(m.resources, func(r *resource) bool {
		return (r.typ == typeTopicInlinePolicy || r.typ == typeTopicPolicy) && slices.Contains(topicsOf(r), topicARN)
	})
}

// defaultTopicPolicy is what SNS gives a new topic (SNS Developer Guide, "Amazon
// SNS access control": the owner's account alone).
func defaultTopicPolicy(arn, account string) string {
	return fmt.Sprintf(`{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID","Effect":"Allow","Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],"Resource":%q,"Condition":{"StringEquals":{"AWS:SourceOwner":%q}}}]}`, arn, account)
}

func (m *model) compareTopicPolicy(r *resource, live map[string]liveTopic) []found {
	var out []found
	want := readDocument(r.props["PolicyDocument"])
	for _, arn := range sorted(live) {
		subject := ""
		if len(live) > 1 {
			subject = arn
		}
		topic := live[arn]
		switch {
		case topic.gone && m.topicGone(arn):
		case topic.gone:
			f := r.finding(finding.ResourceGone, subject, finding.GrantsLess)
			f.Expected, f.Actual, f.SeenBy, f.Advice = "topic "+arn, "there is no such topic", []string{seenLive}, adviceMakeAgain
			out = append(out, found{f, r, ""})
		case topic.gaps != nil:
			out = append(out, r.unread(topic.gaps)...)
		case want.unknown && r.detectable(): // CloudFormation's eye alone
		case want.unknown:
			f := r.finding(finding.NotReadable, "PolicyDocument", finding.Unreadable)
			f.SeenBy, f.Details = []string{seenLive}, []string{"The wanted policy holds a value that only CloudFormation knows."}
			f.Advice = "Compare the topic's policy with the template by hand, or declare it as AWS::SNS::TopicInlinePolicy, which CloudFormation compares."
			out = append(out, found{f, r, ""})
		default:
			out = append(out, m.topicPolicy(r, subject, want, topic, "PolicyDocument")...)
		}
	}
	return out
}

func (m *model) topicPolicy(r *resource, subject string, want document, live liveTopic, property string) []found {
	f, differs := m.documentFinding(r, finding.TopicPolicyChanged, subject, want, readDocument(live.policy))
	if !differs {
		return nil
	}
	f.SeenBy = []string{seenLive}
	f.Advice = "See who may publish and subscribe now. If nobody meant this, put the topic's policy back as the template has it; CloudTrail's SetTopicAttributes and AddPermission tell who changed it."
	return []found{{f, r, property}}
}

func (m *model) compareRule(r *resource, live *liveRule) []found {
	if live.gone {
		f := r.finding(finding.ResourceGone, "", finding.GrantsLess)
		f.Expected, f.Actual, f.SeenBy = "event rule "+r.physicalID, "there is no such rule", []string{seenLive}
		f.Details = []string{"The backup service is no longer told of these changes."}
		f.Advice = adviceMakeAgain
		return []found{{f, r, ""}}
	}
	var out []found
	differ := func(property, subject string, direction finding.Direction, expected, actual, detail, advice string, values ...string) {
		f := r.finding(finding.RuleChanged, subject, direction)
		f.SeenBy, f.Expected, f.Actual, f.Advice, f.values = []string{seenLive}, expected, actual, advice, append(values, expected, actual)
		if detail != "" {
			f.Details = []string{detail}
		}
		out = append(out, found{f, r, property})
	}
	if !live.gaps.unreadable("State", "") {
		state := orNone(text(r.props["State"]), "ENABLED")
		switch {
		case isUnknown(state) || live.state == state:
		case state == "DISABLED":
			differ("State", "state", finding.GrantsMore, state, live.state, "Events are sent that were not meant to be.", adviceRevert)
		case live.state == "DISABLED":
			differ("State", "state", finding.GrantsLess, state, live.state, "The backup service is no longer told of these changes.", fmt.Sprintf("Enable it: aws events enable-rule --name %s", r.physicalID))
		default:
			differ("State", "state", finding.Changed, state, live.state, "", adviceRevert)
		}
		if want := r.props["EventPattern"]; !isUnknown(want) && !sameJSON(want, live.pattern) {
			differ("EventPattern", "pattern", finding.Changed, jsonText(want), live.pattern, "Other events than were meant reach the topic.", adviceRevert)
		}
		if want := text(r.props["ScheduleExpression"]); !isUnknown(want) && want != live.schedule {
			differ("ScheduleExpression", "schedule", finding.Changed, orNone(want, "no schedule"), orNone(live.schedule, "no schedule"), "", adviceRevert)
		}
		if want := text(r.props["RoleArn"]); !isUnknown(want) && want != live.roleARN {
			differ("RoleArn", "role", finding.Changed, orNone(want, "no role"), orNone(live.roleARN, "no role"), "", adviceRevert)
		}
	}
	if !live.gaps.unreadable("Targets", "") && !isUnknown(r.props["Targets"]) {
		want := map[string]map[string]any{}
		for _, t := range objects(r.props["Targets"]) {
			want[text(t["Id"])] = t
		}
		for _, id := range sorted(live.targets) {
			if _, wanted := want[id]; !wanted {
				differ("Targets", "target "+id, finding.GrantsMore, "no such target", text(live.targets[id]["Arn"]), "Events of this account are sent somewhere else too.",
					fmt.Sprintf("If nobody meant this, remove it: aws events remove-targets --rule %s --ids %s", r.physicalID, id), jsonText(live.targets[id]))
			}
		}
		for _, id := range sorted(want) {
			have, there := live.targets[id]
			switch {
			case !there:
				differ("Targets", "target "+id, finding.GrantsLess, text(want[id]["Arn"]), "no such target", "The backup service is no longer told of these changes.", adviceRevert)
			case !reflect.DeepEqual(normal(want[id]), normal(have)):
				differ("Targets", "target "+id, finding.Changed, targetText(want[id]), targetText(have), "Events go to another place, or in another form.", adviceRevert, jsonText(have))
			}
		}
	}
	if !live.gaps.unreadable("Tags", "") {
		out = append(out, r.compareTags(m.wantedTags(r), live.tags)...)
	}
	return append(out, r.unread(live.gaps)...)
}

// targetText names a target by its ARN, and says where more is set.
func targetText(t map[string]any) string {
	var more []string
	for _, key := range sorted(t) {
		if key != "Arn" && key != "Id" {
			more = append(more, key)
		}
	}
	if more == nil {
		return text(t["Arn"])
	}
	return text(t["Arn"]) + " with " + strings.Join(more, ", ")
}

// sameJSON compares an event pattern, as a template has it, with one in text.
// The values of a field are alternatives: their order means nothing.
func sameJSON(want any, have string) bool {
	if s, ok := want.(string); ok {
		var v any
		if json.Unmarshal([]byte(s), &v) != nil {
			return s == have
		}
		want = v
	}
	if want == nil || have == "" {
		return want == nil && have == ""
	}
	var v any
	if json.Unmarshal([]byte(have), &v) != nil {
		return false
	}
	return reflect.DeepEqual(unordered(want), unordered(v))
}

// unordered brings lists into one order, and numbers into one type.
func unordered(v any) any {
	switch v := normalKinds(v).(type) {
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = unordered(e)
		}
		slices.SortFunc(out, func(a, b any) int { return strings.Compare(jsonText(a), jsonText(b)) })
		return out
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			if k == "numeric" { // {"numeric": [">", 0, "<=", 5]} is a sentence
				out[k] = jsonText(e)
				continue
			}
			out[k] = unordered(e)
		}
		return out
	default:
		return v
	}
}

// normalKinds gives numbers the type that encoding/json has for them.
func normalKinds(v any) any {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case int:
		return float64(v)
	}
	return v
}

// normal is a target for comparison: scalars as text, as parameters give them.
func normal(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			out[k] = normal(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = normal(e)
		}
		return out
	case nil:
		return nil
	}
	return text(v)
}

// jsonText writes a value as JSON; text that is JSON already stays.
func jsonText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}
