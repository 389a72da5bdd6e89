package finding_test

import (
	"encoding/json"
	"fmt"

	"permstack/internal/notify/finding"
)

// ExampleFinding is a target that was added to an event rule.
func ExampleFinding() {
	f := finding.Finding{
		Stack: "backup-permstack-inventory", LogicalID: "Rule", Type: "AWS::Events::Rule",
		Kind: finding.RuleChanged, Property: "Targets", Subject: finding.TargetSubject("other"),
		Direction: finding.GrantsMore,
		Expected:  finding.None, Actual: finding.Text("arn:aws:sns:eu-central-1:999988887777:other"),
		SeenBy: []finding.Source{finding.CloudFormation, finding.Live},
	}
	fmt.Println(f.TargetID(), f.SeenByDetection())
	actual, err := json.Marshal(f.Actual)
	fmt.Println(string(actual), err)
	// Output:
	// other false
	// {"text":"arn:aws:sns:eu-central-1:999988887777:other"} <nil>
}
