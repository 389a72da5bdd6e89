package iamdelay_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"

	"permstack/internal/awsapi/iamdelay"
)

func denial(message string) error {
	return &smithy.GenericAPIError{Code: "AccessDenied", Message: message}
}

// fakeSleep adds up pauses and returns at once.
type fakeSleep struct {
	mu    sync.Mutex
	total time.Duration
}

func (f *fakeSleep) sleep(ctx context.Context, d time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.total += d
	return ctx.Err()
}

func TestWait(t *testing.T) {
	for _, tc := range []struct {
		name string
		err  error
		want bool
	}{
		{"denied", denial("not authorized to perform: sns:Publish because no identity-based policy allows it"), true},
		{"other error", errors.New("connection reset"), false},
		{"explicit deny", denial("not authorized with an explicit deny in a service control policy"), false},
		{"boundary", denial("because no permissions boundary allows the sns:Publish action"), false},
		{"no error", nil, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := iamdelay.New(time.Minute, (&fakeSleep{}).sleep, nil)
			if got := b.Wait(t.Context(), tc.err); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
	t.Run("nil budget", func(t *testing.T) {
		if iamdelay.FromContext(t.Context()).Wait(t.Context(), denial("")) {
			t.Error("a nil budget waited")
		}
	})
}

// TestLimit checks that the pauses of all calls together are exactly the limit.
func TestLimit(t *testing.T) {
	var clock fakeSleep
	var observed time.Duration
	b := iamdelay.New(time.Minute, clock.sleep, func(_ error, d time.Duration) { observed += d })
	n := 0
	for b.Wait(t.Context(), denial("")) {
		n++
	}
	if clock.total != time.Minute || observed != time.Minute || n > 20 {
		t.Errorf("waited %v in %d pauses, observed %v, want 1m0s", clock.total, n, observed)
	}
}

// TestDeadline checks that no pause begins that would use up the caller's time.
func TestDeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 900*time.Millisecond)
	defer cancel()
	if iamdelay.New(time.Minute, (&fakeSleep{}).sleep, nil).Wait(ctx, denial("")) {
		t.Error("waited although the context ends first")
	}
}

// TestConcurrent checks that calls that are denied together share one pause.
func TestConcurrent(t *testing.T) {
	pausing, resume := make(chan struct{}), make(chan struct{})
	var pauses []time.Duration
	b := iamdelay.New(time.Minute, func(_ context.Context, d time.Duration) error {
		pauses = append(pauses, d)
		close(pausing)
		<-resume
		return nil
	}, nil)
	var wg sync.WaitGroup
	results := make([]bool, 5)
	wg.Go(func() { results[0] = b.Wait(t.Context(), denial("")) })
	<-pausing
	for i := range results[1:] {
		wg.Go(func() { results[i+1] = b.Wait(t.Context(), denial("")) })
	}
	time.Sleep(20 * time.Millisecond)
	close(resume)
	wg.Wait()
	for i, again := range results {
		if !again {
			t.Errorf("call %d is not repeated", i)
		}
	}
	if len(pauses) != 1 {
		t.Errorf("got pauses %v, want one", pauses)
	}
}

// TestRepeat checks that a client repeats a whole request, with its parameters.
func TestRepeat(t *testing.T) {
	var bodies []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		bodies = append(bodies, r.Form.Get("Message"))
		if len(bodies) < 3 {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`<ErrorResponse><Error><Code>AuthorizationError</Code><Message>no</Message></Error></ErrorResponse>`))
			return
		}
		_, _ = w.Write([]byte(`<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`))
	}))
	defer server.Close()
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
	client := sns.NewFromConfig(iamdelay.Repeat(cfg))
	input := &sns.PublishInput{TopicArn: aws.String("arn:aws:sns:us-east-1:123456789012:t"), Message: aws.String("hello")}
	if _, err := client.Publish(t.Context(), input); err == nil {
		t.Error("published without a budget, want the denial")
	}
	bodies = nil
	ctx := iamdelay.WithBudget(t.Context(), iamdelay.New(time.Minute, (&fakeSleep{}).sleep, nil))
	if _, err := client.Publish(ctx, input); err != nil {
		t.Error(err)
	}
	if got := strings.Join(bodies, " "); got != "hello hello hello" {
		t.Errorf("got requests %q, want three", got)
	}
}
