package explain

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
	"permstack/internal/policies/schema"
)

// Class is a class of findings. The classes are those of the tool cloudsplaining, of which "infrastructure
// modification" is narrowed to the destruction of data.
type Class string

// The classes, the most severe first.
const (
	Escalation   Class = "privilege escalation"
	Exfiltration Class = "data exfiltration"
	Credentials  Class = "credentials exposure"
	Destruction  Class = "data destruction"
	Exposure     Class = "resource exposure"
)

// Classes are the classes, in the order of reports.
var Classes = []Class{Escalation, Exfiltration, Credentials, Destruction, Exposure}

// Finding is something that a role could do if the vendor, or an attacker in its place, misused it.
type Finding struct {
	ID    string `json:"id"` // of the rule: "pass-role-to-ec2"
	Class Class  `json:"class"`
	Level Level  `json:"level"`
	Title string `json:"title"`
	Role  string `json:"role"` // the vendor's name
	// Steps are the calls of the attack, in their order; for most findings one.
	Steps []Step `json:"steps"`
	// Bounds are the limits that hold: conditions, named resources.
	Bounds []string `json:"bounds"`
	// NoBounds are the conditions that look like limits and are none, each with the reason.
	NoBounds []string        `json:"noBounds"`
	Closes   []string        `json:"closes"` // what would close it
	Remains  []schema.Remain `json:"remains"`
}

// Step is a call of an attack with the statements that grant it.
type Step struct {
	Actions    []string    `json:"actions"` // any one of them
	Statements []Statement `json:"statements"`
}

// Statement is where a step is granted.
type Statement struct {
	Policy  string   `json:"policy"`
	Sid     string   `json:"sid"`
	Actions []string `json:"actions"`
	On      []string `json:"on"`
	OnlyIf  []string `json:"onlyIf"`
}

// Findings returns the findings of all grants of a set, the most severe class first.
func Findings(grants []Grant) []Finding {
	out := []Finding{}
	var seen []*role
	for _, g := range grants {
		if g.role == nil || slices.Contains(seen, g.role) {
			continue
		}
		seen = append(seen, g.role)
		out = append(out, g.role.findings(g.Entity)...)
	}
	slices.SortStableFunc(out, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(slices.Index(Classes, a.Class), slices.Index(Classes, b.Class)),
			cmp.Compare(slices.Index(Levels, a.Level), slices.Index(Levels, b.Level)))
	})
	return out
}

// findings returns the findings of a role: those of the rules, and for each remaining risk that the profile states and
// no rule finds, one of its own.
func (r role) findings(entity string) []Finding {
	var out []Finding
	for _, rule := range rules {
		out = append(out, r.apply(rule, entity)...)
	}
	for _, g := range r.grants {
		for _, remain := range g.Remains {
			class, ok := remainClasses[remain.Kind]
			if !ok || slices.ContainsFunc(out, func(f Finding) bool { return slices.Contains(f.Remains, remain) }) {
				continue
			}
			rule := rule{id: "profile-" + string(remain.Kind), class: class, title: remain.Text}
			f := r.finding(rule, entity, []match{{[]Grant{g}}})
			f.Level, f.Remains = g.Risk.Level, []schema.Remain{remain}
			out = append(out, f)
		}
	}
	return out
}

// remainClasses are the classes of the remaining risks that a profile states.
var remainClasses = map[schema.RemainKind]Class{
	schema.Escalates: Escalation, schema.DataLeaves: Exfiltration, schema.Destroys: Destruction,
	schema.SelfTag: Destruction,
}

// match is the grants that allow a step of a rule, each narrowed to the step's actions.
type match struct{ grants []Grant }

// apply returns the findings of a rule. A rule of one step has one for each service, and separates what a condition or
// a name bounds from what nothing does.
func (r role) apply(rule rule, entity string) []Finding {
	var all []match
	for _, step := range rule.steps {
		var m match
		for _, g := range r.grants {
			if narrowed, ok := r.narrow(g, step, rule); ok {
				m.grants = append(m.grants, narrowed)
			}
		}
		if len(m.grants) == 0 {
			return nil
		}
		all = append(all, m)
	}
	if len(all) > 1 {
		return []Finding{r.finding(rule, entity, all)}
	}
	type part struct {
		service string
		bounded bool
	}
	parts := map[part]match{}
	for _, g := range all[0].grants {
		names := map[part][]string{}
		for _, a := range g.Actions {
			service, _, ok := strings.Cut(a, ":")
			if !ok {
				service = "all" // the action is *
			}
			key := part{service, g.WithActions([]string{a}).limits(rule) > 0}
			names[key] = append(names[key], a)
		}
		for key, list := range names {
			parts[key] = match{append(parts[key].grants, g.WithActions(list))}
		}
	}
	order := slices.SortedFunc(maps.Keys(parts), func(a, b part) int {
		return cmp.Or(strings.Compare(a.service, b.service), compareBool(a.bounded, b.bounded))
	})
	var out []Finding
	for _, key := range order {
		named := rule
		named.id += "-" + key.service
		if key.service != "all" {
			named.title += " (" + serviceName(key.service) + ")"
		}
		out = append(out, r.finding(named, entity, []match{parts[key]}))
	}
	return out
}

// compareBool orders false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// narrow returns a grant with only the actions of a step, and reports whether it allows any of them on resources that
// the rule is about.
func (r role) narrow(g Grant, step []string, rule rule) (Grant, bool) {
	if g.Effect != "Allow" {
		return g, false
	}
	if len(g.NotActions) > 0 {
		g = g.withOthers(step)
	}
	var names []string
	for _, a := range g.Actions {
		if slices.ContainsFunc(step, func(s string) bool { return actions.Match(s, a) || actions.Match(a, s) }) &&
			!r.denied(a, g.Resources) {
			names = append(names, a)
		}
	}
	if len(names) == 0 {
		return g, false
	}
	g = g.WithActions(names)
	if slices.Contains(names, "iam:PassRole") && rule.service != "" && !passesTo(g, rule.service) ||
		(rule.class == Exfiltration || rule.class == Exposure) && g.onlyRemoves() ||
		rule.attribute != "" && !g.modifies(rule.attribute) {
		return g, false
	}
	return g, rule.reach == anyAccount || rule.reach == otherAccount && g.reachesOther() ||
		rule.reach == thisAccount && g.reachesOwn()
}

// limits returns how many limits hold for what the rule finds: conditions count one, named resources one.
func (g Grant) limits(rule rule) int {
	n := 0
	if g.conditionHolds(rule) {
		n++
	}
	if g.named(rule) {
		n++
	}
	return n
}

// named reports whether the resources are named; for what leaves the account, whether their account is.
func (g Grant) named(rule rule) bool {
	return namesResources(g) || rule.reach == otherAccount && !slices.ContainsFunc(g.Resources, func(r string) bool {
		return g.role.describer.Accounts[iampolicy.AccountInARN(r)] == ""
	})
}

// conditionHolds reports whether a condition bounds what the rule finds. A service to which a role is passed is part of
// the rule itself, not a limit.
func (g Grant) conditionHolds(rule rule) bool {
	return slices.ContainsFunc(g.Bounds, func(b Bound) bool { return b.holds(rule) })
}

func (b Bound) holds(rule rule) bool {
	if strings.EqualFold(b.Key, "iam:PassedToService") && rule.service != "" {
		return false
	}
	return b.Effect == Bounds || b.Effect == OwnAccount && rule.reach == otherAccount ||
		b.Effect == Openings && (rule.class == Exposure || rule.reach == otherAccount)
}

// finding returns the finding of a rule that matches.
func (r role) finding(rule rule, entity string, steps []match) Finding {
	f := Finding{
		ID: rule.id, Class: rule.class, Title: rule.title, Role: entity,
		Steps: []Step{}, Bounds: []string{}, NoBounds: []string{}, Closes: []string{}, Remains: []schema.Remain{},
	}
	limits := 0
	for _, m := range steps {
		step := Step{Statements: []Statement{}}
		fewest := len(Levels)
		for _, g := range m.grants {
			step.add(g)
			fewest = min(fewest, g.limits(rule))
			f.addLimits(g, rule, len(m.grants) > 1)
			f.addRemains(g)
		}
		limits = max(limits, fewest)
		f.Steps = append(f.Steps, step)
	}
	f.Level = Levels[len(Levels)-max(cmp.Or(rule.severity, len(Levels))-limits, 1)]
	if rule.closes != "" {
		f.Closes = append(f.Closes, rule.closes)
	}
	if slices.ContainsFunc(f.NoBounds, func(text string) bool { return strings.Contains(text, " the tag ") }) {
		f.Closes = append(f.Closes, closeTag)
	}
	if uses := closingUses(steps); uses != "" {
		f.Closes = append(f.Closes, "do not choose "+uses)
	}
	return f
}

func (s *Step) add(g Grant) {
	for _, a := range g.Actions {
		if !slices.Contains(s.Actions, a) {
			s.Actions = append(s.Actions, a)
		}
	}
	onlyIf := append([]string{}, g.OnlyIf...)
	s.Statements = append(s.Statements, Statement{g.Policy, g.Sid, g.Actions, g.On, onlyIf})
}

// addLimits adds what limits a grant, and what looks like a limit and is none; with the Sid, if the step has several
// statements.
func (f *Finding) addLimits(g Grant, rule rule, several bool) {
	add := func(list *[]string, text string) {
		if several {
			text = g.Sid + ": " + text
		}
		if !slices.Contains(*list, text) {
			*list = append(*list, text)
		}
	}
	for _, b := range g.Bounds {
		switch {
		case b.holds(rule):
			add(&f.Bounds, b.Condition)
		case b.Why != "":
			add(&f.NoBounds, b.Condition+": "+b.Why)
		}
	}
	if g.named(rule) {
		add(&f.Bounds, "only on "+join(g.On, "and"))
	}
}

// addRemains adds the remaining risks of a grant that are of the finding's class.
func (f *Finding) addRemains(g Grant) {
	for _, remain := range g.Remains {
		class := remainClasses[remain.Kind]
		if !slices.Contains(f.Remains, remain) && (class == f.Class || f.Class == Exposure && class == Exfiltration ||
			remain.Kind == schema.SelfTag && len(f.NoBounds) > 0) {
			f.Remains = append(f.Remains, remain)
		}
	}
}

// maxClosingUses is the largest number of uses that are worth naming: nobody omits more to close one finding.
const maxClosingUses = 6

// closingUses returns the smallest choice whose omission removes a step: "restore of rds"; "" if it is part of every
// choice or of too many.
func closingUses(steps []match) string {
	best := ""
	for _, m := range steps {
		var uses []schema.Use
		for _, g := range m.grants {
			if len(g.For) == 0 || slices.Contains(g.For, schema.Use{}) {
				uses = nil // it is part of every choice
				break
			}
			for _, u := range g.For {
				if !slices.Contains(uses, u) {
					uses = append(uses, u)
				}
			}
		}
		if len(uses) == 0 || len(uses) > maxClosingUses {
			continue
		}
		if text := join(Uses(uses), "or"); best == "" || len(text) < len(best) {
			best = text
		}
	}
	return best
}

// Concerns returns the findings that have a step which one of some grants allows.
func Concerns(findings []Finding, grants []Grant) []Finding {
	out := []Finding{}
	for _, f := range findings {
		if slices.ContainsFunc(f.Steps, func(step Step) bool {
			return slices.ContainsFunc(step.Statements, func(s Statement) bool {
				return slices.ContainsFunc(grants, func(g Grant) bool {
					return g.Kind == Policy && g.Entity == f.Role && g.Policy == s.Policy && g.Sid == s.Sid &&
						slices.ContainsFunc(s.Actions, func(a string) bool { return slices.Contains(g.Actions, a) })
				})
			})
		}) {
			out = append(out, f)
		}
	}
	return out
}
