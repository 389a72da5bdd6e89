package adminpolicy

import (
	"bytes"
	_ "embed"
	"fmt"
)

//go:embed intro.md
var intro string

// Example is the scope of the documentation.
var Example = Scope{
	Account: "123456789012", Region: "us-east-1", StackName: "backup", BucketPrefix: "amzn-s3-demo-permstack",
	Path: "/permstack/",
}

var titles = map[string]string{
	Launch: "## An administrator who launches the stack\n\nCreates, updates and deletes the stack of a " +
		"profile's template,\n`PROFILE.yaml`, in the console, by the AWS CLI or by a tool.\n",
	StackSets: "## An administrator of StackSets\n\nCreates, updates and deletes the stack of a stack set's " +
		"template, `PROFILE-stackset.yaml`,\nin the management account or that of a delegated administrator. In the " +
		"members StackSets works with its own role.\n",
	Pipeline: "## A pipeline that updates the stack\n\nCreates, updates and deletes the stack by change sets, as " +
		"`aws cloudformation deploy` does.\n",
}

// Page returns docs/admin-policies.md.
func Page(a Actions) ([]byte, error) {
	var out bytes.Buffer
	out.WriteString(intro)
	for _, who := range Roles() {
		policy, err := Policy(who, a, Example)
		if err != nil {
			return nil, err
		}
		text, err := policy.JSON()
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&out, "\n%s\n```json\n%s```\n", titles[who], text)
	}
	return out.Bytes(), nil
}
