package provisioner

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/cfn/customresource"
)

// TestSecretsAreNotLogged runs whole scenarios through the protocol and searches
// every log line and response for the external id and the response URL.
func TestSecretsAreNotLogged(t *testing.T) {
	const external, signature = "3xt3rnal-s3cr3t/+=", "s1gnatur3-0123456789"
	var answers, logs bytes.Buffer
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(&answers, r.Body)
		answers.WriteByte('\n')
	}))
	defer server.Close()
	send := func(f *fake, request cfn.RequestType, properties map[string]any) {
		t.Helper()
		e := event(request, properties)
		p := &Provisioner{Client: waitingFor(e, f), StackRoleARN: stackRole, Synthesize: synthesize, Sleep: f.sleep}
		function := customresource.Function{Handle: p.Handle, PhysicalID: PhysicalID, Secrets: Secrets, Log: &logs}
		e.ResponseURL = server.URL + "/response-to-put?X-Amz-Signature=" + signature
		payload, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := function.Invoke(t.Context(), payload); err != nil {
			t.Fatal(err)
		}
	}
	secret := func(edit ...string) map[string]any {
		return testProperties(append([]string{"ExternalId", " " + external + " "}, edit...)...)
	}

	f := newFake()
	f.fails["CreateStack "+access] = "Value " + external + " at externalId is wrong"
	send(f, cfn.RequestCreate, secret())
	send(f, cfn.RequestDelete, secret())
	send(f, cfn.RequestCreate, secret())
	f.fails["UpdateStack "+access] = "see " + external
	send(f, cfn.RequestUpdate, secret("Assets", "s3"))
	send(f, cfn.RequestUpdate, secret("Unknown", external))
	send(f, cfn.RequestUpdate, secret(external, "as a name"))
	f.find(access).set(types.StackStatusUpdateRollbackFailed)()
	send(f, cfn.RequestUpdate, secret("Assets", "ec2"))
	send(f, cfn.RequestDelete, secret())

	written := logs.String() + answers.String()
	for _, word := range []string{external, signature, "response-to-put", "3xt3rnal"} {
		if i := strings.Index(written, word); i >= 0 {
			t.Errorf("%q is disclosed: …%s…", word, written[max(0, i-80):min(len(written), i+80)])
		}
	}
	if n := strings.Count(answers.String(), `"Status":"SUCCESS"`); n != 4 {
		t.Errorf("got %d responses with SUCCESS, want 4:\n%s", n, answers.String())
	}
	for line := range strings.Lines(logs.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("a log line is not JSON: %s", line)
		}
	}
	if !strings.Contains(logs.String(), `"permissionStack":"`+access+`"`) {
		t.Error("the logs do not name the permission stack")
	}
}

// TestSecrets checks that the hyphen that means no external id is not removed from every line of the log.
func TestSecrets(t *testing.T) {
	for _, given := range []map[string]any{{}, {"ExternalId": ""}, {"ExternalId": "-"}, {"ExternalId": " - "}} {
		if got := Secrets(cfn.Event{ResourceProperties: given}); len(got) > 0 {
			t.Errorf("%v: got the secrets %q, want none", given, got)
		}
	}
	o := operation{event: cfn.Event{
		RequestType: cfn.RequestUpdate, OldResourceProperties: map[string]any{"ExternalId": ""},
		ResourceProperties: map[string]any{"ExternalId": "-"},
	}}
	if o.externalIDChanges() {
		t.Error("a hyphen in place of no external id is a change")
	}
}
