package customresource

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"permstack/internal/awsapi/pause"
)

// Sender puts responses to CloudFormation's response URLs. A failed attempt is
// repeated with the same bytes, so it does no harm if an earlier one was received.
// The zero value is ready to use.
type Sender struct {
	Client       *http.Client  // default: a client without idle connections
	TryTimeout   time.Duration // of one attempt; default 5 s
	TotalTimeout time.Duration // of all attempts; default 2 min; ends before the context's deadline at the latest
	FirstPause   time.Duration // after the first attempt; doubles up to 5 s; default 200 ms

	// Replaced by tests; nil means the real clock.
	Now   func() time.Time
	Sleep pause.Func
}

// client keeps no idle connections: those of a frozen Lambda environment are dead
// when it resumes.
var client = &http.Client{
	Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
	CheckRedirect: func(req *http.Request, _ []*http.Request) error {
		if req.Method != http.MethodPut { // a GET after 301 or 302 would deliver nothing
			return http.ErrUseLastResponse
		}
		return nil
	},
}

// maxRejections limits the attempts that are rejected with a 4xx status. Most of
// these are final, such as 403 for an expired URL, but S3 also returns 400 for a
// stalled connection.
const maxRejections = 3

func (s Sender) send(ctx context.Context, log *slog.Logger, to string, body []byte) error {
	if s.Client == nil {
		s.Client = client
	}
	s.TryTimeout = orDefault(s.TryTimeout, 5*time.Second)
	pause := orDefault(s.FirstPause, 200*time.Millisecond)
	until := s.now().Add(orDefault(s.TotalTimeout, 2*time.Minute))
	if deadline, ok := ctx.Deadline(); ok {
		// End shortly before the deadline, so that the failure can be logged.
		if last := deadline.Add(-min(time.Second, time.Until(deadline)/10)); last.Before(until) {
			until = last
		}
	}
	// The response must be sent even if the caller's context was cancelled.
	ctx = context.WithoutCancel(ctx)

	refusals := 0
	for try := 1; ; try++ {
		err := s.put(ctx, to, body, until)
		if err == nil {
			return nil
		}
		var refused *rejectedError
		if errors.As(err, &refused) {
			if refusals++; refusals == maxRejections {
				return fmt.Errorf("gave up after %d attempts: %w", try, err)
			}
		}
		log.Warn(logNotAccepted, "attempt", try, "error", err.Error())
		left := until.Sub(s.now())
		if left > 0 {
			if sleepErr := s.sleep(ctx, min(pause, left)); sleepErr != nil {
				return fmt.Errorf("gave up after %d attempts: %w", try, err)
			}
		}
		if left <= pause {
			return fmt.Errorf("gave up after %d attempts: %w", try, err)
		}
		pause = min(2*pause, 5*time.Second)
	}
}

func (s Sender) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}

func (s Sender) sleep(ctx context.Context, d time.Duration) error {
	if s.Sleep != nil {
		return s.Sleep(ctx, d)
	}
	return pause.For(ctx, d)
}

// put sends the response once.
func (s Sender) put(ctx context.Context, to string, body []byte, until time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, min(s.TryTimeout, until.Sub(s.now())))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, to, bytes.NewReader(body))
	if err != nil {
		return &rejectedError{errors.New("the response URL is not a URL")}
	}
	// The URL is signed without a content type: sending one would invalidate the signature.
	req.Header["Content-Type"] = nil
	res, err := s.Client.Do(req)
	if err != nil {
		var quoting *url.Error // it quotes the presigned URL
		if errors.As(err, &quoting) {
			err = quoting.Err
		}
		return err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16))
	switch {
	case res.StatusCode < 300:
		return nil
	case res.StatusCode >= 500:
		return fmt.Errorf("status %d", res.StatusCode)
	default:
		return &rejectedError{fmt.Errorf("status %d", res.StatusCode)}
	}
}

// rejectedError is a response that further attempts are unlikely to change.
type rejectedError struct{ error }

func orDefault(d, other time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return other
}
