package permstack_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"permstack/internal/awsapi/livestate"
)

// TestLiveStateIsReadInOnePlace checks that only internal/awsapi/livestate calls the APIs that it reads resources with.
// The embedded AWS implements these APIs, and tests may call them to prepare an account. The audit lists all roles and
// topics of an account page by page, because an account may have thousands.
func TestLiveStateIsReadInOnePlace(t *testing.T) {
	reads := map[string]bool{}
	for _, api := range []reflect.Type{
		reflect.TypeFor[livestate.IAM](), reflect.TypeFor[livestate.SNS](), reflect.TypeFor[livestate.Events](),
	} {
		for i := range api.NumMethod() {
			reads[api.Method(i).Name] = true
			// The SDK's paginators make the same calls.
			reads["New"+api.Method(i).Name+"Paginator"] = true
		}
	}
	checked := 0
	for _, path := range trackedFiles(t) {
		if filepath.Ext(path) != ".go" || strings.HasPrefix(path, "internal/awsapi/livestate/") ||
			strings.HasPrefix(path, "internal/fakeaws/") || strings.HasPrefix(path, "internal/drift/audit/") ||
			strings.HasSuffix(path, "_test.go") {
			continue
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		checked++
		ast.Inspect(file, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			// Lambda has a GetPolicy, too. Only the drift check reads functions.
			if of, ok := s.X.(*ast.SelectorExpr); ok && of.Sel.Name == "Lambda" {
				return true
			}
			if reads[s.Sel.Name] {
				t.Errorf("%s calls %s; read it through internal/awsapi/livestate", files.Position(s.Pos()), s.Sel.Name)
			}
			return true
		})
	}
	if len(reads) < 20 || checked < 100 {
		t.Errorf("checked %d files for %d calls, want all", checked, len(reads))
	}
}
