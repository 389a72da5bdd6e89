package compare_test

import (
	"fmt"
	"log"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/compare"
)

func parse(text string) iampolicy.Document {
	doc, err := iampolicy.Parse([]byte(text))
	if err != nil {
		log.Fatal(err)
	}
	return doc
}

func ExampleCompare() {
	want := parse(`{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"},
		{"Effect": "Allow", "Action": "ec2:DeleteSnapshot", "Resource": "*",
			"Condition": {"StringEquals": {"aws:ResourceTag/by": "backup"}}}
	]}`)
	have := parse(`{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"},
		{"Effect": "Allow", "Action": "S3:getobject", "Resource": "*"},
		{"Effect": "Allow", "Action": "ec2:DeleteSnapshot", "Resource": "*"}
	]}`)
	difference := compare.Compare([]iampolicy.Document{want}, []iampolicy.Document{have})
	fmt.Println(difference.Direction)
	for _, change := range difference.Changes {
		fmt.Println(change)
	}
	// Output:
	// grants more
	// grants more: widened: Allow ec2:DeleteSnapshot on *; was: Allow ec2:DeleteSnapshot on * if aws:ResourceTag/by StringEquals backup
}

func ExampleEqual() {
	one := parse(
		`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["s3:*", "s3:GetObject"], "Resource": "*"}}`,
	)
	other := parse(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "S3:*", "Resource": ["*"]}]}`)
	fmt.Println(compare.Equal(one, other))
	// Output: true
}
