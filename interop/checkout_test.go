package interop

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"permstack/internal/iampolicy/policytest"
)

// checkout copies the files that git tracks or would add to a new folder, without build output and ignored files.
func checkout(t *testing.T) string {
	t.Helper()
	list := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	names, err := list.Output()
	if err != nil {
		t.Skipf("skipped: git cannot list the files: %v", err)
	}
	dir := t.TempDir()
	for _, name := range strings.Split(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		source, target := filepath.Join(root, name), filepath.Join(dir, name)
		info, err := os.Stat(source)
		if os.IsNotExist(err) {
			continue // deleted but not committed
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target, data, info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// runIn runs a program in a folder and returns its output; it fails the test if the program fails.
func runIn(t *testing.T, dir string, env []string, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir, cmd.Env = dir, env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s%s",
			filepath.Base(program), strings.Join(args, " "), err, tail(stdout.String()), tail(stderr.String()))
	}
	return stdout.String() + stderr.String()
}

// building is held while build.sh compiles: the next one finds the packages in the build cache, and two at the same
// time would compile all of them twice.
var building sync.Mutex

// sharedZips are the zips that one build of build.sh makes for every release of a run.
var sharedZips struct {
	sync.Once
	files map[string][]byte
}

// releaseProgram returns the program that packs and publishes a release from a checkout, for runRelease: build.sh in a
// full run. Otherwise it is the last step of build.sh alone, with zips that were built once.
func releaseProgram(t *testing.T, dir string, env []string) []string {
	t.Helper()
	if policytest.Full() {
		return []string{"./build.sh"}
	}
	sharedZips.Do(func() { sharedZips.files = buildZips(t, checkout(t), env) })
	return packWith(t, dir, sharedZips.files)
}

// packWith writes zips into a checkout, and returns the last step of build.sh.
func packWith(t *testing.T, dir string, zips map[string][]byte) []string {
	t.Helper()
	if len(zips) == 0 {
		t.Fatal("there are no zips")
	}
	if err := os.MkdirAll(filepath.Join(dir, "dist"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range zips {
		if err := os.WriteFile(filepath.Join(dir, "dist", name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"go", "run", "./tools/release"}
}

// buildZips builds the zips of a checkout with build.sh, but only for the processor of this machine, and uses them for
// the other one, too: compiling every package for a second processor would take longer than everything else that the
// tests check.
func buildZips(t *testing.T, dir string, env []string) map[string][]byte {
	t.Helper()
	building.Lock()
	defer building.Unlock()
	runIn(t, dir, env, "bash", "build.sh", "build", runtime.GOARCH)
	zips, err := filepath.Glob(filepath.Join(dir, "dist", "*-"+runtime.GOARCH+".zip"))
	if err != nil || len(zips) == 0 {
		t.Fatalf("zips: %v, %v", zips, err)
	}
	sums, err := os.ReadFile(filepath.Join(dir, "dist", "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{"SHA256SUMS": sums}
	for _, zip := range zips {
		data, err := os.ReadFile(zip)
		if err != nil {
			t.Fatal(err)
		}
		for _, architecture := range []string{"arm64", "amd64"} {
			out[strings.TrimSuffix(filepath.Base(zip), runtime.GOARCH+".zip")+architecture+".zip"] = data
		}
	}
	return out
}

// runRelease runs a command of releaseProgram.
func runRelease(t *testing.T, dir string, env, program []string, args ...string) {
	t.Helper()
	building.Lock()
	defer building.Unlock()
	runIn(t, dir, env, program[0], append(program[1:], args...)...)
}

// tail returns the end of a long output.
func tail(s string) string {
	const most = 4000
	if len(s) > most {
		return "…" + s[len(s)-most:]
	}
	return s
}

// requirePrograms skips a test unless every program is installed.
func requirePrograms(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("skipped: %s is not installed", p)
		}
	}
}

// goEnvironment returns env with the caches, the flags and the toolchain of the Go command, so that builds find in the
// build cache what the tests have compiled. Another toolchain, or cgo, would compile almost every package again.
func goEnvironment(env []string) []string {
	names := []string{"GOCACHE", "GOMODCACHE", "GOPROXY", "GOFLAGS", "GOTOOLCHAIN", "CGO_ENABLED"}
	out, err := exec.Command("go", append([]string{"env"}, names...)...).Output()
	if err != nil {
		return env
	}
	values := strings.Split(string(out), "\n")
	for i, name := range names {
		env = append(env, name+"="+values[i])
	}
	return env
}
