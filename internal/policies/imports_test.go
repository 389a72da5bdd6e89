package policies_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestImports checks that of this module, the packages below internal/policies import only one
// another, internal/iampolicy, and the table of Regions, which has no dependencies. What reviews,
// deploys or monitors a permission set builds on them.
func TestImports(t *testing.T) {
	files := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" {
			return err
		}
		files++
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			own, internal := strings.CutPrefix(imported, "permstack/internal/")
			allowed := own == "policies" || strings.HasPrefix(own, "policies/") ||
				own == "awsapi/region" || own == "iampolicy" || strings.HasPrefix(own, "iampolicy/")
			if internal && !allowed {
				t.Errorf("%s imports %s", path, imported)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 20 {
		t.Errorf("read %d Go files, want all of the tree", files)
	}
}
