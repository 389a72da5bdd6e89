// Package vendorfile reads the permissions that vendors publish: policy documents as JSON, the output of the AWS CLI,
// CloudFormation templates, Terraform configuration, folders of them, and what synth writes.
//
// It evaluates only what the access depends on. Values that a file leaves open become placeholders such as <Name>, and
// of a condition both branches are taken. It runs nothing, fetches nothing and follows no link; sizes, depths and the
// work of an evaluation are bounded. What it does not understand is a Problem with file and line: the access then is
// incomplete, and may not be taken for the whole.
package vendorfile

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/review/accessdiff"
)

// Problem is a part of a file that is not understood, or a decision on what the file leaves open. Line is 0 if it has
// no single line.
type Problem struct {
	File    string
	Line    int
	Message string
}

func (p Problem) String() string {
	if p.Line == 0 {
		return p.File + ": " + p.Message
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Message)
}

// Result is the access in files.
type Result struct {
	Set      *accessdiff.AccessSet
	Problems []Problem // the access is incomplete if there is one
	Notes    []Problem // decisions that do not make it incomplete
}

// maxWork bounds the steps of evaluating the files together, and the characters that it produces.
const maxWork = 20_000_000

type reader struct {
	label       string
	resources   []accessdiff.Resource
	ids         map[string]bool
	complete    []*accessdiff.AccessSet // of documents that synth wrote
	problems    []Problem
	notes       []Problem
	notCompared map[string]bool
	work        int
	unread      map[string]unreadFile // by ending
	unreadBytes int
	maskedID    bool // a template refers to the external ID as a parameter
}

func newReader(label string) *reader {
	return &reader{label: label, ids: map[string]bool{}, notCompared: map[string]bool{}, work: maxWork,
		unread: map[string]unreadFile{}}
}

func (r *reader) problem(file string, line int, format string, args ...any) {
	r.problems = append(r.problems, Problem{file, line, fmt.Sprintf(format, args...)})
}

func (r *reader) note(file string, line int, format string, args ...any) {
	r.notes = append(r.notes, Problem{file, line, fmt.Sprintf(format, args...)})
}

// spend takes n from the work that is left, and reports whether some is left.
func (r *reader) spend(n int) bool {
	r.work -= n
	return r.work > 0
}

// uniqueID returns an ID that no resource has yet.
func (r *reader) uniqueID(name string) string {
	id := name
	for i := 2; r.ids[id]; i++ {
		id = fmt.Sprintf("%s (%d)", name, i)
	}
	r.ids[id] = true
	return id
}

// add adds a resource. A document without statements, of which none could be read, is not part of it.
func (r *reader) add(id, resourceType string, properties map[string]any) {
	if isEmptyDocument(properties["PolicyDocument"]) {
		return
	}
	// Another resource has the name, which then is not replaced in documents.
	if strings.HasSuffix(id, ")") && resourceType != "AWS::IAM::RolePolicy" {
		delete(properties, "RoleName")
		delete(properties, "ManagedPolicyName")
	}
	if isEmptyDocument(properties["AssumeRolePolicyDocument"]) {
		delete(properties, "AssumeRolePolicyDocument")
	}
	if inline, ok := properties["Policies"].([]any); ok {
		properties["Policies"] = slices.DeleteFunc(inline, func(p any) bool {
			fields, _ := p.(map[string]any)
			return isEmptyDocument(fields["PolicyDocument"])
		})
	}
	r.resources = append(r.resources, accessdiff.Resource{ID: id, Type: resourceType, Properties: properties})
}

func isEmptyDocument(v any) bool {
	doc, ok := v.(map[string]any)
	if !ok {
		return false
	}
	statements, isList := doc["Statement"].([]any)
	return doc["Statement"] == nil || isList && len(statements) == 0
}

// result returns what was read. It returns an error if that is nothing.
func (r *reader) result() (Result, error) {
	out := Result{Problems: sortProblems(r.problems), Notes: sortProblems(r.notes)}
	set, err := accessdiff.FromResources(r.label, r.resources)
	if err != nil {
		return out, err
	}
	for _, other := range r.complete {
		set.Add(other)
	}
	if r.maskedID {
		set.MaskExternalID()
	}
	set.NotCompared = slices.Sorted(maps.Keys(r.notCompared))
	out.Set = set
	if len(set.Roles)+len(set.Loose)+len(set.Topics)+len(set.Rules) == 0 {
		if len(out.Problems) > 0 {
			return out, fmt.Errorf("read %s: no permissions could be read: %s", r.label, out.Problems[0])
		}
		return out, fmt.Errorf("read %s: neither a policy document, a template nor the output "+
			"of synth: it grants nothing", r.label)
	}
	return out, nil
}

func sortProblems(list []Problem) []Problem {
	slices.SortStableFunc(list, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), strings.Compare(a.Message, b.Message))
	})
	return slices.Compact(list)
}

// unknown is a value that could not be evaluated.
type unknown struct {
	line    int
	message string
}

// findUnknown returns the first unknown in a value. A value that is too large is unknown.
func (r *reader) findUnknown(v any) *unknown {
	if !r.spend(1) {
		return &unknown{message: "evaluating the files takes too much work"}
	}
	switch v := v.(type) {
	case unknown:
		return &v
	case string:
		if !r.spend(len(v)) {
			return &unknown{message: "evaluating the files takes too much work"}
		}
	case []any:
		for _, item := range v {
			if u := r.findUnknown(item); u != nil {
				return u
			}
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if u := r.findUnknown(v[key]); u != nil {
				return u
			}
		}
	}
	return nil
}

// statement returns an evaluated statement as IAM reads it, or nil with a problem.
func (r *reader) statement(file string, line int, v any) any {
	if u := r.findUnknown(v); u != nil {
		r.problem(file, cmp.Or(u.line, line), "%s", u.message)
		return nil
	}
	data, err := json.Marshal(map[string]any{"Version": iampolicy.Version, "Statement": []any{v}})
	if err != nil {
		r.problem(file, line, "the statement cannot be read: %v", err)
		return nil
	}
	doc, err := iampolicy.Parse(data)
	if err != nil {
		r.problem(file, line, "%v", err)
		return nil
	}
	st := doc.Statement[0]
	switch {
	case st.Effect != "Allow" && st.Effect != "Deny":
		r.problem(file, line, "the statement has the effect %q: want Allow or Deny", st.Effect)
	case (len(st.Action) == 0) == (len(st.NotAction) == 0):
		r.problem(file, line, "the statement has no Action, or Action and NotAction")
	case len(st.Resource)+len(st.NotResource) == 0 && st.Principal == nil && st.NotPrincipal == nil:
		r.problem(file, line, "the statement has neither a Resource nor a Principal")
	case strings.ContainsAny(strings.Join(slices.Concat(st.Action, st.NotAction), ""), "<>"):
		r.problem(file, line, "the actions of the statement depend on a value that the file does not contain: %s",
			strings.Join(slices.Concat(st.Action, st.NotAction), ", "))
	default:
		return v
	}
	return nil
}

// isTrust reports whether a document is a trust policy: it names principals, and only how they assume a role.
func isTrust(statements []any) bool {
	trusts := false
	for _, st := range statements {
		data, err := json.Marshal(map[string]any{"Statement": []any{st}})
		if err != nil {
			return false
		}
		doc, err := iampolicy.Parse(data)
		if err != nil || doc.Statement[0].Principal == nil && doc.Statement[0].NotPrincipal == nil {
			return false
		}
		for _, a := range doc.Statement[0].Action {
			if !strings.HasPrefix(strings.ToLower(a), "sts:") {
				return false
			}
		}
		trusts = true
	}
	return trusts
}

// hasPrincipal reports whether a document names principals, as resource policies do.
func hasPrincipal(statements []any) bool {
	return slices.ContainsFunc(statements, func(st any) bool {
		m, _ := st.(map[string]any)
		return m["Principal"] != nil || m["NotPrincipal"] != nil
	})
}

// document returns a policy document with statements.
func document(statements []any) map[string]any {
	return map[string]any{"Version": iampolicy.Version, "Statement": statements}
}
