package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"permstack/internal/terminal"
)

// hostileText controls a terminal, hides characters, and makes text read backwards.
const hostileText = "\x1b]0;evil\x07\u009b31m\u202e\u200b"

// TestHostileFiles has each command that writes text for people read files whose names and values control a terminal:
// neither the output nor the messages do.
func TestHostileFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// JSON escapes control characters.
	escaped := `\u001b]0;evil\u0007\u009b31m\u202e\u200b`
	statement := `{"Sid":"S` + escaped + `","Effect":"Allow","Action":"s3:Get` + escaped + `","Resource":"arn:aws:s3:::b` +
		escaped + `","Condition":{"StringEquals":{"aws:x` + escaped + `":"v` + escaped + `"}}}`
	policy := write("policy.json", `{"Version":"2012-10-17","Statement":[`+statement+`]}`)
	other := write("other.json", `{"Version":"2012-10-17","Statement":[]}`)
	template := write("template.json", `{"Resources":{"R`+escaped+`":{"Type":"AWS::IAM::Role","Properties":{"RoleName":"r`+
		escaped+`","AssumeRolePolicyDocument":{"Statement":[`+statement+`]},"Policies":[{"PolicyName":"p`+escaped+
		`","PolicyDocument":{"Statement":[`+statement+`]}}]}}}}`)
	profile := write("profile"+hostileText+".yaml", "profile: [x")
	terraform := write("main.tf", `resource "aws_iam_policy" "x" { policy = jsonencode({Version="2012-10-17",Statement=[{`+
		`Effect="Allow",Action="s3:Get`+hostileText+`",Resource="*"}]}) }`)
	broken := write("broken"+hostileText+".json", "{")
	for _, args := range [][]string{
		{"explain", policy}, {"explain", "s3:Get" + hostileText}, {"explain", "--risk", "--policies", template},
		{"diff", policy, other}, {"diff", template, other}, {"diff", terraform, other}, {"diff", broken, other},
		{"profile", "lint", profile}, {"profile", "lint", broken}, {"synth", "--profile-file", profile},
		{"synth", "--assets", hostileText}, {"synth", "--profile", hostileText}, {"import", broken}, {hostileText},
		{"why", "User: x" + hostileText + " is not authorized to perform: s3:GetObject on resource: y" + hostileText},
		{"launch-url", "--bucket-prefix", hostileText}, {"admin-policy", "--for", hostileText}, {"drift", "--" + hostileText},
	} {
		t.Run(strings.Trim(strings.Join(args[:min(2, len(args))], " "), "/"), func(t *testing.T) {
			var out, stderr bytes.Buffer
			run(t.Context(), args, &out, &stderr)
			for name, text := range map[string]string{"output": out.String(), "messages": stderr.String()} {
				for _, r := range text {
					if r != '\n' && r != '\t' && unicode.In(r, unicode.Cc, unicode.Cf) {
						t.Errorf("the %s contain %U: %q", name, r, text)
						break
					}
				}
			}
		})
	}
	// Data is written as it is, but messages about it are not.
	var out, stderr bytes.Buffer
	run(t.Context(), []string{"import", template}, &out, &stderr)
	if text := stderr.String(); text == "" || text != terminal.Clean(text) {
		t.Errorf("import: the messages are %q", text)
	}
}
