package terraformfile

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
)

// source is where Terraform has the value of a pseudo parameter of CloudFormation.
type source struct{ pseudo, kind, attribute string }

var sources = []source{
	{"${AWS::Region}", "aws_region", "region"},
	{"${AWS::AccountId}", "aws_caller_identity", "account_id"},
	{"${AWS::Partition}", "aws_partition", "partition"},
	{"${AWS::URLSuffix}", "aws_partition", "dns_suffix"},
}

// externalIDMark represents the external ID in a document.
const externalIDMark = "${permstack:ExternalId}"

// text returns a string of a set as a template: pseudo parameters become data sources, and
// everything else that Terraform would evaluate is escaped.
func (w *writer) text(s string) string {
	var b strings.Builder
	for s != "" {
		next := strings.IndexAny(s, "$%")
		if next < 0 {
			break
		}
		b.WriteString(s[:next])
		s = s[next:]
		if known, rest, ok := w.pseudo(s); ok {
			b.WriteString(known)
			s = rest
			continue
		}
		if len(s) > 1 && s[1] == '{' { // "$${" is the text "${" (Terraform language, "Strings and Templates")
			b.WriteByte(s[0])
		}
		b.WriteByte(s[0])
		s = s[1:]
	}
	b.WriteString(s)
	return b.String()
}

// pseudo replaces a pseudo parameter, or the mark of the external ID, at the beginning of s.
func (w *writer) pseudo(s string) (replaced, rest string, ok bool) {
	if rest, ok = strings.CutPrefix(s, externalIDMark); ok {
		return "${var." + externalIDVariable + "}", rest, true
	}
	for _, p := range sources {
		if rest, ok = strings.CutPrefix(s, p.pseudo); ok {
			w.data[p.kind] = object{"current": object{}}
			return "${data." + p.kind + ".current." + p.attribute + "}", rest, true
		}
	}
	if strings.HasPrefix(s, "${AWS::") {
		w.fail(fmt.Errorf("%q has a pseudo parameter that only a stack has", s))
	}
	return "", s, false
}

// value returns a value as JSON with its strings as templates, also those that are keys.
func (w *writer) value(v any) (any, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var parsed any
	if err := json.Unmarshal(data, &parsed); err != nil {
		return nil, err
	}
	return w.templates(parsed), nil
}

func (w *writer) templates(v any) any {
	switch v := v.(type) {
	case string:
		return w.text(v)
	case []any:
		for i := range v {
			v[i] = w.templates(v[i])
		}
	case object:
		out := object{}
		for key, value := range v {
			out[w.text(key)] = w.templates(value)
		}
		return out
	}
	return v
}

// withoutExternalID returns a document with a mark in place of the external ID.
func (w *writer) withoutExternalID(d iampolicy.Document) iampolicy.Document {
	d.Statement = slices.Clone(d.Statement)
	for i, s := range d.Statement {
		conditions := maps.Clone(s.Condition)
		for operator, keys := range s.Condition {
			for key := range keys {
				if !strings.EqualFold(key, "sts:ExternalId") {
					continue
				}
				w.hasExternalID = true
				conditions[operator] = maps.Clone(conditions[operator])
				conditions[operator][key] = iampolicy.Values{externalIDMark}
			}
		}
		d.Statement[i].Condition = conditions
	}
	return d
}

// withoutStack returns a document without the resources of a stack that has no name, and
// without the statements that are about it alone: there is no stack.
func withoutStack(d iampolicy.Document) iampolicy.Document {
	statements := d.Statement
	d.Statement = nil
	for _, s := range statements {
		had := len(s.Resource) > 0
		s.Resource = slices.DeleteFunc(slices.Clone(s.Resource), func(r string) bool {
			return strings.Contains(r, "${AWS::StackName}") || strings.Contains(r, "${AWS::StackId}")
		})
		if !had || len(s.Resource) > 0 {
			d.Statement = append(d.Statement, s)
		}
	}
	return d
}
