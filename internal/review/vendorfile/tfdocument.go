package vendorfile

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// tfDocument is the result of a data source aws_iam_policy_document, with the statements of every combination of its
// conditions. The format is that of the data source in the documentation of the provider hashicorp/aws.
type tfDocument struct {
	block      *tfBlock
	statements []any
}

// policyDocument returns the document of one instance of the data source.
func (m *tfModule) policyDocument(b *tfBlock, i instance) any {
	key := documentKey(b, i)
	if doc, ok := m.documents[key]; ok {
		return doc
	}
	if m.evaluating[key] {
		return unknown{b.line, b.address() + " refers to itself"}
	}
	m.evaluating[key] = true
	defer delete(m.evaluating, key)
	doc := &tfDocument{block: b}
	for _, attr := range []string{"source_json", "source_policy_documents"} {
		doc.merge(m.included(b, attr, i))
	}
	var own []any
	for _, child := range b.blocks {
		own = append(own, m.unit(b.file, child.line, func(w *world) []any {
			var out []any
			s := m.scope(i, w)
			for _, e := range s.expandBlock(child, "statement") {
				out = append(out, e.scope.statementBlock(e.block))
			}
			return out
		})...)
	}
	doc.merge(own)
	for _, attr := range []string{"override_json", "override_policy_documents"} {
		doc.merge(m.included(b, attr, i))
	}
	m.documents[key] = doc
	return doc
}

func documentKey(b *tfBlock, i instance) string { return fmt.Sprint(b.address(), "[", i.key, "]") }

// merge adds statements. One with the Sid of an earlier document replaces it there.
func (d *tfDocument) merge(more []any) {
	before := len(d.statements)
	for _, st := range more {
		sid := statementID(st)
		at := slices.IndexFunc(d.statements[:before], func(x any) bool { return sid != "" && statementID(x) == sid })
		if at < 0 {
			d.statements = append(d.statements, st)
			continue
		}
		d.statements[at] = st
	}
}

func statementID(st any) string {
	fields, _ := st.(map[string]any)
	sid, _ := fields["Sid"].(string)
	return sid
}

// included returns the statements of the documents that an attribute includes.
func (m *tfModule) included(b *tfBlock, attr string, i instance) []any {
	x := b.attrs[attr]
	if x == nil {
		return nil
	}
	return m.unit(b.file, b.attrLine(attr), func(w *world) []any {
		s := m.scope(i, w)
		value := s.eval(x)
		list, isList := value.([]any)
		if !isList {
			list = []any{value}
		}
		var out []any
		for _, item := range list {
			if _, isNull := item.(openNull); isNull {
				m.emptyNote(b, x)
				continue
			}
			out = append(out, m.documentStatements(b.file, x, item)...)
		}
		return out
	})
}

// unit returns the statements of every combination of the conditions that evaluate meets. What is not a statement is a
// problem.
func (m *tfModule) unit(file string, line int, evaluate func(w *world) []any) []any {
	var out []any
	union := false
	ok := inWorlds(func(w *world) {
		if w.union && !union {
			union, out = true, nil
		}
		out = append(out, evaluate(w)...)
	})
	if !ok {
		m.problem(file, line, "the statement depends on too many conditions")
		return nil
	}
	seen := map[string]bool{}
	var kept []any
	for _, st := range out {
		st = plain(st)
		if fields, isMap := st.(map[string]any); isMap && union && (fields["Effect"] == "Deny" ||
			fields["NotAction"] != nil || fields["NotResource"] != nil || fields["NotPrincipal"] != nil) {
			m.problem(file, line, "the statement depends on too many conditions")
			continue
		}
		if st = m.statement(file, line, withoutEmpty(st)); st == nil {
			continue
		}
		m.maskExternalIDs(st)
		key, err := json.Marshal(st)
		if err != nil || seen[string(key)] {
			continue
		}
		seen[string(key)] = true
		kept = append(kept, st)
	}
	return kept
}

// withoutEmpty removes empty strings and nulls from the lists of a statement.
func withoutEmpty(st any) any {
	fields, ok := st.(map[string]any)
	if !ok {
		return st
	}
	out := map[string]any{}
	for key, value := range fields {
		if list, isList := value.([]any); isList && key != "Condition" {
			value = slices.DeleteFunc(slices.Clone(list), func(v any) bool { return v == nil || v == "" })
		}
		if value != nil {
			out[key] = value
		}
	}
	return out
}

// maskExternalIDs records that an external ID is a placeholder.
func (m *tfModule) maskExternalIDs(st any) {
	data, err := json.Marshal(st.(map[string]any)["Condition"])
	var conditions map[string]map[string]any
	if err != nil || json.Unmarshal(data, &conditions) != nil {
		return
	}
	for _, keys := range conditions {
		for key, value := range keys {
			if strings.EqualFold(key, "sts:ExternalId") && strings.Contains(fmt.Sprint(value), "<") {
				m.maskedID = true
			}
		}
	}
}

// expandedBlock is a block with the scope of one iteration of a dynamic block.
type expandedBlock struct {
	block *tfBlock
	scope tfScope
}

// expandBlock returns a block of a kind: itself, or the iterations of a dynamic block with that label.
func (s tfScope) expandBlock(b *tfBlock, kind string) []expandedBlock {
	if b.kind == kind {
		return []expandedBlock{{b, s}}
	}
	if b.kind != "dynamic" || len(b.labels) != 1 || b.labels[0] != kind || b.attrs["for_each"] == nil {
		return nil
	}
	x := b.attrs["for_each"]
	value := s.eval(x)
	list, ok := s.elements(value)
	if !ok {
		s.problem(b.file, b.attrLine("for_each"), "for_each of the dynamic block %s cannot be evaluated", kind)
		return nil
	}
	if len(list) == 0 && s.isOpen(x) && !containsConditional(x) {
		s.emptyNote(b, x)
	}
	iterator := kind
	if name := b.attrs["iterator"]; name != nil {
		iterator = cmp.Or(hcl.ExprAsKeyword(name), kind)
	}
	var out []expandedBlock
	for _, e := range list {
		inner := s.with(iterator, map[string]any{"key": e.key, "value": e.value}, s.isOpen(x))
		for _, child := range b.blocks {
			if child.kind == "content" {
				out = append(out, expandedBlock{child, inner})
			}
		}
	}
	return out
}

func containsConditional(x hclsyntax.Expression) bool {
	_, ok := unwrap(x).(*hclsyntax.ConditionalExpr)
	return ok
}

// expandAll returns all blocks of a kind in a block.
func (s tfScope) expandAll(b *tfBlock, kind string) []expandedBlock {
	var out []expandedBlock
	for _, child := range b.blocks {
		out = append(out, s.expandBlock(child, kind)...)
	}
	return out
}

// statementBlock returns a statement of the data source.
func (s tfScope) statementBlock(b *tfBlock) any {
	out := map[string]any{"Effect": "Allow"}
	for attr, key := range map[string]string{
		"sid": "Sid", "effect": "Effect", "actions": "Action", "not_actions": "NotAction", "resources": "Resource",
		"not_resources": "NotResource",
	} {
		if b.attrs[attr] == nil {
			continue
		}
		value := s.field(b.attrs[attr])
		if u, bad := value.(unknown); bad {
			return u
		}
		if value != nil && value != "" {
			out[key] = value
		}
	}
	for kind, key := range map[string]string{"principals": "Principal", "not_principals": "NotPrincipal"} {
		inner := s
		inner.inPrincipal = true
		if value := inner.principals(b, kind); value != nil {
			out[key] = value
		}
	}
	conditions := map[string]any{}
	for _, e := range s.expandAll(b, "condition") {
		test, isText := e.value("test").(string)
		variable, isVariable := e.value("variable").(string)
		list, isList := e.listField("values")
		if !isText || !isVariable || !isList {
			return unknown{e.block.line, "the condition of the statement cannot be evaluated"}
		}
		keys, _ := conditions[test].(map[string]any)
		if keys == nil {
			keys = map[string]any{}
			conditions[test] = keys
		}
		existing, _ := keys[variable].([]any)
		keys[variable] = slices.Concat(existing, list)
	}
	if len(conditions) > 0 {
		out["Condition"] = conditions
	}
	return out
}

// value returns an attribute of the block.
func (e expandedBlock) value(attr string) any {
	if e.block.attrs[attr] == nil {
		return nil
	}
	return e.scope.field(e.block.attrs[attr])
}

// field returns a value of the data source, in which "&{" begins a policy variable. Null is an absent field.
func (s tfScope) field(x hclsyntax.Expression) any {
	value := s.eval(x)
	if _, isNull := value.(openNull); isNull {
		return nil
	}
	if list, isList := value.([]any); isList && len(list) == 0 && s.isOpen(x) {
		return []any{placeholder(s.parser.text(x))} // what the customer sets
	}
	return policyVariables(plain(value))
}

// listField returns a value that is a list. The elements of an open one are a placeholder.
func (e expandedBlock) listField(attr string) ([]any, bool) {
	value := e.value(attr)
	if text, isText := value.(string); isText {
		return []any{text}, true
	}
	list, isList := value.([]any)
	return list, isList
}

func policyVariables(v any) any {
	switch v := v.(type) {
	case string:
		return strings.ReplaceAll(v, "&{", "${")
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = policyVariables(item)
		}
		return out
	}
	return v
}

func (s tfScope) principals(b *tfBlock, kind string) any {
	out := map[string]any{}
	for _, e := range s.expandAll(b, kind) {
		of, isText := e.value("type").(string)
		ids, isList := e.listField("identifiers")
		switch {
		case !isText || !isList:
			return unknown{e.block.line, "the principals of the statement cannot be evaluated"}
		case of == "*":
			return "*"
		}
		existing, _ := out[of].([]any)
		out[of] = slices.Concat(existing, ids)
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
