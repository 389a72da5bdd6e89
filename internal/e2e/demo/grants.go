package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
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
	names, err := run.live.Roles(ctx, policies.DefaultPath)
	if err != nil {
		return g, err
	}
	for _, r := range names {
		// The roles of the launched stack itself have a longer path.
		if r.Path != policies.DefaultPath ||
			!strings.HasSuffix(r.Name, "-"+connection) && !run.isSynthesized(connection, r.Name) {
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
	g.topics, g.rules = slices.DeleteFunc(g.topics, isOwn), slices.DeleteFunc(g.rules, isOwn)
	return g, err
}

// isOwn reports whether a topic or rule belongs to a launched stack itself: these
// notify the customer, not the vendor.
func isOwn(name string) bool {
	for _, prefix := range []string{stackName + "-", otherStackName + "-", "permstack-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// isSynthesized reports whether a role belongs to the connection, for names that
// are truncated and do not end with the connection's id.
func (run *runner) isSynthesized(connection, name string) bool {
	set, err := policies.Synthesize(selection(choice{assets: run.options.Assets}), environment(connection))
	return err == nil && slices.ContainsFunc(set.Roles, func(r policies.Role) bool { return r.Name == name })
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

func (run *runner) topicNames(ctx context.Context) ([]string, error) {
	topics, err := run.live.Topics(ctx)
	var names []string
	for _, t := range topics {
		names = append(names, t.Name)
	}
	slices.Sort(names)
	return names, err
}

func (run *runner) ruleNames(ctx context.Context) ([]string, error) {
	rules, err := run.live.Rules(ctx)
	var names []string
	for _, r := range rules {
		names = append(names, r.Name)
	}
	slices.Sort(names)
	return names, err
}

// expectedGrants returns what the catalogue grants for a choice.
func (run *runner) expectedGrants(ctx context.Context, c choice) (grants, error) {
	environment := environment(connection)
	var err error
	if environment.Protected, err = run.protected(ctx); err != nil {
		return grants{}, err
	}
	set, err := policies.Synthesize(selection(c), environment)
	if err != nil {
		return grants{}, err
	}
	var g grants
	for _, r := range set.Roles {
		one := role{name: r.Name}
		for _, p := range r.Managed {
			one.managed = append(one.managed, policy{p.Name, p.Document})
		}
		for _, p := range r.Inline {
			one.inline = append(one.inline, policy{p.Name, p.Document})
		}
		g.roles = append(g.roles, one)
	}
	for _, t := range set.Topics {
		g.topics = append(g.topics, t.Name)
	}
	for _, r := range set.Rules {
		g.rules = append(g.rules, r.Name)
	}
	return g, nil
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

// remaining returns every resource that exists in the account.
func (run *runner) remaining(ctx context.Context) ([]string, error) {
	out, err := run.iamNames(ctx)
	if err != nil {
		return nil, err
	}
	for _, kind := range []struct {
		name string
		list func(context.Context) ([]string, error)
	}{{"stack", run.stackNames}, {"topic", run.topicNames}, {"rule", run.ruleNames}} {
		names, err := kind.list(ctx)
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			out = append(out, fmt.Sprintf("%s %s", kind.name, n))
		}
	}
	slices.Sort(out)
	return out, nil
}

// iamNames returns the account's roles, managed policies and instance profiles.
func (run *runner) iamNames(ctx context.Context) ([]string, error) {
	roles, err := run.live.Roles(ctx, "")
	if err != nil {
		return nil, err
	}
	managed, err := run.live.Policies(ctx)
	if err != nil {
		return nil, err
	}
	profiles, err := run.live.InstanceProfiles(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, r := range roles {
		names = append(names, "role "+r.Name)
	}
	for _, p := range managed {
		names = append(names, "policy "+p.Name)
	}
	for _, p := range profiles {
		names = append(names, "instance profile "+p.Name)
	}
	return names, nil
}
