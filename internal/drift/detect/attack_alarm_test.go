package detect_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"permstack/internal/notify/finding"
)

// TestAttackerWithCloudWatch has the rights of CloudWatch alone: it disables the
// actions of the alarms that report a check that does not run.
func TestAttackerWithCloudWatch(t *testing.T) {
	w := installTemplate(t)
	c := cloudwatch.NewFromConfig(w.attacker(`"cloudwatch:*"`))
	var all []change
	for _, alarm := range []string{"DriftCheckMissing", "DriftCheckFailed"} {
		names := []string{*w.parentResource(alarm)}
		all = append(all, change{"actions of " + alarm, func(ctx context.Context, _ *environment) error {
			_, err := c.DisableAlarmActions(ctx, &cloudwatch.DisableAlarmActionsInput{AlarmNames: names})
			return err
		}, func(ctx context.Context, _ *environment) error {
			_, err := c.EnableAlarmActions(ctx, &cloudwatch.EnableAlarmActionsInput{AlarmNames: names})
			return err
		}, finding.PropertyChanged, finding.Monitoring, "ActionsEnabled"})
	}
	testChanges(t, w, all)
}
