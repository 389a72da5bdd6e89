package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestUnknownNames checks that unknown commands and flags are refused with the name that they resemble.
func TestUnknownNames(t *testing.T) {
	for line, want := range map[string]string{
		"exlain":                 `unknown command "exlain"; did you mean "explain"?`,
		"xyzzy":                  `unknown command "xyzzy"` + "\n",
		"profile lst":            `unknown command "lst" of permstack profile; did you mean "list"?`,
		"drift acept":            `unknown command "acept" of permstack drift; did you mean "accept"?`,
		"restore opn":            `unknown command "opn" of permstack restore; did you mean "open"?`,
		"completion bsh":         `unknown command "bsh" of permstack completion; did you mean "bash"?`,
		"help fo":                `unknown command "fo"`,
		"help restore opn":       `unknown command "opn" of permstack restore; did you mean "open"?`,
		"version x":              `permstack version takes no arguments, only flags: "x"`,
		"synth --asets ec2":      "unknown flag: --asets; did you mean --assets?",
		"drift --stak backup":    "unknown flag: --stak; did you mean --stack?",
		"explain --zzzzz":        "unknown flag: --zzzzz\n",
		"explain -q":             "unknown shorthand flag: 'q' in -q\n",
		"admin-policy":           "--account is missing, such as --account 123456789012",
		"diff a.json clumio":     "there is no file or directory a.json",
		"diff clumi:s3 clumio":   `clumi:s3 is neither a file nor a choice: parse choice "clumi:s3": unknown profile "clumi"`,
		"synth --output table":   "want json or yaml",
		"try --region us-east-1": "--region has no effect without --aws",
	} {
		t.Run(line, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			status := run(t.Context(), strings.Fields(line), &stdout, &stderr)
			if status != exitNotRun || stdout.Len() > 0 || !strings.Contains(stderr.String(), want) {
				t.Errorf("got status %d, output %q and message %q, want %q", status, &stdout, &stderr, want)
			}
		})
	}
}
