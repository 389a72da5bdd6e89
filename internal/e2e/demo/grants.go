package demo

import (
	"context"
	"errors"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/installation"
	"permstack/internal/policies"
)

// grants is what a connection was granted in IAM, SNS and EventBridge.
type grants struct {
	roles  []role
	topics []string // names
	rules  []string
}

type role struct {
	name    string
	managed []policy
	inline  []policy
}

type policy struct {
	name     string
	document iampolicy.Document
}

// readGrants reads what the account has for a connection.
func (run *runner) readGrants(ctx context.Context, connection string) (grants, error) {
	var g grants
	path := policies.Environment{Region: run.site.Region, ConnectionID: connection, Path: run.site.Path}.RolePath()
	names, err := run.live.Roles(ctx, path)
	if err != nil {
		return g, err
	}
	for _, r := range names {
		if r.Path != path { // a role of the launched stack itself
			continue
		}
		one, err := run.readRole(ctx, r.Name)
		if err != nil {
			return g, err
		}
		g.roles = append(g.roles, one)
	}
	if g.topics, err = run.topicNames(ctx); err != nil {
		return g, err
	}
	g.rules, err = run.ruleNames(ctx)
	other := func(name string) bool { return run.site.isOwn(name) || run.isForeign(name) }
	g.topics, g.rules = slices.DeleteFunc(g.topics, other), slices.DeleteFunc(g.rules, other)
	return g, err
}

// isForeign reports whether a topic or rule may belong to somebody else in a shared
// account, because its name does not have the connection's id.
func (run *runner) isForeign(name string) bool {
	return run.site.Shared && !strings.HasSuffix(name, "-"+run.site.Connection)
}

func (run *runner) readRole(ctx context.Context, name string) (role, error) {
	live, err := run.live.ReadRole(ctx, name)
	if err != nil {
		return role{}, err
	}
	r := role{name: name}
	for _, p := range live.Attached {
		managed, err := run.live.ReadPolicy(ctx, p.ARN)
		if err != nil {
			return r, err
		}
		r.managed = append(r.managed, policy{managed.Name, managed.Document})
	}
	for _, p := range live.Inline {
		r.inline = append(r.inline, policy{p.Name, p.Document})
	}
	return r, nil
}

// expectedGrants returns what the catalogue grants for a choice.
func (run *runner) expectedGrants(ctx context.Context, c choice) (grants, error) {
	environment, err := run.site.environment(run.site.Connection, c)
	if err != nil {
		return grants{}, err
	}
	stackID, protected, err := run.protected(ctx, c)
	if err != nil {
		return grants{}, err
	}
	environment.Protected = protected
	parent, err := installation.ParseParent(stackID)
	if err != nil {
		return grants{}, err
	}
	environment.StackNames, environment.InstallationID = parent.StackNames(), parent.ShortID()
	set, err := policies.Synthesize(c.selection(), environment)
	if err != nil {
		return grants{}, err
	}
	g := grants{roles: expectedRoles(set)}
	for _, t := range set.Topics {
		g.topics = append(g.topics, t.Name)
	}
	for _, r := range set.Rules {
		g.rules = append(g.rules, r.Name)
	}
	return g, nil
}

func expectedRoles(set policies.Set) []role {
	var roles []role
	for _, r := range set.Roles {
		one := role{name: r.Name}
		for _, p := range r.Managed {
			one.managed = append(one.managed, policy{p.Name, p.Document})
		}
		for _, p := range r.Inline {
			one.inline = append(one.inline, policy{p.Name, p.Document})
		}
		roles = append(roles, one)
	}
	return roles
}

// requireMatch returns an error unless the grants are exactly what the catalogue
// grants for a choice: every role, policy document, topic and rule, and no others.
func (run *runner) requireMatch(ctx context.Context, g grants, c choice) error {
	want, err := run.expectedGrants(ctx, c)
	if err != nil {
		return err
	}
	found, expected := g.resources(), want.resources()
	var problems []string
	for name, text := range expected {
		switch actual, ok := found[name]; {
		case !ok:
			problems = append(problems, name+" is missing")
		case actual != text:
			problems = append(problems, name+" differs from the catalogue")
		}
	}
	for name := range found {
		if _, ok := expected[name]; !ok {
			problems = append(problems, name+" is not in the catalogue")
		}
	}
	slices.Sort(problems)
	if len(problems) > 0 {
		return errors.New(strings.Join(problems, "; "))
	}
	return nil
}

// resources returns the policy document, or "", of every resource by its name for
// people.
func (g grants) resources() map[string]string {
	out := map[string]string{}
	for _, r := range g.roles {
		out["role "+r.name] = ""
		for _, p := range r.managed {
			out["policy "+p.name+" on "+r.name] = p.text()
		}
		for _, p := range r.inline {
			out["inline policy "+p.name+" of "+r.name] = p.text()
		}
	}
	for _, t := range g.topics {
		out["topic "+t] = ""
	}
	for _, r := range g.rules {
		out["event rule "+r] = ""
	}
	return out
}

// missingIn returns the names of resources that later grants do not have.
func (g grants) missingIn(later grants) []string {
	remaining := later.resources()
	var missing []string
	for name := range g.resources() {
		if _, ok := remaining[name]; !ok {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	return missing
}

func (p policy) text() string {
	text, err := p.document.JSON()
	if err != nil { // strings and maps of strings always marshal
		panic(err)
	}
	return string(text)
}

// size is the sum of the policies' sizes in characters, as IAM counts them.
func (r role) size() (n int) {
	for _, p := range slices.Concat(r.managed, r.inline) {
		n += p.document.Size()
	}
	return n
}

func (r role) actions() int   { return countActions([]role{r}) }
func (g grants) actions() int { return countActions(g.roles) }

// countActions counts distinct actions.
func countActions(roles []role) int {
	seen := map[string]bool{}
	for _, r := range roles {
		for _, p := range slices.Concat(r.managed, r.inline) {
			for _, a := range p.document.Actions() {
				seen[a] = true
			}
		}
	}
	return len(seen)
}
