package lambdaenv

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
)

// TestResponseTimeout checks that a call without a response is given up and retried
// on another connection.
func TestResponseTimeout(t *testing.T) {
	var calls atomic.Int32
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			<-release
			return
		}
		_, _ = w.Write([]byte(
			`<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks/></DescribeStacksResult></DescribeStacksResponse>`,
		))
	}))
	defer server.Close()
	defer close(release)
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKEY")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	responseTimeout = 50 * time.Millisecond
	defer func() { responseTimeout = ResponseTimeout }()
	cfg, err := Config()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cloudformation.NewFromConfig(cfg).DescribeStacks(t.Context(),
		&cloudformation.DescribeStacksInput{}); err != nil {
		t.Errorf("the second attempt: %v", err)
	}
	if n := calls.Load(); n != 2 {
		t.Errorf("got %d calls, want 2", n)
	}
}
