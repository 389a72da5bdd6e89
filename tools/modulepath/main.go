// Command modulepath changes the path of this module to one under which it can be published: go install finds a command
// by the path of its module, and "permstack" is not the address of a repository.
//
//	go run ./tools/modulepath github.com/OWNER/permstack
//
// It rewrites go.mod, imports, and the import paths in strings, such as those of -ldflags. Keys of objects in S3, which
// begin with "permstack/" too, are not import paths and stay.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: go run ./tools/modulepath MODULE-PATH, such as github.com/OWNER/permstack")
	}
	n, err := Rewrite(".", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d files changed. Check them with: go vet ./...\n", n)
}

// skipped are the directories that are not part of the module, or not in git.
var skipped = []string{".git", ".tools", ".aws-sam", "dist", "node_modules", "testdata"}

// Rewrite changes the path of the module in a directory, and returns the number of changed files.
func Rewrite(root, to string) (int, error) {
	if err := module.CheckPath(to); err != nil {
		return 0, fmt.Errorf("%w; want a path such as github.com/OWNER/permstack", err)
	}
	name := filepath.Join(root, "go.mod")
	data, err := os.ReadFile(name)
	if err != nil {
		return 0, fmt.Errorf("read go.mod: %w; run this at the top of the checkout", err)
	}
	file, err := modfile.Parse("go.mod", data, nil)
	if err != nil {
		return 0, fmt.Errorf("parse go.mod: %w", err)
	}
	if file.Module == nil {
		return 0, errors.New("go.mod has no module path")
	}
	from := file.Module.Mod.Path
	if err := file.AddModuleStmt(to); err != nil {
		return 0, fmt.Errorf("change go.mod: %w", err)
	}
	if data, err = file.Format(); err != nil {
		return 0, fmt.Errorf("write go.mod: %w", err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		return 0, fmt.Errorf("write go.mod: %w", err)
	}
	changed := 1
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && slices.Contains(skipped, entry.Name()) {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		did, err := rewriteFile(path, from, to)
		if did {
			changed++
		}
		return err
	})
	return changed, err
}

// rewriteFile replaces the import paths of a module in a Go file, and reports whether there were any.
func rewriteFile(path, from, to string) (bool, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return false, fmt.Errorf("read source: %w", err)
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return false, fmt.Errorf("parse source: %w", err)
	}
	imports := map[*ast.BasicLit]bool{}
	for _, spec := range file.Imports {
		imports[spec.Path] = true
	}
	// In a string, an import path is that of a package in a directory of this module.
	inString := regexp.MustCompile(`(^|[ ="])` + regexp.QuoteMeta(from) + `/(cmd|functions|internal|interop|tools)\b`)
	var out bytes.Buffer
	end := 0
	ast.Inspect(file, func(n ast.Node) bool {
		literal, ok := n.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return true
		}
		text, err := strconv.Unquote(literal.Value)
		if err != nil {
			return true
		}
		replaced := inString.ReplaceAllString(text, "${1}"+to+"/${2}")
		if imports[literal] && (text == from || strings.HasPrefix(text, from+"/")) {
			replaced = to + strings.TrimPrefix(text, from)
		}
		if replaced == text {
			return true
		}
		at := set.Position(literal.Pos()).Offset
		out.Write(source[end:at])
		if literal.Value[0] == '`' {
			out.WriteString("`" + replaced + "`")
		} else {
			out.WriteString(strconv.Quote(replaced))
		}
		end = at + len(literal.Value)
		return true
	})
	if end == 0 {
		return false, nil
	}
	out.Write(source[end:])
	formatted, err := format.Source(out.Bytes())
	if err != nil {
		return false, fmt.Errorf("format %s: %w", path, err)
	}
	if err := os.WriteFile(path, formatted, 0o644); err != nil {
		return false, fmt.Errorf("write source: %w", err)
	}
	return true, nil
}
