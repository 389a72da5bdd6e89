package main

import (
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
)

// site identifies a mutant by the text of its line, so that it is found again after lines were added above.
type site struct {
	File     string `yaml:"file"`     // relative to the repository
	Mutation string `yaml:"mutation"` // gremlins' name of the type, such as CONDITIONALS_BOUNDARY
	Code     string `yaml:"code"`     // the line without indentation
	Column   int    `yaml:"column"`   // position of the operator in Code, from 1
}

// equivalent is a mutant that no test can or has to detect.
type equivalent struct {
	site   `yaml:",inline"`
	Reason string `yaml:"reason"`
}

// readEquivalent reads the list of accepted mutants; every entry requires a reason.
func readEquivalent(name string) (map[site]string, error) {
	data, err := os.ReadFile(name) // #nosec G304 -- a file of this repository
	if err != nil {
		return nil, fmt.Errorf("read equivalent mutants: %w", err)
	}
	var list []equivalent
	if err := yaml.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("parse %s: %w", name, err)
	}
	known := map[site]string{}
	for i, e := range list {
		if e.File == "" || e.Mutation == "" || e.Code == "" || e.Column < 1 || strings.TrimSpace(e.Reason) == "" {
			return nil, fmt.Errorf("%s: entry %d: file, mutation, code, column and reason are required", name, i+1)
		}
		if _, ok := known[e.site]; ok {
			return nil, fmt.Errorf("%s: entry %d is there twice", name, i+1)
		}
		known[e.site] = e.Reason
	}
	return known, nil
}

// report prints the mutants of a run that no test detected and that are not known, and known ones that a test detects.
// It reports whether there were none of either.
func report(out io.Writer, r result, dir string, known map[site]string) (ok bool, err error) {
	var survivors, stale []equivalent
	detected, accepted, notRun := 0, 0, 0
	for _, f := range r.Files {
		name := f.Name
		if !strings.HasPrefix(name, dir+"/") {
			name = path.Join(dir, name)
		}
		data, err := os.ReadFile(name) // #nosec G304 -- a file of this repository
		if err != nil {
			return false, fmt.Errorf("read mutated file: %w", err)
		}
		lines := strings.Split(string(data), "\n")
		for _, m := range f.Mutations {
			if m.Line < 1 || m.Line > len(lines) {
				return false, fmt.Errorf("%s has no line %d", name, m.Line)
			}
			line := lines[m.Line-1]
			code := strings.TrimSpace(line)
			at := site{name, m.Type, code, m.Column - strings.Index(line, code)}
			_, listed := known[at]
			survived := m.Status == lived
			switch {
			case m.Status == notCovered || m.Status == notViable:
				notRun++
			case survived && listed:
				accepted++
			case survived:
				survivors = append(survivors, equivalent{at, "?"})
			case listed:
				stale = append(stale, equivalent{at, known[at]})
			default:
				detected++
			}
		}
	}
	fmt.Fprintf(out, "%s: %d detected, %d known to be equivalent, %d not run, %d survived\n",
		dir, detected, accepted, notRun, len(survivors))
	for _, s := range survivors {
		fmt.Fprintf(out, "- file: %s\n  mutation: %s\n  code: %q\n  column: %d\n  reason:\n",
			s.File, s.Mutation, s.Code, s.Column)
	}
	for _, s := range stale {
		fmt.Fprintf(out, "%s: a test detects this mutant of %q; remove it from %s\n", s.File, s.Code, equivalentList)
	}
	return len(survivors)+len(stale) == 0, nil
}
