package policies

import (
	"strings"
	"testing"
)

// TestLengthOfNames checks that a name of exactly 64 characters, IAM's limit, with the longest Region's name keeps the
// connection ID, and that in a longer one the short ID of the installation or a hash replaces it.
func TestLengthOfNames(t *testing.T) {
	const region, connection = "us-isof-south-1", "connection-1"
	longest := strings.Repeat("e", 64-len("-"+region+"-"+connection))
	for _, tt := range []struct{ name, entity, installation, want string }{
		{"at the limit", longest, "", longest + "-" + region + "-" + connection},
		{"at the limit, with an installation", longest, "1a2b3c4d", longest + "-" + region + "-" + connection},
		{"above, with an installation", longest + "e", "1a2b3c4d", longest + "e-" + region + "_1a2b3c4d"},
		// The first 40 bits of the SHA-256 sum of "connection-1", in lower-case base32.
		{"above, without one", longest + "e", "", longest + "e-" + region + "-h6glq6om"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := names{Environment{Region: region, ConnectionID: connection, InstallationID: tt.installation}}
			if got := n.physical(tt.entity); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestCommonPrefix(t *testing.T) {
	for _, tt := range []struct {
		list []string
		want string
	}{
		{nil, ""},
		{[]string{"AcmeRole"}, "AcmeRole"},
		{[]string{"AcmeEC2", "AcmeEBS"}, "Acme"},
		{[]string{"AcmeRole", "Acme"}, "Acme"},
		{[]string{"AcmaA", "AcmaZ"}, "Acma"}, // the first and the last letter end and begin words, too
		{[]string{"QuizA", "QuizZ"}, "Quiz"},
		{[]string{"Acme1", "Acme2"}, ""},
		{[]string{"Acmeone", "Acmetwo"}, ""},
		{[]string{"ACRole", "ACTopic"}, ""},
		{[]string{"Acme", "Other"}, ""},
	} {
		t.Run(strings.Join(tt.list, " "), func(t *testing.T) {
			if got := commonPrefix(tt.list); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
