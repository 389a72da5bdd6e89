package faultinjection

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"permstack/internal/awsapi/lambdaenv"
	"permstack/internal/provisioner/provisionerlambda"
)

// limit is the function's time: its timeout in template.yaml less what it keeps
// for the answer.
const limit = 15*time.Minute - 20*time.Second

// invocation is one run of the function in a process of its own, as far as faults
// go: once it is dead, nothing that it does reaches anybody.
type invocation struct {
	w      *world
	ctx    context.Context
	cancel context.CancelFunc
	until  time.Time
	killed chan struct{}
	once   sync.Once
	buried chan struct{} // closed when nothing of it runs any more
}

func (i *invocation) kill() { i.once.Do(func() { close(i.killed) }) }

func (i *invocation) dead() bool {
	select {
	case <-i.killed:
		return true
	default:
		return false
	}
}

// expire ends the function's time.
func (i *invocation) expire() { i.cancel() }

// sleep is waiting for CloudFormation, which works meanwhile.
func (i *invocation) sleep(ctx context.Context, d time.Duration) error {
	i.w.clock.Advance(d)
	if i.w.clock.Now().After(i.until) {
		i.expire()
	}
	if i.dead() {
		return errKilled
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	// A wait that is killed ends at once; what it waits for goes on.
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		select {
		case <-i.killed:
			stop()
		case <-ended:
		}
	}()
	err := i.w.settle(ctx)
	if i.dead() {
		return errKilled
	}
	return err
}

// handler is the deployed function with the faults' transports and clock.
func (i *invocation) handler() lambda.Handler {
	w := i.w
	cfg := w.cloud.ConfigWith(region, w.functionSession())
	cfg.HTTPClient = &http.Client{Transport: &line{
		w: w, side: Function, inv: i, next: waits{w, cfg.HTTPClient.(*http.Client).Transport},
	}}
	cfg.Retryer = func() aws.Retryer { return w.retryer(lambdaenv.Attempts) }
	settings := provisionerlambda.Settings{StackRoleARN: w.stackRole, StackID: w.parent}
	return provisionerlambda.Handler(settings, cfg, provisionerlambda.Options{
		Log: w.log, Now: w.clock.Now, Sleep: i.sleep, Synthesize: synthesize,
		ResponseClient: &http.Client{Transport: &line{w: w, side: Answer, inv: i, next: w.inbox}},
	})
}

// retryer is the SDK's, with pauses that pass on the simulated clock alone.
func (w *world) retryer(attempts int) aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
			w.clock.Advance(min(time.Second<<attempt, retry.DefaultMaxBackoff))
			return 0, nil
		})
	})
}

// invoke runs the function for one event and waits until it ended.
func (w *world) invoke(payload []byte) (killed bool, err error) {
	i := &invocation{w: w, until: w.clock.Now().Add(limit), killed: make(chan struct{}), buried: make(chan struct{})}
	i.ctx, i.cancel = context.WithCancel(context.Background())
	defer i.cancel()
	w.setCurrent(i)
	err = w.run(i, payload)
	w.setCurrent(nil)
	close(i.buried)
	return i.dead(), err
}

// secretive is a log that must not tell some things.
type secretive struct {
	mu     sync.Mutex
	hidden []string
	told   string
	left   string // what it says is left behind
}

// leftBehind gives what the log said of that since it was last asked.
func (s *secretive) leftBehind() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.left
	s.left = ""
	return out
}

func (s *secretive) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.hidden {
		if strings.Contains(string(p), h) {
			s.told = fmt.Sprintf("the log tells %q: %s", h, p)
		}
	}
	if strings.Contains(string(p), `"msg":"left behind`) {
		s.left += " " + string(p)
	}
	return len(p), nil
}
