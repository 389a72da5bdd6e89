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

// parentStatusTransport is CloudFormation's answer to the question whether it waits for an event
// of the parent, which it otherwise knows by its id alone. The question goes to
// the embedded AWS first, for the function's rights to it.
type parentStatusTransport struct {
	env  *environment
	next http.RoundTripper
}

// RoundTrip answers DescribeStackResource for the parent and hands on the rest.
func (q parentStatusTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	res, err := q.next.RoundTrip(r)
	if err != nil || res.StatusCode != http.StatusBadRequest ||
		apiAction(r, body) != "cloudformation:DescribeStackResource" {
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
	if err := xml.EscapeText(&status, []byte(q.env.parentStatus())); err != nil {
		return nil, err
	}
	fmt.Fprintf(
		out,
		`<DescribeStackResourceResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStackResourceResult><StackResourceDetail>`+
			`<LogicalResourceId>%s</LogicalResourceId><ResourceType>Custom::PermissionStack</ResourceType><ResourceStatus>%s</ResourceStatus>`+
			`</StackResourceDetail></DescribeStackResourceResult></DescribeStackResourceResponse>`,
		logicalID,
		status.String(),
	)
	return out.Result(), nil
}

// parentStatus is the state of the parent's custom resource.
func (env *environment) parentStatus() string {
	env.mu.Lock()
	defer env.mu.Unlock()
	return env.resourceStatus
}

// setParentStatus sets that state, as CloudFormation does before it sends an event and when
// it has taken the answer.
func (env *environment) setParentStatus(status string) {
	env.mu.Lock()
	defer env.mu.Unlock()
	env.resourceStatus = status
}

// inProgress is the state in which an event is answered, complete the one after it.
func inProgress(kind cfn.RequestType) string { return strings.ToUpper(string(kind)) + "_IN_PROGRESS" }
func complete(kind cfn.RequestType) string   { return strings.ToUpper(string(kind)) + "_COMPLETE" }
