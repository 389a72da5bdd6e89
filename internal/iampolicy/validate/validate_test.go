package validate

import (
	"testing"

	"permstack/internal/iampolicy"
)

func TestCheck(t *testing.T) {
	const (
		id    = `"Action":"ec2:Describe*","Resource":"*"`
		trust = `"Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"`
		topic = `"Principal":{"Service":"events.amazonaws.com"},"Action":"sns:Publish","Resource":"*"`
	)
	for _, tt := range []struct {
		name, document string
		kind           Kind
		want           string // the refusal, or empty
	}{
		{"identity", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` + id + `}]}`, Identity, ""},
		{"one statement", `{"Statement":{"Effect":"Deny",` + id + `}}`, Identity, ""},
		{"all forms",
			`{"Version":"2012-10-17","Id":"x","Statement":[{"Sid":"A1","Effect":"Allow","NotAction":["iam:*"],"NotResource":["arn:aws:s3:::a","arn:*:s3:::*"],"Condition":{"ForAnyValue:StringLikeIfExists":{"aws:TagKeys":["a"]},"Bool":{"aws:SecureTransport":false},"NumericLessThan":{"s3:max-keys":10}}}]}`,
			Identity, ""},
		{"trust", `{"Statement":[{"Effect":"Allow",` + trust + `}]}`, Trust, ""},
		{"trust of an account",
			`{"Statement":[{"Effect":"Allow","Principal":{"AWS":["111122223333","arn:aws:iam::111122223333:role/a"]},"Action":["sts:AssumeRole","sts:TagSession"],"Condition":{"StringEquals":{"sts:ExternalId":"x"}}}]}`,
			Trust, ""},
		{"topic", `{"Statement":[{"Sid":"with space","Effect":"Allow",` + topic + `}]}`, Resource, ""},

		{"nothing", ``, Identity, "Syntax errors in policy."},
		{"null", `null`, Identity, "Syntax errors in policy."},
		{"list", `[]`, Identity, "Syntax errors in policy."},
		{"trailing text", `{"Statement":{"Effect":"Deny",` + id + `}} x`, Identity, "Syntax errors in policy."},
		{"no statement", `{"Version":"2012-10-17"}`, Identity, "Syntax errors in policy."},
		{"empty statement", `{"Statement":[]}`, Identity, "Syntax errors in policy."},
		{"version", `{"Version":"2020-01-01","Statement":[{"Effect":"Allow",` + id + `}]}`, Identity,
			"Syntax errors in policy."},
		{"unknown element", `{"Statement":[{"Effect":"Allow","Reason":"x",` + id + `}]}`, Identity,
			"Syntax errors in policy."},
		{"no effect", `{"Statement":[{` + id + `}]}`, Identity, "Syntax errors in policy."},
		{"effect has case", `{"Statement":[{"Effect":"allow",` + id + `}]}`, Identity, "Syntax errors in policy."},
		{"no action", `{"Statement":[{"Effect":"Allow","Resource":"*"}]}`, Identity,
			"Policy statement must contain actions."},
		{"action without vendor", `{"Statement":[{"Effect":"Allow","Action":"Describe","Resource":"*"}]}`, Identity,
			"Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."},
		{"both actions", `{"Statement":[{"Effect":"Allow","NotAction":"iam:*",` + id + `}]}`, Identity,
			"Syntax errors in policy."},
		{"no resource", `{"Statement":[{"Effect":"Allow","Action":"ec2:*"}]}`, Identity,
			"Policy statement must contain resources."},
		{"resource without ARN", `{"Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"bucket"}]}`, Identity,
			`Resource bucket must be in ARN format or "*".`},
		{"partition", `{"Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"arn:other:s3:::a"}]}`, Identity,
			`Partition "other" is not valid for resource "arn:other:s3:::a".`},
		{"principal in identity", `{"Statement":[{"Effect":"Allow","Principal":"*",` + id + `}]}`, Identity,
			"Policy document should not specify a principal."},
		{"sid characters", `{"Statement":[{"Sid":"a b","Effect":"Allow",` + id + `}]}`, Identity,
			"Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"},
		{"sid twice", `{"Statement":[{"Sid":"a","Effect":"Allow",` + id + `},{"Sid":"a","Effect":"Allow",` + id + `}]}`,
			Identity, "Statement IDs (SID) in a single policy must be unique."},
		{"operator", `{"Statement":[{"Effect":"Allow",` + id + `,"Condition":{"StringIs":{"a:b":"c"}}}]}`, Identity,
			"Syntax errors in policy."},
		{"null if exists", `{"Statement":[{"Effect":"Allow",` + id + `,"Condition":{"NullIfExists":{"a:b":"true"}}}]}`,
			Identity, "Syntax errors in policy."},
		{"condition value", `{"Statement":[{"Effect":"Allow",` + id + `,"Condition":{"StringEquals":{"a:b":{"c":"d"}}}}]}`,
			Identity, "Syntax errors in policy."},
		{"trust without principal", `{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole"}]}`, Trust,
			"Missing required field Principal"},
		{"trust with resource", `{"Statement":[{"Effect":"Allow","Resource":"*",` + trust + `}]}`, Trust,
			"Has prohibited field Resource"},
		{"trust of other actions", `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"ec2:*"}]}`, Trust,
			"AssumeRole policy may only specify STS AssumeRole actions."},
		{"principal service", `{"Statement":[{"Effect":"Allow","Principal":{"Service":"ec2"},"Action":"sts:AssumeRole"}]}`,
			Trust, `Invalid principal in policy: "Service":"ec2"`},
		{"principal account", `{"Statement":[{"Effect":"Allow","Principal":{"AWS":"11112222"},"Action":"sts:AssumeRole"}]}`,
			Trust, `Invalid principal in policy: "AWS":"11112222"`},
		{"principal wildcard",
			`{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/*"},"Action":"sts:AssumeRole"}]}`,
			Trust, `Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:role/*"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if err := Check(tt.document, tt.kind); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// FuzzCheck checks that no text breaks the check, and that what it takes can be
// read as a document.
func FuzzCheck(f *testing.F) {
	f.Add(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"Bool":{"a:b":[true]}}}]}`,
	)
	f.Add(`{"Statement":{"Principal":{"AWS":["1"]}}}`)
	f.Add(`{"Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}]}`)
	f.Add(
		`{"Id":"","Statement":[{"Sid":"","Effect":"Deny","NotPrincipal":{"AWS":"*"},"NotAction":["*"],"NotResource":["*"],"Condition":{"ForAnyValue:StringLikeIfExists":{"a:b":[1,"x",false]}}}]}`,
	)
	f.Fuzz(func(t *testing.T, document string) {
		for _, kind := range []Kind{Identity, Trust, Resource} {
			if Check(document, kind) != nil {
				continue
			}
			if _, err := iampolicy.Parse([]byte(document)); err != nil {
				t.Errorf("taken, but not readable: %v\n%s", err, document)
			}
		}
	})
}
