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
	"permstack/internal/provisioner"
	"permstack/internal/provisioner/provisionerlambda"
)

// functionTime is the function's time: its timeout in template.yaml less what it keeps
// for the answer.
const functionTime = 15*time.Minute - 20*time.Second

// invocation is one run of the function in a process of its own, as far as faults
// go: once it is dead, nothing that it does reaches anybody.
type invocation struct {
	env      *environment
	ctx      context.Context
	cancel   context.CancelFunc
	deadline time.Time
	killed   chan struct{}
	once     sync.Once
	finished chan struct{} // closed when nothing of it runs any more
}

func (i *invocation) kill() { i.once.Do(func() { close(i.killed) }) }

func (i *invocation) isKilled() bool {
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
	i.env.clock.Advance(d)
	if i.env.clock.Now().After(i.deadline) {
		i.expire()
	}
	if i.isKilled() {
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
	err := i.env.waitForStacks(ctx)
	if i.isKilled() {
		return errKilled
	}
	return err
}

// handler is the deployed function with the faults' transports and clock.
func (i *invocation) handler() lambda.Handler {
	env := i.env
	cfg := env.cloud.ConfigWith(region, env.functionSession())
	cfg.HTTPClient = &http.Client{Transport: &faultyTransport{
		env: env, caller: Function, invocation: i, next: parentStatusTransport{env, cfg.HTTPClient.(*http.Client).Transport},
	}}
	cfg.Retryer = func() aws.Retryer { return env.retryer(lambdaenv.Attempts) }
	settings := provisionerlambda.Settings{StackRoleARN: env.stackRole, StackID: env.parent}
	return provisionerlambda.Handler(settings, cfg, provisionerlambda.Options{
		Log: env.log, Now: env.clock.Now, Sleep: i.sleep, Synthesize: cachedSynthesize,
		ResponseClient: &http.Client{
			Transport: &faultyTransport{env: env, caller: Response, invocation: i, next: env.inbox},
		},
	})
}

// retryer is the SDK's, with pauses that pass on the simulated clock alone.
func (env *environment) retryer(attempts int) aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
			env.clock.Advance(min(time.Second<<attempt, retry.DefaultMaxBackoff))
			return 0, nil
		})
	})
}

// invoke runs the function for one event and waits until it ended.
func (env *environment) invoke(payload []byte) (killed bool, err error) {
	i := &invocation{
		env:      env,
		deadline: env.clock.Now().Add(functionTime),
		killed:   make(chan struct{}),
		finished: make(chan struct{}),
	}
	i.ctx, i.cancel = context.WithCancel(context.Background())
	defer i.cancel()
	env.setCurrent(i)
	err = env.run(i, payload)
	env.setCurrent(nil)
	close(i.finished)
	return i.isKilled(), err
}

// functionLog is a log that must not tell some things.
type functionLog struct {
	mu        sync.Mutex
	secrets   []string
	leak      string
	leftovers string // what it says is left behind
}

// takeLeftBehind gives what the log said of that since it was last asked.
func (s *functionLog) takeLeftBehind() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.leftovers
	s.leftovers = ""
	return out
}

func (s *functionLog) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.secrets {
		if strings.Contains(string(p), h) {
			s.leak = fmt.Sprintf("the log tells %q: %s", h, p)
		}
	}
	if strings.Contains(string(p), provisioner.LogLeftBehind) || strings.Contains(string(p), provisioner.LogLeftoversUnknown) {
		s.leftovers += " " + string(p)
	}
	return len(p), nil
}
