package cloudwatch

import (
	"maps"
	"slices"
	"strings"
	"time"

	"permstack/internal/fakeaws/protocol"
)

// Metrics returns the metrics of an account and Region that are measured: those of event rules, in the namespace
// AWS/Events, by rule, name and minute.
type Metrics func(account, region string) map[string]map[string]map[time.Time]float64

const (
	eventsNamespace = "AWS/Events"
	ruleDimension   = "RuleName"
)

type dimension struct{ Name, Value string }

// metric is a metric as ListMetrics returns it. Without dimensions it is the sum of all rules.
type metric struct {
	Namespace, MetricName string
	Dimensions            []dimension
}

// seconds is a time as the JSON and CBOR protocols send it.
type seconds float64

func (s seconds) time() time.Time { return time.UnixMicro(int64(float64(s) * 1e6)).UTC() }

// values returns the measured values of a metric by minute; nil for other namespaces and dimensions.
func (s *Service) values(call *protocol.Call, m metric) map[time.Time]float64 {
	if s.metrics == nil || m.Namespace != eventsNamespace || len(m.Dimensions) > 1 {
		return nil
	}
	out := map[time.Time]float64{}
	for rule, metrics := range s.metrics(call.Account, call.Region) {
		if len(m.Dimensions) == 1 && m.Dimensions[0] != (dimension{ruleDimension, rule}) {
			continue
		}
		for minute, value := range metrics[m.MetricName] {
			out[minute] += value
		}
	}
	return out
}

// periods returns the values of the periods between two times. The minutes of a period are added up: a value of a
// minute is the sum of as many samples of 1 as events were counted.
func periods(values map[time.Time]float64, from, to time.Time, period int) map[time.Time]float64 {
	out := map[time.Time]float64{}
	for minute, value := range values {
		if start := minute.Truncate(time.Duration(period) * time.Second); !minute.Before(from.Truncate(time.Minute)) &&
			minute.Before(to) {
			out[start] += value
		}
	}
	return out
}

// statistics are the values of a period: every sample is 1.
func statistic(name string, sum float64) (float64, bool) {
	switch name {
	case "Sum", "SampleCount":
		return sum, true
	case "Average", "Minimum", "Maximum":
		return 1, true
	}
	return 0, false
}

func checkPeriod(period int) error {
	if period < 1 || period > 86400 || period >= 60 && period%60 != 0 {
		return protocol.Errorf("InvalidParameterValue", "The parameter Period must be a multiple of 60.")
	}
	return nil
}

func (s *Service) getMetricStatistics(call *protocol.Call, in struct {
	metric
	StartTime, EndTime seconds
	Period             int
	Statistics         []string
}) (any, error) {
	if err := checkPeriod(in.Period); err != nil {
		return nil, err
	}
	if len(in.Statistics) == 0 {
		return nil, protocol.Errorf("InvalidParameterCombination",
			"At least one of the parameters Statistics and ExtendedStatistics must be specified.")
	}
	if in.EndTime <= in.StartTime {
		return nil, protocol.Errorf("InvalidParameterValue",
			"The parameter StartTime must be less than the parameter EndTime.")
	}
	points := periods(s.values(call, in.metric), in.StartTime.time(), in.EndTime.time(), in.Period)
	list := []map[string]any{}
	for _, start := range slices.SortedFunc(maps.Keys(points), time.Time.Compare) {
		point := map[string]any{"Timestamp": protocol.Time(start), "Unit": "Count"}
		for _, name := range in.Statistics {
			value, ok := statistic(name, points[start])
			if !ok {
				return nil, protocol.Errorf("InvalidParameterValue", "The statistic %s is not valid.", name)
			}
			point[name] = value
		}
		list = append(list, point)
	}
	return map[string]any{"Label": in.MetricName, "Datapoints": list}, nil
}

type metricQuery struct {
	Id, Label, Expression string
	MetricStat            *struct {
		Metric metric
		Period int
		Stat   string
	}
	ReturnData *bool
}

func (s *Service) getMetricData(call *protocol.Call, in struct {
	MetricDataQueries  []metricQuery
	StartTime, EndTime seconds
	ScanBy             string
}) (any, error) {
	results := []map[string]any{}
	for _, q := range in.MetricDataQueries {
		if q.MetricStat == nil {
			return nil, protocol.NotImplemented("metric math")
		}
		if err := checkPeriod(q.MetricStat.Period); err != nil {
			return nil, err
		}
		points := periods(s.values(call, q.MetricStat.Metric), in.StartTime.time(), in.EndTime.time(), q.MetricStat.Period)
		starts := slices.SortedFunc(maps.Keys(points), time.Time.Compare)
		if in.ScanBy != "TimestampAscending" {
			slices.Reverse(starts)
		}
		times, values := []protocol.Time{}, []float64{}
		for _, start := range starts {
			value, ok := statistic(q.MetricStat.Stat, points[start])
			if !ok {
				return nil, protocol.Errorf("ValidationError", "The statistic %s is not valid.", q.MetricStat.Stat)
			}
			times, values = append(times, protocol.Time(start)), append(values, value)
		}
		if q.ReturnData != nil && !*q.ReturnData {
			continue
		}
		label := q.Label
		if label == "" {
			label = q.MetricStat.Metric.MetricName
		}
		results = append(results, map[string]any{
			"Id": q.Id, "Label": label, "Timestamps": times, "Values": values, "StatusCode": "Complete",
		})
	}
	return map[string]any{"MetricDataResults": results, "Messages": []any{}}, nil
}

func (s *Service) listMetrics(call *protocol.Call, in struct {
	Namespace, MetricName, NextToken string
	Dimensions                       []dimension
}) (any, error) {
	list := []metric{}
	if s.metrics != nil && (in.Namespace == "" || in.Namespace == eventsNamespace) {
		for rule, metrics := range s.metrics(call.Account, call.Region) {
			d := dimension{ruleDimension, rule}
			wanted := !slices.ContainsFunc(in.Dimensions, func(w dimension) bool {
				return w.Name != d.Name || w.Value != "" && w.Value != d.Value
			})
			for name := range metrics {
				if wanted && (in.MetricName == "" || in.MetricName == name) {
					list = append(list, metric{eventsNamespace, name, []dimension{d}})
				}
			}
		}
	}
	slices.SortFunc(list, func(a, b metric) int {
		return strings.Compare(a.MetricName+" "+a.Dimensions[0].Value, b.MetricName+" "+b.Dimensions[0].Value)
	})
	page, next, ok := protocol.Page(list, in.NextToken, 500)
	if !ok {
		return nil, protocol.Errorf("InvalidParameterValue", "The next token specified is invalid.")
	}
	out := map[string]any{"Metrics": page}
	if next != "" {
		out["NextToken"] = next
	}
	return out, nil
}
