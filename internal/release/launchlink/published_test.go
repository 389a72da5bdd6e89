package launchlink_test

import (
	"strings"
	"testing"

	"permstack"
	"permstack/internal/policies"
	"permstack/internal/release/launch"
	"permstack/internal/release/launchlink"
)

// TestLinkElsewhere requires that a link for a Region that the release was not published to is refused with the list:
// the Regions are those of the link, or those of the program's own release, and unknown for another release.
func TestLinkElsewhere(t *testing.T) {
	profile, _ := policies.Profile("clumio")
	template, err := launch.ProfileStack(permstack.Template, profile,
		launch.Unreleased(launch.Functions(permstack.Template)...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { launchlink.SetOwnRelease("", "") })
	for _, tc := range []struct {
		name, region, release  string
		published              []string
		ownVersion, ownRegions string
		refused                bool
	}{
		{"listed", "us-east-1", "v1", []string{"us-east-1", "eu-west-1"}, "", "", false},
		{"not listed", "ap-southeast-2", "v1", []string{"us-east-1", "eu-west-1"}, "", "", true},
		{"listed by the own release", "eu-west-1", "v1", nil, "v1", "us-east-1,eu-west-1", false},
		{"not listed by the own release", "ap-southeast-2", "v1", nil, "v1", "us-east-1,eu-west-1", true},
		{"another release", "ap-southeast-2", "v1.1", nil, "v1", "us-east-1,eu-west-1", false},
		{"unknown", "ap-southeast-2", "v1", nil, "", "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			launchlink.SetOwnRelease(tc.ownVersion, tc.ownRegions)
			key := launchlink.Key(tc.release, launchlink.ProfileFile("clumio"))
			_, err := launchlink.Link{
				TemplateURL: launchlink.ObjectURL("example-releases", tc.region, key),
				Region:      tc.region, StackName: "permstack", Profile: "clumio", Published: tc.published,
			}.URL(template)
			if tc.refused != (err != nil) {
				t.Fatalf("got error %v, want one: %t", err, tc.refused)
			}
			if err != nil && !strings.Contains(err.Error(), "these Regions only: us-east-1, eu-west-1") {
				t.Errorf("got %v, want the list of Regions", err)
			}
		})
	}
}
