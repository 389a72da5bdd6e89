package cloudformation

import (
	"cmp"
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
	if err := r.requireRights(createHandler, id); err != nil {
		return outcome{}, err
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
		Name: "LogGroupName", NameLength: 512, Tags: true,
		Rights: handlerRights{
			ARN: func(r *request, id string) string { return r.arn("logs", r.stack.region, "log-group:"+id) },
			For: map[string][]string{
				"logs:PutRetentionPolicy": {"RetentionInDays"}, "logs:DeleteRetentionPolicy": {"RetentionInDays"},
				"logs:TagResource": {"Tags"}, "logs:UntagResource": {"Tags"},
				"logs:AssociateKmsKey": {"KmsKeyId"}, "logs:DisassociateKmsKey": {"KmsKeyId"},
				"logs:PutDataProtectionPolicy":    {"DataProtectionPolicy"},
				"logs:DeleteDataProtectionPolicy": {"DataProtectionPolicy"},
				"logs:PutIndexPolicy":             {"FieldIndexPolicies"}, "logs:DeleteIndexPolicy": {"FieldIndexPolicies"},
			},
			Unused: map[string]string{
				"logs:CreateLogDelivery":             "DataProtectionPolicy has an audit destination",
				"s3:REST.PUT.OBJECT":                 "DataProtectionPolicy has a bucket as audit destination",
				"firehose:*":                         "DataProtectionPolicy has a delivery stream as audit destination",
				"logs:PutResourcePolicy":             "ResourcePolicyDocument is set, which is refused",
				"logs:DeleteResourcePolicy":          "ResourcePolicyDocument is set, which is refused",
				"logs:PutLogGroupDeletionProtection": "DeletionProtectionEnabled is set, which is refused",
				"logs:PutBearerTokenAuthentication":  "BearerTokenAuthenticationEnabled is set, which is refused",
			},
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
		Name: "AlarmName", NameLength: 255, Tags: true,
		Rights: handlerRights{
			ARN: func(r *request, id string) string { return r.arn("cloudwatch", r.stack.region, "alarm:"+id) },
			For: map[string][]string{"cloudwatch:TagResource": {"Tags"}, "cloudwatch:UntagResource": {"Tags"}},
		},
		Required: []string{"ComparisonOperator", "EvaluationPeriods"},
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
		Name: "Name", NameLength: 64,
		Rights: handlerRights{
			ARN: func(r *request, id string) string {
				return r.arn("scheduler", r.stack.region, "schedule/"+scheduleGroup(r)+"/"+id)
			},
			Access: map[string]func(*request) []protocol.Access{"iam:PassRole": func(r *request) []protocol.Access {
				return []protocol.Access{protocol.PassRole(r.props.object("Target").str("RoleArn"), "scheduler.amazonaws.com")}
			}},
		},
	},
	attrs: func(r *request, name string) (string, map[string]any) {
		return name, map[string]any{"Arn": r.arn("scheduler", r.stack.region, "schedule/"+scheduleGroup(r)+"/"+name)}
	},
}

func scheduleGroup(r *request) string {
	return cmp.Or(r.props.str("GroupName"), "default")
}
