// Package cloudformation is the CloudFormation of the embedded AWS: stacks,
// change sets, custom resources and drift. It creates resources by calling the
// other services through the SDK, as the stack's role or as the caller.
//
// Resources are created one after another in the order of their dependencies,
// where AWS works in parallel, so that runs are reproducible, unless Deps.Waits is
// set. Nested stacks, macros, imports, hooks and rollback triggers are refused with
// NotImplemented. Statuses and reasons are worded as in AWS's documentation and
// console.
package cloudformation

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"

	"permstack/internal/fakeaws/events"
	"permstack/internal/fakeaws/lambda"
	"permstack/internal/fakeaws/protocol"
)

// Deps are the dependencies of an Engine.
type Deps struct {
	// ConfigFor returns the configuration to call services as a role, or as the
	// account's owner if roleARN is empty.
	ConfigFor func(account, region, roleARN string) aws.Config
	// ConfigCaller returns the configuration to call services as the caller, for
	// stacks without a role. If it is nil, they work as the account's owner.
	ConfigCaller func(call *protocol.Call) aws.Config
	// Authorize returns an error unless the principal with the credentials of a
	// configuration has a permission. Handlers require with it what no call of an
	// embedded service checks. Nil allows everything.
	Authorize func(ctx context.Context, cfg aws.Config, a protocol.Access) error
	// Assumable returns an error unless the role exists and an AWS service may
	// assume it. Nil allows every role.
	Assumable func(account, roleARN, service string, keys map[string][]string) error
	// Endpoint is the base URL under which the server mounts ResponseHandler.
	Endpoint func() string
	// Fetch reads the object of a TemplateURL as the caller. Nil refuses them.
	Fetch func(call *protocol.Call, url string) ([]byte, error)
	// Lambda runs functions and custom resources. Nil refuses both.
	Lambda *lambda.Registry
	// Emit puts an event on the default bus of an account and Region; it must not
	// call the engine. Nil emits nothing.
	Emit func(account, region string, e events.Event)
	// SystemTags adds the tags aws:cloudformation:stack-name, stack-id and
	// logical-id to resources. The services must then accept tags with the prefix
	// "aws:" from calls whose User-Agent contains cloudformation.amazonaws.com.
	SystemTags bool
	// Begin is called before the nth operation on a stack, which starts when it
	// returns; its context ends if the operation is cancelled. The function that it
	// returns is called when the operation has ended. Tests delay and order
	// operations with it. Nil starts at once.
	Begin func(ctx context.Context, n int) (end func())
	// Waits returns how long the handlers of a type take; AWSWaits is AWS's. The
	// resources of a stack are then worked on at the same time, along their
	// dependencies. Nil: one after another, without waits.
	Waits  func(typ, handler string) Wait
	Clock  func() time.Time
	Logger *slog.Logger
}

// Engine holds the stacks of all accounts and Regions.
type Engine struct {
	d      Deps
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu        sync.Mutex // guards all that follows, stacks included
	changed   chan struct{}
	spaces    map[location]*space
	callbacks map[string]*callback
	records   map[string]*record
	signals   map[string]map[string]signal // by token of a wait condition handle and UniqueId
	last      time.Time
	started   int // operations

	validation validation
}

type location struct{ account, region string }

// space is one account's stacks in one Region.
type space struct {
	live       map[string]*stack // by name
	all        []*stack          // oldest first, the deleted ones included
	detections map[string]*detection
}

// New returns an engine without stacks.
func New(d Deps) *Engine {
	if d.Clock == nil {
		d.Clock = time.Now
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	e := &Engine{
		d:         d,
		changed:   make(chan struct{}),
		spaces:    map[location]*space{},
		callbacks: map[string]*callback{},
		records:   map[string]*record{},
		signals:   map[string]map[string]signal{},
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	return e
}

// Close cancels the operations in progress and waits for them to end.
func (e *Engine) Close() error {
	e.cancel()
	e.work.Wait()
	return nil
}

// space returns the stacks of an account and Region; hold e.mu.
func (e *Engine) space(account, region string) *space {
	p := location{account, region}
	if e.spaces[p] == nil {
		e.spaces[p] = &space{live: map[string]*stack{}, detections: map[string]*detection{}}
	}
	return e.spaces[p]
}

// broadcast wakes the goroutines that wait for a change; hold e.mu.
func (e *Engine) broadcast() {
	close(e.changed)
	e.changed = make(chan struct{})
}

// now returns a time later than every earlier result, so that events are ordered
// by time; hold e.mu.
func (e *Engine) now() time.Time {
	t := e.d.Clock().UTC().Truncate(time.Millisecond)
	if !t.After(e.last) {
		t = e.last.Add(time.Millisecond)
	}
	e.last = t
	return t
}

// Wait waits until no operation is in progress on the stack, named by name or
// id, and returns its status and status reason; both are "" if there is no such
// stack.
func (e *Engine) Wait(ctx context.Context, account, region, nameOrID string) (status, reason string, err error) {
	for {
		e.mu.Lock()
		s := e.find(account, region, nameOrID, true)
		changed := e.changed
		if s == nil || !s.busy {
			defer e.mu.Unlock()
			if s == nil {
				return "", "", nil
			}
			return s.status, s.reason, nil
		}
		e.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return "", "", ctx.Err()
		}
	}
}

// config returns the SDK configuration of a stack's operations.
func (e *Engine) config(call *protocol.Call, roleARN string) aws.Config {
	var c aws.Config
	if roleARN == "" && e.d.ConfigCaller != nil {
		c = e.d.ConfigCaller(call)
	} else {
		c = e.d.ConfigFor(call.Account, call.Region, roleARN)
	}
	c = c.Copy()
	c.APIOptions = append(c.APIOptions, awsmiddleware.AddUserAgentKey("cloudformation.amazonaws.com"))
	return c
}
