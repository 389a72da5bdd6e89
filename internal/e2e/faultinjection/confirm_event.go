package faultinjection

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/aws/aws-lambda-go/cfn"
)

// waits is CloudFormation's answer to the question whether it waits for an event
// of the parent, which it otherwise knows by its id alone. The question goes to
// the embedded AWS first, for the function's rights to it.
type waits struct {
	w    *world
	next http.RoundTripper
}

// RoundTrip answers DescribeStackResource for the parent and hands on the rest.
func (q waits) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	res, err := q.next.RoundTrip(r)
	if err != nil || res.StatusCode != http.StatusBadRequest || actionOf(r, body) != "cloudformation:DescribeStackResource" {
		return res, err
	}
	said, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	out := httptest.NewRecorder()
	if !strings.Contains(string(said), "does not exist") {
		out.WriteHeader(res.StatusCode)
		_, _ = out.Write(said)
		return out.Result(), nil
	}
	var status strings.Builder
	if err := xml.EscapeText(&status, []byte(q.w.waitsFor())); err != nil {
		return nil, err
	}
	fmt.Fprintf(out, `<DescribeStackResourceResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStackResourceResult><StackResourceDetail>`+
		`<LogicalResourceId>%s</LogicalResourceId><ResourceType>Custom::PermissionStack</ResourceType><ResourceStatus>%s</ResourceStatus>`+
		`</StackResourceDetail></DescribeStackResourceResult></DescribeStackResourceResponse>`, logicalID, status.String())
	return out.Result(), nil
}

// waitsFor is the state of the parent's custom resource.
func (w *world) waitsFor() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.resourceStatus
}

// wait sets that state, as CloudFormation does before it sends an event and when
// it has taken the answer.
func (w *world) wait(status string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.resourceStatus = status
}

// inProgress is the state in which an event is answered, complete the one after it.
func inProgress(kind cfn.RequestType) string { return strings.ToUpper(string(kind)) + "_IN_PROGRESS" }
func complete(kind cfn.RequestType) string   { return strings.ToUpper(string(kind)) + "_COMPLETE" }
