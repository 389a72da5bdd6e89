package cloudwatch_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"permstack/internal/fakeaws/cloudwatch"
	"permstack/internal/fakeaws/protocol"
)

// TestMetrics reads the metrics of two rules: by rule, of all rules, in periods, and those that are not measured.
func TestMetrics(t *testing.T) {
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	s := cloudwatch.New(nil, func(string, string) map[string]map[string]map[time.Time]float64 {
		return map[string]map[string]map[time.Time]float64{
			"a": {"FailedInvocations": {noon: 1, noon.Add(time.Minute): 2, noon.Add(time.Hour): 4}},
			"b": {"FailedInvocations": {noon: 8}, "Invocations": {noon: 16}},
		}
	}, noon)
	const span = `"StartTime":1767355200,"EndTime":1767355500`
	query := func(metric, stat string) string {
		return `{` + span + `,"MetricDataQueries":[{"Id":"m","MetricStat":{"Metric":{"Namespace":"AWS/Events",` + metric +
			`},"Period":60,"Stat":"` + stat + `"}}]}`
	}
	of := func(rule string) string {
		return `"MetricName":"FailedInvocations","Dimensions":[{"Name":"RuleName","Value":"` + rule + `"}]`
	}
	for name, tc := range map[string]struct{ action, body, want string }{
		"one rule": {
			"GetMetricStatistics", `{"Namespace":"AWS/Events",` + of("a") + `,"Period":300,"Statistics":["Sum"],` + span + `}`,
			`{"Datapoints":[{"Sum":3,"Timestamp":1767355200,"Unit":"Count"}],"Label":"FailedInvocations"}`,
		},
		"all rules": {
			"GetMetricStatistics", `{"Namespace":"AWS/Events","MetricName":"FailedInvocations","Period":60,` +
				`"Statistics":["SampleCount"],` + span + `}`, `{"SampleCount":9,`,
		},
		"another namespace": {
			"GetMetricStatistics", `{"Namespace":"AWS/SNS",` + of("a") + `,"Period":60,"Statistics":["Sum"],` + span + `}`,
			`"Datapoints":[]`,
		},
		"no multiple of a minute": {
			"GetMetricStatistics", `{"Namespace":"AWS/Events",` + of("a") + `,"Period":90,"Statistics":["Sum"],` + span + `}`,
			"InvalidParameterValue",
		},
		"data, newest first": {"GetMetricData", query(of("a"), "Sum"), `"Values":[2,1]`},
		"no such rule":       {"GetMetricData", query(of("c"), "Sum"), `"Values":[]`},
		"no such statistic":  {"GetMetricData", query(of("a"), "Median"), "ValidationError"},
		"list": {
			"ListMetrics", `{"Namespace":"AWS/Events","Dimensions":[{"Name":"RuleName","Value":"b"}]}`,
			`{"Metrics":[{"Namespace":"AWS/Events","MetricName":"FailedInvocations","Dimensions":[{"Name":"RuleName","Value":"b"}]},` +
				`{"Namespace":"AWS/Events","MetricName":"Invocations"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := s.Definition().Actions[tc.action].Handle(context.Background(),
				&protocol.Call{Action: tc.action, Body: json.RawMessage(tc.body)})
			got, _ := json.Marshal(out)
			if err != nil {
				got = []byte(err.Error())
			}
			if !strings.Contains(string(got), tc.want) {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}
