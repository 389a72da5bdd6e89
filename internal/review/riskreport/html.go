package riskreport

import (
	_ "embed"
	"html/template"
	"slices"
	"strings"

	"permstack/internal/review/explain"
)

//go:embed report.html
var reportHTML string

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"join": list, "remains": remains,
	"upper": func(class explain.Class) string { return strings.ToUpper(string(class[:1])) + string(class[1:]) },
}).Parse(reportHTML))

// view is the report as the HTML template shows it.
type view struct {
	Report
	Title   string
	Summary string
	Levels  []explain.Level
	Classes []classView
}

type classView struct {
	Class    explain.Class
	Counts   []int // by level
	Findings []explain.Finding
}

func (r Report) view() view {
	v := view{Report: r, Title: r.Choice, Summary: explain.Summary(r.Findings), Levels: explain.Levels}
	if r.File != "" {
		v.Title = r.File
	}
	for _, class := range explain.Classes {
		c := classView{Class: class, Counts: make([]int, len(explain.Levels))}
		for _, f := range r.Findings {
			if f.Class == class {
				c.Findings = append(c.Findings, f)
				c.Counts[slices.Index(explain.Levels, f.Level)]++
			}
		}
		v.Classes = append(v.Classes, c)
	}
	return v
}
