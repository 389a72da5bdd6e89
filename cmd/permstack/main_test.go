package main

import (
	"bytes"
	"crypto/sha1"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v3"

	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/iampolicy/policytest"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == lambdaCommand { // the embedded AWS runs this program as its functions
		main()
	}
	testscript.Main(tests{m}, map[string]func(){"permstack": main})
}

// tests are the tests of the package; testscript.Main runs them unless it runs a command of a script.
type tests struct{ *testing.M }

func (t tests) Run() int { return fakeawstest.Run(t.M) }

// TestScripts runs the command with the scripts in testdata.
func TestScripts(t *testing.T) {
	t.Parallel()
	golden, err := filepath.Abs(filepath.Join("testdata", "golden"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("GOLDEN", golden)
			// The AWS SDKs name the cached token of an SSO session by the SHA-1 of its name.
			env.Setenv("SSOCACHE", fmt.Sprintf("%x", sha1.Sum([]byte("company"))))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":  exits,
			"golden": compareGolden,
			"same":   same,
			"atmost": atMost,
		},
		Condition: func(name string) (bool, error) {
			if name != "slow" { // as of policytest.RequireSlow
				return false, fmt.Errorf("unknown condition %q", name)
			}
			return policytest.Slow(), nil
		},
		RequireUniqueNames: true,
	})
}

// exits N COMMAND… runs a command and checks its exit status.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND [ARGUMENT…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d\n%s", got, want, ts.ReadFile("stderr"))
	}
}

// golden NAME compares stdout with testdata/golden/NAME, as values.
func compareGolden(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: golden NAME")
	}
	path := filepath.Join(ts.Getenv("GOLDEN"), args[0])
	have := parse(ts, "stdout")
	if *update {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", " ")
		ts.Check(enc.Encode(have))
		ts.Check(os.WriteFile(path, b.Bytes(), 0o644))
		return
	}
	if diff := cmp.Diff(parse(ts, path), have); diff != "" {
		ts.Fatalf("%s differs (run the test with -update if that is right):\n%s", args[0], diff)
	}
}

// same A B compares two files as values.
func same(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: [!] same FILE FILE")
	}
	diff := cmp.Diff(parse(ts, args[0]), parse(ts, args[1]))
	if equal := diff == ""; equal == neg {
		ts.Fatalf("%s and %s: equal is %v\n%s", args[0], args[1], equal, diff)
	}
}

// atMost FILE N checks that a file has at most N bytes.
func atMost(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: [!] atmost FILE BYTES")
	}
	limit, err := strconv.Atoi(args[1])
	ts.Check(err)
	if n := len(ts.ReadFile(args[0])); (n <= limit) == neg {
		ts.Fatalf("%s has %d bytes", args[0], n)
	}
}

// parse parses JSON or YAML and converts CloudFormation's short forms to the long form.
func parse(ts *testscript.TestScript, file string) any {
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(ts.ReadFile(file)), &n); err != nil {
		ts.Fatalf("read %s: %v", file, err)
	}
	return value(&n)
}

func value(n *yaml.Node) any {
	var v any
	switch n.Kind {
	case yaml.DocumentNode:
		return value(n.Content[0])
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			m[n.Content[i].Value] = value(n.Content[i+1])
		}
		v = m
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			list = append(list, value(c))
		}
		v = list
	default:
		v = n.Value
	}
	switch n.Tag {
	case "!Ref":
		return map[string]any{"Ref": v}
	case "!Sub":
		return map[string]any{"Fn::Sub": v}
	case "!GetAtt":
		id, attribute, _ := bytes.Cut([]byte(fmt.Sprint(v)), []byte("."))
		return map[string]any{"Fn::GetAtt": []any{string(id), string(attribute)}}
	}
	return v
}
