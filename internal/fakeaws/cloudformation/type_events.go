package cloudformation

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"permstack/internal/fakeaws/protocol"
)

// eventsRule is a rule with its targets. Its physical id is its name, or
// <bus>|<name> on a bus other than the default one.
type eventsRule struct{}

func (eventsRule) schema() schema {
	return schema{
		Properties: []string{
			"Description",
			"EventBusName",
			"EventPattern",
			"Name",
			"RoleArn",
			"ScheduleExpression",
			"State",
			"Tags",
			"Targets",
		},
		Name: "Name", NameLength: 64, Tags: true,
		Permissions: handlerPermissions{
			Create: []string{
				"events:DescribeRule", "events:PutRule", "events:TagResource", "events:PutTargets",
				"iam:PassRole",
			},
			Read: []string{"events:DescribeRule", "events:ListTargetsByRule"},
			Update: []string{
				"events:PutRule", "events:RemoveTargets", "events:PutTargets", "events:TagResource",
				"events:UntagResource", "iam:PassRole",
			},
			Delete: []string{"events:RemoveTargets", "events:DeleteRule"},
		},
		Rights: handlerRights{
			ARN: func(r *request, id string) string {
				return r.arn("events", r.stack.region, "rule/"+strings.Replace(id, "|", "/", 1))
			},
			Unused: map[string]string{"iam:PassRole": "reads or deletes a rule with RoleArn, which passes no role"},
		},
	}
}

func (p eventsRule) create(r *request) (outcome, error) {
	c := eventbridge.NewFromConfig(r.cfg)
	name, bus := r.name(p.schema()), optional(r.props, "EventBusName")
	if _, err := c.DescribeRule(r.ctx, &eventbridge.DescribeRuleInput{Name: &name, EventBusName: bus}); err == nil {
		return outcome{}, protocol.Errorf("AlreadyExists", "rule %s already exists", name)
	} else if !isNotFound(err) {
		return outcome{}, err
	}
	id := name
	if b := aws.ToString(bus); b != "" && b != "default" {
		id = lastSegment(b) + "|" + name
	}
	out, err := r.creation(func() (outcome, error) {
		arn, err := p.put(c, r, name, ebTags(r.tags()))
		return outcome{id: id, attrs: map[string]any{"Arn": arn}}, err
	}, func() (outcome, *time.Time, error) { // it was not there before
		got, err := c.DescribeRule(r.ctx, &eventbridge.DescribeRuleInput{Name: &name, EventBusName: bus})
		if err != nil {
			return outcome{}, nil, err
		}
		return outcome{id: id, attrs: map[string]any{"Arn": aws.ToString(got.Arn)}}, &r.began, nil
	})
	if err != nil {
		return outcome{}, err
	}
	return out, p.targets(c, r, name)
}

func lastSegment(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }

func ruleName(id string) string { return id[strings.LastIndexByte(id, '|')+1:] }

func (eventsRule) put(c *eventbridge.Client, r *request, name string, tags []ebtypes.Tag) (string, error) {
	in := &eventbridge.PutRuleInput{
		Name: &name, EventBusName: optional(r.props, "EventBusName"), Description: optional(r.props, "Description"),
		RoleArn: optional(r.props, "RoleArn"), ScheduleExpression: optional(r.props, "ScheduleExpression"),
		State: ebtypes.RuleState(r.props.str("State")), Tags: tags,
	}
	if r.props.has("EventPattern") {
		in.EventPattern = aws.String(r.props.json("EventPattern"))
	}
	out, err := c.PutRule(r.ctx, in)
	if err != nil {
		return "", err
	}
	return *out.RuleArn, nil
}

// targets removes the targets that are no longer declared and puts the declared
// ones.
func (eventsRule) targets(c *eventbridge.Client, r *request, name string) error {
	bus := optional(r.props, "EventBusName")
	stays := map[string]bool{}
	var put []ebtypes.Target
	for _, o := range r.props.objects("Targets") {
		t, err := decode[ebtypes.Target](map[string]any(o))
		if err != nil {
			return err
		}
		if aws.ToString(t.Id) == "" || aws.ToString(t.Arn) == "" {
			return errors.New("Properties validation failed: #/Targets: required keys [Arn, Id] not found")
		}
		stays[*t.Id] = true
		put = append(put, t)
	}
	var remove []string
	for _, v := range r.versions() {
		for _, o := range v.objects("Targets") {
			if id := o.str("Id"); !stays[id] && !slices.Contains(remove, id) {
				remove = append(remove, id)
			}
		}
	}
	if len(remove) > 0 {
		out, err := c.RemoveTargets(r.ctx,
			&eventbridge.RemoveTargetsInput{Rule: &name, EventBusName: bus, Ids: remove})
		if err != nil && !isNotFound(err) {
			return err
		}
		for _, failed := range removalFailures(out, err) {
			// A rollback also removes targets that were not put before the update failed.
			if aws.ToString(failed.ErrorCode) != "ResourceNotFoundException" {
				return fmt.Errorf("target %s: %s", aws.ToString(failed.TargetId), aws.ToString(failed.ErrorMessage))
			}
		}
	}
	if len(put) > 0 && (r.old == nil || r.changed("Targets")) {
		out, err := c.PutTargets(r.ctx, &eventbridge.PutTargetsInput{Rule: &name, EventBusName: bus, Targets: put})
		if err != nil {
			return err
		}
		if out.FailedEntryCount > 0 {
			return fmt.Errorf("target %s: %s",
				aws.ToString(out.FailedEntries[0].TargetId), aws.ToString(out.FailedEntries[0].ErrorMessage))
		}
	}
	return nil
}

func (p eventsRule) update(r *request) (outcome, error) {
	c := eventbridge.NewFromConfig(r.cfg)
	name := ruleName(r.id)
	arn, err := p.put(c, r, name, nil)
	if err != nil {
		return outcome{}, err
	}
	if err := p.targets(c, r, name); err != nil {
		return outcome{}, err
	}
	err = r.reconcileTags(func(tags []protocol.Tag) error {
		_, err := c.TagResource(r.ctx, &eventbridge.TagResourceInput{ResourceARN: &arn, Tags: ebTags(tags)})
		return err
	}, func(keys []string) error {
		_, err := c.UntagResource(r.ctx, &eventbridge.UntagResourceInput{ResourceARN: &arn, TagKeys: keys})
		return err
	})
	if err != nil {
		return outcome{}, err
	}
	return outcome{id: r.id, attrs: map[string]any{"Arn": arn}}, nil
}

func (p eventsRule) delete(r *request) error {
	c := eventbridge.NewFromConfig(r.cfg)
	name, bus := ruleName(r.id), optional(r.props, "EventBusName")
	var ids []string
	for _, v := range append([]version{{props: r.props}}, r.attempts...) {
		for _, o := range props(v.props).objects("Targets") {
			if id := o.str("Id"); !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	if len(ids) > 0 {
		if _, err := c.RemoveTargets(r.ctx, &eventbridge.RemoveTargetsInput{Rule: &name, EventBusName: bus,
			Ids: ids}); err != nil {
			return err
		}
	}
	_, err := c.DeleteRule(r.ctx, &eventbridge.DeleteRuleInput{Name: &name, EventBusName: bus})
	return err
}

func (eventsRule) read(r *request) (map[string]any, error) {
	c := eventbridge.NewFromConfig(r.cfg)
	name, bus := ruleName(r.id), optional(r.props, "EventBusName")
	got, err := c.DescribeRule(r.ctx, &eventbridge.DescribeRuleInput{Name: &name, EventBusName: bus})
	if err != nil {
		return nil, notFound(err)
	}
	out := map[string]any{"Name": name, "State": string(got.State)}
	for n, v := range map[string]*string{"Description": got.Description, "RoleArn": got.RoleArn,
		"ScheduleExpression": got.ScheduleExpression, "EventBusName": got.EventBusName} {
		if v != nil {
			out[n] = *v
		}
	}
	if got.EventPattern != nil {
		out["EventPattern"] = parseJSON(*got.EventPattern)
	}
	list := []any{}
	for token := (*string)(nil); ; {
		page, err := c.ListTargetsByRule(r.ctx,
			&eventbridge.ListTargetsByRuleInput{Rule: &name, EventBusName: bus, NextToken: token})
		if err != nil {
			return nil, err
		}
		for _, t := range page.Targets {
			list = append(list, withoutNulls(parseJSON(marshal(t))))
		}
		if token = page.NextToken; token == nil {
			break
		}
	}
	out["Targets"] = list
	return out, nil
}

// withoutNulls removes the members that an SDK struct leaves unset.
func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if e == nil {
				delete(v, k)
			} else {
				v[k] = withoutNulls(e)
			}
		}
	case []any:
		for i := range v {
			v[i] = withoutNulls(v[i])
		}
	}
	return v
}

func ebTags(tags []protocol.Tag) []ebtypes.Tag {
	var out []ebtypes.Tag
	for _, t := range tags {
		out = append(out, ebtypes.Tag{Key: aws.String(t.Key), Value: aws.String(t.Value)})
	}
	return out
}

// removalFailures returns the targets that a call could not remove.
func removalFailures(out *eventbridge.RemoveTargetsOutput, err error) []ebtypes.RemoveTargetsResultEntry {
	if err != nil {
		return nil
	}
	return out.FailedEntries
}
