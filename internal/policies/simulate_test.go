package policies_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
)

// TestRequestsByOutsideEvaluator evaluates the same requests with @cloud-copilot/iam-simulate. PERMSTACK_IAM_SIMULATE
// is the folder in which npm installed it.
func TestRequestsByOutsideEvaluator(t *testing.T) {
	judge := outsideEvaluator(t)
	requests := allRequests()
	var list []simulation
	for _, r := range requests {
		list = append(list, newSimulation(requestDocuments(t, r), r.action, r.resource, r.context))
	}
	for i, result := range judge(list) {
		if r := requests[i]; !agrees(result, r.allowed, r.resource) {
			t.Errorf("%s: %s on %s with %v: %s, want allowed %v", r.why, r.action, r.resource, r.context, result, r.allowed)
		}
	}
}

// TestAccessByOutsideEvaluator evaluates every 40th request of access.txt that AWS supports, of all scenes, with
// @cloud-copilot/iam-simulate.
func TestAccessByOutsideEvaluator(t *testing.T) {
	judge := outsideEvaluator(t)
	lines, aws := readAccesses(t), readAWS(t)
	var list []simulation
	var asked []derivedRequest
	number := 0
	for _, profile := range []string{"clumio", "cpm"} {
		for _, s := range scenes(profile, lines) {
			docs := documentsByRole(synthesize(t, s.sel, s.env))
			for _, r := range derive(s.model(lines), aws) {
				if !r.real || docs[r.role] == nil {
					continue
				}
				if number++; number%40 == 0 {
					asked = append(asked, r)
					list = append(list, newSimulation(docs[r.role], r.action, r.resource, r.context))
				}
			}
		}
	}
	unjudged := 0
	for i, result := range judge(list) {
		// The evaluator cannot determine the type of some ARNs: if one of AWS's patterns is a prefix of another, or if a
		// request contains a star.
		if strings.Contains(result, "resource.types") || strings.Contains(result, "wildcard") {
			unjudged++
			continue
		}
		if r := asked[i]; !agrees(result, r.allowed, r.resource) {
			t.Errorf("access.txt:%d: %s: %s, want allowed %v", r.line, r, result, r.allowed)
		}
	}
	t.Logf("%d of %d requests; of %d it cannot tell the resource's type", len(asked), number, unjudged)
	if unjudged > len(asked)/30 {
		t.Errorf("of %d in %d requests it cannot tell the resource's type", unjudged, len(asked))
	}
}

// agrees reports whether the evaluator's result is the expected decision. "no.resource.types": an ARN without account,
// such as AWS's own documents and parameters have, matches no type that the evaluator has for the action. Nor does an
// option group match rds:CopyDBSnapshot, whose check of it the service authorization reference does not list.
func agrees(result string, allowed bool, resource string) bool {
	if result == "no.resource.types" && (strings.Contains(resource, "::") || strings.Contains(resource, ":og:")) {
		return true
	}
	denied := result == "ImplicitlyDenied" || result == "ExplicitlyDenied" || result == "no.resource.types"
	return allowed && result == "Allowed" || !allowed && denied
}

// simulation is a request in the input format of interop/simulate.mjs.
type simulation struct {
	Principal string               `json:"principal"`
	Account   string               `json:"account"`
	Policies  []iampolicy.Document `json:"policies"`
	Action    string               `json:"action"`
	Resource  string               `json:"resource"`
	Context   map[string]any       `json:"context"`
}

func newSimulation(docs []iampolicy.Document, action, resource string, context map[string]string) simulation {
	s := simulation{
		Principal: "arn:aws:sts::" + account + ":assumed-role/role-of-the-profile/session",
		Account:   account, Policies: docs, Action: action, Resource: resource, Context: map[string]any{},
	}
	for k, v := range context {
		s.Context[k] = v
		if k == "aws:TagKeys" || k == "events:TargetArn" {
			s.Context[k] = []string{v}
		}
	}
	return s
}

// outsideEvaluator returns a function that runs iam-simulate, or skips the test.
func outsideEvaluator(t *testing.T) func([]simulation) []string {
	dir := os.Getenv("PERMSTACK_IAM_SIMULATE")
	if dir == "" {
		t.Skip("skipped: PERMSTACK_IAM_SIMULATE is not set; build.sh test installs iam-simulate where there is npm")
	}
	return func(list []simulation) []string {
		input, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		script, err := filepath.Abs("../../interop/simulate.mjs")
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
		if err := json.Unmarshal(output, &results); err != nil || len(results) != len(list) {
			t.Fatalf("read iam-simulate's answer: %d of %d results: %v", len(results), len(list), err)
		}
		return results
	}
}
