package iampolicy

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

func TestParseARN(t *testing.T) {
	for text, want := range map[string]arn.ARN{
		"arn:aws:s3:::bucket/a:b": {Partition: "aws", Service: "s3", Resource: "bucket/a:b"},
		"arn:*:ec2:*::snapshot/*": {Partition: "*", Service: "ec2", Region: "*", Resource: "snapshot/*"},
		"arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:${AWS::StackName}-alarm": {
			Partition: "${AWS::Partition}", Service: "sns", Region: "${AWS::Region}", AccountID: "${AWS::AccountId}",
			Resource: "${AWS::StackName}-alarm",
		},
		"arn:${Partition}:iam::${Account}:role/${roles:backup}": {
			Partition: "${Partition}", Service: "iam", AccountID: "${Account}", Resource: "role/${roles:backup}",
		},
	} {
		t.Run(text, func(t *testing.T) {
			got, ok := ParseARN(text)
			if !ok || got != want {
				t.Errorf("got %+v, %v, want %+v", got, ok, want)
			}
			if got.String() != text {
				t.Errorf("String: got %s", got)
			}
		})
	}
	for _, text := range []string{
		"", "*", "arn:aws:s3", "aws:s3:::bucket:x", "${roles:backup}", "arn:${a:b:c:d:e:f", "arn:a$:b",
	} {
		t.Run(text, func(t *testing.T) {
			if got, ok := ParseARN(text); ok {
				t.Errorf("got %+v, %v", got, ok)
			}
		})
	}
}

func TestOverlapARN(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"arn:*:ec2:*::snapshot/*", "arn:aws:ec2:eu-central-1::snapshot/snap-1", true},
		{"arn:*:ec2:*::snapshot/*", "arn:aws:ec2:eu-central-1:111122223333:snapshot/snap-1", false},
		{"arn:*:s3:::*", "arn:aws:s3:::bucket/key", true},
		{"*", "arn:aws:s3:::bucket", false},
		{"*", "${roles:backup}", true},
		{"arn:aws:s3:::a", "arn:aws:ec2:::a", false},
		{"arn:aws:s3:::a", "arn:aws-cn:s3:::a", false},
		{"arn:aws:ec2:eu-west-1:*:volume/*", "arn:aws:ec2:eu-west-2:*:volume/*", false},
	} {
		t.Run(c.a+" and "+c.b, func(t *testing.T) {
			if got := OverlapARN(c.a, c.b); got != c.want {
				t.Errorf("OverlapARN(%q, %q): got %v, want %v", c.a, c.b, got, c.want)
			}
		})
	}
}
