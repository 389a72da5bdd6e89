package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"permstack/internal/review/explain"
	"permstack/internal/review/policyinput"
	"permstack/internal/review/question"
)

// explainInput is what the arguments of explain consist of.
type explainInput struct {
	file      string   // the file or "-" that policies were read from; empty: the catalogue
	missing   []string // attached policies that the file does not contain, with their roles
	documents []explain.Document
	questions []string
}

// input reads the arguments: questions, files with policies, and "-" for the standard input.
func (f *explainFlags) input(source question.Source, args []string) (explainInput, error) {
	var in explainInput
	for _, arg := range args {
		label, data, isFile, err := f.readInput(source, arg)
		switch {
		case err != nil:
			return in, err
		case !isFile:
			in.questions = append(in.questions, source.Split([]string{arg})...)
			continue
		case label == "-" && !isDocument(data):
			for line := range strings.Lines(string(data)) {
				if question.Normalize(line) != "" && !strings.HasPrefix(strings.TrimSpace(line), "#") {
					in.questions = append(in.questions, source.Split([]string{line})...)
				}
			}
			continue
		}
		roles, err := policyinput.Parse(label, data)
		if err != nil {
			return in, err
		}
		in.file = label
		for _, r := range roles {
			for _, policy := range r.Missing {
				in.missing = append(in.missing, policy+" of role "+r.Name)
			}
			for _, p := range r.Policies {
				in.documents = append(in.documents, explain.Document{Role: r.Name, Policy: p.Name, Document: p.Document})
			}
		}
	}
	if len(args) > 0 && in.file == "" && len(in.questions) == 0 {
		return in, usagef("the standard input has no question and no policy")
	}
	return in, nil
}

// readInput returns the content of an argument that is "-", a file, or a policy document itself.
func (f *explainFlags) readInput(
	source question.Source, arg string,
) (label string, data []byte, isFile bool, err error) {
	switch {
	case arg == "-":
		data, err := io.ReadAll(f.stdin)
		if err != nil {
			return "", nil, false, fmt.Errorf("read the standard input: %w", err)
		}
		return "-", data, true, nil
	case isDocument([]byte(arg)):
		return "policy", []byte(arg), true, nil
	}
	name := strings.TrimPrefix(arg, "file://") // as the AWS CLI has it
	info, err := os.Stat(name)
	isName := slices.Contains([]string{".json", ".yaml", ".yml", ".template"}, strings.ToLower(filepath.Ext(name)))
	switch {
	case err == nil && info.Mode().IsRegular() && (isName || !question.Find(arg, source).Known()):
		data, err := os.ReadFile(name)
		if err != nil {
			return "", nil, false, fmt.Errorf("read policies: %w", err)
		}
		return name, data, true, nil
	case isName && errors.Is(err, fs.ErrNotExist):
		return "", nil, false, usagef("there is no file %s", name)
	}
	return "", nil, false, nil
}

// isDocument reports whether a text may be a policy or a template: JSON, or YAML with a key that only these have at the
// beginning of a line.
func isDocument(data []byte) bool {
	text := strings.TrimSpace(string(data))
	return strings.HasPrefix(text, "{") || yamlKey.MatchString(text) ||
		strings.HasPrefix(text, "[") && strings.Contains(text, `"Effect"`)
}

var yamlKey = regexp.MustCompile(`(?m)^(?:AWSTemplateFormatVersion|Resources|Statement):|^- Effect: `)

// source returns the policies that were read as what questions are answered from. The reasons are the catalogue's. The
// account of the roles is --account, or the one that most of their resources are in.
func (in explainInput) source(catalogue question.Source, account string) question.Source {
	describer := explain.Describer{Account: cmp.Or(account, explain.CommonAccount(in.documents))}
	grants := explain.FromDocuments(in.documents, catalogue.All, describer)
	out := catalogue
	out.Grants, out.All, out.Others = grants, grants, nil
	out.Set.Rules = nil
	return out
}
