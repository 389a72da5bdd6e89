package cloudwatch_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"permstack/internal/fakeaws/fakeawstest"
)

func TestMain(m *testing.M) { fakeawstest.Main(m) }

// TestAlarmActions checks the SDK's protocol, CBOR, with numbers, times and lists.
func TestAlarmActions(t *testing.T) {
	w := fakeawstest.Start(t, fakeawstest.Options{}).In("123456789012", "eu-west-1")
	w.Launch(fakeawstest.Launch{Name: "alarms", Template: []byte(`
Resources:
  A: {Type: AWS::CloudWatch::Alarm, Properties: {AlarmName: a, ComparisonOperator: GreaterThanThreshold,
      EvaluationPeriods: 36, Threshold: 0.5, Namespace: n, MetricName: m, Period: 60, Statistic: Sum,
      AlarmActions: ["arn:aws:sns:eu-west-1:123456789012:topic"]}}
  B: {Type: AWS::CloudWatch::Alarm, Properties: {AlarmName: b, ComparisonOperator: GreaterThanThreshold,
      EvaluationPeriods: 1}}
`)})
	c := cloudwatch.NewFromConfig(w.Config("123456789012", "eu-west-1"))
	describe := func(names ...string) []bool {
		t.Helper()
		out, err := c.DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{AlarmNames: names})
		if err != nil {
			t.Fatal(err)
		}
		var enabled []bool
		for _, a := range out.MetricAlarms {
			enabled = append(enabled, aws.ToBool(a.ActionsEnabled))
		}
		if a := out.MetricAlarms[0]; aws.ToString(a.AlarmName) != "a" || aws.ToFloat64(a.Threshold) != 0.5 ||
			aws.ToInt32(a.EvaluationPeriods) != 36 || len(a.AlarmActions) != 1 || a.StateUpdatedTimestamp == nil {
			t.Errorf("got alarm %+v", a)
		}
		return enabled
	}
	if got := describe(); len(got) != 2 || !got[0] || !got[1] {
		t.Errorf("got actions %v, want both enabled", got)
	}
	if _, err := c.DisableAlarmActions(
		t.Context(),
		&cloudwatch.DisableAlarmActionsInput{AlarmNames: []string{"a"}},
	); err != nil {
		t.Fatal(err)
	}
	if got := describe(); got[0] || !got[1] {
		t.Errorf("got actions %v, want those of b alone", got)
	}
	if _, err := c.EnableAlarmActions(
		t.Context(),
		&cloudwatch.EnableAlarmActionsInput{AlarmNames: []string{"a"}},
	); err != nil {
		t.Fatal(err)
	}
	if got := describe("a"); len(got) != 1 || !got[0] {
		t.Errorf("got actions %v, want those of a", got)
	}
	if _, err := c.DisableAlarmActions(
		t.Context(),
		&cloudwatch.DisableAlarmActionsInput{AlarmNames: []string{}},
	); err == nil {
		t.Error("no alarm is given: no error")
	}
}
