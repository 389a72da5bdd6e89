package faultinjection

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"permstack/internal/fakeaws/iam"
	"permstack/internal/iampolicy"
)

// accessInvariant checks every role after every write to IAM: it must not allow or
// trust anything that none of the allowed states does.
type accessInvariant struct {
	iam           *iam.Service
	asFirstParent func(string) string

	mu         sync.Mutex
	allowed    map[string]*allowedAccess // by role name
	violations []string
}

// allowedAccess is what a role may allow and trust, by statement.
type allowedAccess struct{ statements, trusts map[string]bool }

// allowChoice adds the roles of a choice to the allowed access.
func (g *accessInvariant) allowChoice(c choice) error {
	set, err := c.set()
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.allowed == nil {
		g.allowed = map[string]*allowedAccess{}
	}
	for _, r := range set.Roles {
		a := g.allowed[r.Name]
		if a == nil {
			a = &allowedAccess{map[string]bool{}, map[string]bool{}}
			g.allowed[r.Name] = a
		}
		a.trusts[documentText(r.Trust)] = true
		for _, p := range slices.Concat(r.Managed, r.Inline) {
			for _, s := range statements(p.Document) {
				a.statements[s] = true
			}
		}
	}
	return nil
}

// statements returns the statements of a document, each as text.
func statements(d iampolicy.Document) []string {
	var out []string
	for _, s := range d.Statement {
		data, err := s.MarshalJSON()
		if err != nil { // strings and maps of strings always marshal
			panic(err)
		}
		out = append(out, string(data))
	}
	return out
}

// parsedDocuments caches parsed documents by text: a scenario has the same few
// again and again.
var parsedDocuments sync.Map // text → parsedDocument

type parsedDocument struct {
	text       string
	statements []string
}

func parseDocument(text string) parsedDocument {
	if s, ok := parsedDocuments.Load(text); ok {
		return s.(parsedDocument)
	}
	doc, err := iampolicy.Parse([]byte(text))
	s := parsedDocument{text: documentText(doc), statements: statements(doc)}
	if err != nil { // cannot happen: IAM accepted the document
		s = parsedDocument{text: text, statements: []string{text}}
	}
	parsedDocuments.Store(text, s)
	return s
}

// checkRoles checks all roles after a call that may have written.
func (g *accessInvariant) checkRoles(action string) {
	if !strings.HasPrefix(action, "iam:") {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for name, may := range g.allowed {
		role, ok := g.iam.Lookup(account, name)
		if !ok || isConflicting(role) {
			continue
		}
		if trust := parseDocument(g.asFirstParent(role.Trust)).text; trust != denyAllTrust && !may.trusts[trust] {
			g.violate(fmt.Sprintf("after %s, role %s trusts what neither state does: %s", action, name, trust))
		}
		for _, text := range role.Policies {
			for _, s := range parseDocument(g.asFirstParent(text)).statements {
				if !may.statements[s] {
					g.violate(fmt.Sprintf("after %s, role %s allows what neither state does: %s", action, name, s))
				}
			}
		}
	}
}

// violate records a violation; the first three are sufficient.
func (g *accessInvariant) violate(what string) {
	if len(g.violations) < 3 {
		g.violations = append(g.violations, what)
	}
}

// isConflicting reports whether a role is the conflicting one of a third party: it
// has no path.
func isConflicting(r iam.Role) bool { return strings.HasSuffix(r.ARN, ":role/"+r.Name) }

// denyAllTrust is the trust policy of a third party's role, and of a role that is
// about to be deleted.
const denyAllTrust = `{"Version":"2012-10-17","Statement":[` +
	`{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`

// takeViolations returns and clears the violations.
func (g *accessInvariant) takeViolations() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := g.violations
	g.violations = nil
	return out
}

// allowStatement allows a role a statement: manual tampering.
func (g *accessInvariant) allowStatement(role, statement string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.allowed[role].statements[statement] = true
}
