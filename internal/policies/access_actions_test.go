package policies_test

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"permstack/internal/policies"
	"permstack/internal/policies/profilefile"
	"permstack/internal/policies/schema"
)

// TestAccessNamesEveryAction requires a line of testdata/access.txt for each role, choice and action of the profiles
// that template.yaml can select, in the newest version of the catalogue. TestAccess evaluates the lines, and
// TestMutationOfStatements takes a sample: neither of them notices an action that no line names.
func TestAccessNamesEveryAction(t *testing.T) {
	lines := readAccesses(t)
	for _, name := range policies.TemplateProfileNames() {
		t.Run(name, func(t *testing.T) {
			loaded, err := profilefile.LoadPath(filepath.Join("profiles", name))
			if err != nil {
				t.Fatal(err)
			}
			for _, problem := range unnamedActions(loaded, lines) {
				t.Error(problem)
			}
			for i, a := range lines {
				if a.profile != name {
					continue
				}
				without := slices.DeleteFunc(slices.Clone(lines), func(b access) bool {
					return b.role == a.role && b.profile == name && slices.Contains(b.Actions, a.Actions[0])
				})
				if len(unnamedActions(loaded, without)) == 0 {
					t.Errorf("access.txt:%d: %s is not missed without its lines", lines[i].Number, a.Actions[0])
				}
			}
		})
	}
}

// unnamedActions returns a problem for each role, choice and action of a profile without a line.
func unnamedActions(loaded profilefile.Loaded, lines []access) []string {
	var out []string
	for _, r := range policies.AtRelease(loaded.Profile, "").Roles {
		for _, p := range r.Policies {
			for _, s := range p.Statements {
				for _, action := range s.Actions {
					if s.Until[action] != "" {
						continue // the vendor's newest release, which access.txt is about, does not have it
					}
					var missing []schema.Use
					for _, u := range usesFor(p, s) {
						if !slices.ContainsFunc(lines, func(a access) bool {
							return a.profile == loaded.Profile.Name && a.role == r.Entity && a.Deny == s.Deny &&
								slices.ContainsFunc(a.Actions, func(x string) bool { return strings.EqualFold(x, action) }) &&
								slices.ContainsFunc(a.uses, func(have schema.Use) bool { return haveCommonChoice(u, have) })
						}) {
							missing = append(missing, u)
						}
					}
					if len(missing) > 0 {
						key := profilefile.StatementKey(r.Entity, p.Entity, s.Sid, s.In.From)
						place := cmp.Or(loaded.Places[profilefile.PartKey(key, "action", action)], loaded.Places[key])
						out = append(out, fmt.Sprintf("%s: %s: testdata/access.txt has no line for the action %s of %s/%s; add "+
							"below [%s %s], in the notation of the head of that file:\n%s | %s | RESOURCES | CONDITIONS",
							place, r.Entity, action, p.Entity, s.Sid, loaded.Profile.Name, r.Entity, chosenFor(s.Deny, missing), action))
					}
				}
			}
		}
	}
	return out
}

// usesFor returns the choices that include a statement; the zero Use is every choice.
func usesFor(p schema.Policy, s schema.Statement) []schema.Use {
	switch {
	case len(s.For) > 0:
		return s.For
	case len(p.For) > 0:
		return p.For
	}
	return []schema.Use{{}}
}

// haveCommonChoice reports whether some choice includes both.
func haveCommonChoice(a, b schema.Use) bool {
	return (a.Asset == b.Asset || a.Asset == "" || b.Asset == "") &&
		(a.Operation == b.Operation || a.Operation == "" || b.Operation == "") &&
		(a.Option == b.Option || a.Option == "" || b.Option == "")
}

// chosenFor returns the first field of a line of access.txt.
func chosenFor(deny bool, uses []schema.Use) string {
	var words []string
	if deny {
		words = append(words, "Deny")
	}
	for _, u := range uses {
		word := string(u.Asset)
		if u.Asset == "" && (u.Operation != "" || u.Option == "") {
			word = "*"
		}
		if u.Operation != "" {
			word += "/" + string(u.Operation)
		}
		if u.Option != "" {
			word += "+" + string(u.Option)
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}
