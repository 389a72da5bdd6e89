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
)

// Sender puts answers to CloudFormation's response URLs. A try that fails is
// repeated with the very same bytes: should an earlier one have arrived after
// all, nothing changes. Its zero value is ready to use.
type Sender struct {
	Client       *http.Client  // default: a client of its own
	TryTimeout   time.Duration // how long one try may take; default 5 s
	TotalTimeout time.Duration // how long all of them may take; default 2 min, and never past the context's deadline
	FirstPause   time.Duration // after the first try; doubles up to 5 s; default 200 ms

	// Replaced by tests; nil stands for the real clock.
	Now   func() time.Time
	Sleep func(context.Context, time.Duration) error
}

// client keeps no connection for later: a frozen Lambda's connections are dead
// when it wakes.
var client = &http.Client{
	Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
	CheckRedirect: func(req *http.Request, _ []*http.Request) error {
		if req.Method != http.MethodPut { // 301 and 302 make a GET of it, which tells nobody anything
			return http.ErrUseLastResponse
		}
		return nil
	},
}

// maxRejections bounds the tries that are answered with a 4xx: most are final, as
// 403 for a URL that expired, but S3 also says 400 to a connection that stalled.
const maxRejections = 3

func (s Sender) send(ctx context.Context, log *slog.Logger, to string, body []byte) error {
	if s.Client == nil {
		s.Client = client
	}
	s.TryTimeout = orDefault(s.TryTimeout, 5*time.Second)
	pause := orDefault(s.FirstPause, 200*time.Millisecond)
	until := s.now().Add(orDefault(s.TotalTimeout, 2*time.Minute))
	if deadline, ok := ctx.Deadline(); ok {
		// A moment before the deadline, so that the log tells what happened.
		if last := deadline.Add(-min(time.Second, time.Until(deadline)/10)); last.Before(until) {
			until = last
		}
	}
	// The caller may have been cancelled; the answer must go out nevertheless.
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
				return fmt.Errorf("gave up after %d tries: %w", try, err)
			}
		}
		log.Warn("answer not taken", "try", try, "error", err.Error())
		left := until.Sub(s.now())
		if left > 0 {
			if sleepErr := s.sleep(ctx, min(pause, left)); sleepErr != nil {
				return fmt.Errorf("gave up after %d tries: %w", try, err)
			}
		}
		if left <= pause {
			return fmt.Errorf("gave up after %d tries: %w", try, err)
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
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// put sends the answer once.
func (s Sender) put(ctx context.Context, to string, body []byte, until time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, min(s.TryTimeout, until.Sub(s.now())))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, to, bytes.NewReader(body))
	if err != nil {
		return &rejectedError{errors.New("the response URL is no URL")}
	}
	// The URL is signed without a content type; one would break the signature.
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

// rejectedError is an answer that further tries will hardly change.
type rejectedError struct{ error }

func orDefault(d, other time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return other
}
