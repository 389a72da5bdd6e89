package notify

import (
	"fmt"
	"io"
	"time"
)

// Namespace is the CloudWatch namespace of the metrics.
const Namespace = "permstack"

// Metrics are the numbers of one run.
type Metrics struct {
	Stack string // the dimension of every metric

	Checked    int // resources
	Drifted    int // open differences
	GrantsMore int // of them, those that grant more
	Monitoring int // of them, those about the check itself
	Unreadable int
	NotReached int
	Notified   int // messages sent
	Duration   time.Duration
	// Completed is 1 if the run checked, notified and saved its state: the
	// heartbeat.
	Completed int
}

// Write writes the metrics as one line of CloudWatch's embedded metric format.
// CloudWatch charges for each metric: values that need no graph and no alarm are
// only in the line, where Logs Insights finds them.
// Source: CloudWatch User Guide, "Specification: Embedded metric format".
func (m Metrics) Write(w io.Writer, now time.Time) error {
	values := []struct {
		name, unit string
		value      any
	}{
		{"Checked", "Count", m.Checked}, {"Drifted", "Count", m.Drifted}, {"GrantsMore", "Count", m.GrantsMore},
		{"Monitoring", "Count", m.Monitoring}, {"Unreadable", "Count", m.Unreadable},
		{"Duration", "Milliseconds", m.Duration.Milliseconds()},
		{"Completed", "Count", m.Completed},
	}
	type metric struct{ Name, Unit string }
	var metrics []metric
	line := map[string]any{"Stack": m.Stack, "NotReached": m.NotReached, "Notified": m.Notified}
	for _, v := range values {
		metrics = append(metrics, metric{v.name, v.unit})
		line[v.name] = v.value
	}
	line["_aws"] = map[string]any{
		"Timestamp": now.UnixMilli(),
		"CloudWatchMetrics": []any{map[string]any{
			"Namespace": Namespace, "Dimensions": [][]string{{"Stack"}}, "Metrics": metrics,
		}},
	}
	if _, err := fmt.Fprintf(w, "%s\n", marshal(line)); err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	return nil
}
