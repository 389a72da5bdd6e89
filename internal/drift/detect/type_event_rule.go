package detect

import (
	"context"
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/notify/finding"
)

// eventRule's schema lists no read permissions; these are those that its
// properties need.
var eventRule = &resourceType{
	name:        "AWS::Events::Rule",
	rank:        6,
	readHandler: []string{"events:DescribeRule", "events:ListTargetsByRule", "events:ListTagsForResource"},
	physicalID:  func(_ *resolver, props map[string]any) string { return text(props["Name"]) },
	declared:    declaredRule,
	attributes: map[string]attribute{"Arn": func(v *resolver, _, id string) (string, bool) {
		return v.arn("events", v.region(), "rule/"+strings.ReplaceAll(id, "|", "/")), true
	}},
	compared: []string{"EventPattern", "RoleArn", "ScheduleExpression", "State", "Tags", "Targets"},
	read: func(ctx context.Context, c *reader, _ *model, r *resource) (liveState, readErrors) {
		live := c.readEventRule(ctx, r.physicalID)
		return live, live.errs
	},
}

// declaredRule returns a rule as a template declares it.
func declaredRule(_ *model, r *resource) liveState {
	live := &liveEventRule{
		state: text(r.props["State"]), schedule: text(r.props["ScheduleExpression"]), roleARN: text(r.props["RoleArn"]),
		targets: map[string]map[string]any{}, tags: r.expectedTags(),
	}
	if live.state == "" {
		live.state = ruleEnabled
	}
	if pattern := r.props["EventPattern"]; pattern != nil {
		live.pattern = jsonText(pattern)
	}
	for _, t := range objects(r.props["Targets"]) {
		live.targets[text(t["Id"])] = t
	}
	return live
}

// liveEventRule is an event rule with its targets.
type liveEventRule struct {
	missing  bool
	state    string
	pattern  string
	schedule string
	roleARN  string
	targets  map[string]map[string]any // by id
	tags     map[string]string
	errs     readErrors
}

func (live *liveEventRule) deleted() bool          { return live.missing }
func (live *liveEventRule) unreadable() readErrors { return live.errs }

// readEventRule reads a rule. Its physical id is its name, or <bus>|<name> if it
// is not on the default bus.
func (c *reader) readEventRule(ctx context.Context, physicalID string) *liveEventRule {
	rule := &liveEventRule{targets: map[string]map[string]any{}}
	bus, name, found := strings.Cut(physicalID, "|")
	if !found {
		bus, name = "", physicalID
	}
	got, err := c.aws.RuleSettings(ctx, bus, name)
	switch {
	case awserr.IsNotFound(err):
		rule.missing = true
		return rule
	case err != nil:
		rule.errs.add(err, "", "State", "EventPattern", "RoleArn", "ScheduleExpression", "Tags")
	default:
		rule.state, rule.pattern, rule.schedule, rule.roleARN = got.State, got.Pattern, got.Schedule, got.RoleARN
		if rule.tags, err = c.aws.RuleTags(ctx, got.ARN); err != nil {
			rule.errs.add(err, "", "Tags")
		}
	}
	targets, err := c.aws.Targets(ctx, bus, name)
	if err != nil {
		rule.errs.add(err, "", "Targets")
	}
	for _, t := range targets {
		rule.targets[aws.ToString(t.Id)] = toJSON(t)
	}
	return rule
}

func (live *liveEventRule) compare(_ *model, r *resource) []draft {
	if live.missing {
		return []draft{r.deletedDraft()}
	}
	var out []draft
	if !live.errs.unknown("State") {
		out = append(out, live.compareState(r)...)
		out = append(out, live.compareSettings(r)...)
	}
	if !live.errs.unknown("Targets") && !isUnknown(r.props["Targets"]) {
		out = append(out, live.compareTargets(r)...)
	}
	if !live.errs.unknown("Tags") {
		out = append(out, r.compareTags(live.tags)...)
	}
	return append(out, r.readErrorDrafts(live.errs)...)
}

const (
	ruleEnabled  = "ENABLED" // the default (API reference, PutRule: State)
	ruleDisabled = "DISABLED"
)

func (live *liveEventRule) compareState(r *resource) []draft {
	expected := text(r.props["State"])
	if expected == "" {
		expected = ruleEnabled
	}
	if isUnknown(expected) || live.state == expected {
		return nil
	}
	direction := finding.Changed // between the two enabled states
	switch ruleDisabled {
	case expected:
		direction = finding.GrantsMore
	case live.state:
		direction = finding.GrantsLess
	}
	return []draft{r.liveDraft(finding.RuleChanged, "State", "state", direction,
		finding.Text(expected), finding.Text(live.state))}
}

func (live *liveEventRule) compareSettings(r *resource) []draft {
	var out []draft
	differs := func(property, subject, expected, actual string, direction finding.Direction) {
		out = append(out, r.liveDraft(finding.RuleChanged, property, subject, direction,
			finding.Text(expected), finding.Text(actual)))
	}
	if expected := r.props["EventPattern"]; !isUnknown(expected) && !samePattern(expected, live.pattern) {
		pattern := ""
		if expected != nil {
			pattern = jsonText(expected)
		}
		differs("EventPattern", "pattern", pattern, live.pattern, patternDirection(pattern, live.pattern))
	}
	if expected := text(r.props["ScheduleExpression"]); !isUnknown(expected) && expected != live.schedule {
		differs("ScheduleExpression", "schedule", expected, live.schedule, finding.Changed)
	}
	if expected := text(r.props["RoleArn"]); !isUnknown(expected) && expected != live.roleARN {
		differs("RoleArn", "role", expected, live.roleARN, finding.Changed)
	}
	return out
}

func (live *liveEventRule) compareTargets(r *resource) []draft {
	var out []draft
	differs := func(id string, direction finding.Direction, expected, actual finding.Value) {
		d := r.liveDraft(finding.RuleChanged, "Targets", finding.TargetSubject(id), direction, expected, actual)
		d.values = []string{expected.Text, actual.Text, jsonText(live.targets[id])}
		out = append(out, d)
	}
	expected := map[string]map[string]any{}
	for _, t := range objects(r.props["Targets"]) {
		expected[text(t["Id"])] = t
	}
	for _, id := range sorted(live.targets) {
		if _, declared := expected[id]; !declared {
			differs(id, finding.GrantsMore, finding.None, finding.Text(text(live.targets[id]["Arn"])))
		}
	}
	for _, id := range sorted(expected) {
		actual, exists := live.targets[id]
		switch {
		case !exists:
			differs(id, finding.GrantsLess, finding.Text(text(expected[id]["Arn"])), finding.None)
		case !reflect.DeepEqual(cfntemplate.TextScalars(expected[id]), cfntemplate.TextScalars(actual)):
			direction := finding.Changed      // of the form of the events
			failed := deadLetterQueue(actual) // what is not delivered is sent there
			if text(expected[id]["Arn"]) != text(actual["Arn"]) || failed != "" && failed != deadLetterQueue(expected[id]) {
				direction = finding.GrantsMore
			}
			differs(id, direction, targetValue(expected[id]), targetValue(actual))
		}
	}
	return out
}

// deadLetterQueue returns the ARN of the queue to which the events go that a target does not receive; "" if there is
// none.
func deadLetterQueue(target map[string]any) string {
	config, _ := target["DeadLetterConfig"].(map[string]any)
	return text(config["Arn"])
}

// targetValue is a target's ARN, or all of it if more than the ARN is set.
func targetValue(t map[string]any) finding.Value {
	for key := range t {
		if key != "Arn" && key != "Id" {
			return finding.Text(jsonText(t))
		}
	}
	return finding.Text(text(t["Arn"]))
}
