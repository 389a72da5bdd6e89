package policies

import (
	"slices"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/policies/schema"
)

// TestSinceAndUntil checks that an action is granted from the release that added it until the one
// that removed it.
func TestSinceAndUntil(t *testing.T) {
	profile := sharingProfile()
	profile.Settings = []schema.Setting{{
		Name: "release", Default: "release=3", Cumulative: true,
		Values: []schema.OptionInfo{{Option: "release=1"}, {Option: "release=2"}, {Option: "release=3"}},
	}}
	st := &profile.Roles[0].Policies[0].Statements[2]
	st.Actions = []string{"ec2:StartInstances", "ec2:StopInstances", "ec2:RebootInstances"}
	st.Since = map[string]schema.Option{"ec2:StopInstances": "release=2", "ec2:RebootInstances": "release=2"}
	st.Until = map[string]schema.Option{"ec2:StartInstances": "release=2", "ec2:RebootInstances": "release=3"}
	for _, tc := range []struct {
		release schema.Option
		want    iampolicy.Values
	}{
		{"release=1", iampolicy.Values{"ec2:StartInstances"}},
		{"release=2", iampolicy.Values{"ec2:StopInstances", "ec2:RebootInstances"}},
		{"release=3", iampolicy.Values{"ec2:StopInstances"}},
	} {
		t.Run(string(tc.release), func(t *testing.T) {
			sel := Selection{Assets: []schema.Asset{"b"}, Options: []schema.Option{tc.release}}
			set, err := SynthesizeProfile(profile, sel, Environment{Account: "111111111111", Region: "eu-central-1"})
			if err != nil {
				t.Fatal(err)
			}
			if got := set.Roles[0].Managed[0].Document.Statement[0].Action; !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
