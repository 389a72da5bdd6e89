package eval_test

import (
	"slices"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
)

func TestCompare(t *testing.T) {
	statement := iampolicy.Statement{
		Effect: "Allow", Action: iampolicy.Values{"ec2:DeleteSnapshot"},
		Resource: iampolicy.Values{"arn:aws:ec2:*::snapshot/*"},
		Condition: iampolicy.Conditions{
			"StringEquals": {"aws:ResourceTag/Vendor": {"Clumio"}},
			"DateLessThan": {"aws:CurrentTime": {"2026-01-01T00:00:00Z"}},
		},
	}
	met := map[string][]string{"aws:resourcetag/vendor": {"Clumio"}, "aws:CurrentTime": {"2025-12-31T00:00:00Z"}}
	request := func(action, resource string, context map[string][]string) eval.Request {
		return eval.Request{Action: action, Resource: resource, Context: context}
	}
	const snapshot = "arn:aws:ec2:eu-west-1::snapshot/snap-1"
	for _, c := range []struct {
		name    string
		request eval.Request
		want    eval.Mismatch
	}{
		{"applies", request("EC2:deletesnapshot", snapshot, met), eval.Mismatch{}},
		{"action", request("ec2:CopySnapshot", snapshot, met), eval.Mismatch{Action: true}},
		{"resource", request("ec2:DeleteSnapshot", "arn:aws:ec2:eu-west-1:1:volume/v", met), eval.Mismatch{Resource: true}},
		{"conditions", request("ec2:DeleteSnapshot", snapshot, nil), eval.Mismatch{Conditions: []eval.ConditionKey{
			{Operator: "DateLessThan", Key: "aws:CurrentTime"}, {Operator: "StringEquals", Key: "aws:ResourceTag/Vendor"},
		}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := eval.Compare(statement, iampolicy.Version, c.request)
			if got.Action != c.want.Action || got.Resource != c.want.Resource ||
				!slices.Equal(got.Conditions, c.want.Conditions) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			if got.Applies() != (c.name == "applies") {
				t.Errorf("Applies returns %v", got.Applies())
			}
		})
	}
}
