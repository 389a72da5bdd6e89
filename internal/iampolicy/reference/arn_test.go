package reference_test

import (
	"strings"
	"testing"

	"permstack/internal/iampolicy/reference"
)

func TestTypesOfARN(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:s3:::invoices":                                           "bucket",
		"arn:aws:s3:::invoices/a":                                         "object",
		"arn:aws:s3:::invoices/a/b/c":                                     "object",
		"arn:aws:ec2:eu-west-1::snapshot/snap-1":                          "snapshot",
		"arn:aws:ec2:eu-west-1:123456789012:snapshot/snap-1":              "snapshot",
		"arn:aws:ec2:::volume/vol-1":                                      "volume",
		"arn:aws:rds:eu-west-1:123456789012:db:orders":                    "db",
		"arn:aws:rds:::cluster:orders":                                    "cluster",
		"arn:aws:dynamodb:eu-west-1:123456789012:table/T":                 "table",
		"arn:aws:dynamodb:eu-west-1:123456789012:table/T/backup/01":       "backup",
		"arn:aws:kms:eu-west-1:123456789012:key/1":                        "key",
		"arn:aws:iam::123456789012:role/a/b/Name":                         "role",
		"arn:aws:ssm:eu-west-1:123456789012:parameter/a/b":                "parameter",
		"arn:aws:elasticfilesystem:eu-west-1:123456789012:file-system/fs": "file-system",
		"arn:aws:foo:eu-west-1:123456789012:x":                            "",
		"arn:aws:ec2:eu-west-1:123456789012:thing/1":                      "",
	} {
		t.Run(arn, func(t *testing.T) {
			var names []string
			for _, found := range reference.TypesOfARN(arn) {
				names = append(names, found.Name)
			}
			if got := strings.Join(names, " "); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
