package customresource_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/aws/aws-lambda-go/cfn"

	"permstack/internal/cfn/customresource"
)

// A handler's error becomes the reason of a FAILED response, without secrets.
func Example() {
	cloudFormation := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Println(string(body))
	}))
	defer cloudFormation.Close()

	function := &customresource.Function{
		Handle: func(_ context.Context, _ *slog.Logger, event cfn.Event) (customresource.Result, error) {
			return customresource.Result{}, fmt.Errorf("role cannot trust %s", event.ResourceProperties["ExternalId"])
		},
		PhysicalID: func(event cfn.Event) string { return "role-of-" + event.LogicalResourceID },
		Secrets: func(event cfn.Event) []string {
			return []string{event.ResourceProperties["ExternalId"].(string)}
		},
	}
	event := fmt.Sprintf(`{"RequestType": "Create", "RequestId": "1", "StackId": "arn", "LogicalResourceId": "Role",
		"ResponseURL": "%s/", "ResourceProperties": {"ExternalId": "s3cret"}}`, cloudFormation.URL)
	if _, err := function.Invoke(context.Background(), []byte(event)); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"Status":"FAILED","RequestId":"1","LogicalResourceId":"Role","StackId":"arn","PhysicalResourceId":"role-of-Role","Reason":"role cannot trust [hidden]"}
}
