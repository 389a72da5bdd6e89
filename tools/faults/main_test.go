package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"permstack/internal/iampolicy/policytest"
)

func TestRun(t *testing.T) {
	policytest.RequireSlow(t, "it builds the function")
	var out, stderr bytes.Buffer
	if err := run(t.Context(), []string{"soak", "-scenarios", "3", "-seed", "5"}, &out, &stderr); err != nil {
		t.Fatalf("%v\n%s%s", err, &out, &stderr)
	}
	if !strings.Contains(out.String(), "3 scenarios in a row, seed 5") ||
		!strings.Contains(stderr.String(), "3 of 3 scenarios") {
		t.Errorf("got stdout %q, stderr %q", out.String(), stderr.String())
	}
	for _, args := range [][]string{{"sleep"}, {"-nothing"}} {
		t.Run(fmt.Sprint(args), func(t *testing.T) {
			if err := run(t.Context(), args, &out, &stderr); err == nil {
				t.Errorf("run(%q) succeeded, want an error", args)
			}
		})
	}
}
