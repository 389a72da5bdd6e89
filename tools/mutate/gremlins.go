package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// generated is the first line of generated files, as defined by "go help generate".
var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// result is the report that gremlins writes with --output.
type result struct {
	Files []struct {
		Name      string   `json:"file_name"`
		Mutations []mutant `json:"mutations"`
	} `json:"files"`
}

// mutant is one changed operator. Line and column start at 1; the column counts bytes.
type mutant struct {
	Type   string `json:"type"`
	Status string `json:"status"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// Statuses of gremlins. "TIMED OUT" and "KILLED" mean that the tests detected the mutant. gremlins does not run mutants
// outside the statements that its coverage profile counts: the conditions of "case" clauses, and code that only tests
// of other packages run.
const (
	lived      = "LIVED"
	notCovered = "NOT COVERED"
	notViable  = "NOT VIABLE"
)

// short are the packages whose complete tests take too long to run them for every mutant.
var short = []string{"internal/policies"}

// mutatePackage runs gremlins in a copy of the repository over a directory and its subdirectories.
func mutatePackage(program, tree, dir string, skip []string) (result, error) {
	out := filepath.Join(filepath.Dir(tree), "result.json")
	args := []string{
		"unleash", "./" + dir, "--output", out, "--output-statuses", "ltc",
		// A mutant that loops is recognised by its time; a busy machine must not look like one.
		"--timeout-coefficient", "20",
		"--invert-logical", "--invert-loopctrl", "--invert-assignments", "--invert-bitwise", "--invert-bwassign",
		"--remove-self-assignments",
	}
	for _, name := range skip {
		args = append(args, "--exclude-files", "^"+regexp.QuoteMeta(filepath.ToSlash(name))+"$")
	}
	cmd := exec.Command(program, args...) // #nosec G204 -- the program that the caller names
	cmd.Dir = tree
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	// With -trimpath the copies of the workers share the build cache.
	flags := strings.TrimSpace(os.Getenv("GOFLAGS") + " -trimpath")
	if slices.Contains(short, dir) {
		flags += " -short"
	}
	cmd.Env = append(os.Environ(), "GOFLAGS="+flags, "CGO_ENABLED=0")
	if err := cmd.Run(); err != nil {
		return result{}, fmt.Errorf("run gremlins on %s: %w", dir, err)
	}
	data, err := os.ReadFile(out) // #nosec G304 -- written above
	if err != nil {
		return result{}, fmt.Errorf("read report of gremlins on %s: %w", dir, err)
	}
	var r result
	if err := json.Unmarshal(data, &r); err != nil {
		return result{}, fmt.Errorf("parse report of gremlins on %s: %w", dir, err)
	}
	return r, nil
}
