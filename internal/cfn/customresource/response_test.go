package customresource

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
)

// FuzzReason checks that any error makes a response that CloudFormation accepts,
// without the secret and with a reason.
func FuzzReason(f *testing.F) {
	f.Add("create role: denied", 1)
	f.Add("\x00\x01\"\\<>&", 3000)
	f.Add("é漢\xff", 2000)
	f.Fuzz(func(t *testing.T, text string, times int) {
		reason := strings.Repeat(text, min(max(times, 0), 5000/(len(text)+1)+1))
		event := cfn.Event{
			RequestType:       cfn.RequestCreate,
			StackID:           stackID,
			LogicalResourceID: "Permissions",
			ResponseURL:       "https://example.com/x?y=z",
		}
		a := newResponse(event, "id",
			Result{}, errors.New(reason), newRedactor(event.ResponseURL, []string{externalID}))
		body := a.body()
		if len(body) > maxBody {
			t.Errorf("%d bytes", len(body))
		}
		var out cfn.Response
		if err := json.Unmarshal(body, &out); err != nil || out.Status != cfn.StatusFailed || out.Reason == "" {
			t.Errorf("%v: %s", err, body)
		}
		if strings.Contains(string(body), externalID) {
			t.Errorf("the secret is disclosed: %s", body)
		}
	})
}
