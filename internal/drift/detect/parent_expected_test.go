package detect

import (
	"testing"

	"permstack/internal/notify/finding"
)

// TestExpectParent checks when the release's template replaces what the parent deployed.
func TestExpectParent(t *testing.T) {
	const deployed, released = "Resources: {Theirs: {Type: AWS::SNS::Topic}}",
		"Resources: {Topic: {Type: AWS::SNS::Topic}}"
	for _, tc := range []struct {
		name, release string
		change        func(s *stack)
		want          string // the resource that is expected
		kept          bool   // the deployed template, to compare it
		drafts        int
	}{
		{"released", released, nil, "Topic", true, 0}, {"no release", "", nil, "Theirs", false, 0},
		{"in progress", released, func(s *stack) { s.inProgress = true }, "Theirs", false, 0},
		{"resources were not listed", released, func(s *stack) { s.listed = nil }, "Theirs", false, 0},
		{"invalid", "Resources: [", nil, "Theirs", false, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := unitStack("backup")
			s.listed = []listed{{logicalID: "Theirs", physicalID: "t", typ: typeTopic}}
			if err := s.evaluate(unitParent(), deployed); err != nil {
				t.Fatal(err)
			}
			s.addResources(s.listed)
			if tc.change != nil {
				tc.change(s)
			}
			c := unitCheck(nil, nil)
			if tc.release != "" {
				c.o.Release.Template = []byte(tc.release)
			}
			c.expectParent(unitParent(), s)
			if len(s.resources) != 1 || s.resources[0].logicalID != tc.want || (s.template != nil) != tc.kept ||
				(s.deployed != nil) != tc.kept || (s.deployedReferences != nil) != tc.kept || s.bound == nil ||
				s.references == nil || len(s.drafts) != tc.drafts {
				t.Errorf("got %d resources, the first %s; deployed kept: %v; %d findings", len(s.resources),
					s.resources[0].logicalID, s.template != nil, len(s.drafts))
			}
			if tc.drafts > 0 && s.drafts[0].Reason != finding.TemplateInvalid {
				t.Errorf("got %s", s.drafts[0].Reason)
			}
		})
	}
}

// TestLaunchTemplate checks from which template a stack was launched: that of its profile if no parameter names one.
func TestLaunchTemplate(t *testing.T) {
	ofProfile := func(profile string) []byte {
		if profile != "clumio" {
			return nil
		}
		return []byte("clumio")
	}
	for _, tc := range []struct {
		name, parameter, property string
		ofProfile                 func(string) []byte
		want, profile             string
	}{
		{"all profiles", "clumio", "", ofProfile, "all", "clumio"},
		{"one profile", "", "clumio", ofProfile, "clumio", "clumio"},
		{"another profile", "", "cpm", ofProfile, "all", "cpm"},
		{"no templates of profiles", "", "clumio", nil, "all", "clumio"},
		{"both", "cpm", "clumio", ofProfile, "all", "cpm"},
		{"none", "", "", ofProfile, "all", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := unitStack("backup")
			if tc.parameter != "" {
				s.parameters(map[string]string{"Profile": tc.parameter})
			}
			s.add(typeTopic, "Topic", "t", `{"Profile":"x"}`)
			if tc.property != "" {
				s.add(customResource, "Access", "a", `{"Profile":"`+tc.property+`"}`)
			}
			r := Release{Template: []byte("all"), ProfileTemplate: tc.ofProfile}
			if got := string(r.launchTemplate(s)); got != tc.want || s.profile() != tc.profile {
				t.Errorf("got %s of the profile %q", got, s.profile())
			}
		})
	}
}
