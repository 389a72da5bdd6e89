package accessdiff_test

import (
	"fmt"
	"strings"

	"permstack/internal/review/accessdiff"
	"permstack/internal/review/explain"
)

// roleTemplate returns a template of a role that may do an action on all snapshots.
func roleTemplate(action, condition string) string {
	return `{"Resources": {"BackupRole": {"Type": "AWS::IAM::Role", "Properties": {
		"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []},
		"Policies": [{"PolicyName": "P", "PolicyDocument": {"Version": "2012-10-17", "Statement": [{
			"Effect": "Allow", "Action": "` + action + `", "Resource": "arn:aws:ec2:*::snapshot/*"` + condition + `}]}}]}}}}`
}

func Example() {
	const tagged = `, "Condition": {"StringEquals": {"aws:ResourceTag/Vendor": "Clumio"}}`
	from, err := accessdiff.Parse("before", []byte(roleTemplate("ec2:DeleteSnapshot", "")))
	if err != nil {
		fmt.Println(err)
		return
	}
	to, err := accessdiff.Parse("after", []byte(roleTemplate("ec2:DeleteSnapshot", tagged)))
	if err != nil {
		fmt.Println(err)
		return
	}
	d := accessdiff.Compare(from, to, explain.Describer{})
	for _, c := range d.Changes {
		fmt.Println(c.Kind, c.Entity, strings.Join(c.Actions, ", "))
		fmt.Println("now:", c.Now[0].Words)
	}
	fmt.Println(d.Summary())
	// Output:
	// narrowed BackupRole ec2:DeleteSnapshot
	// now: any EC2 snapshot in every Region, only if the resource has the tag Vendor = Clumio
	// 1 narrowed: access does not grow.
}
