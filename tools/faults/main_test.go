package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	var out, said bytes.Buffer
	if err := run(t.Context(), []string{"soak", "-lives", "3", "-seed", "5"}, &out, &said); err != nil {
		t.Fatalf("%v\n%s%s", err, &out, &said)
	}
	if !strings.Contains(out.String(), "3 lives in a row, seed 5") || !strings.Contains(said.String(), "3 of 3 lives") {
		t.Errorf("said %q and %q", out.String(), said.String())
	}
	for _, args := range [][]string{{"sleep"}, {"-nothing"}} {
		if err := run(t.Context(), args, &out, &said); err == nil {
			t.Errorf("%v is taken", args)
		}
	}
}
