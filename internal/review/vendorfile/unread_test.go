package vendorfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnread checks that a folder's files which seem to hold permissions are reported if they are not read.
func TestUnread(t *testing.T) {
	const policy = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:*", "Resource": "*"}]}`
	const terraform = "resource \"aws_iam_policy\" \"p\" {\n policy = <<E\n" + policy + "\nE\n}\n"
	for _, tc := range []struct{ name, file, text, actions, problem string }{
		{"a template of another language", "p.json.j2", "\n" + policy, "s3:GetObject", "p.json.j2:2: it seems to hold"},
		{"a program", "stack.ts", "new iam.PolicyStatement({actions: ['iam:*']})", "s3:GetObject", "stack.ts:1: it seems"},
		{"no ending", "policy", policy, "s3:GetObject", "policy:1: it seems"},
		{"a template that nothing names", "p.tftpl", policy, "s3:GetObject", "p.tftpl:1: it seems"},
		{"OpenTofu", "main.tofu", terraform, "iam:* s3:GetObject", ""},
		{"documentation", "NOTES.md", policy, "s3:GetObject", ""},
		{"other text", "LICENSE", "Permission is hereby granted", "s3:GetObject", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			read := strings.Replace(policy, "iam:*", "s3:GetObject", 1)
			for name, text := range map[string]string{tc.file: tc.text, "ok.json": read} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, err := Read(dir)
			if err != nil {
				t.Fatal(err)
			}
			if actions := grantedActions(got); actions != tc.actions {
				t.Errorf("actions: got %q, want %q", actions, tc.actions)
			}
			var all []string
			for _, p := range got.Problems {
				all = append(all, p.String())
			}
			if text := strings.Join(all, "\n"); (tc.problem == "") != (text == "") || !strings.Contains(text, tc.problem) {
				t.Errorf("problems: got %q, want %q", text, tc.problem)
			}
		})
	}
}
