package vendorfile

import (
	"fmt"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
)

// readTerraform reads a module; the text is cut into files at lines "-- name".
func readTerraform(t *testing.T, text string) Result {
	t.Helper()
	var files []File
	name := "mod/main.tf"
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "-- "); ok {
			name = strings.TrimSpace(rest)
			continue
		}
		if len(files) == 0 || files[len(files)-1].Name != name {
			files = append(files, File{Name: name})
		}
		files[len(files)-1].Data = append(files[len(files)-1].Data, line...)
	}
	got, err := newReader("mod").files(files, true)
	if err != nil && len(got.Problems) == 0 {
		t.Fatal(err)
	}
	return got
}

// listStatements returns the roles and policies with their statements, one a line.
func listStatements(r Result) string {
	if r.Set == nil {
		return ""
	}
	var out []string
	add := func(name string, docs []iampolicy.Document) {
		for _, d := range docs {
			for _, st := range d.Statement {
				line := fmt.Sprint(name, ": ", st.Effect, " ", strings.Join(st.Action, ","))
				if len(st.NotAction) > 0 {
					line += "not " + strings.Join(st.NotAction, ",")
				}
				if len(st.Resource) > 0 {
					line += " on " + strings.Join(st.Resource, ",")
				}
				if st.Principal != nil {
					line += fmt.Sprint(" by ", st.Principal.Everyone, st.Principal.ByType)
				}
				if st.Condition != nil {
					line += fmt.Sprint(" if ", st.Condition)
				}
				out = append(out, line)
			}
		}
	}
	for _, name := range r.Set.Names() {
		if role, ok := r.Set.Roles[name]; ok {
			add(name+" trust", role.Trust)
			add(name, role.Policies)
			for _, arn := range role.ExternalPolicies {
				out = append(out, name+": attached "+arn)
			}
			if role.Boundary != "" {
				out = append(out, name+": boundary "+role.Boundary)
			}
		} else {
			add(name, []iampolicy.Document{r.Set.Loose[name]})
		}
	}
	return strings.Join(out, "\n")
}
