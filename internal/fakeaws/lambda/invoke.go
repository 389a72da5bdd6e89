package lambda

import (
	"context"
	"slices"
	"strings"
	"time"

	"permstack/internal/fakeaws/lambdaruntime"
	"permstack/internal/fakeaws/protocol"
)

// Invoke runs a function and waits for its response. A failure of the function
// is in Result.FunctionError; an error means that it could not be run.
func (r *Registry) Invoke(ctx context.Context, arn string, payload []byte) (lambdaruntime.Result, error) {
	if len(payload) > maxSync {
		return lambdaruntime.Result{}, protocol.Errorf("RequestEntityTooLargeException", "%d byte payload is "+
			"too large for the RequestResponse invocation type (limit %d bytes)", len(payload), maxSync).
			WithStatus(413)
	}
	if r.o.Run != nil {
		f, err := r.Get(arn)
		if err != nil {
			return lambdaruntime.Result{}, err
		}
		ctx, cancel := context.WithTimeout(ctx, time.Duration(f.Timeout)*time.Second)
		defer cancel()
		return r.o.Run(ctx, f, payload)
	}
	for {
		rt, release, err := r.runtime(arn)
		if err != nil {
			return lambdaruntime.Result{}, err
		}
		result, err := rt.Invoke(ctx, payload)
		release()
		if err == lambdaruntime.ErrClosed && r.ctx.Err() == nil {
			continue // the function was changed in the meantime: run the new settings
		}
		return result, err
	}
}

// InvokeAsync queues an invocation. A failed one is retried twice, unless the
// event invoke configuration sets another number.
func (r *Registry) InvokeAsync(arn string, payload []byte) error {
	if len(payload) > maxAsync {
		return protocol.Errorf("RequestEntityTooLargeException", "%d byte payload is too large for the Event "+
			"invocation type (limit %d bytes)", len(payload), maxAsync).
			WithStatus(413)
	}
	f, err := r.Get(arn)
	if err != nil {
		return err
	}
	if f.Reserved != nil && *f.Reserved == 0 {
		return throttled()
	}
	retries := 2
	if f.AsyncRetries != nil {
		retries = *f.AsyncRetries
	}
	r.async.Go(func() {
		for attempt := 0; ; attempt++ {
			result, err := r.Invoke(r.ctx, arn, payload)
			if err == nil && result.FunctionError == "" || r.ctx.Err() != nil {
				return
			}
			r.o.Logger.Warn(
				"asynchronous invocation failed",
				"function",
				f.Name,
				"attempt",
				attempt+1,
				"error",
				err,
				"payload",
				string(result.Payload),
			)
			if attempt >= retries {
				return
			}
			wait := time.NewTimer(r.o.RetryDelay << attempt)
			select {
			case <-wait.C:
			case <-r.ctx.Done():
				wait.Stop()
				return
			}
		}
	})
	return nil
}

// Idle waits until no asynchronous invocation is in progress.
func (r *Registry) Idle() { r.async.Wait() }

func throttled() error {
	return protocol.Errorf("TooManyRequestsException", "Rate Exceeded.").WithStatus(429)
}

// maxConcurrent is how many invocations of a function are processed at the same
// time; others wait. AWS does not let them wait, but a new account has this quota
// (Lambda quotas, "Concurrent executions").
const maxConcurrent = 10

// runtime returns an idle runtime of the function, or starts one, and the function
// that has to be called after the invocation.
func (r *Registry) runtime(arn string) (rt *lambdaruntime.Runtime, release func(), err error) {
	r.mu.Lock()
	e := r.functions[arn]
	r.mu.Unlock()
	if e == nil {
		return nil, nil, notFound(arn)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	r.mu.Lock()
	f := e.f
	r.mu.Unlock()
	switch {
	case e.deleted:
		return nil, nil, notFound(arn)
	case f.Reserved != nil && *f.Reserved == 0:
		return nil, nil, throttled()
	case len(e.idle) > 0:
		rt, e.idle = e.idle[len(e.idle)-1], e.idle[:len(e.idle)-1]
		return rt, func() { e.release(rt) }, nil
	case len(e.runtimes) == maxConcurrent || f.Reserved != nil && len(e.runtimes) >= *f.Reserved:
		e.next++
		return e.runtimes[e.next%len(e.runtimes)], func() {}, nil
	case r.o.Code == nil:
		return nil, nil, protocol.Errorf(
			"InvalidRuntimeException",
			"permstack local has no resolver of function code: it cannot run function %s",
			f.Name,
		)
	}
	argv, dir, env, err := r.o.Code(f.Code)
	if err != nil {
		return nil, nil, protocol.Errorf("InvalidRuntimeException", "find the code of function %s: %v", f.Name, err)
	}
	rt, err = lambdaruntime.Start(r.ctx, r.config(f, argv, dir, env))
	if err != nil {
		return nil, nil, protocol.Errorf("InvalidRuntimeException", "start function %s: %v", f.Name, err)
	}
	e.runtimes = append(e.runtimes, rt)
	return rt, func() { e.release(rt) }, nil
}

// release makes a runtime idle, unless the function was changed in the meantime.
func (e *entry) release(rt *lambdaruntime.Runtime) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if slices.Contains(e.runtimes, rt) {
		e.idle = append(e.idle, rt)
	}
}

func (r *Registry) config(f *Function, argv []string, dir string, env []string) lambdaruntime.Config {
	c := lambdaruntime.Config{
		Argv: argv, Dir: dir, Env: map[string]string{}, FunctionName: f.Name, FunctionARN: f.ARN(), Handler: f.Handler,
		Region: f.Region, MemoryMB: f.MemoryMB, Timeout: time.Duration(f.Timeout) * time.Second, MaxAge: sessionAge,
		Clock: r.o.Clock,
	}
	if r.o.Endpoint != nil {
		c.Env["AWS_ENDPOINT_URL"] = r.o.Endpoint()
	}
	for _, kv := range env {
		k, v, _ := strings.Cut(kv, "=")
		c.Env[k] = v
	}
	for k, v := range f.Environment {
		c.Env[k] = v
	}
	if r.o.Output != nil {
		c.Output = r.o.Output(f)
	}
	if r.o.Credentials != nil {
		c.Credentials = func() lambdaruntime.Credentials {
			cred := r.o.Credentials(f.Account, f.Role, f.ARN())
			return lambdaruntime.Credentials{
				AccessKeyID:     cred.AccessKeyID,
				SecretAccessKey: cred.SecretAccessKey,
				SessionToken:    cred.SessionToken,
			}
		}
	}
	return c
}

// retire ends the processes, so that the next invocation starts one with the
// current settings. An invocation in progress is aborted if the function was
// deleted, and completed otherwise.
func (e *entry) retire(deleted bool) {
	e.mu.Lock()
	list := e.runtimes
	e.runtimes, e.idle, e.deleted = nil, nil, e.deleted || deleted
	e.mu.Unlock()
	for _, rt := range list {
		if deleted {
			_ = rt.Close()
			continue
		}
		rt.Retire()
	}
}
