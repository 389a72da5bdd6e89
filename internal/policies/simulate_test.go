package policies_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRequestsByOutsideEvaluator has the same requests judged by an IAM evaluator
// that is not ours. PERMSTACK_IAM_SIMULATE is the folder that npm installed
// @cloud-copilot/iam-simulate into.
func TestRequestsByOutsideEvaluator(t *testing.T) {
	dir := os.Getenv("PERMSTACK_IAM_SIMULATE")
	if dir == "" {
		t.Skip("skipped: PERMSTACK_IAM_SIMULATE is not set; build.sh test installs iam-simulate where there is npm")
	}
	type simulation struct {
		Principal string         `json:"principal"`
		Account   string         `json:"account"`
		Policies  []any          `json:"policies"`
		Action    string         `json:"action"`
		Resource  string         `json:"resource"`
		Context   map[string]any `json:"context"`
	}
	var list []simulation
	requests := allRequests()
	for _, r := range requests {
		s := simulation{
			Principal: "arn:aws:sts::" + account + ":assumed-role/role-of-the-profile/session",
			Account:   account, Action: r.action, Resource: r.resource, Context: map[string]any{},
		}
		for _, d := range documentsOf(t, r) {
			s.Policies = append(s.Policies, d)
		}
		for k, v := range r.context {
			s.Context[k] = v
			if k == "aws:TagKeys" || k == "events:TargetArn" {
				s.Context[k] = []string{v}
			}
		}
		list = append(list, s)
	}
	input, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs("../../judges/simulate.mjs")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", script)
	cmd.Dir, cmd.Stdin, cmd.Stderr = dir, bytes.NewReader(input), os.Stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("run iam-simulate: %v", err)
	}
	var results []string
	if err := json.Unmarshal(output, &results); err != nil || len(results) != len(requests) {
		t.Fatalf("read iam-simulate's answer: %d of %d results: %v", len(results), len(requests), err)
	}
	for i, r := range requests {
		// "no.resource.types": an ARN without account, as AWS's own documents and
		// parameters have it, fits no type that the evaluator knows for the action.
		if results[i] == "no.resource.types" && strings.Contains(r.resource, "::") {
			continue
		}
		denied := results[i] == "ImplicitlyDenied" || results[i] == "ExplicitlyDenied" || results[i] == "no.resource.types"
		if r.allowed && results[i] != "Allowed" || !r.allowed && !denied {
			t.Errorf("%s: %s on %s with %v: %s, want allowed %v", r.why, r.action, r.resource, r.context, results[i], r.allowed)
		}
	}
}
