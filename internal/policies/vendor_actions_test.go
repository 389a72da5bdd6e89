package policies_test

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/narrowings"
	"permstack/internal/policies/schema"
)

var actionListName = regexp.MustCompile(`^([a-z-]+)-actions-(\d{4}-\d{2}-\d{2})\.json$`)

// vendorActions is a fixture PROFILE-actions-DATE.json: the names of the actions in a vendor's published policies.
type vendorActions struct {
	Origin, Date string
	Policies     map[string]struct {
		Version string
		Actions []string
	}
}

// TestVendorActions compares the actions of everything that a profile grants with those of the vendor's policies, for
// each profile that has such a fixture. An action of one side alone must be recorded in narrowings.yaml with a reason,
// and each record must apply.
func TestVendorActions(t *testing.T) {
	files, err := filepath.Glob("testdata/*-actions-*.json")
	if err != nil {
		t.Fatal(err)
	}
	compared := map[string]bool{}
	for _, file := range files {
		name := actionListName.FindStringSubmatch(filepath.Base(file))
		if name == nil {
			t.Fatalf("%s: want PROFILE-actions-DATE.json", file)
		}
		compared[name[1]] = true
		t.Run(name[1], func(t *testing.T) {
			var vendor vendorActions
			readJSON(t, filepath.Base(file), &vendor)
			if vendor.Date != name[2] || vendor.Origin == "" {
				t.Errorf("date %q, origin %q: want the date of the name and an origin", vendor.Date, vendor.Origin)
			}
			wanted := map[string]bool{}
			for _, p := range vendor.Policies {
				for _, a := range p.Actions {
					wanted[a] = true
				}
			}
			compareActions(t, name[1], wanted)
		})
	}
	for _, name := range policies.ProfileNames() {
		if p, _ := policies.Profile(name); p.OwnTemplate && !compared[name] {
			t.Errorf("%s has no fixture of the vendor's actions", name)
		}
	}
}

func compareActions(t *testing.T, name string, wanted map[string]bool) {
	t.Helper()
	granted := grantsOfEverything(t, name)
	find := func(we, action string) bool {
		return slices.ContainsFunc(readNarrowings(t, name), func(n narrowings.Narrowing) bool {
			return n.We == we && slices.ContainsFunc(n.Actions, func(p string) bool { return glob(p, action) })
		})
	}
	for _, a := range slices.Sorted(maps.Keys(wanted)) {
		if granted[strings.ToLower(a)] == nil && !find("grant less", a) {
			t.Errorf("%s is in the vendor's policies and not granted: add to internal/policies/profiles/%s/narrowings.yaml: "+
				"{actions: [%s], we: grant less, why: REASON}", a, name, a)
		}
	}
	vendor := map[string]bool{}
	for a := range wanted {
		vendor[strings.ToLower(a)] = true
	}
	for _, a := range slices.Sorted(maps.Keys(granted)) {
		if !vendor[a] && !find("grant more", granted[a][0].Action[0]) {
			t.Errorf("%s is granted and not in the vendor's policies: add to internal/policies/profiles/%s/narrowings.yaml: "+
				"{actions: [%s], we: grant more, why: REASON}", a, name, granted[a][0].Action[0])
		}
	}
	for _, n := range readNarrowings(t, name) {
		for _, pattern := range n.Actions {
			if !applies(n.We, pattern, wanted, granted) {
				t.Errorf("internal/policies/profiles/%s/narrowings.yaml: %s %s does not apply: remove it", name, n.We, pattern)
			}
		}
	}
	t.Logf("%d actions of the vendor, %d granted", len(wanted), len(granted))
}

// grantsOfEverything returns the statements of the choice of everything by action in lower case: each has that action
// alone.
func grantsOfEverything(t *testing.T, name string) map[string][]iampolicy.Statement {
	t.Helper()
	profile, _ := policies.Profile(name)
	sel := choice.Everything(profile)
	sel.Profile = name
	out := map[string][]iampolicy.Statement{}
	for _, alternative := range withEachSetting(profile, sel) {
		set := synthesize(t, alternative, choice.Example(alternative, environment(here)))
		for _, role := range set.Roles {
			for _, p := range slices.Concat(role.Managed, role.Inline) {
				for _, s := range p.Document.Statement {
					for _, a := range s.Action {
						if s.Effect == "Allow" {
							one := s
							one.Action = iampolicy.Values{a}
							out[strings.ToLower(a)] = append(out[strings.ToLower(a)], one)
						}
					}
				}
			}
		}
	}
	return out
}

// withEachSetting returns a selection, and the same with each value of each setting.
func withEachSetting(profile schema.Profile, sel policies.Selection) []policies.Selection {
	out := []policies.Selection{sel}
	for _, s := range profile.Settings {
		for _, v := range s.Values {
			other := sel
			other.Options = append(slices.Clone(sel.Options), v.Option)
			if v.Option != s.Default {
				out = append(out, other)
			}
		}
	}
	return out
}

// applies reports whether a recorded difference is one: of an action that matches the pattern.
func applies(we, pattern string, wanted map[string]bool, granted map[string][]iampolicy.Statement) bool {
	for a := range wanted {
		if we == "grant less" && glob(pattern, a) && granted[strings.ToLower(a)] == nil {
			return true
		}
	}
	for _, statements := range granted {
		for _, s := range statements {
			if !glob(pattern, s.Action[0]) {
				continue
			}
			switch we {
			case "limit resources":
				if !slices.Contains(s.Resource, "*") {
					return true
				}
			case "require a condition":
				if len(s.Condition) > 0 {
					return true
				}
			case "grant more":
				if !slices.ContainsFunc(slices.Collect(maps.Keys(wanted)), func(w string) bool {
					return strings.EqualFold(w, s.Action[0])
				}) {
					return true
				}
			}
		}
	}
	return false
}
