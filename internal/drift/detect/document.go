package detect

import (
	"encoding/json"
	"fmt"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/compare"
	"permstack/internal/notify/finding"
)

// document is a policy document, wanted or live.
type document struct {
	iampolicy.Document
	text    string
	err     error // it cannot be read
	unknown bool  // it holds what cannot be known
}

// readDocument takes a document as a template has it (an object, or text) or as
// AWS answers it (text).
func readDocument(v any) document {
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

// effect is what a change of documents does.
type effect struct {
	direction finding.Direction
	same      bool // nothing at all
	details   []string
}

const mostDetails = 20

// effectOf compares what two sets of documents allow.
func effectOf(account string, want, have []iampolicy.Document) effect {
	d := compare.Compare(want, have, compare.InAccount(account))
	e := effect{direction: finding.Changed}
	switch d.Direction {
	case compare.Same:
		e.same = true
	case compare.GrantsMore:
		e.direction = finding.GrantsMore
	case compare.GrantsLess:
		e.direction = finding.GrantsLess
	}
	for i, c := range d.Changes {
		if i == mostDetails && len(d.Changes) > mostDetails+1 {
			e.details = append(e.details, fmt.Sprintf("and %d more", len(d.Changes)-i))
			break
		}
		e.details = append(e.details, c.String())
	}
	return e
}

// meaning is a document's text in a form that changes of form do not change: all
// that it allows and denies.
func meaning(account string, d document) string {
	if d.err != nil || d.unknown {
		return d.text
	}
	var b strings.Builder
	for _, c := range compare.Compare(nil, []iampolicy.Document{d.Document}, compare.InAccount(account)).Changes {
		b.WriteString(c.String() + "\n")
	}
	return b.String()
}

// summary says in a few words what a document allows.
func summary(d document) string {
	if d.err != nil {
		return "a document that cannot be read"
	}
	var parts []string
	for _, s := range d.Statement {
		what := strings.Join(s.Action, ", ")
		if len(s.NotAction) > 0 {
			what = "everything but " + strings.Join(s.NotAction, ", ")
		}
		where := strings.Join(s.Resource, ", ")
		if len(s.NotResource) > 0 {
			where = "everything but " + strings.Join(s.NotResource, ", ")
		}
		part := s.Effect + " " + what
		if where != "" {
			part += " on " + where
		}
		if s.Principal != nil {
			part += " for " + principal(*s.Principal)
		}
		if s.NotPrincipal != nil {
			part += " for everyone but " + principal(*s.NotPrincipal)
		}
		if len(s.Condition) > 0 {
			part += " under conditions"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}

func principal(p iampolicy.Principal) string {
	if p.Everyone {
		return "everyone"
	}
	var all []string
	for _, kind := range sorted(p.ByType) {
		all = append(all, p.ByType[kind]...)
	}
	return strings.Join(all, ", ")
}

// externalIDs are the secrets in a trust policy: the values of sts:ExternalId.
func externalIDs(d document) []string {
	var out []string
	for _, s := range d.Statement {
		for _, keys := range s.Condition {
			for key, values := range keys {
				if strings.EqualFold(key, "sts:ExternalId") {
					out = append(out, values...)
				}
			}
		}
	}
	return out
}
