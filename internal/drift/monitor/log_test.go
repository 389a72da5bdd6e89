package monitor

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// TestLogMessagesAreDocumented checks that docs/drift.md contains what to do about each message.
func TestLogMessagesAreDocumented(t *testing.T) {
	docs, err := os.ReadFile("../../../docs/drift.md")
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), "log.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	messages := 0
	ast.Inspect(file, func(n ast.Node) bool {
		literal, ok := n.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return true
		}
		messages++
		if row := "| `" + strings.Trim(literal.Value, `"`) + "` |"; !strings.Contains(string(docs), row) {
			t.Errorf("docs/drift.md has no row %q", row)
		}
		return true
	})
	if messages == 0 {
		t.Error("log.go has no messages")
	}
}
