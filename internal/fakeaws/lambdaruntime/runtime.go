// Package lambdaruntime runs an AWS Lambda custom runtime: a bootstrap
// executable that polls the Runtime API (version 2018-06-01) for invocations.
//
// One process is kept warm, and invocations run one after another. A process
// that exceeds its deadline is killed, one that exits is reported as a function
// error, and both are restarted for the next invocation. Nothing is isolated:
// the process runs as the current user, with an environment of its own. Source:
// AWS Lambda developer guide, "Using the Lambda runtime API for custom
// runtimes".
package lambdaruntime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// Defaults for zero values in Config.
const (
	DefaultTimeout     = 3 * time.Second
	DefaultMemoryMB    = 128
	DefaultInitTimeout = 10 * time.Second
)

// Credentials are the AWS credentials in the process's environment.
type Credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string
}

// Config describes the function to run.
type Config struct {
	Argv []string          // the executable and its arguments
	Dir  string            // working directory; "" is the executable's own
	Env  map[string]string // the function's variables; they override those of Lambda

	FunctionName string
	FunctionARN  string
	Handler      string // _HANDLER; "" is bootstrap
	Region       string
	MemoryMB     int
	Timeout      time.Duration // of one invocation
	InitTimeout  time.Duration // from a start to the first request for work
	MaxAge       time.Duration // a process older than this is replaced before an invocation; 0 is never

	Credentials func() Credentials // called at each start; nil sets none
	Output      io.Writer          // receives stdout and stderr; nil discards them
	Clock       func() time.Time   // for deadlines and ages; nil is time.Now
}

// Result is the result of an invocation.
type Result struct {
	RequestID     string
	Payload       []byte
	FunctionError string // "" or "Unhandled", as X-Amz-Function-Error has it
	Duration      time.Duration
}

// ErrClosed is returned by invocations after Close.
var ErrClosed = errors.New("lambda runtime is closed")

// Runtime is a function that is ready to be invoked.
type Runtime struct {
	config Config
	turn   chan struct{} // holds one token, which an invocation takes
	closed chan struct{}
	once   sync.Once
	ctx    context.Context

	proc *process // owned by the holder of the turn
}

// Start checks the executable and starts it, so that the first invocation finds
// it warm. The process ends with ctx or with Close. A failed initialization is
// reported by the first Invoke, not by Start.
func Start(ctx context.Context, c Config) (*Runtime, error) {
	if len(c.Argv) == 0 {
		return nil, errors.New("start Lambda runtime: no executable in Argv")
	}
	path, err := exec.LookPath(c.Argv[0])
	if err != nil {
		return nil, fmt.Errorf("start Lambda runtime: %w", err)
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, fmt.Errorf("start Lambda runtime: %w", err)
	}
	c.Argv = append([]string{path}, c.Argv[1:]...)
	if c.Dir == "" {
		c.Dir = filepath.Dir(path)
	}
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	if c.InitTimeout <= 0 {
		c.InitTimeout = DefaultInitTimeout
	}
	if c.MemoryMB <= 0 {
		c.MemoryMB = DefaultMemoryMB
	}
	if c.Handler == "" {
		c.Handler = "bootstrap"
	}
	if c.Output == nil {
		c.Output = io.Discard
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	c.Output = &lockedWriter{w: c.Output}
	r := &Runtime{config: c, turn: make(chan struct{}, 1), closed: make(chan struct{}), ctx: ctx}
	if r.proc, err = start(ctx, &r.config); err != nil {
		return nil, err
	}
	r.turn <- struct{}{}
	return r, nil
}

// Invoke runs the function once, after the invocations that wait before it. A
// failure of the function is in the Result; an error means that it could not be
// run or that ctx ended first, in which case the process is killed.
func (r *Runtime) Invoke(ctx context.Context, payload []byte) (Result, error) {
	select {
	case <-r.turn:
	case <-r.closed:
		return Result{}, ErrClosed
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
	defer func() { r.turn <- struct{}{} }()
	for {
		select {
		case <-r.closed:
			return Result{}, ErrClosed
		default:
		}
		p, err := r.warm()
		if err != nil {
			return Result{}, err
		}
		result, retry, err := r.invoke(ctx, p, payload)
		if !retry {
			return result, err
		}
	}
}

// warm returns the running process, or starts one.
func (r *Runtime) warm() (*process, error) {
	if p := r.proc; p != nil {
		old := r.config.MaxAge > 0 && r.config.Clock().Sub(p.started) > r.config.MaxAge
		if !p.ended() && !old {
			return p, nil
		}
		p.stop()
	}
	p, err := start(r.ctx, &r.config)
	r.proc = p
	return p, err
}

// invoke sends one payload to a process. It reports that a retry is needed if a
// warm process had exited between two invocations, which is not a failure of
// this one.
func (r *Runtime) invoke(ctx context.Context, p *process, payload []byte) (Result, bool, error) {
	inv := newInvocation(payload)
	result := Result{RequestID: inv.id}
	fail := func(kind, message string) (Result, bool, error) {
		result.FunctionError, result.Payload = unhandled, errorPayload(kind,
			fmt.Sprintf("RequestId: %s Error: %s", inv.id, message))
		return result, false, nil
	}
	init := time.NewTimer(r.config.InitTimeout)
	defer init.Stop()
	warm := p.served > 0
	select {
	case p.invocations <- inv:
	case a := <-p.initError:
		p.stop()
		result.FunctionError, result.Payload = unhandled, a
		return result, false, nil
	case <-p.done:
		if warm {
			return Result{}, true, nil
		}
		select {
		case a := <-p.initError:
			result.FunctionError, result.Payload = unhandled, a
			return result, false, nil
		default:
		}
		return fail("Runtime.ExitError", p.exitReason())
	case <-init.C:
		p.stop()
		return fail("Sandbox.Timedout",
			fmt.Sprintf("Task timed out after %.2f seconds", r.config.InitTimeout.Seconds()))
	case <-r.closed:
		return Result{}, false, ErrClosed
	case <-ctx.Done():
		return Result{}, false, ctx.Err()
	}
	p.served++
	begin := time.Now()
	deadline := time.NewTimer(r.config.Timeout)
	defer deadline.Stop()
	defer func() { result.Duration = time.Since(begin) }()
	select {
	case a := <-inv.response:
		result.Payload, result.FunctionError = a.payload, a.functionError
		return result, false, nil
	case <-p.done:
		select { // it may have responded and then exited
		case a := <-inv.response:
			result.Payload, result.FunctionError = a.payload, a.functionError
			return result, false, nil
		default:
		}
		return fail("Runtime.ExitError", p.exitReason())
	case <-deadline.C:
		p.stop()
		return fail("Sandbox.Timedout", fmt.Sprintf("Task timed out after %.2f seconds", r.config.Timeout.Seconds()))
	case <-r.closed:
		p.stop()
		return Result{}, false, ErrClosed
	case <-ctx.Done():
		p.stop()
		return Result{}, false, ctx.Err()
	}
}

// Close kills the process and waits for it. An invocation in progress returns
// ErrClosed. Closing twice has no effect.
func (r *Runtime) Close() error {
	r.once.Do(func() {
		close(r.closed)
		<-r.turn
		if r.proc != nil {
			r.proc.stop()
		}
		r.turn <- struct{}{}
	})
	return nil
}

// Retire closes the runtime after the invocation in progress, if any; waiting
// invocations return ErrClosed. It does not wait.
func (r *Runtime) Retire() {
	go r.once.Do(func() {
		<-r.turn
		close(r.closed)
		if r.proc != nil {
			r.proc.stop()
		}
		r.turn <- struct{}{}
	})
}

// lockedWriter serializes the writes of stdout and stderr.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
