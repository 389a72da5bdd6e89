// Package cloudwatch is the alarms of the embedded AWS: it reads, changes and deletes them, and enables and disables
// their actions. It has the metrics of event rules (AWS/Events). No alarm is evaluated: each has too few data for a
// state.
//
// It has the protocols of the AWS SDKs of today: Smithy RPC v2 with CBOR, and JSON 1.0
// ("protocols" in botocore's service model of CloudWatch).
package cloudwatch

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"permstack/internal/fakeaws/protocol"
)

// Alarm is the properties of an AWS::CloudWatch::Alarm.
type Alarm map[string]any

// Alarms stores the alarms of all accounts and Regions.
type Alarms interface {
	// Alarms returns copies of the alarms of an account in a Region, by name.
	Alarms(account, region string) map[string]Alarm
	// SetAlarmActions enables or disables the actions of an alarm, if it exists.
	SetAlarmActions(account, region, name string, enabled bool)
	// PutAlarm creates an alarm, or replaces its properties.
	PutAlarm(account, region, name string, properties Alarm)
	// DeleteAlarm deletes an alarm, if it exists.
	DeleteAlarm(account, region, name string)
}

// Service is the CloudWatch of all accounts and Regions of one Cloud.
type Service struct {
	mu      sync.Mutex
	alarms  Alarms
	metrics Metrics
	started time.Time
}

// New returns a CloudWatch with the alarms of a store and with metrics, which may be nil.
func New(alarms Alarms, metrics Metrics, now time.Time) *Service {
	return &Service{alarms: alarms, metrics: metrics, started: now}
}

// Definition returns the service for the server to register: for each call its
// handler and the permissions that it requires.
func (s *Service) Definition() protocol.Service {
	return protocol.Service{
		Name: "monitoring", Protocol: protocol.JSON, Version: "2010-08-01", TargetPrefix: "GraniteServiceVersion20100801",
		CBOR: true, Source: "internal/fakeaws/cloudwatch/cloudwatch.go",
		Actions: map[string]protocol.Action{
			"DescribeAlarms":      protocol.LockedJSON(&s.mu, s.describeAlarms, onAlarms),
			"PutMetricAlarm":      protocol.LockedJSON(&s.mu, s.putMetricAlarm, onAlarm),
			"DeleteAlarms":        protocol.LockedJSON(&s.mu, s.deleteAlarms, onAlarms),
			"EnableAlarmActions":  protocol.LockedJSON(&s.mu, s.setActions(true), onAlarms),
			"DisableAlarmActions": protocol.LockedJSON(&s.mu, s.setActions(false), onAlarms),
			"GetMetricStatistics": protocol.LockedJSON(
				&s.mu, s.getMetricStatistics, protocol.OnAnyResource("cloudwatch:GetMetricStatistics")),
			"GetMetricData": protocol.LockedJSON(&s.mu, s.getMetricData, protocol.OnAnyResource("cloudwatch:GetMetricData")),
			"ListMetrics":   protocol.LockedJSON(&s.mu, s.listMetrics, protocol.OnAnyResource("cloudwatch:ListMetrics")),
		},
	}
}

type request struct {
	AlarmNames, AlarmTypes []string
	AlarmNamePrefix        string
	StateValue, NextToken  string
	MaxRecords             int
}

// onAlarms is the permission on each alarm that the body names. DescribeAlarms without
// names requires it on every alarm ("Actions, resources, and condition keys for Amazon
// CloudWatch", Service Authorization Reference).
func onAlarms(call *protocol.Call) []protocol.Access {
	var in request
	_ = json.Unmarshal(call.Body, &in) // an unreadable body is refused by the call itself
	names := in.AlarmNames
	if len(names) == 0 {
		names = []string{"*"}
	}
	var out []protocol.Access
	for _, name := range names {
		out = append(out, protocol.Access{Action: "cloudwatch:" + call.Action, Resource: alarmARN(call, name)})
	}
	return out
}

// onAlarm is the permission on the alarm of PutMetricAlarm.
func onAlarm(call *protocol.Call) []protocol.Access {
	var in struct{ AlarmName string }
	_ = json.Unmarshal(call.Body, &in) // an unreadable body is refused by the call itself
	return []protocol.Access{{Action: "cloudwatch:" + call.Action, Resource: alarmARN(call, in.AlarmName)}}
}

func alarmARN(call *protocol.Call, name string) string {
	return call.ARN("cloudwatch", call.Region, call.Account, "alarm:"+name)
}

func (s *Service) describeAlarms(call *protocol.Call, in request) (any, error) {
	alarms := s.alarms.Alarms(call.Account, call.Region)
	list := []Alarm{}
	for _, name := range slices.Sorted(maps.Keys(alarms)) {
		switch {
		case len(in.AlarmNames) > 0 && !slices.Contains(in.AlarmNames, name):
		case !strings.HasPrefix(name, in.AlarmNamePrefix):
		case in.StateValue != "" && in.StateValue != "INSUFFICIENT_DATA":
		case len(in.AlarmTypes) > 0 && !slices.Contains(in.AlarmTypes, "MetricAlarm"):
		default:
			list = append(list, s.described(call, name, alarms[name]))
		}
	}
	if in.MaxRecords == 0 {
		in.MaxRecords = 100
	}
	page, next, ok := protocol.Page(list, in.NextToken, in.MaxRecords)
	if !ok {
		return nil, protocol.Errorf("InvalidNextToken", "The next token specified is invalid.")
	}
	out := map[string]any{"MetricAlarms": page, "CompositeAlarms": []any{}}
	if next != "" {
		out["NextToken"] = next
	}
	return out, nil
}

// described adds what only CloudWatch has to the properties of an alarm.
func (s *Service) described(call *protocol.Call, name string, a Alarm) Alarm {
	delete(a, "Tags") // ListTagsForResource returns them
	a["AlarmName"], a["AlarmArn"] = name, alarmARN(call, name)
	a["StateValue"], a["StateReason"] = "INSUFFICIENT_DATA", "Unchecked: Initial alarm creation"
	a["StateUpdatedTimestamp"] = protocol.Time(s.started)
	if _, ok := a["ActionsEnabled"]; !ok {
		a["ActionsEnabled"] = true
	}
	return a
}

// setActions returns the handler that enables or disables the actions of alarms.
// Names of alarms that do not exist have no effect (API reference).
func (s *Service) setActions(enabled bool) func(*protocol.Call, request) (any, error) {
	return func(call *protocol.Call, in request) (any, error) {
		if len(in.AlarmNames) == 0 || len(in.AlarmNames) > 100 {
			return nil, protocol.Errorf("ValidationError", "AlarmNames must have 1 to 100 members")
		}
		for _, name := range in.AlarmNames {
			s.alarms.SetAlarmActions(call.Account, call.Region, name, enabled)
		}
		return nil, nil
	}
}

// putMetricAlarm replaces all properties of an alarm but its tags (API reference, PutMetricAlarm).
func (s *Service) putMetricAlarm(call *protocol.Call, in Alarm) (any, error) {
	name, _ := in["AlarmName"].(string)
	if name == "" || in["ComparisonOperator"] == nil || in["EvaluationPeriods"] == nil {
		return nil, protocol.Errorf("ValidationError",
			"The parameters AlarmName, ComparisonOperator and EvaluationPeriods are required.")
	}
	if old, ok := s.alarms.Alarms(call.Account, call.Region)[name]; ok {
		delete(in, "Tags") // only TagResource changes them
		if tags, ok := old["Tags"]; ok {
			in["Tags"] = tags
		}
	}
	if _, ok := in["ActionsEnabled"]; !ok {
		in["ActionsEnabled"] = true
	}
	s.alarms.PutAlarm(call.Account, call.Region, name, in)
	return nil, nil
}

// deleteAlarms deletes all alarms or none (API reference, DeleteAlarms).
func (s *Service) deleteAlarms(call *protocol.Call, in request) (any, error) {
	alarms := s.alarms.Alarms(call.Account, call.Region)
	for _, name := range in.AlarmNames {
		if _, ok := alarms[name]; !ok {
			return nil, protocol.Errorf("ResourceNotFound", "The alarm %s does not exist.", name).WithStatus(404)
		}
	}
	for _, name := range in.AlarmNames {
		s.alarms.DeleteAlarm(call.Account, call.Region, name)
	}
	return nil, nil
}
