package faultinjection

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"permstack/internal/fakeaws/iam"
	"permstack/internal/iampolicy"
)

// guard looks at every role after every write to IAM: at no moment may one allow
// or trust what none of the allowed states does.
type guard struct {
	iam *iam.Service

	mu      sync.Mutex
	allowed map[string]*access // by role name
	broken  []string
}

// access is what a role may allow and trust, statement by statement.
type access struct{ statements, trusts map[string]bool }

// permit adds the roles of a choice to what is allowed.
func (g *guard) permit(c choice) error {
	set, err := c.set()
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.allowed == nil {
		g.allowed = map[string]*access{}
	}
	for _, r := range set.Roles {
		a := g.allowed[r.Name]
		if a == nil {
			a = &access{map[string]bool{}, map[string]bool{}}
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

// statements are those of a document, each as text.
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

// known remembers what documents say; a life has the same few again and again.
var known sync.Map // text → [2]any{trust text, statements}

type said struct {
	whole      string
	statements []string
}

func read(text string) said {
	if s, ok := known.Load(text); ok {
		return s.(said)
	}
	doc, err := iampolicy.Parse([]byte(text))
	s := said{whole: documentText(doc), statements: statements(doc)}
	if err != nil { // IAM took it, so this never happens
		s = said{whole: text, statements: []string{text}}
	}
	known.Store(text, s)
	return s
}

// look checks all roles after a call that may have written.
func (g *guard) look(action string) {
	if !strings.HasPrefix(action, "iam:") {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for name, may := range g.allowed {
		role, ok := g.iam.Lookup(account, name)
		if !ok || foreign(role) {
			continue
		}
		if trust := read(role.Trust).whole; trust != nobody && !may.trusts[trust] {
			g.tell(fmt.Sprintf("after %s, role %s trusted what neither state does: %s", action, name, trust))
		}
		for _, text := range role.Policies {
			for _, s := range read(text).statements {
				if !may.statements[s] {
					g.tell(fmt.Sprintf("after %s, role %s allowed what neither state does: %s", action, name, s))
				}
			}
		}
	}
}

// tell notes a breach; a few are enough.
func (g *guard) tell(what string) {
	if len(g.broken) < 3 {
		g.broken = append(g.broken, what)
	}
}

// foreign tells a role that is in the way: it lies under no path.
func foreign(r iam.Role) bool { return strings.HasSuffix(r.ARN, ":role/"+r.Name) }

// nobody is the trust policy of a role that is somebody else's, and of one that
// is about to go.
const nobody = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`

func (g *guard) report() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := g.broken
	g.broken = nil
	return out
}

// allow adds a statement to what a role may allow: somebody's tampering.
func (g *guard) allow(role, statement string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.allowed[role].statements[statement] = true
}
