package provisioner

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestLogsAreDocumented checks that docs/logs.md lists every log message, and that
// no message is written as a literal.
func TestLogsAreDocumented(t *testing.T) {
	document, err := os.ReadFile("../../docs/logs.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{".", "../cfn/customresource"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), dir+"/"+e.Name(), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.ValueSpec:
					checkDocumented(t, n, string(document))
				case *ast.CallExpr:
					checkMessage(t, n)
				}
				return true
			})
		}
	}
}

// checkDocumented requires that the value of a constant whose name begins with
// "log" is documented.
func checkDocumented(t *testing.T, spec *ast.ValueSpec, document string) {
	t.Helper()
	for i, name := range spec.Names {
		if !strings.HasPrefix(strings.ToLower(name.Name), "log") || i >= len(spec.Values) {
			continue
		}
		literal, ok := spec.Values[i].(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			continue
		}
		message, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(document, "`"+message+"`") {
			t.Errorf("docs/logs.md does not list %s, %q", name.Name, message)
		}
	}
}

// checkMessage requires that log calls have a constant as message.
func checkMessage(t *testing.T, call *ast.CallExpr) {
	t.Helper()
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || len(call.Args) == 0 {
		return
	}
	switch selector.Sel.Name {
	case "Info", "Warn", "Error":
		if literal, ok := call.Args[0].(*ast.BasicLit); ok {
			t.Errorf("log message %s is a literal: declare a constant in log.go", literal.Value)
		}
	}
}
