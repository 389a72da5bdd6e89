package accessdiff

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/narrowings"
	"permstack/internal/policies/schema"
	"permstack/internal/review/explain"
	"permstack/internal/terminal"
)

// Lacking is what a vendor's file grants and a profile does not, for any choice.
type Lacking struct {
	Profile string         `json:"profile"`
	Assets  []LackingAsset `json:"assets"`
	// Recorded are actions that the profile grants less of for a recorded reason (narrowings).
	Recorded []string `json:"recorded,omitempty"`

	undecided []narrowings.Narrowing
}

// Undecided returns the differences that a decision is to be recorded for, by role: each with an empty reason.
func (l Lacking) Undecided() []narrowings.Narrowing { return l.undecided }

// LackingAsset is what an asset of the profile lacks. Asset is a service's name, such as "service fsx", if no asset of
// the profile uses the service.
type LackingAsset struct {
	Asset   string   `json:"asset"`
	Missing []string `json:"missing,omitempty"` // actions that the profile grants nowhere
	Tighter []string `json:"tighter,omitempty"` // actions that it grants for less
}

// Lacks returns what the file grants beyond the profile. The roles are compared together: the split of permissions
// into roles is the profile's own.
func Lacks(
	file, profileSet *AccessSet, profile schema.Profile, env policies.Environment, describer explain.Describer,
) (Lacking, error) {
	out := Lacking{Profile: profile.Name, Assets: []LackingAsset{}}
	differences, err := narrowings.Read(profile.Name)
	if err != nil {
		return out, err
	}
	users, err := usersOfActions(profile, env)
	if err != nil {
		return out, err
	}
	byAsset := map[string]*LackingAsset{}
	theirs, ours, _, _ := prepare(file, profileSet)
	d := Compare(ours.together().withoutGuard(), theirs.together(), describer)
	for _, c := range d.Changes {
		if c.What != "actions" || !c.Kind.IsGrowth() {
			continue
		}
		for _, action := range c.Actions {
			if isRecorded(differences, action, c.Kind) {
				out.Recorded = append(out.Recorded, action)
				continue
			}
			out.addUndecided(theirs.rolesGranting(action), action, c.Kind)
			for _, asset := range users.of(action) {
				if byAsset[asset] == nil {
					byAsset[asset] = &LackingAsset{Asset: asset}
				}
				if c.Kind == New {
					byAsset[asset].Missing = append(byAsset[asset].Missing, action)
				} else {
					byAsset[asset].Tighter = append(byAsset[asset].Tighter, action)
				}
			}
		}
	}
	for _, asset := range slices.Sorted(maps.Keys(byAsset)) {
		a := byAsset[asset]
		slices.Sort(a.Missing)
		slices.Sort(a.Tighter)
		out.Assets = append(out.Assets, *a)
	}
	slices.Sort(out.Recorded)
	return out, nil
}

// addUndecided adds an action of roles to the differences without a decision.
func (l *Lacking) addUndecided(roles []string, action string, kind Kind) {
	we := "grant less"
	if kind == Changed {
		we = "grant another scope"
	}
	for _, role := range roles {
		i := slices.IndexFunc(l.undecided, func(n narrowings.Narrowing) bool { return n.Role == role && n.We == we })
		if i < 0 {
			i = len(l.undecided)
			l.undecided = append(l.undecided, narrowings.Narrowing{Role: role, We: we})
		}
		if !slices.Contains(l.undecided[i].Actions, action) {
			l.undecided[i].Actions = append(l.undecided[i].Actions, action)
		}
	}
}

// rolesGranting returns the roles that grant an action, or part of a pattern of actions.
func (s *AccessSet) rolesGranting(action string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(s.Roles)) {
		if len(restrictToAction(s.Roles[name].Policies, action)) > 0 {
			out = append(out, name)
		}
	}
	return out
}

// withoutGuard returns the set without the statement that protects the installation from its own roles: it is no
// decision on what the vendor may do.
func (s *AccessSet) withoutGuard() *AccessSet {
	out := *s
	out.Roles = map[string]Role{}
	for name, role := range s.Roles {
		var kept []iampolicy.Document
		for _, d := range role.Policies {
			d.Statement = slices.DeleteFunc(slices.Clone(d.Statement), func(st iampolicy.Statement) bool {
				return st.Effect == "Deny" && st.Sid == policies.GuardSid
			})
			if len(d.Statement) > 0 {
				kept = append(kept, d)
			}
		}
		role.Policies = kept
		out.Roles[name] = role
	}
	return &out
}

// together returns the set with all policies of its roles as those of one role.
func (s *AccessSet) together() *AccessSet {
	out := newAccessSet(s.Label)
	out.externalIDMasked = s.externalIDMasked
	all := Role{trustUnknown: true}
	for _, name := range slices.Sorted(maps.Keys(s.Roles)) {
		all.Policies = append(all.Policies, s.Roles[name].Policies...)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Loose)) {
		all.Policies = append(all.Policies, s.Loose[name])
	}
	out.Roles["all roles"] = all
	return out
}

// isRecorded reports whether a difference of an action is recorded. An action that the profile grants for other
// resources is recorded by any decision on it; one that it grants less or nowhere, only by a decision to grant less.
func isRecorded(d narrowings.Differences, action string, kind Kind) bool {
	return slices.ContainsFunc(d.Narrowings, func(n narrowings.Narrowing) bool {
		return n.Why != "" && (n.IsTighter() || kind == Changed) &&
			slices.ContainsFunc(n.Actions, func(p string) bool { return actions.Match(p, action) || actions.Match(action, p) })
	})
}

// actionUsers are the assets of a profile by the actions and services that their choices grant.
type actionUsers struct {
	byAction, byService map[string][]string
	assets              int
}

func usersOfActions(profile schema.Profile, env policies.Environment) (actionUsers, error) {
	users := actionUsers{byAction: map[string][]string{}, byService: map[string][]string{}, assets: len(profile.Assets)}
	for _, a := range profile.Assets {
		sel := choice.Everything(profile)
		sel.Assets = []schema.Asset{a.Asset}
		set, err := policies.Synthesize(sel, choice.Example(sel, policies.Environment{
			Account: env.Account, Region: env.Region, Partition: env.Partition,
		}))
		if err != nil {
			continue // an asset that cannot be chosen alone
		}
		var docs []iampolicy.Document
		for _, r := range set.Roles {
			for _, p := range slices.Concat(r.Managed, r.Inline) {
				docs = append(docs, p.Document)
			}
		}
		services := map[string]bool{}
		for _, action := range actionNames(docs) {
			action = strings.ToLower(action)
			users.byAction[action] = append(users.byAction[action], string(a.Asset))
			service, _, _ := strings.Cut(action, ":")
			services[service] = true
		}
		for service := range services {
			users.byService[service] = append(users.byService[service], string(a.Asset))
		}
	}
	return users, nil
}

// of returns the assets that an action belongs to: those that use it, else those that use its service, else "service"
// with its name. What all assets use belongs to "all assets".
func (u actionUsers) of(action string) []string {
	service, _, _ := strings.Cut(strings.ToLower(action), ":")
	found := u.byAction[strings.ToLower(action)]
	if found == nil {
		found = u.byService[service]
	}
	switch {
	case len(found) == 0:
		return []string{"service " + service}
	case len(found) == u.assets:
		return []string{"all assets"}
	}
	return found
}

// CatalogueLacks reports whether a profile was compared with a file and lacks some of it.
func (d Diff) CatalogueLacks() bool { return d.Catalogue != nil && len(d.Catalogue.Assets) > 0 }

func (l *Lacking) write(s terminal.Screen) {
	if len(l.Assets) == 0 {
		s.Text(terminal.Bold, "The catalogue of "+l.Profile+" lacks nothing that the file grants.")
	} else {
		s.Text(terminal.Bold, "The catalogue of "+l.Profile+" lacks, by asset:")
	}
	for _, a := range l.Assets {
		if len(a.Missing) > 0 {
			s.Field(0, labelWidth, "missing", terminal.Red, a.Asset+": "+strings.Join(a.Missing, ", "))
		}
		if len(a.Tighter) > 0 {
			s.Field(0, labelWidth, "tighter", terminal.Yellow, a.Asset+": "+strings.Join(a.Tighter, ", "))
		}
	}
	if n := len(l.Recorded); n > 0 {
		s.Text(terminal.Dim, fmt.Sprintf("Granted less for a recorded reason: %d, such as %s.", n, l.Recorded[0]))
	}
	s.Line()
}

// Has reports whether the set has a role, or a policy without a role, of that name.
func (s *AccessSet) Has(name string) bool { return slices.Contains(s.Names(), name) }

// Names returns the names of the roles, and of the policies without a role.
func (s *AccessSet) Names() []string {
	return slices.Concat(slices.Sorted(maps.Keys(s.Roles)), slices.Sorted(maps.Keys(s.Loose)))
}
