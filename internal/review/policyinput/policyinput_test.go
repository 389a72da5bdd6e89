package policyinput_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"permstack/internal/review/policyinput"
)

const document = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}`

func TestParse(t *testing.T) {
	encoded := fmt.Sprintf("%q", url.QueryEscape(document))
	for _, c := range []struct{ name, text, want string }{
		{"document", document, "f/f"},
		{"document in YAML", "Version: 2012-10-17\nStatement:\n- Effect: Allow\n  Action: s3:GetObject\n" +
			"  Resource: '*'\n", "f/f"},
		{"statements", `[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":"*"}]`, "f/f"},
		{"statements in YAML", "- Effect: Allow\n  Action: s3:GetObject\n  Resource: '*'\n", "f/f"},
		{"statement", `{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`, "f/f"},
		{"get-policy-version", `{"PolicyVersion":{"Document":` + document + `,"VersionId":"v1"}}`, "f/f"},
		{"get-role-policy", `{"RoleName":"R","PolicyName":"P","PolicyDocument":` + document + `}`, "R/P"},
		{"encoded", `{"RoleName":"R","PolicyName":"P","PolicyDocument":` + encoded + `}`, "R/P"},
		{"get-account-authorization-details", `{"RoleDetailList":[{"RoleName":"R","RolePolicyList":[
			{"PolicyName":"I","PolicyDocument":` + document + `}],"AttachedManagedPolicies":[
			{"PolicyName":"M","PolicyArn":"arn:m"},{"PolicyName":"AWS","PolicyArn":"arn:aws"}]}],
			"Policies":[{"PolicyName":"M","Arn":"arn:m","PolicyVersionList":[
			{"Document":` + encoded + `,"IsDefaultVersion":true},{"Document":"old","IsDefaultVersion":false}]}]}`, "R/I R/M"},
		{"synth", `{"profile":"x","roles":[{"entity":"R","name":"R","inlinePolicies":[{"entity":"P","name":"P","document":
			{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}}]}]}`,
			"R/policy 1"},
		{"template", `{"Resources":{"R":{"Type":"AWS::IAM::Role","Properties":{"AssumeRolePolicyDocument":` + document +
			`,"Policies":[{"PolicyName":"P","PolicyDocument":` + document + `}]}}}}`, "R/policy 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			roles, err := policyinput.Parse("f", []byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range roles {
				if missing := strings.Join(r.Missing, " "); (missing == "arn:aws") != (r.Name == "R" && len(r.Policies) == 2) {
					t.Errorf("missing policies %q", missing)
				}
				for _, p := range r.Policies {
					got = append(got, r.Name+"/"+p.Name)
					if p.Document.Statement[0].Action[0] != "s3:GetObject" {
						t.Errorf("document %+v", p.Document)
					}
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestParseInvalid(t *testing.T) {
	for _, text := range []string{"", "hello", "{}", "[]", "[1]", "Statement: 1", "- Effect: Allow",
		`{"Statement":[]}`, `{"PolicyDocument":"%zz"}`,
		`{"Resources":{"B":{"Type":"AWS::S3::Bucket"}}}`} {
		t.Run(text, func(t *testing.T) {
			if roles, err := policyinput.Parse("f", []byte(text)); err == nil {
				t.Errorf("got %+v", roles)
			}
		})
	}
}
