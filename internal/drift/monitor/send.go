package monitor

import (
	"context"

	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

// send publishes a message if there is something to report.
func (r *Run) send(ctx context.Context, diff notify.Diff, m notify.Message) (sent int, err error) {
	if !isReported(diff, m) {
		return 0, nil
	}
	id, err := r.Sender.Send(ctx, m)
	if err != nil {
		return 0, err
	}
	r.Log.Info(logNotified, "messageId", id, "subject", m.Subject)
	return 1, nil
}

// sendHub publishes a message to the Organization's topic if there is one and
// something to report.
func (r *Run) sendHub(ctx context.Context, diff notify.Diff, m notify.Message) (sent bool, err error) {
	if r.Hub == nil || !isReported(diff, m) {
		return false, nil
	}
	id, err := r.Hub.Send(ctx, m)
	if err != nil {
		r.Log.Error(logHubFailed, "error", err)
		return false, err
	}
	r.Log.Info(logHubNotified, "messageId", id, "subject", m.Subject)
	return true, nil
}

func isReported(diff notify.Diff, m notify.Message) bool {
	return diff.Any() || m.Reverted != nil && len(m.Reverted.Done) > 0
}

// useHub sets the Organization's topic to the one that the stack names.
func (r *Run) useHub(choices []finding.Choice) {
	for _, c := range choices {
		if c.Name == finding.HubChoice && r.HubAt != nil && c.Value != r.hubTopic() {
			r.Hub = r.HubAt(c.Value)
		}
	}
}

// hubTopic returns the ARN of the Organization's topic; "" if there is none.
func (r *Run) hubTopic() string {
	if r.Hub == nil {
		return ""
	}
	return r.Hub.TopicARN
}
