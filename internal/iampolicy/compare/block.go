package compare

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"permstack/internal/iampolicy"
)

const (
	allow = "Allow"
	deny  = "Deny"
)

// element is one principal, action or resource of a block: one item, or everything but some items (from NotAction,
// NotResource, NotPrincipal).
type element[T any] struct {
	item   T
	except []T
	key    string
}

// block is a statement in normal form: it applies to every combination of its principals, actions and resources.
type block struct {
	effect     string
	principals []element[principal]
	actions    []element[pattern]
	resources  []element[resource]
	conditions conditions
	written    iampolicy.Conditions
	key        string

	// unread is the text of a statement that IAM would not accept. Its effect is unknown; it equals the same text only.
	unread string
}

// readDocument returns the blocks of a document. A statement that cannot apply to any request, because its Principal
// element is empty, has none.
func (r *reader) readDocument(doc iampolicy.Document) []*block {
	variables := doc.Version == iampolicy.Version
	out := make([]*block, 0, len(doc.Statement))
	for i := range doc.Statement {
		if b := r.readStatement(&doc.Statement[i], variables); b != nil {
			out = append(out, b)
		}
	}
	return out
}

func (r *reader) readStatement(s *iampolicy.Statement, variables bool) *block {
	if !isValid(s) {
		nameless := *s
		nameless.Sid = ""
		text, err := json.Marshal(nameless)
		if err != nil { // statements always marshal
			panic(err)
		}
		return &block{effect: s.Effect, unread: string(text), key: fmt.Sprint("unread ", variables, string(text))}
	}
	b := &block{effect: s.Effect, written: s.Condition}
	switch {
	case s.Principal != nil:
		b.principals = newElements(readPrincipals(s.Principal), principal.key)
		if len(b.principals) == 0 {
			return nil
		}
	case s.NotPrincipal != nil:
		b.principals = newExcept(readPrincipals(s.NotPrincipal), principal.key)
	default:
		b.principals = newElements([]principal{unnamed}, principal.key)
	}
	if patternKey := func(p pattern) string { return p.key }; len(s.NotAction) > 0 {
		b.actions = newExcept(r.readActions(s.NotAction), patternKey)
	} else {
		b.actions = newElements(r.readActions(s.Action), patternKey)
	}
	resourceKey := func(r resource) string { return r.key }
	switch {
	case len(s.NotResource) > 0:
		b.resources = newExcept(r.readResources(s.NotResource, variables), resourceKey)
	case len(s.Resource) > 0:
		b.resources = newElements(r.readResources(s.Resource, variables), resourceKey)
	default: // a trust policy applies to its own role
		b.resources = newElements(r.readResources(iampolicy.Values{"*"}, false), resourceKey)
	}
	b.conditions = r.readConditions(s.Condition, variables)
	b.key = b.makeKey()
	return b
}

// isValid reports whether IAM accepts a statement. It checks the rules that the statement's meaning depends on
// ("Grammar of the IAM JSON policy language").
func isValid(s *iampolicy.Statement) bool {
	return (s.Effect == allow || s.Effect == deny) &&
		(len(s.Action) > 0) != (len(s.NotAction) > 0) &&
		(s.Resource == nil || s.NotResource == nil) &&
		(s.Resource == nil || len(s.Resource) > 0) &&
		(s.NotResource == nil || len(s.NotResource) > 0) &&
		(s.Principal == nil || s.NotPrincipal == nil)
}

// readActions parses actions, which are case-insensitive and have no policy variables. Every action is prefix:name, so
// "*:*" is "*".
func (r *reader) readActions(actions []string) []pattern {
	out := make([]pattern, len(actions))
	for i, a := range actions {
		p := r.read(a, syntax{wildcards: true, fold: unicode.ToLower})
		if slices.Equal(p.symbols, []symbol{star, ':', star}) {
			p = newPattern(a, []symbol{star})
		}
		out[i] = p
	}
	return out
}

func (r *reader) readResources(resources []string, variables bool) []resource {
	out := make([]resource, len(resources))
	for i, text := range resources {
		out[i] = newResource(r.read(text, syntax{wildcards: true, variables: variables}))
	}
	return out
}

// newElements returns one element for each distinct item, sorted by key.
func newElements[T any](items []T, key func(T) string) []element[T] {
	out := make([]element[T], len(items))
	for i, item := range items {
		out[i] = element[T]{item: item, key: key(item)}
	}
	slices.SortStableFunc(out, func(a, b element[T]) int { return strings.Compare(a.key, b.key) })
	return slices.CompactFunc(out, func(a, b element[T]) bool { return a.key == b.key })
}

// newExcept returns the single element that is everything but the items.
func newExcept[T any](items []T, key func(T) string) []element[T] {
	e := element[T]{except: make([]T, 0, len(items)), key: "\x03"}
	for _, item := range newElements(items, key) {
		e.except = append(e.except, item.item)
		e.key += item.key + "\x03"
	}
	return []element[T]{e}
}

func (e *element[T]) isExcept() bool { return e.except != nil }

// makeKey returns a text that is equal for blocks with equal elements.
func (b *block) makeKey() string {
	var s strings.Builder
	s.WriteString(b.effect)
	writeKeys(&s, b.principals)
	writeKeys(&s, b.actions)
	writeKeys(&s, b.resources)
	s.WriteByte('\x04')
	s.WriteString(b.conditions.key)
	return s.String()
}

func writeKeys[T any](s *strings.Builder, elements []element[T]) {
	s.WriteByte('\x04')
	for _, e := range elements {
		s.WriteString(e.key)
		s.WriteByte('\x05')
	}
}
