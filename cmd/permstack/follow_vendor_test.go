package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestFollowVendor runs the commands of docs/follow-a-vendor.md with two versions of a vendor's module, and checks what
// they add to the recorded differences.
func TestFollowVendor(t *testing.T) {
	text, err := os.ReadFile("../../docs/follow-a-vendor.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for dir, actions := range map[string]string{
		"vendor-2025": `"ec2:DescribeVolumes"`, "vendor-2026": `"ec2:DescribeVolumes", "fsx:DescribeFileSystems"`,
	} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		module := `
data "aws_iam_policy_document" "backup" {
  statement {
    actions   = [` + actions + `]
    resources = ["*"]
  }
}
resource "aws_iam_role" "acme" {
  name               = "AcmeRole"
  assume_role_policy = jsonencode({ Statement = [{ Effect = "Allow", Action = "sts:AssumeRole",
    Principal = { AWS = "arn:aws:iam::${var.vendor_account}:root" } }] })
}
resource "aws_iam_role" "other" {
  name               = "AcmeBackupRole"
  assume_role_policy = aws_iam_role.acme.assume_role_policy
}
resource "aws_iam_role_policy" "backup" {
  role   = aws_iam_role.acme.id
  policy = data.aws_iam_policy_document.backup.json
}
`
		if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(module), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for _, block := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(block[1]) {
			words := strings.Fields(line)
			if words[0] != "permstack" {
				t.Fatalf("not a command of permstack: %s", line)
			}
			n++
			var stdout, stderr bytes.Buffer
			if status := run(t.Context(), words[1:], &stdout, &stderr); status != exitFound {
				t.Errorf("%sexit status: got %d, want %d\n%s%.2000s", line, status, exitFound, stderr.String(), stdout.String())
			}
		}
	}
	if n < 3 {
		t.Errorf("ran %d commands, want 3 at least", n)
	}
	got, err := os.ReadFile("narrowings.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(got), "      - fsx:DescribeFileSystems\n    we: grant less\n    why: \"\"\n") ||
		strings.Contains(string(got), "ec2:DescribeVolumes") {
		t.Errorf("got the differences\n%s", got)
	}
	var stdout, stderr bytes.Buffer
	run(t.Context(), []string{"diff", "vendor-2026", "clumio", "--write-narrowings", "narrowings.yaml"}, &stdout, &stderr)
	if again, err := os.ReadFile("narrowings.yaml"); err != nil || !bytes.Equal(got, again) {
		t.Errorf("the second run changed the file: %v\n%s", err, again)
	}
	args := []string{"diff", "vendor-2025", "vendor-2026", "--write-narrowings", "narrowings.yaml"}
	if status := run(t.Context(), args, &stdout, &stderr); status != exitNotRun {
		t.Errorf("without a profile: got status %d, want %d", status, exitNotRun)
	}
}
