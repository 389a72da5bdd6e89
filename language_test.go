package permstack_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// idioms are expressions that a stranger does not understand at first reading, with what to write instead. They are
// searched in comments, string literals and documents, without regard to case.
var idioms = map[string]string{
	`\bgives\b`:                 "returns, or what it does",
	`\btold\b`:                  "notified, reported, sent",
	`\btell(s|ing)?\b`:          "reports, determines, notifies",
	`\bsays? (whether|which)\b`: "reports whether",
	`\b(live )?eyes?\b`:         "source, live comparison, CloudFormation drift detection",
	`\bleft alone\b`:            "not modified",
	`\bput(s|ting)? (it |them |that )?(right|back)\b`: "reverted, restored",
	`\b(is|are|was|were) (no more|gone)\b`:            "does not exist, was deleted",
	`\b(ours|of yours|of theirs)\b`:                   "owned by this installation",
	`\bstrangers?\b`:                                  "third party, another principal",
	`\blest\b`:                                        "so that … not",
	`\bthe same of\b`:                                 "an ordinary noun phrase",
	`\b(stands?|standing|stood)\b`:                    "is, is written, represents, means",
	`\bknows? (nothing|of)\b`:                         "what the code does",
	`\bnews\b`:                                        "changes, diff",
	`\b(un)?judg(e|es|ed|ing)\b`:                      "tests, checks, evaluates; interop tools",
	`\blives (of|through)\b`:                          "scenario, lifecycle",
	`\bhaunt(s|ed|ing)?\b`:                            "repeats events",
	`\blook(s|ed|ing)? (at|for itself)\b`:             "reads, checks",
	`\bask(s|ed|ing)? (for|after)\b`:                  "requires, requests",
	`\bcomes? (and goes?|to rest)\b`:                  "is added and removed; becomes stable",
	`\banew\b`:                                        "again, new",
	`\bspoil(s|ed)?\b`:                                "changes, breaks",
	`\bsenseless\b`:                                   "invalid",
	`\bcannot be had\b`:                               "cannot be installed, downloaded, read",
	`\bholds? [^.;]{1,40} against\b`:                  "compares with, checks against",
	`\bbehind (its|his|her|your) back\b`:              "outside CloudFormation",
	`\bfarewell\b`:                                    "removal",
}

// allowed are uses of an idiom in its literal sense.
var allowed = []struct{ file, phrase, reason string }{
	{"language_test.go", "", "the list itself"},
}

// TestLanguage searches comments, texts and documents for private idioms.
func TestLanguage(t *testing.T) {
	patterns := map[*regexp.Regexp]string{}
	for idiom, instead := range idioms {
		patterns[regexp.MustCompile(`(?i)`+idiom)] = instead
	}
	check := func(path string, line int, text string) {
		for pattern, instead := range patterns {
			for _, found := range pattern.FindAllString(text, -1) {
				if !isAllowed(path, text) {
					t.Errorf("%s:%d: %q: write %s", path, line, found, instead)
				}
			}
		}
	}
	for _, path := range trackedFiles(t) {
		switch {
		case filepath.Ext(path) == ".go" && !isGenerated(t, path):
			eachText(t, path, check)
		case filepath.Ext(path) == ".md" && !strings.HasPrefix(path, "docs/permissions/"),
			filepath.Ext(path) == ".sh", filepath.Ext(path) == ".txtar", filepath.Ext(path) == ".txt" && !isGeneratedText(path),
			path == "template.yaml", path == "templates/org-hub.yaml":
			eachLine(t, path, func(number int, line string) { check(path, number, line) })
		}
	}
}

// isGeneratedText reports whether a text file is generated, or has the names of others.
func isGeneratedText(path string) bool {
	return strings.HasPrefix(path, "interop/lock/") || strings.HasPrefix(path, "internal/iampolicy/actions/")
}

// isAllowed reports whether the list of literal uses covers a text.
func isAllowed(path, text string) bool {
	for _, a := range allowed {
		if (a.file == "" || a.file == path) && strings.Contains(text, a.phrase) {
			return true
		}
	}
	return false
}

// eachText calls f with every line of the comments and string literals of a Go file.
func eachText(t *testing.T, path string, f func(path string, line int, text string)) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	each := func(pos token.Pos, text string) {
		start := set.Position(pos).Line
		for i, line := range strings.Split(text, "\n") {
			f(path, start+i, line)
		}
	}
	for _, group := range file.Comments {
		for _, c := range group.List {
			each(c.Pos(), c.Text)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil {
				each(lit.Pos(), text)
			}
		}
		return true
	})
}

// TestDeclarations checks the form of Go sources: names, package comments and the length of lines.
func TestDeclarations(t *testing.T) {
	const columns = 120
	documented := map[string]bool{}
	for _, path := range trackedFiles(t) {
		if filepath.Ext(path) != ".go" || isGenerated(t, path) {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if dir := filepath.Dir(path); !strings.HasSuffix(path, "_test.go") || !documented[dir] {
			documented[dir] = documented[dir] || file.Doc != nil
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && len(f.Name.Name) > 2 && strings.HasSuffix(f.Name.Name, "Of") {
				t.Errorf("%s: function %s: name what it returns", set.Position(f.Pos()), f.Name.Name)
			}
		}
		long := longLiterals(set, file)
		eachLine(t, path, func(number int, line string) {
			width := len([]rune(line))
			if strings.HasPrefix(filepath.Base(path), "example") && strings.HasPrefix(line, "\t// ") {
				return // the output of an example is compared line by line
			}
			if width > columns && !long[number] && !strings.Contains(line, "://") && !strings.Contains(line, "`json:") {
				t.Errorf("%s:%d: %d columns, want at most %d", path, number, width, columns)
			}
		})
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("package %s has no doc comment", dir)
		}
	}
}

// longLiterals returns the lines with a string literal that is long itself: dividing it would make it hard to find.
func longLiterals(set *token.FileSet, file *ast.File) map[int]bool {
	const columns = 60
	out := map[int]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			start := set.Position(lit.Pos()).Line
			for i, line := range strings.Split(lit.Value, "\n") {
				if len([]rune(line)) > columns {
					out[start+i] = true
				}
			}
		}
		return true
	})
	return out
}
