package detect_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// TestStateParameter checks that changes of the parameter in which every run of the drift check saves
// its state are not findings.
func TestStateParameter(t *testing.T) {
	w := newEnvironment(t)
	w.parent = w.create(parentName,
		`Resources: {DriftState: {Type: AWS::SSM::Parameter, Properties: {Name: state, Type: String, Value: "{}"}}}`)
	must(w.SSM.PutParameter(t.Context(), &ssm.PutParameterInput{
		Name: aws.String("state"), Value: aws.String("changed"), Overwrite: aws.Bool(true),
	}))
	report := w.check()
	if len(report.Findings) != 0 || report.Checked != 0 || report.NotReached != nil {
		t.Errorf("findings %q, %d checked, not reached %q; want none", summaries(report), report.Checked, report.NotReached)
	}
}
