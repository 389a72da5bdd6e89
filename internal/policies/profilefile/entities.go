package profilefile

import (
	"maps"
	"slices"
	"strings"

	"permstack/internal/policies/schema"
)

// role adds a role, or extends the one of that name.
func (a *assembler) role(p *schema.Profile, f roleForm) {
	a.require(f.Position, "role", f.Role)
	a.place(RoleKey(f.Role), f.Position)
	i := slices.IndexFunc(p.Roles, func(r schema.Role) bool { return r.Entity == f.Role && r.In == f.In })
	if i < 0 {
		i = len(p.Roles)
		a.require(f.Position, "why", f.Why)
		if len(f.Trust) == 0 {
			a.add(f.Position, "trust is missing: a role that nobody may assume is of no use")
		}
		p.Roles = append(p.Roles, schema.Role{
			Entity: f.Role, Why: f.Why, For: a.uses(f.For), InstanceProfile: f.InstanceProfile,
			InstanceProfileFor: a.uses(f.InstanceProfileFor), In: f.In,
		})
	} else if f.Why != "" || f.For.uses != nil || f.InstanceProfile != "" {
		a.add(f.Position, "role %s is declared in another place; here only trust and policies can be added", f.Role)
	}
	role := &p.Roles[i]
	for _, t := range f.Trust {
		key := TrustKey(f.Role, t.Sid)
		a.place(key, t.Position)
		a.placeKeys(key, t.When)
		a.require(t.Position, "sid", t.Sid)
		a.require(t.Position, "why", t.Why)
		a.principal(t.Position, t.Principal)
		trust := schema.Trust{
			Sid: t.Sid, Why: t.Why, For: a.uses(t.For), AWS: t.Principal.AWS, Service: t.Principal.Service,
			When: a.when(t.When), In: t.In,
		}
		for input, when := range t.WhenGiven {
			a.known(t.Position, "input", input, inputs)
			if trust.WhenGiven == nil {
				trust.WhenGiven = map[schema.Value]schema.Conditions{}
			}
			trust.WhenGiven[schema.Value(input)] = a.when(when)
			a.placeKeys(key, when)
		}
		role.Trust = append(role.Trust, trust)
	}
	for _, policy := range f.Policies {
		a.policy(role, policy)
	}
}

func (a *assembler) principal(p Position, f principalForm) {
	if (f.AWS == "") == (f.Service == "") {
		a.add(p, "principal: want either aws or service")
	}
}

func (a *assembler) policy(role *schema.Role, f policyForm) {
	a.require(f.Position, "policy", f.Policy)
	a.place(PolicyKey(f.Policy), f.Position)
	i := slices.IndexFunc(role.Policies, func(p schema.Policy) bool { return p.Entity == f.Policy && p.In == f.In })
	if i < 0 {
		i = len(role.Policies)
		a.require(f.Position, "why", f.Why)
		if f.Kind != string(schema.Inline) && f.Kind != string(schema.Managed) {
			a.add(f.Position, "policy %s: kind %q: want inline or managed", f.Policy, f.Kind)
		}
		role.Policies = append(role.Policies, schema.Policy{
			Entity: f.Policy, Kind: schema.Kind(f.Kind), Why: f.Why, For: a.uses(f.For), In: f.In,
		})
	} else if f.Why != "" || f.Kind != "" || f.For.uses != nil {
		a.add(f.Position, "policy %s is declared in another place; here only statements can be added", f.Policy)
	}
	policy := &role.Policies[i]
	for _, s := range f.Statements {
		key := StatementKey(role.Entity, policy.Entity, s.Sid, s.In.From)
		statement := a.statement(key, s)
		if other, ok := a.places[key]; ok {
			a.add(s.Position, "sid %q is used at %s too", s.Sid, other)
		}
		a.places[key] = s.Position
		policy.Statements = append(policy.Statements, statement)
	}
}

// Texts that whyWildcard may name.
var wildcardReasons = map[string]string{
	"no-resource-level":          "AWS has no resource-level permission for these actions",
	"no-resource-level-singular": "AWS has no resource-level permission for this action",
}

func (a *assembler) statement(key string, f statementForm) schema.Statement {
	a.require(f.Position, "sid", f.Sid)
	a.require(f.Position, "why", f.Why)
	s := schema.Statement{
		Sid: f.Sid, Why: f.Why, For: a.uses(f.For), Actions: a.expandAt(key, "action", f.Actions, a.actions),
		Resources: a.expandAt(key, "resource", f.Resources, a.resources), When: a.when(f.When),
		Presets: f.Presets, WhyWildcard: f.WhyWildcard, Note: f.Note, In: f.In, ActionsIn: f.ActionsIn,
	}
	a.placeKeys(key, f.When)
	s.Shared = a.expand("resource", f.Shared, a.resources)
	for _, r := range s.Shared {
		if !slices.Contains(s.Resources, r) {
			a.add(f.Position, "shared: %s is not one of the statement's resources", r)
		}
	}
	switch f.Effect {
	case "", "Allow":
	case "Deny":
		s.Deny = true
	default:
		a.add(f.Position, "effect %q: want Allow or Deny", f.Effect)
	}
	if f.WhyWildcard == "no-resource-level" {
		s.WhyWildcard = wildcardReasons["no-resource-level"]
		if len(s.Actions) == 1 {
			s.WhyWildcard = wildcardReasons["no-resource-level-singular"]
		}
	}
	if len(f.Actions.items) == 0 {
		a.add(f.Position, "actions is missing")
	}
	for i, action := range s.Actions {
		if slices.Contains(s.Actions[:i], action) {
			a.add(f.Position, "action %s is written twice", action)
		}
	}
	if len(f.Resources.items) == 0 {
		a.add(f.Position, "resources is missing")
	}
	wildcard := slices.Contains(s.Resources, "*")
	if wildcard && !s.Deny && strings.TrimSpace(s.WhyWildcard) == "" {
		a.add(f.Position, "resources is *: whyWildcard is missing (no-resource-level, or the reason)")
	}
	if !wildcard && s.WhyWildcard != "" && len(s.Resources) > 0 {
		a.add(f.Position, "whyWildcard is given, but resources is not *")
	}
	s.Since = a.actionOptions(f, "since", f.Since, s.Actions)
	s.Until = a.actionOptions(f, "until", f.Until, s.Actions)
	for _, preset := range f.Presets {
		a.known(f.Position, "preset", preset, a.presets)
	}
	for action := range f.ActionsIn {
		if !slices.Contains(s.Actions, action) {
			a.add(f.Position, "actionReleases: action %s is not one of the statement's", action)
		}
	}
	for _, r := range f.Remains {
		a.known(r.Position, "kind", r.Kind, remainKinds)
		a.require(r.Position, "kind", r.Kind)
		a.require(r.Position, "text", r.Text)
		s.Remains = append(s.Remains, schema.Remain{Kind: schema.RemainKind(r.Kind), Text: r.Text})
	}
	for _, kind := range slices.Sorted(maps.Keys(f.NotNarrowed)) {
		a.known(f.Position, "kind of scope", kind, scopeKinds)
		a.require(f.Position, "notNarrowed: "+kind, f.NotNarrowed[kind])
	}
	s.NotNarrowed = f.NotNarrowed
	return s
}

// actionOptions returns the option of each action of a statement that since or until names.
func (a *assembler) actionOptions(
	f statementForm, key string, byOption map[string]textList, actions []string,
) map[string]schema.Option {
	var out map[string]schema.Option
	for option, list := range byOption {
		a.known(f.Position, "option", option, a.options)
		for _, action := range a.expand("action", list, a.actions) {
			if !slices.Contains(actions, action) {
				a.add(f.Position, "%s: action %s is not one of the statement's", key, action)
			}
			if out == nil {
				out = map[string]schema.Option{}
			}
			out[action] = schema.Option(option)
		}
	}
	return out
}

var remainKinds = map[string]bool{
	string(schema.SelfTag): true, string(schema.NoKey): true, string(schema.DataLeaves): true,
	string(schema.Destroys): true, string(schema.Escalates): true,
}

func (a *assembler) topic(p *schema.Profile, f topicForm) {
	a.require(f.Position, "topic", f.Topic)
	a.require(f.Position, "why", f.Why)
	a.require(f.Position, "policy", f.Policy)
	a.place(TopicKey(f.Topic), f.Position)
	t := schema.Topic{Entity: f.Topic, Why: f.Why, For: a.uses(f.For), PolicyEntity: f.Policy, In: f.In}
	for _, s := range f.Statements {
		key := TopicStatementKey(f.Topic, s.Sid)
		a.place(key, s.Position)
		a.placeKeys(key, s.When)
		a.require(s.Position, "sid", s.Sid)
		a.require(s.Position, "why", s.Why)
		a.principal(s.Position, s.Principal)
		t.Statements = append(t.Statements, schema.TopicStatement{
			Sid: s.Sid, Why: s.Why, Actions: a.expandAt(key, "action", s.Actions, a.actions),
			AWS: s.Principal.AWS, Service: s.Principal.Service, When: a.when(s.When), In: s.In,
		})
	}
	p.Topics = append(p.Topics, t)
}

func (a *assembler) rule(p *schema.Profile, f ruleForm) {
	a.require(f.Position, "rule", f.Rule)
	a.place(RuleKey(f.Rule), f.Position)
	a.require(f.Position, "why", f.Why)
	a.known(f.Position, "asset", f.Asset, a.assets)
	a.known(f.Position, "option", f.Option, a.options)
	topics := map[string]bool{}
	for _, t := range p.Topics {
		topics[t.Entity] = true
	}
	a.require(f.Position, "topic", f.Topic)
	a.known(f.Position, "topic", f.Topic, topics)
	if len(f.Pattern) == 0 {
		a.add(f.Position, "pattern is missing")
	}
	p.Rules = append(p.Rules, schema.Rule{
		Entity: f.Rule, Why: f.Why, Asset: schema.Asset(f.Asset), Option: schema.Option(f.Option), Topic: f.Topic,
		Pattern: f.Pattern, In: f.In,
	})
}

func (a *assembler) flow(p *schema.Profile, f flowForm) schema.Flow {
	a.require(f.Position, "flow", f.Flow)
	if other, ok := a.places[FlowKey(f.Flow)]; ok {
		a.add(f.Position, "flow %q is written at %s too", f.Flow, other)
	}
	a.places[FlowKey(f.Flow)] = f.Position
	roles := map[string]bool{}
	for _, r := range p.Roles {
		roles[r.Entity] = true
	}
	a.known(f.Position, "role", f.Role, roles)
	a.known(f.Position, "sharing", f.Sharing, map[string]bool{
		string(schema.OtherAccounts): true, string(schema.Organization): true, string(schema.AnySharing): true,
	})
	if len(f.Calls) == 0 {
		a.add(f.Position, "calls is missing")
	}
	flow := schema.Flow{Name: f.Flow, For: a.uses(f.For), Sharing: schema.Sharing(f.Sharing), Role: f.Role, In: f.In}
	for i, c := range f.Calls {
		a.place(CallKey(f.Flow, i), c.Position)
		a.require(c.Position, "source", c.Source)
		if len(c.Actions) == 0 || len(c.Resources.items) == 0 {
			a.add(c.Position, "actions or resources is missing")
		}
		flow.Calls = append(flow.Calls, schema.Call{
			Name: c.Name, Actions: c.Actions, Resources: a.expand("resource", c.Resources, a.resources),
			Context: c.Context, Denied: c.Denied, Source: c.Source,
		})
	}
	return flow
}
