package detect

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/compare"
	"permstack/internal/notify/finding"
)

// document is a policy document of a template or of AWS.
type document struct {
	iampolicy.Document
	text    string
	err     error // it cannot be parsed
	unknown bool  // it contains what cannot be evaluated
}

// parseDocument parses a document as a template has it (an object, or text) or
// as AWS returns it (text).
func parseDocument(v any) document {
	var d document
	switch v := v.(type) {
	case nil:
		return d
	case string:
		d.text = v
	default:
		data, err := json.Marshal(v)
		if err != nil {
			d.err = err
			return d
		}
		d.text = string(data)
	}
	if d.unknown = isUnknown(v); d.unknown || strings.TrimSpace(d.text) == "" {
		return d
	}
	d.Document, d.err = iampolicy.Parse([]byte(d.text))
	return d
}

// parsed returns the documents that could be parsed.
func parsed(all ...document) []iampolicy.Document {
	var out []iampolicy.Document
	for _, d := range all {
		if d.err == nil && d.text != "" {
			out = append(out, d.Document)
		}
	}
	return out
}

// value returns the document in short, for a finding.
func (d document) value() finding.Value {
	out := &finding.Document{Invalid: d.err != nil}
	if d.err != nil {
		return finding.Value{Document: out}
	}
	for _, s := range d.Statement {
		out.Statements = append(out.Statements, finding.Statement{
			Effect: s.Effect, Actions: s.Action, NotActions: s.NotAction, Resources: s.Resource,
			NotResources: s.NotResource, Principals: principals(s.Principal), NotPrincipals: principals(s.NotPrincipal),
			Conditional: len(s.Condition) > 0,
		})
	}
	return finding.Value{Document: out}
}

func principals(p *iampolicy.Principal) []string {
	switch {
	case p == nil:
		return nil
	case p.Everyone:
		return []string{"*"}
	}
	var all []string
	for _, kind := range sorted(p.ByType) {
		all = append(all, p.ByType[kind]...)
	}
	return all
}

// externalIDs returns the values of sts:ExternalId in a trust policy, which are
// secrets.
func (d document) externalIDs() []string {
	var out []string
	for _, s := range d.Statement {
		for _, keys := range s.Condition {
			for key, values := range keys {
				if strings.EqualFold(key, externalIDKey) {
					out = append(out, values...)
				}
			}
		}
	}
	return out
}

// effect is how a change of documents changes access.
type effect struct {
	direction  finding.Direction
	same       bool // access is the same
	gain, loss bool // what was proved
	changes    []string
	omitted    int // changes that are left out
}

const maxChanges = 20

// compareDocuments compares what two sets of documents allow. account owns them.
func compareDocuments(account string, expected, actual []iampolicy.Document) effect {
	d := compare.Compare(expected, actual, compare.InAccount(account))
	e := effect{direction: finding.Changed}
	switch d.Direction {
	case compare.Same:
		e.same = true
	case compare.GrantsMore:
		e.direction = finding.GrantsMore
	case compare.GrantsLess:
		e.direction = finding.GrantsLess
	}
	for _, c := range d.Changes { // any gain, whatever is lost
		switch c.Direction {
		case compare.GrantsMore:
			e.direction, e.gain = finding.GrantsMore, true
		case compare.GrantsLess:
			e.loss = true
		default:
			e.gain, e.loss = true, true
		}
	}
	for i, c := range d.Changes {
		if i == maxChanges && len(d.Changes) > maxChanges+1 {
			e.omitted = len(d.Changes) - i
			break
		}
		e.changes = append(e.changes, c.String())
	}
	return e
}

// joinEffects combines the effects of one change on several roles.
func joinEffects(all []effect) effect {
	out := effect{direction: finding.Changed, same: true}
	for _, e := range all {
		if e.same {
			continue
		}
		if out.same {
			out = e
			continue
		}
		out.direction = joinDirections([]finding.Direction{out.direction, e.direction})
		for _, c := range e.changes {
			switch {
			case slices.Contains(out.changes, c):
			case len(out.changes) <= maxChanges:
				out.changes = append(out.changes, c)
			default:
				out.omitted++
			}
		}
		out.omitted = max(out.omitted, e.omitted)
	}
	return out
}

// meaning returns all that a document allows and denies, as text that changes of
// form do not change.
func (d document) meaning(account string) string {
	if d.err != nil || d.unknown {
		return d.text
	}
	var b strings.Builder
	for _, c := range compare.Compare(nil, []iampolicy.Document{d.Document}, compare.InAccount(account)).Changes {
		b.WriteString(c.String() + "\n")
	}
	return b.String()
}

// documentDraft compares a document by itself: a trust policy, a topic's policy,
// a managed policy. It reports false if both allow the same.
func (m *model) documentDraft(
	r *resource, kind finding.Kind, property, subject string, expected, actual document,
) (draft, bool) {
	invalid := expected.err != nil || actual.err != nil
	if invalid && expected.text == actual.text || !invalid && reflect.DeepEqual(expected.Document, actual.Document) {
		return draft{}, false // most documents are unchanged; comparing by meaning takes much longer
	}
	var e effect
	if !invalid {
		if e = compareDocuments(m.account, parsed(expected), parsed(actual)); e.same {
			return draft{}, false
		}
	}
	d := r.liveDraft(kind, property, subject, finding.Changed, expected.value(), actual.value())
	d.values = []string{expected.meaning(m.account), actual.meaning(m.account)}
	if invalid {
		d.Reason = finding.DocumentInvalid
	} else {
		d.setEffect(e)
	}
	return d, true
}
