package fakeawstest

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"sync"
	"testing"

	"permstack/internal/drift/driftlambda"
	"permstack/internal/provisioner/provisionerlambda"
)

// functionArgument makes a test's own program run a function: PROGRAM
// functionArgument NAME.
const functionArgument = "fakeawstest-lambda-function"

// FunctionNames returns the names of the project's functions, which are also the
// names of their directories under functions/.
func FunctionNames() []string { return []string{"drift", "provisioner"} }

// Main is the body of TestMain in every package that launches template.yaml: the
// test's own program is then also the program of the Lambda functions, so that
// nothing has to be built. It exits.
//
//	func TestMain(m *testing.M) { fakeawstest.Main(m) }
func Main(m *testing.M, cleanup ...func() error) {
	if len(os.Args) == 3 && os.Args[1] == functionArgument {
		switch os.Args[2] {
		case "drift":
			driftlambda.Start()
		case "provisioner":
			provisionerlambda.Start()
		default:
			fmt.Fprintf(os.Stderr, "no function is named %q\n", os.Args[2])
			os.Exit(2)
		}
	}
	code := Run(m)
	for _, f := range append(cleanup, func() error { return os.RemoveAll(built.dir) }) {
		if err := f(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// Run runs the tests of a package that launches stacks. They mostly wait for the embedded AWS, as long as for AWS, so
// that eight run at a time unless -parallel is set. Without GOGC, the garbage is collected only when the program has
// 700 MiB, as in build.sh: that was a fifth of the processor time, and more with Go's default.
func Run(m *testing.M) int {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(-1)
		debug.SetMemoryLimit(700 << 20)
	}
	flag.Parse()
	set := false
	flag.Visit(func(f *flag.Flag) { set = set || f.Name == "test.parallel" })
	if !set {
		if err := flag.Set("test.parallel", "8"); err != nil {
			panic(err) // the testing package has no such flag any more
		}
	}
	return m.Run()
}

// ownProgram returns the command that runs a function in the test's own program,
// without the name of the function.
func ownProgram(t testing.TB) []string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return []string{program, functionArgument}
}

var built struct {
	once sync.Once
	dir  string
	err  error
}

// BuildFunctions builds the functions with the flags of build.sh, once a test
// program, and returns the directory that holds <name>/bootstrap for each of
// them. Main removes it. It is for tests of the programs as they are deployed.
func BuildFunctions(t testing.TB) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "permstack-functions-"); built.err != nil {
			return
		}
		for _, name := range FunctionNames() {
			cmd := exec.Command("go", "build", "-o", filepath.Join(built.dir, name, "bootstrap"),
				"permstack/functions/"+name)
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
			if out, err := cmd.CombinedOutput(); err != nil {
				built.err = fmt.Errorf("build function %s: %w\n%s", name, err, out)
				return
			}
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.dir
}

// BuiltProgram returns the command that runs a built function, without the name
// of the function; for Options.Program.
func BuiltProgram(t testing.TB) []string {
	t.Helper()
	return []string{"/bin/sh", "-c", `exec "` + BuildFunctions(t) + `/$0/bootstrap"`}
}
