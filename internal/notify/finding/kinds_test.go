package finding

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"
)

// TestKinds checks that Kinds returns every constant of the type, once.
func TestKinds(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "constants.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var want []Kind
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); ok && typ.Name == "Kind" {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, Kind(value))
		}
		return true
	})
	got := Kinds()
	slices.Sort(got)
	slices.Sort(want)
	for _, kind := range want {
		if !slices.Contains(got, kind) {
			t.Errorf("%s is missing: add it to kinds in kinds.go", kind)
		}
	}
	if len(want) == 0 || len(got) != len(want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
