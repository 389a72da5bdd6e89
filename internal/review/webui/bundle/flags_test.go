package bundle

import "testing"

// TestFlags checks that the engine gets the Regions only with the version that they are of.
func TestFlags(t *testing.T) {
	const url = "https://example-releases-us-east-1.s3.us-east-1.amazonaws.com/permstack/v1.0.0/clumio.yaml"
	const launch = " -X permstack/internal/release/launchlink."
	for name, tc := range map[string]struct {
		options Options
		want    string
	}{
		"both": {
			Options{TemplateURL: url, Regions: []string{"us-east-1", "eu-west-1"}},
			"-s -w -buildid=" + launch + "releaseVersion=v1.0.0" + launch + "releaseRegions=us-east-1,eu-west-1",
		},
		"no Regions": {Options{TemplateURL: url}, "-s -w -buildid="},
		"no version": {Options{Regions: []string{"us-east-1"}}, "-s -w -buildid="},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.options.flags(); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
