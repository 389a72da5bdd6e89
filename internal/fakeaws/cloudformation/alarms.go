package cloudformation

import (
	"maps"
	"strings"

	"permstack/internal/fakeaws/cloudwatch"
)

const alarmType = "AWS::CloudWatch::Alarm"

// Alarms implements cloudwatch.Alarms.
func (e *Engine) Alarms(account, region string) map[string]cloudwatch.Alarm {
	e.mu.Lock()
	defer e.mu.Unlock()
	prefix := strings.Join([]string{alarmType, account, region, ""}, " ")
	out := map[string]cloudwatch.Alarm{}
	for key, r := range e.records {
		if name, ok := strings.CutPrefix(key, prefix); ok {
			out[name] = maps.Clone(r.props)
		}
	}
	return out
}

// SetAlarmActions implements cloudwatch.Alarms.
func (e *Engine) SetAlarmActions(account, region, name string, enabled bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r := e.records[strings.Join([]string{alarmType, account, region, name}, " ")]; r != nil {
		r.props = maps.Clone(r.props)
		r.props["ActionsEnabled"] = enabled
	}
}

// PutAlarm implements cloudwatch.Alarms.
func (e *Engine) PutAlarm(account, region, name string, properties cloudwatch.Alarm) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.records[strings.Join([]string{alarmType, account, region, name}, " ")] = &record{maps.Clone(properties)}
}

// DeleteAlarm implements cloudwatch.Alarms.
func (e *Engine) DeleteAlarm(account, region, name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.records, strings.Join([]string{alarmType, account, region, name}, " "))
}
