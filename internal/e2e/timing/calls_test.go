package timing

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"permstack"
	"permstack/internal/fakeaws"
	"permstack/internal/fakeaws/protocol"
)

// callCounter counts the API calls of the functions by name. What CloudFormation calls for them is not counted.
type callCounter struct {
	mu    sync.Mutex
	calls map[string]int
}

func (c *callCounter) count(call *protocol.Call) error {
	role := call.Caller.RoleName
	if !strings.Contains(role, "-DriftRole-") && !strings.Contains(role, "-ProvisionerRole-") ||
		strings.Contains(call.HTTP.UserAgent(), "cloudformation.amazonaws.com") {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[call.Action]++
	return nil
}

// writingCalls change something.
var writingCalls = []string{"CreateStack", "UpdateStack", "DeleteStack", "ContinueUpdateRollback"}

// row returns the calls since the last row as a row of the table.
func (c *callCounter) row(what string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls, writes := 0, 0
	var list []string
	for _, name := range slices.Sorted(maps.Keys(c.calls)) {
		n := c.calls[name]
		calls += n
		if slices.Contains(writingCalls, name) {
			writes += n
		}
		list = append(list, fmt.Sprintf("%d %s", n, name))
	}
	c.calls = map[string]int{}
	return fmt.Sprintf("| %s | %d | %d | %s |\n", what, calls, writes, strings.Join(list, ", "))
}

// TestCalls counts the API calls of the functions in a scenario and holds the table of docs/performance.md.
func TestCalls(t *testing.T) {
	var b strings.Builder
	b.WriteString("| what | API calls | writes | which |\n|---|---|---|---|\n")
	synctest.Test(t, func(t *testing.T) {
		c := &callCounter{calls: map[string]int{}}
		a := newAccountWith(t, fakeaws.Options{Intercept: c.count})
		parameters := clumio(map[string]string{
			"ProtectRDS": "yes", "ProtectDynamoDB": "yes", "ProtectS3": "yes", "LogRetentionDays": "30",
		})
		step := func(what string, do func()) {
			c.row("")
			do()
			b.WriteString(c.row(what))
		}
		change := func(name, value string) func() {
			return func() {
				parameters[name] = value
				a.update(parentName, permstack.Template, parameters, nil)
			}
		}
		step("launch (everything but SQL Server and Iceberg tables)", func() {
			a.create(parentName, permstack.Template, parameters)
		})
		step("an update of another parameter", change("LogRetentionDays", "60"))
		step("the custom resource updated again, nothing changed", change("Revision", "2"))
		step("an update that removes an asset", change("ProtectRDS", "no"))
		step("a complete drift check, nothing found", func() {
			result, err := a.functions.Invoke(t.Context(), a.driftFunction(), []byte(`{"source":"aws.events"}`))
			if err != nil || result.FunctionError != "" {
				t.Fatalf("drift check: %v %s", err, result.FunctionError)
			}
		})
		step("delete", func() { a.remove(parentName) })
	})
	checkSection(t, document, "calls", b.String())
}
