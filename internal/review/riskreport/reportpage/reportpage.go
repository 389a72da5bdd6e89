// Package reportpage writes the risks of a choice as one HTML file without scripts, which loads nothing. It is pure.
//
// It does not use html/template: the review page writes the same file, and that package would make the page's
// WebAssembly a quarter larger.
package reportpage

import (
	_ "embed"
	"html"
	"slices"
	"strconv"
	"strings"

	"permstack/internal/review/explain"
)

//go:embed report.css
var style string

// Page is the content of a report.
type Page struct {
	Title          string // the choice in the syntax of choice.Parse, or the name of a file of policies
	Profile        string
	CatalogVersion string
	Findings       []explain.Finding
	Statements     []explain.Grant // the riskiest first
}

// HTML returns the page. Every value is escaped as text.
func (p Page) HTML() string {
	var w writer
	w.raw(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
`)
	w.element("title", "permstack: risks of "+p.Title)
	w.raw("\n<style>\n" + style + "</style>\n</head>\n<body>\n")
	w.element("h1", "Risks of "+p.Title)
	w.raw("\n")
	w.element("p", explain.Summary(p.Findings)+" A finding is what a role could do if it were misused, not something that "+
		"it does. Profile "+p.Profile+", catalogue release "+p.CatalogVersion+".")
	w.raw("\n")
	p.counts(&w)
	for _, class := range explain.Classes {
		first := true
		for _, f := range p.Findings {
			if f.Class != class {
				continue
			}
			if first {
				w.element("h2", heading(class))
				w.raw("\n")
				first = false
			}
			w.finding(f)
		}
	}
	p.statements(&w)
	w.raw("</body>\n</html>\n")
	return w.String()
}

// counts writes the table of the number of findings by class and level.
func (p Page) counts(w *writer) {
	w.raw(`<div class="wide"><table>` + "\n<thead><tr>" + `<th scope="col">Class</th>`)
	for _, level := range explain.Levels {
		w.element("th", string(level), `scope="col" class="n"`)
	}
	w.raw("</tr></thead>\n<tbody>")
	for _, class := range explain.Classes {
		counts := make([]int, len(explain.Levels))
		for _, f := range p.Findings {
			if f.Class == class {
				counts[slices.Index(explain.Levels, f.Level)]++
			}
		}
		w.raw("<tr>")
		w.element("th", heading(class), `scope="row"`)
		for _, n := range counts {
			w.element("td", strconv.Itoa(n), `class="n"`)
		}
		w.raw("</tr>\n")
	}
	w.raw("</tbody></table></div>\n")
}

// statements writes the table of the statements.
func (p Page) statements(w *writer) {
	w.element("h2", "Statements")
	w.raw("\n" + `<div class="wide"><table>` + "\n<thead><tr>")
	for _, column := range []string{"Risk", "Statement", "Actions", "On", "Only if", "Why"} {
		w.element("th", column, `scope="col"`)
	}
	w.raw("</tr></thead>\n<tbody>")
	for _, g := range p.Statements {
		level := string(g.Risk.Level)
		w.raw("<tr>")
		w.element("td", level, `class="`+html.EscapeString(level)+`"`)
		for _, cell := range []string{g.Entity + " › " + g.Sid, list(g.Actions), list(g.On), list(g.OnlyIf), g.Why} {
			w.element("td", cell)
		}
		w.raw("</tr>\n")
	}
	w.raw("</tbody></table></div>\n")
}

// writer writes HTML.
type writer struct{ strings.Builder }

// raw writes markup.
func (w *writer) raw(markup string) { w.WriteString(markup) }

// element writes an element with text in it. Attributes are markup.
func (w *writer) element(name, text string, attributes ...string) {
	w.raw("<" + strings.Join(append([]string{name}, attributes...), " ") + ">")
	w.raw(html.EscapeString(text) + "</" + name + ">")
}

// described writes a term and its descriptions, or nothing without any.
func (w *writer) described(term string, descriptions ...string) {
	if len(descriptions) == 0 {
		return
	}
	w.element("dt", term)
	for _, d := range descriptions {
		w.element("dd", d)
	}
	w.raw("\n")
}

func (w *writer) finding(f explain.Finding) {
	level := html.EscapeString(string(f.Level))
	w.raw("<article>\n<h3>" + html.EscapeString(f.Title) + ` <span class="level ` + level + `">` + level +
		"</span></h3>\n<dl>")
	w.described("Role", f.Role)
	for _, step := range f.Steps {
		var statements []string
		for _, st := range step.Statements {
			text := st.Policy + " › " + st.Sid + ", on " + list(st.On)
			if len(st.OnlyIf) > 0 {
				text += ", only if " + list(st.OnlyIf)
			}
			statements = append(statements, text)
		}
		w.described(list(step.Actions), statements...)
	}
	w.described("Limits", f.Bounds...)
	w.described("Conditions that are no limit", f.NoBounds...)
	var remains []string
	for _, r := range f.Remains {
		remains = append(remains, r.Text)
	}
	w.described("What remains", remains...)
	w.described("What would close it", f.Closes...)
	w.raw("</dl>\n</article>\n")
}

// heading returns the name of a class with a capital letter.
func heading(class explain.Class) string {
	return strings.ToUpper(string(class[:1])) + string(class[1:])
}

func list(values []string) string { return strings.Join(values, "; ") }
