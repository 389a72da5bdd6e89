package permstack_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"permstack/internal/policies"
)

// vendorNamesAllowed are the files with string literals that name a profile, a vendor or an entity of one, and why.
// Tests are not in the list: many are about the fixture of one vendor.
var vendorNamesAllowed = map[string]string{
	"cmd/permstack/diff.go":                           "examples of the help",
	"cmd/permstack/launch_url.go":                     "examples of the help",
	"cmd/permstack/synth.go":                          "examples of the help",
	"cmd/permstack/topics.go":                         "examples of the help",
	"cmd/permstack/try.go":                            "examples of the help",
	"cmd/permstack/why.go":                            "examples of the help",
	"internal/e2e/faultinjection/scenario_profile.go": "the profile of the scenarios",
	"tools/bench/synthesis.go":                        "the measured choice",
	"tools/pictures/main.go":                          "pictures of the README",
	"internal/policies/profiles":                      "the profiles",
}

// fixtureTests is where tests compare with the name of a profile: they evaluate requests of the two vendors' fixtures,
// with the resources that each of them names.
const fixtureTests = "internal/policies/"

// TestNoVendorInCode requires that Go does not decide by the name of a profile or a vendor: what differs between
// vendors is data of their profiles.
func TestNoVendorInCode(t *testing.T) {
	var names []string
	for _, name := range policies.ProfileNames() {
		p, _ := policies.Profile(name)
		names = append(names, policies.NamePrefix(p)+"[A-Z]")
		if !strings.HasPrefix(p.Vendor, "AWS ") { // code may describe a service of AWS
			names = append(names, regexp.QuoteMeta(name), regexp.QuoteMeta(p.Vendor))
		}
	}
	vendor := regexp.MustCompile(`(?i)\b(` + strings.Join(names, "|") + ")")
	used := map[string]bool{}
	files := token.NewFileSet()
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(name) != ".go" {
			return err
		}
		file, err := parser.ParseFile(files, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		ast.Inspect(file, func(n ast.Node) bool {
			for _, literal := range comparedLiterals(n) {
				if strings.HasSuffix(name, "_test.go") && strings.HasPrefix(name, fixtureTests) {
					break
				}
				if value, _ := strconv.Unquote(literal.Value); isProfile(value) {
					t.Errorf("%s compares with the profile %s: decide by the profile's data", files.Position(literal.Pos()), value)
				}
			}
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING || strings.HasSuffix(name, "_test.go") || !vendor.MatchString(literal.Value) {
				return true
			}
			allowed := allowedPlace(name)
			if used[allowed] = true; allowed == "" {
				t.Errorf("%s: %s names a vendor", files.Position(literal.Pos()), literal.Value)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for place := range vendorNamesAllowed {
		if !used[place] {
			t.Errorf("%s names no vendor: remove it from the list", place)
		}
	}
}

func isProfile(name string) bool {
	_, ok := policies.Profile(name)
	return ok
}

// allowedPlace returns the entry of vendorNamesAllowed that a file is in, or "".
func allowedPlace(name string) string {
	for place := range vendorNamesAllowed {
		if name == place || strings.HasPrefix(name, place+"/") {
			return place
		}
	}
	return ""
}

// comparedLiterals returns the literals that a comparison or a case of a switch has as operands.
func comparedLiterals(n ast.Node) []*ast.BasicLit {
	var operands []ast.Expr
	switch n := n.(type) {
	case *ast.BinaryExpr:
		if n.Op == token.EQL { // tests compare results by !=
			operands = []ast.Expr{n.X, n.Y}
		}
	case *ast.CaseClause:
		operands = n.List
	}
	var out []*ast.BasicLit
	for _, e := range operands {
		if literal, ok := e.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			out = append(out, literal)
		}
	}
	return out
}
