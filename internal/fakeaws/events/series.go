package events

import (
	"maps"
	"time"
)

// count adds metrics to those of a rule; hold the service's lock.
func (r *rule) count(m Metrics, now time.Time) {
	m.addTo(&r.metrics)
	if r.minutes == nil {
		r.minutes = map[time.Time]Metrics{}
	}
	minute := now.UTC().Truncate(time.Minute)
	sum := r.minutes[minute]
	m.addTo(&sum)
	r.minutes[minute] = sum
}

// RuleMetrics returns the metrics of the rules of an account and Region by rule, metric and minute, as CloudWatch has
// them: values of zero are not sent ("Monitoring Amazon EventBridge", User Guide).
func (s *Service) RuleMetrics(account, region string) map[string]map[string]map[time.Time]float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]map[string]map[time.Time]float64{}
	for name, r := range s.buses[location{account, region}] {
		out[name] = map[string]map[time.Time]float64{}
		for minute, m := range maps.All(r.minutes) {
			for metric, value := range m.named() {
				if value == 0 {
					continue
				}
				if out[name][metric] == nil {
					out[name][metric] = map[time.Time]float64{}
				}
				out[name][metric][minute] = float64(value)
			}
		}
	}
	return out
}

// named returns the metrics under their names in the namespace AWS/Events.
func (m Metrics) named() map[string]int {
	return map[string]int{
		"MatchedEvents": m.MatchedEvents, "TriggeredRules": m.MatchedEvents, "Invocations": m.Invocations,
		"FailedInvocations": m.FailedInvocations, "RetryInvocationAttempts": m.RetryInvocationAttempts,
		"SuccessfulInvocationAttempts":   m.Invocations - m.FailedInvocations,
		"InvocationsSentToDlq":           m.InvocationsSentToDLQ,
		"InvocationsFailedToBeSentToDlq": m.InvocationsFailedToBeSentToDLQ,
	}
}
