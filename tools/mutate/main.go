// Command mutate runs mutation tests over the core packages: it changes an operator, a condition or an assignment at a
// time and runs the tests that reach it, of the package and of those below the same core package. A mutant that no test
// detects has to be listed in equivalent.yaml with the reason why it changes nothing that matters; any other is a
// failure (exit status 1), also if no test reaches it.
//
//	go run ./tools/mutate [-sample N] [-seed N] [PACKAGE|FILE...]
//
// A package is compiled once with all of its mutants (rewrite.go), so that a mutant costs no more than its tests.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// cores are the packages that decide what is granted, created, reported or removed; with their subpackages.
var cores = []string{
	"internal/iampolicy/compare",
	"internal/policies",
	"internal/provisioner",
	"internal/drift/detect",
	"internal/drift/monitor",
	"internal/notify",
}

const equivalentList = "tools/mutate/equivalent.yaml"

func main() {
	sample := flag.Int("sample", 0, "mutate `N` files chosen at random in each package; 0 is every file")
	seed := flag.Uint64("seed", 0, "seed of the sample; 0 is a random one, which is printed")
	flag.Parse()
	packages := flag.Args()
	if len(packages) == 0 {
		packages = cores
	}
	if err := run(packages, *sample, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

// errSurvivors is returned after the survivors were printed.
var errSurvivors = errors.New("mutants survived: detect each with a test, or list it in " + equivalentList)

func run(packages []string, sample int, seed uint64) error {
	known, err := readEquivalent(equivalentList)
	if err != nil {
		return err
	}
	if seed == 0 {
		seed = rand.Uint64()
	}
	if sample > 0 {
		fmt.Printf("sample of %d files for each package: -seed %d\n", sample, seed)
	}
	random := rand.New(rand.NewPCG(seed, 0)) // #nosec G404 -- a sample is no secret
	work, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return fmt.Errorf("create work directory: %w", err)
	}
	defer os.RemoveAll(work)
	// Without the deferred removal after an interrupt, copies of the repository would be left.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	failed := false
	for i, p := range packages {
		dir := strings.Trim(strings.TrimPrefix(strings.TrimSuffix(p, "/..."), "./"), "/")
		fmt.Printf("== %s (%d of %d)\n", dir, i+1, len(packages))
		ok, err := mutate(ctx, filepath.Join(work, strconv.Itoa(i)), dir, sample, random, known)
		if err != nil {
			return err
		}
		failed = failed || !ok
	}
	if failed {
		return errSurvivors
	}
	return nil
}

// mutate runs the mutants of one package and its subpackages, or of one file, in a new copy of the repository.
func mutate(
	ctx context.Context, work, target string, sample int, random *rand.Rand, known map[site]string,
) (ok bool, err error) {
	tree := filepath.Join(work, "tree")
	if err := copyTracked(tree); err != nil {
		return false, err
	}
	dir, sampled := target, []string{target}
	if filepath.Ext(target) == ".go" {
		dir = corePackage(target)
	} else {
		if sampled, err = sampleFiles(dir, sample, random); err != nil {
			return false, err
		}
	}
	c, err := prepare(ctx, tree, dir, sampled)
	if err != nil {
		return false, err
	}
	sources := map[string]string{}
	results := make([]result, len(c.mutants))
	for i, m := range c.mutants {
		if _, ok := sources[m.file]; !ok {
			data, err := os.ReadFile(m.file)
			if err != nil {
				return false, fmt.Errorf("read mutated file: %w", err)
			}
			sources[m.file] = string(data)
		}
		results[i] = where(m, sources[m.file])
	}
	if err := runMutants(ctx, c, results, known); err != nil {
		return false, err
	}
	return report(os.Stdout, target, results, known), nil
}

// runMutants runs the tests with each mutant, as many at a time as there are processors.
func runMutants(ctx context.Context, c *core, results []result, known map[site]string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next, done atomic.Int64
	var workers sync.WaitGroup
	for range runtime.NumCPU() {
		workers.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(results); i = next.Add(1) - 1 {
				r := &results[i]
				var err error
				if r.detected, r.reached, err = c.detected(ctx, int(i)+1); err != nil {
					cancel(err) // ends the other workers, too; of their errors this one is the first
					return
				}
				if _, listed := known[r.site]; !r.detected && !listed {
					fmt.Printf("   %s:%d: %s in column %d survived\n", r.File, r.line, r.Mutation, r.Column)
				}
				if n := done.Add(1); n%100 == 0 {
					fmt.Printf("   %d of %d mutants\n", n, len(results))
				}
			}
		})
	}
	workers.Wait()
	return context.Cause(ctx)
}

// corePackage returns the core package that a file belongs to, whose tests may reach it; for other files their own
// package.
func corePackage(file string) string {
	for _, core := range cores {
		if strings.HasPrefix(file, core+"/") {
			return core
		}
	}
	return path.Dir(file)
}

// copyTracked copies the files that git tracks, or would, to a directory: the mutants are written
// into the copy, and .tools/ and dist/ are large.
func copyTracked(target string) error {
	list, err := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return fmt.Errorf("list files with git: %w", err)
	}
	for _, name := range strings.Split(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		data, err := os.ReadFile(name) // #nosec G304 -- a file of this repository
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted but not yet committed
		}
		if err != nil {
			return fmt.Errorf("read file: %w", err)
		}
		path := filepath.Join(target, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return fmt.Errorf("create directory: %w", err)
		}
		if err := os.WriteFile(path, data, 0o700); err != nil { // #nosec G306 -- scripts stay executable
			return fmt.Errorf("write file: %w", err)
		}
	}
	return nil
}

// sampleFiles returns the source files below dir that a sample of n files includes; 0 is every file. Generated files
// are never mutated.
func sampleFiles(dir string, n int, random *rand.Rand) ([]string, error) {
	var sources []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		data, err := os.ReadFile(path) // #nosec G304 G122 -- a file of this repository
		if err != nil {
			return err
		}
		if !generated.Match(data) {
			sources = append(sources, filepath.ToSlash(path))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list sources of %s: %w", dir, err)
	}
	if n > 0 && n < len(sources) {
		random.Shuffle(len(sources), func(i, j int) { sources[i], sources[j] = sources[j], sources[i] })
		sources = sources[:n]
		slices.Sort(sources)
		fmt.Printf("sampled in %s: %s\n", dir, strings.Join(sources, " "))
	}
	return sources, nil
}
