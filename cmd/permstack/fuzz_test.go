package main

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// FuzzSynth: whatever is typed behind the flags of synth, the command neither
// panics nor prints half a document: it succeeds with valid JSON, or it fails with
// a sentence and prints nothing.
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
			return strings.HasPrefix(a, "-h") || strings.HasPrefix(a, "--h") || strings.Contains(a, "yaml") || strings.Contains(a, "out")
		}) {
			return // help is no document; YAML is on trial in templateyaml; --out writes files
		}
		args = append([]string{"synth", "--control-plane-role", "arn:aws:iam::111122223333:role/C", "--external-id", "example"}, args...)
		var out, complaint bytes.Buffer
		status := run(context.Background(), args, &out, &complaint)
		switch {
		case status == exitOK && !json.Valid(out.Bytes()):
			t.Errorf("%q prints\n%s", args, out.String())
		case status != exitOK && (out.Len() > 0 || complaint.Len() == 0):
			t.Errorf("%q fails with status %d, prints %q and complains %q", args, status, out.String(), complaint.String())
		}
	})
}
