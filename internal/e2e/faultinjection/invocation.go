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

// functionTime is the timeout of the function in template.yaml, less the reserve
// for the response.
const functionTime = 15*time.Minute - 20*time.Second

// invocation is one run of the function. Like a process of its own, it has no
// effect any more once it is killed.
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

// sleep advances the clock and lets CloudFormation work meanwhile.
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
	// A wait ends when the function is killed; CloudFormation continues.
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

// retryer is the SDK's, with backoff on the simulated clock only.
func (env *environment) retryer(attempts int) aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
			env.clock.Advance(min(time.Second<<attempt, retry.DefaultMaxBackoff))
			return 0, nil
		})
	})
}

// newInvocation returns an invocation that begins now. Its cancel must be called.
func (env *environment) newInvocation() *invocation {
	i := &invocation{
		env:      env,
		deadline: env.clock.Now().Add(functionTime),
		killed:   make(chan struct{}),
		finished: make(chan struct{}),
	}
	i.ctx, i.cancel = context.WithCancel(context.Background())
	return i
}

// invoke invokes the function with one event and waits until it ended.
func (env *environment) invoke(payload []byte) (killed bool, err error) {
	i := env.newInvocation()
	defer i.cancel()
	env.setCurrent(i)
	err = env.run(i, payload)
	env.setCurrent(nil)
	close(i.finished)
	return i.isKilled(), err
}

// functionLog is a log that must not contain secrets.
type functionLog struct {
	mu        sync.Mutex
	secrets   []string
	leak      string
	leftovers string // lines about resources that were left behind
}

// takeLeftBehind returns and clears the log lines about resources that were left
// behind.
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
			s.leak = fmt.Sprintf("the log contains %q: %s", h, p)
		}
	}
	line := string(p)
	if strings.Contains(line, provisioner.LogLeftBehind) || strings.Contains(line, provisioner.LogLeftoversUnknown) {
		s.leftovers += " " + line
	}
	return len(p), nil
}
