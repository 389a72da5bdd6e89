package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestImport checks that a vendor's file becomes a profile that profile lint reads, and what is said about the rest.
func TestImport(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	whole := write("whole.json", `{"PolicyName": "AcmeBackup", "PolicyDocument": {"Statement":
		{"Effect": "Allow", "Action": "ec2:DescribeVolumes", "Resource": "*"}}}`)
	broken := write("broken.tf", `
data "aws_iam_policy_document" "acme" {
  statement {
    actions   = ["ec2:DescribeVolumes"]
    resources = ["*"]
  }
}
module "more" { source = "example/more/aws" }
`)
	rest := write("rest.json", `{"Statement": [{"Effect": "Allow", "Action": "ec2:DescribeVolumes", "Resource": "*"},
		{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]}`)
	for _, c := range []struct {
		name   string
		args   []string
		status int
		stdout string
		stderr string
	}{
		{"to standard output", []string{whole}, exitOK, "profile: acme\nvendor: Acme\n", ""},
		{"to a directory", []string{whole, "--out", filepath.Join(dir, "out")}, exitOK, "", "reports 4 problems"},
		{"never over a file", []string{whole, "--out", filepath.Join(dir, "out")}, exitNotRun, "", "file exists"},
		{"with names", []string{whole, "--profile", "my-acme", "--vendor", "My Acme"}, exitOK, "vendor: My Acme\n", ""},
		{"not all read", []string{broken}, exitNotRun, "ec2:DescribeVolumes", "broken.tf:8: the module more is not read"},
		{"not all expressed", []string{rest}, exitFound, "# Not imported: a statement", "not imported: a statement"},
		{"no file", []string{filepath.Join(dir, "none")}, exitNotRun, "", "no such file"},
		{"a bad name", []string{whole, "--profile", "Acme"}, exitNotRun, "", "lower-case letters"},
		{"no argument", nil, exitNotRun, "", "want one or more files"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			status := run(t.Context(), append([]string{"import"}, c.args...), &stdout, &stderr)
			if status != c.status {
				t.Errorf("exit status: got %d, want %d\n%s", status, c.status, stderr.String())
			}
			if !strings.Contains(stdout.String(), c.stdout) {
				t.Errorf("output: got %q, want %q", stdout.String(), c.stdout)
			}
			if !strings.Contains(stderr.String(), c.stderr) {
				t.Errorf("messages: got %q, want %q", stderr.String(), c.stderr)
			}
		})
	}
	var stdout, stderr bytes.Buffer
	args := []string{"profile", "lint", filepath.Join(dir, "out", "acme.yaml")}
	if status := run(t.Context(), args, &stdout, &stderr); status != exitFound ||
		!strings.Contains(stdout.String(), "why is missing") {
		t.Errorf("profile lint: got status %d and %q, want the missing reasons", status, stdout.String())
	}
}
