package policytest

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

// SimulateVariable is the environment variable with the folder in which npm installed @cloud-copilot/iam-simulate.
const SimulateVariable = "PERMSTACK_IAM_SIMULATE"

// Simulation is a request of a role with its identity policies.
type Simulation struct {
	Principal string               `json:"principal"`
	Account   string               `json:"account"`
	Policies  []iampolicy.Document `json:"-"`
	Action    string               `json:"action"`
	Resource  string               `json:"resource"`
	Context   map[string]any       `json:"context"`
}

// simulations is the input format of interop/simulate.mjs. Requests name their policies by the numbers of documents,
// as many requests have the same.
type simulations struct {
	Documents []json.RawMessage    `json:"documents"`
	Requests  []numberedSimulation `json:"requests"`
}

type numberedSimulation struct {
	Simulation
	Policies []int `json:"policies"`
}

func newSimulations(list []Simulation) (simulations, error) {
	type part struct {
		first *iampolicy.Statement
		n     int
	}
	out := simulations{Documents: []json.RawMessage{}, Requests: []numberedSimulation{}}
	known, byText := map[part]int{}, map[string]int{}
	for _, s := range list {
		numbered := numberedSimulation{Simulation: s, Policies: []int{}}
		for _, d := range s.Policies {
			var key part
			if len(d.Statement) > 0 {
				key = part{&d.Statement[0], len(d.Statement)}
			}
			number, ok := known[key]
			if !ok || key.n == 0 {
				text, err := json.Marshal(d)
				if err != nil {
					return out, err
				}
				if number, ok = byText[string(text)]; !ok {
					number = len(out.Documents)
					out.Documents = append(out.Documents, text)
				}
				known[key], byText[string(text)] = number, number
			}
			numbered.Policies = append(numbered.Policies, number)
		}
		out.Requests = append(out.Requests, numbered)
	}
	return out, nil
}

// NewSimulation returns a request by a role of an account. A key with one value is a single value, but for the keys
// that AWS defines as lists.
func NewSimulation(account string, docs []iampolicy.Document, action, resource string,
	context map[string][]string,
) Simulation {
	s := Simulation{
		Principal: "arn:aws:sts::" + account + ":assumed-role/role-of-the-profile/session",
		Account:   account, Policies: docs, Action: action, Resource: resource, Context: map[string]any{},
	}
	for k, values := range context {
		if isList := k == "aws:TagKeys" || strings.HasPrefix(k, "events:"); !isList && len(values) == 1 {
			s.Context[k] = values[0]
		} else {
			s.Context[k] = values
		}
	}
	return s
}

// OutsideEvaluator returns a function that evaluates requests with @cloud-copilot/iam-simulate, or skips the test if
// SimulateVariable is not set. The results are IAM's decisions or the evaluator's error codes.
func OutsideEvaluator(t *testing.T) func([]Simulation) []string {
	t.Helper()
	dir := os.Getenv(SimulateVariable)
	if dir == "" {
		t.Skipf("skipped: %s is not set; build.sh test installs iam-simulate where there is npm", SimulateVariable)
	}
	return func(list []Simulation) []string {
		t.Helper()
		numbered, err := newSimulations(list)
		if err != nil {
			t.Fatal(err)
		}
		input, err := json.Marshal(numbered)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("node", simulateScript(t))
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

// simulateScript returns interop/simulate.mjs, in the folder of go.mod.
func simulateScript(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "interop", "simulate.mjs")
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no folder above has go.mod")
		}
		dir = parent
	}
}

// Agrees reports whether the evaluator's result is the expected decision. "no.resource.types": an ARN without account,
// such as AWS's own documents and parameters have, matches no type that the evaluator has for the action. Nor does an
// option group match rds:CopyDBSnapshot, whose check of it the service authorization reference does not list.
func Agrees(result string, allowed bool, resource string) bool {
	if result == "no.resource.types" && (strings.Contains(resource, "::") || strings.Contains(resource, ":og:")) {
		return true
	}
	denied := result == "ImplicitlyDenied" || result == "ExplicitlyDenied" || result == "no.resource.types"
	return allowed && result == "Allowed" || !allowed && denied
}

// Undecided reports whether the evaluator cannot determine the type of an ARN: if one of AWS's patterns is a prefix of
// another, or if a request contains a star.
func Undecided(result string) bool {
	return strings.Contains(result, "resource.types") || strings.Contains(result, "wildcard")
}
