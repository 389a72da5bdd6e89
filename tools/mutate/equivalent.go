package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// site identifies a mutant by the text of its line, so that it is found again after lines were added above.
type site struct {
	File     string `yaml:"file"`     // relative to the repository
	Mutation string `yaml:"mutation"` // such as CONDITIONALS_BOUNDARY; rewrite.go has the list
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

// where returns the place of a mutant. Source is the text of its file.
func where(m mutant, source string) result {
	start := strings.LastIndexByte(source[:m.offset], '\n') + 1
	line, _, _ := strings.Cut(source[start:], "\n")
	code := strings.TrimSpace(line)
	return result{
		site: site{m.file, m.mutation, code, m.offset - start - strings.Index(line, code) + 1},
		line: strings.Count(source[:start], "\n") + 1,
	}
}

// result is what became of a mutant.
type result struct {
	site
	line     int
	detected bool
	reached  bool // by a test
}

// report prints the mutants that no test detected and that are not known, and known ones that a test detects. It
// reports whether there were none of either.
func report(out io.Writer, dir string, results []result, known map[site]string) (ok bool) {
	var survivors, stale []result
	detected, accepted := 0, 0
	for _, r := range results {
		_, listed := known[r.site]
		switch {
		case r.detected && listed:
			stale = append(stale, r)
		case r.detected:
			detected++
		case listed:
			accepted++
		default:
			survivors = append(survivors, r)
		}
	}
	fmt.Fprintf(out, "%s: %d mutants: %d detected, %d known to be equivalent, %d survived\n",
		dir, len(results), detected, accepted, len(survivors))
	for _, s := range survivors {
		note := fmt.Sprint("line ", s.line)
		if !s.reached {
			note += ", which no test reaches"
		}
		fmt.Fprintf(out, "- file: %s\n  mutation: %s\n  code: %q\n  column: %d\n  reason: # %s\n",
			s.File, s.Mutation, s.Code, s.Column, note)
	}
	for _, s := range stale {
		fmt.Fprintf(out, "%s: a test detects the mutant %s in column %d of %q; remove it from %s\n",
			s.File, s.Mutation, s.Column, s.Code, equivalentList)
	}
	return len(survivors)+len(stale) == 0
}
