// Package policies synthesizes the roles, policies, topics and event rules that a selection of a vendor's
// profile needs, and nothing else. It does no I/O and does not use the AWS SDK: the same input always returns
// the same set.
package policies

import (
	"maps"

	"permstack/internal/iampolicy"
	"permstack/internal/policies/schema"
	"permstack/internal/policies/scope"
)

// Synthesize returns the set of a selection. For invalid input it returns an *InputError with every problem and
// the valid values, for a set that exceeds IAM's quotas a *LimitError.
func Synthesize(sel Selection, env Environment) (Set, error) {
	profile, known := profile(sel.Profile)
	if !known {
		return Set{}, &InputError{[]string{unknownProfile(sel.Profile)}}
	}
	return SynthesizeProfile(profile, sel, env)
}

// SynthesizeProfile is Synthesize for a profile that is not one of ProfileNames.
func SynthesizeProfile(profile schema.Profile, sel Selection, env Environment) (Set, error) {
	profile = atRelease(profile, sel.CatalogVersion)
	sel, env, err := check(profile, sel, env)
	if err != nil {
		return Set{}, err
	}
	profile = withRestoreWindow(profile, sel)
	if sel.Scope.IsZero() {
		return synthesize(profile, sel, env)
	}
	return synthesizeInScope(profile, sel, env)
}

// synthesize returns the set of a complete selection.
func synthesize(profile schema.Profile, sel Selection, env Environment) (Set, error) {
	s := synthesis{profile: profile, choice: newChoice(profile, sel), names: names{env}, scope: sel.Scope}
	s.terms = newTerms(profile, s.choice, env)
	set := Set{
		CatalogVersion: sel.CatalogVersion, Profile: profile.Name, RestoreUntil: sel.RestoreUntil, Scope: sel.Scope,
	}

	s.chosen = s.chosenParts(env)
	for _, r := range s.chosen.roles {
		role, err := s.role(r, env)
		if err != nil {
			return Set{}, err
		}
		set.Roles = append(set.Roles, role)
	}
	for _, t := range s.chosen.topics {
		topic, err := s.topic(t, env)
		if err != nil {
			return Set{}, err
		}
		set.Topics = append(set.Topics, topic)
	}
	for _, r := range s.chosen.rules {
		set.Rules = append(set.Rules, Rule{
			Entity:      r.Entity,
			Name:        s.names.physical(r.Entity),
			Asset:       r.Asset,
			Description: sentence(r.Why),
			Pattern:     r.Pattern,
			Targets:     []Target{{ID: "inventory-topic", TopicEntity: r.Topic}},
		})
	}
	return set, checkLimits(set)
}

// synthesis is one run of Synthesize.
type synthesis struct {
	profile schema.Profile
	choice  choice
	names   names
	terms   terms
	chosen  parts
	scope   scope.Scope
}

// parts are the entities of the profile that the selection includes. They are collected before any document is written,
// because documents refer to them.
type parts struct {
	roles    []schema.Role
	policies map[string][][]schema.Statement // managed policy entity → its parts
	// inline are the inline policies, by role and entity, that differ from the profile
	// because statements that repeat others are left out.
	inline map[string][]schema.Statement
	// reduced are the roles whose repeated statements are left out.
	reduced map[string]bool
	topics  []schema.Topic
	rules   []schema.Rule
}

func (s synthesis) chosenParts(env Environment) parts {
	p := parts{policies: map[string][][]schema.Statement{}, inline: map[string][]schema.Statement{},
		reduced: map[string]bool{}}
	for _, r := range s.profile.Rules {
		if s.choice.has(schema.Use{Asset: r.Asset, Option: r.Option}) {
			p.rules = append(p.rules, r)
		}
	}
	for _, t := range s.profile.Topics {
		if s.choice.hasAny(t.For) {
			p.topics = append(p.topics, t)
		}
	}
	for _, r := range s.profile.Roles {
		if s.choice.hasAny(r.For) {
			p.roles = append(p.roles, r)
		}
	}
	for _, r := range p.roles {
		for _, policy := range r.Policies {
			if policy.Kind == schema.Managed {
				if list := s.choice.statements(policy); len(list) > 0 {
					p.policies[policy.Entity] = [][]schema.Statement{list}
				}
			}
		}
	}
	// A policy is split by its size with the longest partition and Region, so that its parts are the same wherever it is
	// deployed.
	longest := s
	longest.terms = longestTerms(s.profile, s.choice, env)
	longest.names = names{longestEnvironment(env)}
	whole := p.policies
	named := s.namedPolicies(whole)
	for range maxPackings {
		longest.chosen = p
		packed := make(map[string][][]schema.Statement, len(whole))
		stable := true
		for entity, list := range whole {
			packed[entity] = longest.pack(list[0])
		}
		for _, r := range p.roles {
			longest.reduce(r, whole, packed)
		}
		for entity := range whole {
			// The sizes of statements depend only on how many parts the policies have that they name.
			if named[entity] || named["*"] {
				stable = stable && len(packed[entity]) == len(p.policies[entity])
			}
		}
		p.policies = packed
		if stable {
			break
		}
	}
	return p
}

// maxPackings limits how often policies are packed again because a statement with ${policies:…} names one policy more,
// and is longer, once a policy is split. One packing is enough for most profiles, two for all but contrived ones.
const maxPackings = 4

func (s synthesis) role(r schema.Role, env Environment) (Role, error) {
	role := Role{
		Entity:              r.Entity,
		Name:                s.names.physical(r.Entity),
		Path:                s.names.path(),
		Description:         sentence(r.Why),
		PermissionsBoundary: env.PermissionsBoundaryARN,
		Tags:                env.Tags,
	}
	if r.InstanceProfile != "" && s.choice.hasAny(r.InstanceProfileFor) {
		role.InstanceProfile = s.names.physical(r.InstanceProfile)
	}
	role.Trust.Version = iampolicy.Version
	for _, t := range r.Trust {
		if s.choice.hasAny(t.For) {
			role.Trust.Statement = append(role.Trust.Statement, s.trust(t))
		}
	}
	for _, p := range r.Policies {
		if p.Kind == schema.Inline {
			list, reduced := s.chosen.inline[r.Entity+"/"+p.Entity]
			if !reduced {
				list = s.choice.statements(p)
			}
			if policy, ok := s.policy(p, s.names.physical(p.Entity), list); ok {
				role.Inline = append(role.Inline, policy)
			}
			continue
		}
		for i, part := range s.chosen.policies[p.Entity] {
			if policy, ok := s.policy(p, s.names.part(p.Entity, i), part); ok {
				policy.Path = s.names.path()
				role.Managed = append(role.Managed, policy)
			}
		}
	}
	if policy, ok := s.regionScope(role); ok {
		role.Inline = append(role.Inline, policy)
	}
	if policy, ok := s.guard(role); ok {
		role.Inline = append(role.Inline, policy)
	}
	return role, nil
}

func (s synthesis) trust(t schema.Trust) iampolicy.Statement {
	principal := iampolicy.Principal{ByType: map[string]iampolicy.Values{}}
	if t.AWS != "" {
		principal.ByType["AWS"] = iampolicy.Values{s.terms.expand(t.AWS)}
	} else {
		principal.ByType["Service"] = iampolicy.Values{s.terms.expand(t.Service)}
	}
	when := s.conditions(t.When)
	for value, conditions := range t.WhenGiven {
		if given, _ := s.names.env.value(value); given == "" {
			continue
		}
		if when == nil {
			when = iampolicy.Conditions{}
		}
		for operator, keys := range s.conditions(conditions) {
			if when[operator] == nil {
				when[operator] = map[string]iampolicy.Values{}
			}
			maps.Copy(when[operator], keys)
		}
	}
	return iampolicy.Statement{
		Sid: t.Sid, Effect: "Allow", Principal: &principal,
		Action:    iampolicy.Values{"sts:AssumeRole"},
		Condition: when,
	}
}

// policy writes the document of a policy, or of a part of one. It reports false
// where nothing is left to grant: all that the statements name is not chosen.
func (s synthesis) policy(p schema.Policy, name string, statements []schema.Statement) (Policy, bool) {
	out := Policy{
		Entity: p.Entity, Name: name, Description: sentence(p.Why), Grants: make([]Grant, 0, len(statements)),
		Document: iampolicy.Document{
			Version: iampolicy.Version, Statement: make([]iampolicy.Statement, 0, len(statements)),
		},
	}
	for _, st := range statements {
		for _, written := range s.statements(st) {
			out.Document.Statement = append(out.Document.Statement, written)
			out.Grants = append(out.Grants, Grant{
				Sid: written.Sid, Why: st.Why, WhyWildcard: st.WhyWildcard, Note: st.Note, For: st.For, Remains: st.Remains,
			})
		}
	}
	return out, len(out.Document.Statement) > 0
}

func (s synthesis) topic(t schema.Topic, env Environment) (Topic, error) {
	topic := Topic{
		Entity: t.Entity, Name: s.names.physical(t.Entity), Tags: env.Tags, KeyARN: env.TopicKeyARN,
		Policy: iampolicy.Document{Version: iampolicy.Version},
	}
	for _, st := range t.Statements {
		principal := iampolicy.Principal{ByType: map[string]iampolicy.Values{}}
		if st.Service != "" {
			principal.ByType["Service"] = iampolicy.Values{s.terms.expand(st.Service)}
		} else {
			principal.ByType["AWS"] = iampolicy.Values{s.terms.expand(st.AWS)}
		}
		topic.Policy.Statement = append(topic.Policy.Statement, iampolicy.Statement{
			Sid: st.Sid, Effect: "Allow", Principal: &principal,
			Action:    st.Actions,
			Resource:  iampolicy.Values{s.topicARN(t.Entity)},
			Condition: s.conditions(st.When),
		})
		topic.Grants = append(topic.Grants, Grant{Sid: st.Sid, Why: st.Why})
	}
	return topic, nil
}
