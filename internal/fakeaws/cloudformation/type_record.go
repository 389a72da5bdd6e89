package cloudformation

import (
	"maps"
	"strings"

	"permstack/internal/fakeaws/protocol"
)

// recordType is a type of a service that the embedded AWS does not have. The
// resource is only recorded: names are unique, and Ref and Fn::GetAtt return
// what they return on AWS.
type recordType struct {
	s     schema
	attrs func(r *request, name string) (id string, attrs map[string]any)
}

// record is one such resource; its key is the type, account, Region and id.
type record struct{ props map[string]any }

func (t recordType) schema() schema { return t.s }

func (t recordType) key(r *request, id string) string {
	return strings.Join([]string{r.typ, r.stack.account, r.stack.region, id}, " ")
}

func (t recordType) create(r *request) (outcome, error) {
	name := r.name(t.s)
	id, attrs := name, map[string]any(nil)
	if t.attrs != nil {
		id, attrs = t.attrs(r, name)
	}
	r.engine.mu.Lock()
	defer r.engine.mu.Unlock()
	if r.engine.records[t.key(r, id)] != nil {
		return outcome{}, protocol.Errorf("AlreadyExists", "%s already exists", name)
	}
	r.engine.records[t.key(r, id)] = &record{maps.Clone(r.props)}
	return outcome{id: id, attrs: attrs}, nil
}

func (t recordType) update(r *request) (outcome, error) {
	r.engine.mu.Lock()
	defer r.engine.mu.Unlock()
	old := r.engine.records[t.key(r, r.id)]
	if old == nil {
		return outcome{}, protocol.Errorf("NotFound", "%s does not exist", r.id)
	}
	old.props = maps.Clone(r.props)
	var attrs map[string]any
	if t.attrs != nil {
		_, attrs = t.attrs(r, r.id)
	}
	return outcome{id: r.id, attrs: attrs}, nil
}

func (t recordType) delete(r *request) error {
	r.engine.mu.Lock()
	defer r.engine.mu.Unlock()
	delete(r.engine.records, t.key(r, r.id))
	return nil
}

func (t recordType) read(r *request) (map[string]any, error) {
	r.engine.mu.Lock()
	defer r.engine.mu.Unlock()
	rec := r.engine.records[t.key(r, r.id)]
	if rec == nil {
		return nil, errNotFound
	}
	return maps.Clone(rec.props), nil
}

var logGroup = recordType{
	s: schema{
		Properties: []string{
			"DataProtectionPolicy",
			"FieldIndexPolicies",
			"KmsKeyId",
			"LogGroupClass",
			"LogGroupName",
			"RetentionInDays",
			"Tags",
		},
		Replace: []string{"LogGroupName"}, Name: "LogGroupName", NameLength: 512, Tags: true,
		Permissions: handlerPermissions{
			Create: []string{"logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:TagResource"},
			Read:   []string{"logs:DescribeLogGroups", "logs:ListTagsForResource"},
			Update: []string{
				"logs:PutRetentionPolicy", "logs:DeleteRetentionPolicy", "logs:TagResource",
				"logs:UntagResource",
			},
			Delete: []string{"logs:DeleteLogGroup"},
		},
	},
	attrs: func(r *request, name string) (string, map[string]any) {
		return name, map[string]any{"Arn": r.arn("logs", r.stack.region, "log-group:"+name+":*")}
	},
}

var cloudwatchAlarm = recordType{
	s: schema{
		Properties: []string{
			"ActionsEnabled", "AlarmActions", "AlarmDescription", "AlarmName", "ComparisonOperator", "DatapointsToAlarm",
			"Dimensions", "EvaluateLowSampleCountPercentile",
			"EvaluationPeriods", "ExtendedStatistic", "InsufficientDataActions", "MetricName", "Metrics", "Namespace",
			"OKActions", "Period", "Statistic", "Tags", "Threshold",
			"ThresholdMetricId", "TreatMissingData", "Unit",
		},
		Required: []string{
			"ComparisonOperator",
			"EvaluationPeriods",
		}, Replace: []string{"AlarmName"}, Name: "AlarmName", NameLength: 255, Tags: true,
		Permissions: handlerPermissions{
			Create: []string{"cloudwatch:PutMetricAlarm", "cloudwatch:TagResource"},
			Read:   []string{"cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource"},
			Update: []string{"cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", "cloudwatch:UntagResource"},
			Delete: []string{"cloudwatch:DeleteAlarms"},
		},
	},
	attrs: func(r *request, name string) (string, map[string]any) {
		return name, map[string]any{"Arn": r.arn("cloudwatch", r.stack.region, "alarm:"+name)}
	},
}

var schedulerSchedule = recordType{
	s: schema{
		Properties: []string{
			"Description",
			"EndDate",
			"FlexibleTimeWindow",
			"GroupName",
			"KmsKeyArn",
			"Name",
			"ScheduleExpression",
			"ScheduleExpressionTimezone",
			"StartDate",
			"State",
			"Target",
		},
		Required: []string{
			"FlexibleTimeWindow",
			"ScheduleExpression",
			"Target",
		}, Replace: []string{"Name"}, Name: "Name", NameLength: 64,
		Permissions: handlerPermissions{
			Create: []string{"scheduler:CreateSchedule", "iam:PassRole"},
			Read:   []string{"scheduler:GetSchedule"},
			Update: []string{"scheduler:UpdateSchedule", "iam:PassRole"},
			Delete: []string{"scheduler:DeleteSchedule"},
		},
	},
	attrs: func(r *request, name string) (string, map[string]any) {
		group := r.props.str("GroupName")
		if group == "" {
			group = "default"
		}
		return name, map[string]any{"Arn": r.arn("scheduler", r.stack.region, "schedule/"+group+"/"+name)}
	},
}
