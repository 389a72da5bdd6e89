// Package cloudformation is the embedded AWS's CloudFormation: stacks, change
// sets, custom resources and drift. It makes resources by calling the other
// services through the ordinary SDK, as the stack's role or as the caller.
//
// Resources are made one after another in the order of their dependencies,
// where AWS works in parallel, so that runs repeat. Nested stacks, stack sets,
// macros, imports, hooks, stack policies, rollback triggers and wait conditions
// are refused by name. Wordings of statuses and reasons are those of AWS as far
// as its documentation and its console show them.
package cloudformation

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"

	"permstack/internal/fakeaws/lambda"
	"permstack/internal/fakeaws/protocol"
)

// Deps are what an Engine works with.
type Deps struct {
	// ConfigFor reaches the services as a role; as the account's owner where
	// roleARN is empty.
	ConfigFor func(account, region, roleARN string) aws.Config
	// ConfigCaller reaches them as who made the call, for stacks without a
	// role. Nil takes the account's owner.
	ConfigCaller func(call *protocol.Call) aws.Config
	// Assumable says whether the role exists and an AWS service may assume it.
	// Nil allows every role.
	Assumable func(account, roleARN, service string, keys map[string][]string) error
	// Endpoint is the base URL under which the server mounts ResponseHandler.
	Endpoint func() string
	// Fetch reads the object of a TemplateURL as the caller. Nil refuses them.
	Fetch func(call *protocol.Call, url string) ([]byte, error)
	// Lambda runs functions and custom resources. Nil refuses both.
	Lambda *lambda.Registry
	// SystemTags puts aws:cloudformation:stack-name, stack-id and logical-id on
	// resources. The services must then accept tags that begin with "aws:" from
	// calls whose User-Agent names cloudformation.amazonaws.com.
	SystemTags bool
	// Begin is called before each piece of work on a stack, which starts when it
	// returns; its context ends where the work is given up. Tests hold work back
	// with it. Nil starts at once.
	Begin  func(context.Context)
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
	last      time.Time
}

type location struct{ account, region string }

// space is one account's stacks in one Region.
type space struct {
	live       map[string]*stack // by name
	all        []*stack          // oldest first, the deleted ones included
	detections map[string]*detection
}

// New makes an engine without stacks.
func New(d Deps) *Engine {
	if d.Clock == nil {
		d.Clock = time.Now
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	e := &Engine{d: d, changed: make(chan struct{}), spaces: map[location]*space{}, callbacks: map[string]*callback{}, records: map[string]*record{}}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	return e
}

// Close gives up what is under way and waits for it to end.
func (e *Engine) Close() error {
	e.cancel()
	e.work.Wait()
	return nil
}

// space gives a call's stacks; hold e.mu.
func (e *Engine) space(account, region string) *space {
	p := location{account, region}
	if e.spaces[p] == nil {
		e.spaces[p] = &space{live: map[string]*stack{}, detections: map[string]*detection{}}
	}
	return e.spaces[p]
}

// broadcast wakes those that wait for a change; hold e.mu.
func (e *Engine) broadcast() {
	close(e.changed)
	e.changed = make(chan struct{})
}

// now gives a time later than every time given before, so that the order of
// events is the order of their times; hold e.mu.
func (e *Engine) now() time.Time {
	t := e.d.Clock().UTC().Truncate(time.Millisecond)
	if !t.After(e.last) {
		t = e.last.Add(time.Millisecond)
	}
	e.last = t
	return t
}

// Wait waits until no work is under way on the stack, named by name or id, and
// gives its status and the reason of it; "" where there is no such stack.
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

// config gives the SDK configuration of a stack's work.
func (e *Engine) config(call *protocol.Call, account, region, roleARN string) aws.Config {
	var c aws.Config
	if roleARN == "" && e.d.ConfigCaller != nil {
		c = e.d.ConfigCaller(call)
	} else {
		c = e.d.ConfigFor(account, region, roleARN)
	}
	c = c.Copy()
	c.APIOptions = append(c.APIOptions, awsmiddleware.AddUserAgentKey("cloudformation.amazonaws.com"))
	return c
}
