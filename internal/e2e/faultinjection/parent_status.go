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

// parentStatusTransport answers DescribeStackResource for the parent, which the
// embedded CloudFormation does not have. The call is passed to the embedded AWS first,
// which authorizes it.
type parentStatusTransport struct {
	env  *environment
	next http.RoundTripper
}

// RoundTrip answers DescribeStackResource for the parent and passes on every other
// call.
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
	message, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	out := httptest.NewRecorder()
	if !strings.Contains(string(message), "does not exist") {
		out.WriteHeader(res.StatusCode)
		_, _ = out.Write(message)
		return out.Result(), nil
	}
	var status strings.Builder
	if err := xml.EscapeText(&status, []byte(q.env.parentStatus())); err != nil {
		return nil, err
	}
	fmt.Fprintf(out,
		`<DescribeStackResourceResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">`+
			`<DescribeStackResourceResult><StackResourceDetail>`+
			`<LogicalResourceId>%s</LogicalResourceId><ResourceType>Custom::PermissionStack</ResourceType>`+
			`<ResourceStatus>%s</ResourceStatus>`+
			`</StackResourceDetail></DescribeStackResourceResult></DescribeStackResourceResponse>`,
		logicalID, status.String())
	return out.Result(), nil
}

// parentStatus returns the status of the parent's custom resource.
func (env *environment) parentStatus() string {
	env.mu.Lock()
	defer env.mu.Unlock()
	return env.resourceStatus
}

// setParentStatus sets that status, as CloudFormation does before it sends an event
// and when it has received the response.
func (env *environment) setParentStatus(status string) {
	env.mu.Lock()
	defer env.mu.Unlock()
	env.resourceStatus = status
}

// inProgress is the status while CloudFormation waits for the response to an event,
// complete the status after it.
func inProgress(kind cfn.RequestType) string { return strings.ToUpper(string(kind)) + "_IN_PROGRESS" }
func complete(kind cfn.RequestType) string   { return strings.ToUpper(string(kind)) + "_COMPLETE" }
