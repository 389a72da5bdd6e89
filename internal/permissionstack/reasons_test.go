package permissionstack_test

import (
	"strings"
	"testing"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/cfn/yamlfmt"
	"permstack/internal/permissionstack"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
)

// TestReasons requires that a template in YAML states the reason of every statement above it, and is otherwise the
// template in JSON.
func TestReasons(t *testing.T) {
	for _, name := range policies.ProfileNames() {
		t.Run(name, func(t *testing.T) {
			sel, err := choice.Parse(name)
			if err != nil {
				t.Fatal(err)
			}
			set, err := policies.Synthesize(sel, choice.Example(sel, policies.Environment{}))
			if err != nil {
				t.Fatal(err)
			}
			template, err := permissionstack.Combined(set)
			if err != nil {
				t.Fatal(err)
			}
			plain, err := yamlfmt.FromJSON(template.JSON())
			if err != nil {
				t.Fatal(err)
			}
			got, err := yamlfmt.FromJSONWithReasons(template.JSON(), permissionstack.Reasons(set))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := cfntemplate.Parse(got); err != nil {
				t.Fatal(err)
			}
			var comment, rest []string
			reasons := map[string]string{} // by Sid, of the last statement with it
			for line := range strings.Lines(string(got)) {
				text := strings.TrimSpace(line)
				if words, ok := strings.CutPrefix(text, "# "); ok {
					comment = append(comment, words)
					continue
				}
				if sid, ok := strings.CutPrefix(text, "- Sid: "); ok {
					reasons[sid] += "|" + strings.Join(comment, " ")
				}
				comment = nil
				rest = append(rest, line)
			}
			if strings.Join(rest, "") != string(plain) {
				t.Error("without its comments the template differs from the one without reasons")
			}
			for _, role := range set.Roles {
				for _, p := range append(role.Managed, role.Inline...) {
					for _, g := range p.Grants {
						if !strings.Contains(reasons[g.Sid], strings.Join(strings.Fields(g.Why), " ")) {
							t.Errorf("%s, statement %s: got comments %q, want %q", p.Entity, g.Sid, reasons[g.Sid], g.Why)
						}
					}
				}
			}
		})
	}
}
