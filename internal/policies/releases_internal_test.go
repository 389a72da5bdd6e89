package policies

import (
	"slices"
	"strings"
	"testing"

	"permstack/internal/policies/schema"
)

// history is a page with three releases: B comes with 2, C goes with 3, the
// condition of D changes with 2, E's second action comes with 3.
func history() schema.Profile {
	st := func(sid, action string, in schema.Span) schema.Statement {
		return schema.Statement{
			Sid:         sid,
			Why:         "test",
			Actions:     strings.Split(action, ","),
			Resources:   []string{"*"},
			WhyWildcard: "test",
			In:          in,
		}
	}
	bounded := st("D", "x:D", schema.Span{From: "2"})
	bounded.When = schema.Conditions{"Bool": {"aws:SecureTransport": {"true"}}}
	growing := st("E", "x:E,x:E2", schema.Span{})
	growing.ActionsIn = map[string]schema.Span{"x:E2": {From: "3"}}
	return schema.Profile{
		Name: "history", Vendor: "Test",
		Assets: []schema.AssetInfo{{Asset: "a", Title: "A"}}, Operations: []schema.Operation{"backup"},
		Roles: []schema.Role{
			{
				Entity: "Role",
				Why:    "test",
				Trust:  []schema.Trust{{Sid: "T", Why: "test", Service: "ec2.amazonaws.com"}},
				Policies: []schema.Policy{{
					Entity: "Policy", Kind: schema.Inline, Why: "test", Statements: []schema.Statement{
						st("A", "x:A", schema.Span{}), st("B", "x:B", schema.Span{From: "2"}), st("C", "x:C", schema.Span{Until: "3"}),
						st("D", "x:D", schema.Span{Until: "2"}), bounded, growing,
					},
				}},
			},
			{
				Entity: "Late",
				Why:    "test",
				In:     schema.Span{From: "3"},
				Trust:  []schema.Trust{{Sid: "T", Why: "test", Service: "ec2.amazonaws.com"}},
			},
		},
	}
}

func TestReleasesOfTheCatalogue(t *testing.T) {
	before := Releases
	Releases = []string{"1", "2", "3"}
	defer func() { Releases = before }()
	for release, want := range map[string]string{
		"1": "A[x:A] C[x:C] D[x:D] E[x:E]",
		"2": "A[x:A] B[x:B] C[x:C] D[x:D]? E[x:E]",
		"3": "A[x:A] B[x:B] D[x:D]? E[x:E x:E2] Late",
		"":  "A[x:A] B[x:B] D[x:D]? E[x:E x:E2] Late",
	} {
		t.Run("release "+release, func(t *testing.T) {
			set, err := SynthesizeProfile(
				history(),
				Selection{Assets: []schema.Asset{"a"}, CatalogVersion: release},
				Environment{},
			)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range set.Roles[0].Inline[0].Document.Statement {
				text := s.Sid + "[" + strings.Join(s.Action, " ") + "]"
				if len(s.Condition) > 0 {
					text += "?"
				}
				got = append(got, text)
			}
			if len(set.Roles) > 1 {
				got = append(got, set.Roles[1].Entity)
			}
			if text := strings.Join(got, " "); text != want {
				t.Errorf("got %s, want %s", text, want)
			}
			if wanted := release; wanted != "" && set.CatalogVersion != wanted {
				t.Errorf("release %q calls itself %q", release, set.CatalogVersion)
			}
		})
	}
	unknown := Selection{Assets: []schema.Asset{"a"}, CatalogVersion: "4"}
	if _, err := SynthesizeProfile(history(), unknown, Environment{}); err == nil {
		t.Error("a release that is not there is synthesized")
	}
}

// TestActionsOfAllStatements checks a policy of which every statement has actions of some releases only.
func TestActionsOfAllStatements(t *testing.T) {
	list := []schema.Statement{{
		Actions: []string{"x:A", "x:B"}, ActionsIn: map[string]schema.Span{"x:A": {From: "2"}},
	}, {Actions: []string{"x:C"}, ActionsIn: map[string]schema.Span{"x:C": {From: "2"}}}}
	got := statementsIn(list, releaseFilter("1"))
	if len(got) != 1 || !slices.Equal(got[0].Actions, []string{"x:B"}) {
		t.Errorf("got %+v, want the first statement with x:B", got)
	}
	if newest := statementsIn(list, releaseFilter("")); len(newest) != 2 || len(newest[0].Actions) != 2 {
		t.Errorf("newest release: got %+v, want all of it", newest)
	}
}

// TestSpansNameReleases checks that the spans of a profile name releases that exist, the earlier
// one first.
func TestSpansNameReleases(t *testing.T) {
	for _, name := range ProfileNames() {
		p, _ := profile(name)
		check := func(where string, s schema.Span) {
			from, until := slices.Index(Releases, s.From), slices.Index(Releases, s.Until)
			if s.From != "" && from < 0 || s.Until != "" && until < 0 || s.From != "" && s.Until != "" && from >= until {
				t.Errorf("%s: %s is in releases %q to %q; there are %v", name, where, s.From, s.Until, Releases)
			}
		}
		for _, r := range p.Roles {
			check(r.Entity, r.In)
			for _, policy := range r.Policies {
				check(policy.Entity, policy.In)
				for _, s := range policy.Statements {
					check(s.Sid, s.In)
					for a, span := range s.ActionsIn {
						check(s.Sid+" "+a, span)
						if !slices.Contains(s.Actions, a) {
							t.Errorf("%s: %s does not have the action %s", name, s.Sid, a)
						}
					}
				}
			}
		}
		for _, r := range p.Rules {
			check(r.Entity, r.In)
		}
	}
}
