package main

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// FuzzSynth checks that with any arguments synth neither panics nor prints part of
// a document: it prints valid JSON, or it fails with a message and prints nothing.
func FuzzSynth(f *testing.F) {
	f.Add("--assets\nec2,s3\n--data-plane-account\n444455556666")
	f.Add("--assets\n*\n--connection-id\n${AWS::Region}")
	f.Add("--external-id\n\x00\n--path\n/../")
	f.Add("--format\npolicies\n--profile\ncpm\n--preset\nminimal")
	f.Add("--output\nyaml\n--tags\na=b,c=\"d")
	f.Add("--assets=ec2\n--\nx\n-h\n@file\n%s%d")
	f.Fuzz(func(t *testing.T, typed string) {
		args := strings.Split(typed, "\n")
		if slices.ContainsFunc(args, func(a string) bool {
			return strings.HasPrefix(a, "-h") || strings.HasPrefix(a, "--h") ||
				strings.Contains(a, "yaml") || strings.Contains(a, "out")
		}) {
			return // help is not JSON; yamlfmt has its own fuzz test; --out writes files
		}
		args = append([]string{
			"synth", "--control-plane-role", "arn:aws:iam::111122223333:role/C", "--external-id", "example",
		}, args...)
		var out, stderr bytes.Buffer
		status := run(context.Background(), args, &out, &stderr)
		switch {
		case status == exitOK && !json.Valid(out.Bytes()):
			t.Errorf("%q prints\n%s", args, out.String())
		case status != exitOK && (out.Len() > 0 || stderr.Len() == 0):
			t.Errorf("%q fails with status %d, prints %q and writes %q to stderr", args, status, out.String(), stderr.String())
		}
	})
}
