package eval_test

import (
	"fmt"
	"log"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
)

func ExampleDocuments() {
	doc, err := iampolicy.Parse([]byte(`{
		"Version": "2012-10-17",
		"Statement": {
			"Effect": "Allow", "Action": "ec2:DeleteSnapshot", "Resource": "arn:aws:ec2:*::snapshot/*",
			"Condition": {"StringEquals": {"aws:ResourceTag/by": "backup"}}
		}
	}`))
	if err != nil {
		log.Fatal(err)
	}
	request := eval.Request{Action: "ec2:DeleteSnapshot", Resource: "arn:aws:ec2:eu-west-1::snapshot/snap-1"}
	fmt.Println("without the tag:", eval.Documents([]iampolicy.Document{doc}, request))
	request.Context = map[string][]string{"aws:ResourceTag/by": {"backup"}}
	fmt.Println("with the tag:", eval.Documents([]iampolicy.Document{doc}, request))
	// Output:
	// without the tag: implicit deny
	// with the tag: allow
}

func ExampleTrust() {
	doc, err := iampolicy.Parse([]byte(`{
		"Version": "2012-10-17",
		"Statement": {
			"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/ControlPlane"},
			"Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": "example"}}
		}
	}`))
	if err != nil {
		log.Fatal(err)
	}
	decision, _ := eval.Trust(doc, eval.Request{
		Principal: eval.Principal{Account: "111122223333", RoleARN: "arn:aws:iam::111122223333:role/ControlPlane"},
		Action:    "sts:AssumeRole",
		Context:   map[string][]string{"sts:ExternalId": {"example"}},
	})
	fmt.Println(decision)
	// Output: allow
}
