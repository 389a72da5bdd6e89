// Command mutate runs mutation tests over the core packages with gremlins: it changes an operator, a condition or an
// assignment at a time and runs the tests of the package. A mutant that no test detects has to be listed in
// equivalent.yaml with the reason why it changes nothing that matters; any other is a failure (exit status 1).
//
//	go run ./tools/mutate [-gremlins PROGRAM] [-sample N] [-seed N] [PACKAGE...]
//
// ./build.sh mutate installs gremlins and calls this command.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
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
	gremlins := flag.String("gremlins", "gremlins", "the gremlins program")
	sample := flag.Int("sample", 0, "mutate `N` files chosen at random in each package; 0 is every file")
	seed := flag.Uint64("seed", 0, "seed of the sample; 0 is a random one, which is printed")
	flag.Parse()
	packages := flag.Args()
	if len(packages) == 0 {
		packages = cores
	}
	if err := run(*gremlins, packages, *sample, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

// errSurvivors is returned after the survivors were printed.
var errSurvivors = errors.New("mutants survived: detect each with a test, or list it in " + equivalentList)

func run(gremlins string, packages []string, sample int, seed uint64) error {
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
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	defer signal.Stop(interrupted)
	tree := filepath.Join(work, "tree")
	if err := copyTracked(tree); err != nil {
		return err
	}
	failed := false
	for i, p := range packages {
		select {
		case <-interrupted:
			return errors.New("interrupted")
		default:
		}
		dir := strings.Trim(strings.TrimPrefix(strings.TrimSuffix(p, "/..."), "./"), "/")
		skip, err := unsampled(dir, sample, random)
		if err != nil {
			return err
		}
		fmt.Printf("== %s (%d of %d)\n", dir, i+1, len(packages))
		result, err := mutatePackage(gremlins, tree, dir, skip)
		if err != nil {
			return err
		}
		ok, err := report(os.Stdout, result, dir, known)
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

// copyTracked copies the files that git tracks, or would, to a directory: gremlins copies the module once for each
// worker, and .tools/ and dist/ are large.
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

// unsampled returns the source files below dir that a sample of n files does not include, relative to dir. Generated
// files are never mutated.
func unsampled(dir string, n int, random *rand.Rand) ([]string, error) {
	var sources, skip []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path) // #nosec G304 G122 -- a file of this repository
		if err != nil {
			return err
		}
		if generated.Match(data) {
			skip = append(skip, rel)
		} else {
			sources = append(sources, rel)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list sources of %s: %w", dir, err)
	}
	if n > 0 && n < len(sources) {
		random.Shuffle(len(sources), func(i, j int) { sources[i], sources[j] = sources[j], sources[i] })
		skip = append(skip, sources[n:]...)
		slices.Sort(sources[:n])
		fmt.Printf("sampled in %s: %s\n", dir, strings.Join(sources[:n], " "))
	}
	return skip, nil
}
