package main

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/tools/go/packages"
)

// runtimeSource is added to every package that holds mutants.
//
//go:embed runtime.txt
var runtimeSource string

// generated is the first line of generated files, as defined by "go help generate".
var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// mutant is one change of an operator. The numbers of mutants start at 1.
type mutant struct {
	file     string // relative to the repository
	offset   int    // of the operator, in bytes
	mutation string
}

// suite is the compiled tests of one package.
type suite struct {
	program string
	dir     string
	quick   bool // without the slow tests
	tests   []*test
}

type test struct {
	name    string
	reached []int // numbers of the mutants
	took    time.Duration

	tried, found float64 // mutants; recent ones count more
}

// cost is the time in which the test is expected to detect a mutant, from what it detected so far: neighbouring mutants
// are often detected by the same test.
func (t *test) cost() float64 { return t.took.Seconds() * (t.tried + 1) / (t.found + 0.1) }

func (t *test) record(found bool) {
	const memory = 0.9 // of earlier mutants
	t.tried, t.found = memory*t.tried+1, memory*t.found
	if found {
		t.found++
	}
}

// quick are the packages whose complete tests take too long to run them for every mutant.
var quick = []string{"internal/policies"}

// core is the packages below one directory, with their mutants.
type core struct {
	tree    string // the copy of the repository that is changed
	mutants []mutant
	suites  []suite
	limit   time.Duration // of a test run with a mutant, beyond ten times what it takes without
	record  sync.Mutex    // of what the tests detected
}

// prepare writes the mutants of the given files into the copy of the repository, and compiles and runs the tests of all
// packages below dir.
func prepare(ctx context.Context, tree, dir string, files []string) (*core, error) {
	c := &core{tree: tree, limit: 20 * time.Second}
	loaded, err := packages.Load(&packages.Config{
		Context: ctx,
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo |
			packages.NeedImports,
		Dir: tree,
	}, "./"+dir+"/...")
	if err != nil {
		return nil, fmt.Errorf("load packages of %s: %w", dir, err)
	}
	for _, p := range loaded {
		if len(p.Errors) > 0 {
			return nil, fmt.Errorf("load package %s: %w", p.PkgPath, p.Errors[0])
		}
		if err := c.rewrite(p, files); err != nil {
			return nil, err
		}
	}
	for _, p := range loaded {
		if len(p.GoFiles) == 0 {
			continue
		}
		if err := c.compile(ctx, filepath.Dir(p.GoFiles[0]), len(c.suites)); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *core) rewrite(p *packages.Package, files []string) error {
	before := len(c.mutants)
	for _, file := range p.Syntax {
		name := p.Fset.Position(file.Pos()).Filename
		rel, err := filepath.Rel(c.tree, name)
		if err != nil {
			return err
		}
		source, err := os.ReadFile(name) // #nosec G304 -- a file of this repository
		if err != nil {
			return fmt.Errorf("read source: %w", err)
		}
		if generated.Match(source) || !slices.Contains(files, filepath.ToSlash(rel)) {
			continue
		}
		r := rewriter{fset: p.Fset, info: p.TypesInfo, source: source}
		r.register = func(offset int, mutation string) int {
			c.mutants = append(c.mutants, mutant{filepath.ToSlash(rel), offset, mutation})
			return len(c.mutants)
		}
		if err := os.WriteFile(name, r.rewrite(file), 0o600); err != nil {
			return fmt.Errorf("write mutants: %w", err)
		}
	}
	if len(c.mutants) == before {
		return nil
	}
	text := strings.Replace(runtimeSource, "PACKAGE", p.Name, 1)
	return os.WriteFile(filepath.Join(filepath.Dir(p.GoFiles[0]), "mutants_runtime.go"), []byte(text), 0o600)
}

// compile compiles the tests of the package in dir and runs each by itself, to know which mutants it reaches.
func (c *core) compile(ctx context.Context, dir string, number int) error {
	s := suite{program: filepath.Join(filepath.Dir(c.tree), fmt.Sprintf("test%d", number)), dir: dir}
	if rel, err := filepath.Rel(c.tree, dir); err == nil {
		s.quick = slices.Contains(quick, filepath.ToSlash(rel))
	}
	// #nosec G204 -- no input from outside
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-o", s.program, ".")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("compile the tests of %s with their mutants: %w\n%s", dir, err, out)
	}
	if _, err := os.Stat(s.program); errors.Is(err, os.ErrNotExist) {
		return nil // no tests
	}
	out, err := s.command(ctx, "-test.list", "^(Test|Example|Fuzz)").Output()
	if err != nil {
		return fmt.Errorf("list the tests of %s: %w", dir, err)
	}
	for _, name := range strings.Fields(string(out)) {
		t, err := s.baseline(ctx, name)
		if err != nil {
			return err
		}
		s.tests = append(s.tests, &t)
	}
	c.suites = append(c.suites, s)
	return nil
}

// baseline runs a test without a mutant.
func (s *suite) baseline(ctx context.Context, name string) (test, error) {
	file := s.program + ".reached"
	defer os.Remove(file)
	cmd := s.command(ctx, "-test.run", "^"+name+"$")
	cmd.Env = append(cmd.Env, "MUTANT_REACHED="+file)
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return test{}, fmt.Errorf("run %s in %s without a mutant: %w\n%s", name, s.dir, err, out)
	}
	t := test{name: name, took: time.Since(start)}
	data, err := os.ReadFile(file) // #nosec G304 -- written by the test
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return test{}, fmt.Errorf("read reached mutants: %w", err)
	}
	for _, word := range strings.Fields(string(data)) {
		id, err := strconv.Atoi(word)
		if err != nil {
			return test{}, fmt.Errorf("read reached mutants: %w", err)
		}
		t.reached = append(t.reached, id)
	}
	return t, nil
}

func (s *suite) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.program, args...) // #nosec G204 -- the program compiled above
	cmd.Dir = s.dir
	cmd.Env = os.Environ()
	if !s.quick {
		cmd.Env = append(cmd.Env, "PERMSTACK_SLOW=1")
	}
	cmd.WaitDelay = time.Second
	return cmd
}

// batch is tests of one package that one process runs.
type batch struct {
	suite suite
	tests []*test
	cost  float64 // of the first one
}

// batches returns the tests that reach a mutant, those of all packages first that probably detect it soon.
func (c *core) batches(id int) []batch {
	c.record.Lock()
	defer c.record.Unlock()
	var out []batch
	for _, s := range c.suites {
		var candidates []*test
		for _, t := range s.tests {
			if slices.Contains(t.reached, id) {
				candidates = append(candidates, t)
			}
		}
		slices.SortStableFunc(candidates, func(a, b *test) int { return cmp.Compare(a.cost(), b.cost()) })
		for len(candidates) > 0 {
			n, total := 1, candidates[0].took
			for n < len(candidates) && total+candidates[n].took <= time.Second {
				total += candidates[n].took
				n++
			}
			out = append(out, batch{s, candidates[:n], candidates[0].cost()})
			candidates = candidates[n:]
		}
	}
	slices.SortStableFunc(out, func(a, b batch) int { return cmp.Compare(a.cost, b.cost) })
	return out
}

// detected runs the tests that reach a mutant until one fails.
func (c *core) detected(ctx context.Context, id int) (detected, reached bool, err error) {
	batches := c.batches(id)
	for _, b := range batches {
		if detected, err := c.try(ctx, b, id); detected || err != nil {
			return detected, true, err
		}
	}
	return false, len(batches) > 0, nil
}

// failure is the name of a test that failed.
var failure = regexp.MustCompile(`(?m)^--- FAIL: (\w+)`)

// try reports whether one of some tests detects a mutant. A test that takes much longer than without the mutant counts
// as failed.
func (c *core) try(ctx context.Context, b batch, id int) (bool, error) {
	var names []string
	limit := c.limit
	for _, t := range b.tests {
		names = append(names, t.name)
		limit += 10 * t.took
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := b.suite.command(limited, "-test.failfast", "-test.run", "^("+strings.Join(names, "|")+")$")
	cmd.Env = append(cmd.Env, "MUTANT_ACTIVE="+strconv.Itoa(id))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case err != nil && !errors.As(err, &exit) && limited.Err() == nil:
		return false, fmt.Errorf("run the tests of %s with a mutant: %w", b.suite.dir, err)
	}
	c.record.Lock()
	defer c.record.Unlock()
	failed := failure.FindSubmatch(out)
	for _, t := range b.tests {
		if found := failed != nil && t.name == string(failed[1]); found || err == nil {
			t.record(found)
		}
	}
	return err != nil, nil
}
