package changeevent_test

import (
	"testing"

	"permstack/internal/drift/changeevent"
)

// TestParseSource checks whose events are believed: not those of another account, and not those that somebody replayed.
func TestParseSource(t *testing.T) {
	const detail = `"detail-type":"AWS API Call via CloudTrail","detail":{"eventSource":"sns.amazonaws.com",` +
		`"eventName":"Subscribe"}}`
	for _, tc := range []struct {
		name, payload string
		want          bool
	}{
		{"own", `{"account":"123456789012",` + detail, true},
		{"without an account", `{` + detail, true},
		{"another account", `{"account":"999988887777",` + detail, false},
		{"replayed", `{"account":"123456789012","replay-name":"theirs",` + detail, false},
		{"schedule", `{"account":"123456789012","detail-type":"Scheduled Event","detail":{}}`, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, got := changeevent.Parse([]byte(tc.payload), "123456789012"); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
