package vendorfile

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const bare = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}`

// grantedActions returns the actions of all roles and policies of a result, sorted.
func grantedActions(r Result) string {
	seen := map[string]bool{}
	if r.Set == nil {
		return ""
	}
	for _, role := range r.Set.Roles {
		for _, d := range role.Policies {
			for _, a := range d.Actions() {
				seen[a] = true
			}
		}
	}
	for _, d := range r.Set.Loose {
		for _, a := range d.Actions() {
			seen[a] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(seen)), " ")
}

func TestReadFiles(t *testing.T) {
	resource := func(properties string) string {
		return "Resources:\n  P:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n      PolicyDocument:\n" +
			"        Statement:\n" + properties
	}
	for _, c := range []struct {
		name, file, text string
		actions, problem string
	}{
		{"a bare document", "a.json", bare, "s3:GetObject", ""},
		{"a list of documents", "a.json", "[" + bare + "," + bare + "]", "s3:GetObject", ""},
		{"documents one after the other", "a.json", bare + "\n" + bare, "s3:GetObject", ""},
		{"a document as text", "a.json", `{"PolicyName": "p", "PolicyDocument": "%7B%22Statement%22%3A%7B` +
			`%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22s3%3AGetObject%22%2C%22Resource%22%3A%22%2A%22%7D%7D"}`,
			"s3:GetObject", ""},
		{"versions: the default one", "a.json", `{"Policies": [{"PolicyName": "p", "PolicyVersionList": [
			{"IsDefaultVersion": true, "Document": ` + bare + `}, {"IsDefaultVersion": false, "Document": {"Statement":
			{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}}}]}]}`, "s3:GetObject", ""},
		{"an unknown element", "a.json", `{"Statement": [
			{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"},
			{"Effect": "Allow", "Action": "s3:GetObject", "Resources": "*"}]}`, "s3:PutObject", "a.json:3"},
		{"text cut off", "a.json", bare + "\n{", "s3:GetObject", "a.json:2"},
		{"both branches of a statement", "a.yaml", resource(`
          - !If [C, {Effect: Allow, Action: 's3:GetObject', Resource: '*'}, !Ref AWS::NoValue]
          - {Effect: Allow, Action: !If [D, 's3:PutObject', 's3:DeleteObject'], Resource: '*'}
`), "s3:DeleteObject s3:GetObject s3:PutObject", ""},
		{"an action that a parameter decides", "a.yaml", "Parameters: {A: {Type: String}}\n" + resource(`
          - {Effect: Allow, Action: !Ref A, Resource: '*'}
          - {Effect: Allow, Action: 's3:PutObject', Resource: '*'}
`), "s3:PutObject", "a.yaml:9"},
		{"an unknown function", "a.yaml", resource(`
          - {Effect: Allow, Action: 's3:GetObject', Resource: !Mystery x}
          - {Effect: Allow, Action: 's3:PutObject', Resource: '*'}
`), "s3:PutObject", "Fn::Mystery is not evaluated"},
		{"an unknown transform", "a.yaml", "Transform: Macro\n" + resource(`
          - {Effect: Allow, Action: 's3:PutObject', Resource: '*'}
`), "s3:PutObject", "the transform Macro"},
		{"an include beside the resources", "a.yaml", "Fn::Transform: {Name: AWS::Include}\n" + resource(`
          - {Effect: Allow, Action: 's3:PutObject', Resource: '*'}
`), "s3:PutObject", "a.yaml:1: Fn::Transform is not evaluated"},
		{"an include in the document", "a.yaml", resource(`
          - {Effect: Allow, Action: 's3:PutObject', Resource: '*'}
        Fn::Transform: {Name: AWS::Include}
`), "s3:PutObject", "a.yaml:9: Fn::Transform in a policy document"},
		{"an include in the properties", "a.yaml", resource(`
          - {Effect: Allow, Action: 's3:PutObject', Resource: '*'}
      Fn::Transform: {Name: AWS::Include}
`), "s3:PutObject", "a.yaml:9: Fn::Transform in the properties of P"},
		{"policies from elsewhere", "a.json", `{"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": {
			"AssumeRolePolicyDocument": {"Statement": {"Effect": "Allow", "Principal": {"AWS": "*"},
				"Action": "sts:AssumeRole"}},
			"Policies": {"Fn::GetAtt": ["X", "Policies"]}}}}}`, "", "a.json:4: Policies of R cannot be evaluated"},
		{"a document far inside", "a.json", strings.Repeat(`{"a": `, 12) + bare + strings.Repeat("}", 12) + bare,
			"s3:GetObject", "nested more than 8 deep"},
		{"more instances than are read", "a.tf", `resource "aws_iam_policy" "p" {
  count = 100000
  policy = jsonencode({Statement = {Effect = "Allow", Action = "s3:GetObject", Resource = "*"}})
}`, "s3:GetObject", "a.tf:2: count of aws_iam_policy.p has more than 1000 instances"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ReadFiles(c.file, []File{{c.file, []byte(c.text)}})
			if err != nil {
				t.Fatal(err)
			}
			if actions := grantedActions(got); actions != c.actions {
				t.Errorf("actions: got %q, want %q", actions, c.actions)
			}
			var problems []string
			for _, p := range got.Problems {
				problems = append(problems, p.String())
			}
			all := strings.Join(problems, "\n")
			if (c.problem == "") != (all == "") || !strings.Contains(all, c.problem) {
				t.Errorf("problems: got %q, want %q", all, c.problem)
			}
		})
	}
}

// TestLinks checks that a link in a folder is reported and not followed.
func TestLinks(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret.json")
	dir := t.TempDir()
	for name, text := range map[string]string{
		outside:                      `{"Statement": {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}}`,
		filepath.Join(dir, "a.json"): bare,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(dir, "b.json")); err != nil {
		t.Fatal(err)
	}
	got, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if actions := grantedActions(got); actions != "s3:GetObject" {
		t.Errorf("actions: got %q, want s3:GetObject", actions)
	}
	if len(got.Problems) != 1 || !strings.Contains(got.Problems[0].Message, "links are not followed") {
		t.Errorf("problems: got %v, want the link", got.Problems)
	}
}

// TestBounds checks that nesting and doubling are refused, and quickly.
func TestBounds(t *testing.T) {
	doubling := "Resources:\n  P:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n      PolicyDocument:\n" +
		"        Statement:\n          - {Effect: Allow, Action: 's3:GetObject', Resource: " +
		strings.Repeat("!Sub ['${A}${A}', {A: ", 90) + "x" + strings.Repeat("}]", 90) + "}\n"
	for name, text := range map[string]string{
		"deep":     strings.Repeat("[", 100_000),
		"doubling": doubling,
		"large":    strings.Repeat(" ", maxFile+1) + bare,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ReadFiles("a.yaml", []File{{"a.yaml", []byte(text)}})
			if err == nil && len(got.Problems) == 0 {
				t.Error("got no problem, want one")
			}
		})
	}
}

// FuzzReadFiles checks that no file stops the reader, and that a file without permissions is an error.
func FuzzReadFiles(f *testing.F) {
	f.Add("a.json", bare)
	f.Add("a.json", `{"PolicyVersion": {"Document": `+bare+`}}`)
	f.Add("a.yaml", "Resources: {R: {Type: AWS::IAM::Role, Properties: {Policies: !If [A, [], !Ref AWS::NoValue]}}}")
	f.Add("README.md", "aws iam create-role --role-name R --assume-role-policy-document file://t.json")
	f.Fuzz(func(t *testing.T, name, text string) {
		got, err := ReadFiles(name, []File{{name, []byte(text)}})
		if err == nil && len(got.Set.Names())+len(got.Set.Topics)+len(got.Set.Rules) == 0 {
			t.Errorf("got nothing and no error")
		}
	})
}
