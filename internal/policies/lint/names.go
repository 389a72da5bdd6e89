package lint

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"permstack/internal/iampolicy/spelling"
	"permstack/internal/policies"
	"permstack/internal/policies/profilefile"
	"permstack/internal/policies/schema"
)

// names checks that references are defined, that no two entities have one name in a release, that names have a common
// beginning, and that reasons are given.
func (c *checker) names() {
	p := c.loaded.Profile
	for _, t := range p.Terms {
		at := c.loaded.Place(profilefile.VariableKey(t.Name))
		c.variables(at, "variable "+t.Name, t.Value)
		if t.Why == "" {
			c.add(at, Reason, "variable %s: why is missing", t.Name)
		}
	}
	entities := map[string][]schema.Span{}
	entity := func(key, name string, in schema.Span) {
		if slices.ContainsFunc(entities[name], func(other schema.Span) bool { return overlap(in, other) }) {
			c.add(c.loaded.Place(key), Reference, "the name %s is used twice; names of roles, policies, topics and rules differ",
				name)
		}
		entities[name] = append(entities[name], in)
	}
	for _, r := range p.Roles {
		entity(profilefile.RoleKey(r.Entity), r.Entity, r.In)
		c.words(profilefile.RoleKey(r.Entity), "role "+r.Entity, r.Why, 1)
		for _, policy := range r.Policies {
			entity(profilefile.PolicyKey(policy.Entity), policy.Entity, policy.In)
			for _, s := range policy.Statements {
				c.statementNames(r, policy, s)
			}
		}
	}
	for _, t := range p.Topics {
		entity(profilefile.TopicKey(t.Entity), t.Entity, t.In)
	}
	for _, r := range p.Rules {
		entity(profilefile.RuleKey(r.Entity), r.Entity, r.In)
	}
	for _, name := range slices.Sorted(maps.Keys(entities)) {
		if !alphanumeric.MatchString(name) {
			at := c.loaded.Place(profilefile.RoleKey(name), profilefile.PolicyKey(name), profilefile.TopicKey(name),
				profilefile.RuleKey(name))
			c.add(at, Reference, "the name %q: want letters and digits", name)
		}
	}
	if prefix := policies.NamePrefix(p); len(prefix) < policies.MinNamePrefix && len(p.Roles) > 0 {
		c.add(c.loaded.Place(), Reference, "the names of roles, managed policies, topics and rules begin with %q: want at "+
			"least %d common characters, which limit what an installation may create", prefix, policies.MinNamePrefix)
	}
	if _, ok := policies.InstanceRole(p); !ok {
		c.add(c.loaded.Place(), Reference, "more than one role has an instance profile: the installation may pass one role only")
	}
}

func (c *checker) statementNames(r schema.Role, policy schema.Policy, s schema.Statement) {
	key := profilefile.StatementKey(r.Entity, policy.Entity, s.Sid, s.In.From)
	for _, res := range s.Resources {
		c.variables(c.loaded.Place(profilefile.PartKey(key, "resource", res), key), s.Sid, res)
	}
	c.conditionValues(key, s.Sid, s.When)
	c.words(key, s.Sid, s.Why, 3)
	if !alphanumeric.MatchString(s.Sid) {
		c.add(c.loaded.Place(key), Reference, "sid %q: want letters and digits", s.Sid)
	}
	for _, name := range s.Presets {
		if !slices.ContainsFunc(c.loaded.Profile.Presets, func(p schema.Preset) bool { return p.Name == name && p.Marked }) {
			c.add(c.loaded.Place(key), Reference, "%s: preset %s is not marked: true", s.Sid, name)
		}
	}
}

var alphanumeric = regexp.MustCompile(`^[A-Za-z0-9]+$`)

// words reports a reason of fewer words than people need to understand it.
func (c *checker) words(key, what, why string, least int) {
	if words := len(strings.Fields(why)); words > 0 && words < least { // a missing one is a problem of the form
		c.add(c.loaded.Place(key), Reason, "%s: why is %q: give the reason in plain words", what, why)
	}
}

func (c *checker) conditionValues(statement, what string, when schema.Conditions) {
	for _, keys := range when {
		for key, values := range keys {
			at := c.loaded.Place(profilefile.PartKey(statement, "key", key), statement)
			for _, v := range values {
				c.variables(at, what, v)
			}
		}
	}
}

var variable = regexp.MustCompile(`\$\{([^}]*)\}`)

// variables reports variables that have no value.
func (c *checker) variables(at profilefile.Position, what, text string) {
	for _, m := range variable.FindAllStringSubmatch(text, -1) {
		if m[1] == "*" || strings.Contains(m[1], ":") && !isReference(m[1]) { // IAM's own: ${*}, ${aws:username}
			continue
		}
		if !c.defined(m[1]) {
			hint := ""
			if near := spelling.Nearest(m[1], c.variableNames()); near != "" {
				hint = "; did you mean ${" + near + "}?"
			}
			c.add(at, Reference, "%s: ${%s} is not defined%s", what, m[1], hint)
		}
	}
}

// variableNames returns what ${…} may name: the variables of every profile, its own, and its entities.
func (c *checker) variableNames() []string {
	names := slices.Clone(builtIn)
	p := c.loaded.Profile
	for _, t := range p.Terms {
		names = append(names, t.Name)
	}
	for _, r := range p.Roles {
		names = append(names, "roles:"+r.Entity)
	}
	for _, t := range p.Topics {
		names = append(names, "topics:"+t.Entity)
	}
	return names
}

func isReference(name string) bool {
	kind, _, _ := strings.Cut(name, ":")
	return slices.Contains([]string{"roles", "policies", "topics", "rules"}, kind)
}

// builtIn are the variables of package schema.
var builtIn = []string{
	"Partition", "Region", "Account", "DataPlaneAccount", "ControlPlaneAccount", "ControlPlaneRole",
	"SupportControlPlaneRole", "ExternalId", "Path", "EC2Service", "OtherAccount", "stacks",
	"roles:*", "policies:*", "topics:*", "rules:*",
}

func (c *checker) defined(name string) bool {
	if slices.Contains(builtIn, name) {
		return true
	}
	p := c.loaded.Profile
	kind, entity, _ := strings.Cut(name, ":")
	switch kind {
	case "roles":
		return slices.ContainsFunc(p.Roles, func(r schema.Role) bool { return r.Entity == entity })
	case "policies":
		return slices.ContainsFunc(p.Roles, func(r schema.Role) bool {
			return slices.ContainsFunc(r.Policies, func(policy schema.Policy) bool { return policy.Entity == entity })
		})
	case "topics":
		return slices.ContainsFunc(p.Topics, func(t schema.Topic) bool { return t.Entity == entity })
	case "rules":
		return slices.ContainsFunc(p.Rules, func(r schema.Rule) bool { return r.Entity == entity })
	}
	return slices.ContainsFunc(p.Terms, func(t schema.Term) bool { return t.Name == name })
}
