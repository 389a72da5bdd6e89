package explain

import (
	"fmt"
	"slices"
	"strings"

	"permstack/internal/terminal"
)

// WriteFindings writes findings by class, each with its statements, its limits and what would close it.
func WriteFindings(s terminal.Screen, findings []Finding) {
	for _, class := range Classes {
		n := map[Level]int{}
		first := true
		for _, f := range findings {
			if f.Class != class {
				continue
			}
			if first {
				s.Text(terminal.Bold, strings.ToUpper(string(class[:1]))+string(class[1:]))
				s.Line()
				first = false
			}
			n[f.Level]++
			f.write(s)
		}
	}
	s.Text(terminal.Bold, Summary(findings))
	s.Text(terminal.Dim, "A finding is what the role could do if it were misused, not something that it does. "+
		"'permstack help risk' explains the levels.")
}

// Summary returns the numbers of findings: "12 findings: 3 privilege escalation (2 high), …".
func Summary(findings []Finding) string {
	var parts []string
	for _, class := range Classes {
		all, high := 0, 0
		for _, f := range findings {
			if f.Class == class {
				all++
				if f.Level == High {
					high++
				}
			}
		}
		if all > 0 {
			parts = append(parts, fmt.Sprintf("%d %s (%d high)", all, class, high))
		}
	}
	text := terminal.Count(len(findings), "finding", "findings")
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	return text + "."
}

func (f Finding) write(s terminal.Screen) {
	field := func(name string, style terminal.Style, text string) {
		s.Field(0, LabelWidth, name, style, text)
	}
	field(string(f.Level), styles[f.Level], f.Title)
	for i, step := range f.Steps {
		name := "by"
		if i > 0 {
			name = "and then"
		}
		var where []string
		for _, st := range step.Statements {
			if !slices.Contains(where, st.Sid) { // two policies may have a statement of the same name
				where = append(where, st.Sid)
			}
		}
		field(name, terminal.Plain, strings.Join(step.Actions, ", ")+" ("+strings.Join(where, ", ")+" of "+f.Role+")")
	}
	for _, b := range f.Bounds {
		field("limit", terminal.Cyan, b)
	}
	for _, b := range f.NoBounds {
		field("no limit", terminal.Yellow, b)
	}
	for _, r := range f.Remains {
		field("remains", terminal.Dim, r.Text)
	}
	for _, c := range f.Closes {
		field("closed by", terminal.Green, c)
	}
	s.Line()
}
