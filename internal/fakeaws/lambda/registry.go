package lambda

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"permstack/internal/fakeaws/lambdaruntime"
	"permstack/internal/fakeaws/protocol"
)

// sessionAge is how long a process uses its credentials; role sessions last an
// hour.
const sessionAge = 45 * time.Minute

// Options configure a Registry. Code or Run is required to run functions.
type Options struct {
	Code CodeResolver
	// Run runs a function in this process, instead of the code that Code finds. Its
	// context has the function's timeout.
	Run func(ctx context.Context, f *Function, payload []byte) (lambdaruntime.Result, error)
	// Credentials begins a session of a function's role for the function's code.
	Credentials func(account, roleARN, functionARN string) aws.Credentials
	// Fetch returns the zip of a function whose code is in S3. If it returns nil,
	// Code decides by the key. A nil Fetch reads nothing.
	Fetch func(f *Function) ([]byte, error)
	// Assumable returns an error unless Lambda may assume the role; nil allows every
	// role.
	Assumable  func(account, roleARN, service string, keys map[string][]string) error
	Endpoint   func() string               // AWS_ENDPOINT_URL of the processes; nil sets none
	Output     func(f *Function) io.Writer // receives what the function writes; nil discards it
	RetryDelay time.Duration               // between the attempts of an asynchronous invocation
	Clock      func() time.Time
	Logger     *slog.Logger
}

// Registry holds the functions of all accounts and Regions.
type Registry struct {
	o      Options
	ctx    context.Context
	cancel context.CancelFunc
	async  sync.WaitGroup

	mu        sync.Mutex
	functions map[string]*entry // by ARN
	mappings  []Mapping
	signing   map[string]signingConfig // by ARN
}

type entry struct {
	f *Function

	mu       sync.Mutex
	runtimes []*lambdaruntime.Runtime // none before the first invocation, and after a change
	idle     []*lambdaruntime.Runtime // of them, those without an invocation
	next     int                      // index of the runtime that gets the next invocation if none is idle
	deleted  bool
}

// New returns an empty registry.
func New(o Options) *Registry {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.RetryDelay == 0 {
		o.RetryDelay = 200 * time.Millisecond
	}
	r := &Registry{o: o, functions: map[string]*entry{}, signing: map[string]signingConfig{}}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

// Close ends every process and every asynchronous invocation, and waits.
func (r *Registry) Close() error {
	r.cancel()
	r.mu.Lock()
	entries := make([]*entry, 0, len(r.functions))
	for _, e := range r.functions {
		entries = append(entries, e)
	}
	r.mu.Unlock()
	for _, e := range entries {
		e.retire(true)
	}
	r.async.Wait()
	return nil
}

// Resolve returns the ARN of a function given by name, partial ARN or ARN.
func Resolve(account, region, name string) string {
	if strings.HasPrefix(name, "arn:") {
		return strings.TrimSuffix(name, ":$LATEST")
	}
	parts := strings.Split(name, ":")
	return functionARN(account, region, parts[len(parts)-1])
}

// Create adds a function.
func (r *Registry) Create(f Function) (*Function, error) {
	if err := r.check(&f, true); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.functions[f.ARN()] != nil {
		return nil, protocol.Errorf("ResourceConflictException", "Function already exist: %s", f.Name).WithStatus(409)
	}
	r.functions[f.ARN()] = &entry{f: &f}
	return f.clone(), nil
}

// Update replaces what a template declares of a function. What only other calls set
// stays, and code at an unchanged location is not read again.
func (r *Registry) Update(f Function) (*Function, error) {
	newCode := true
	if old, err := r.Get(f.ARN()); err == nil {
		f.Permissions, f.AsyncRetries, f.AsyncMaxAge = old.Permissions, old.AsyncRetries, old.AsyncMaxAge
		f.AsyncDestinations, f.Versions = old.AsyncDestinations, old.Versions
		declared := f.Settings
		f.Settings = maps.Clone(old.Settings)
		if f.Settings == nil {
			f.Settings = map[string]any{}
		}
		maps.Copy(f.Settings, declared)
		f.Aliases, f.URLAuth, f.deleted = old.Aliases, old.URLAuth, old.deleted
		zip := old.Code.Zip
		old.Code.Zip = nil
		if reflect.DeepEqual(old.Code, f.Code) {
			f.Code.Zip, newCode = zip, false
		}
	}
	return r.replace(f, newCode)
}

// replace replaces a function, and ends its process.
func (r *Registry) replace(f Function, newCode bool) (*Function, error) {
	if err := r.check(&f, newCode); err != nil {
		return nil, err
	}
	r.mu.Lock()
	e := r.functions[f.ARN()]
	if e == nil {
		r.mu.Unlock()
		return nil, notFound(f.ARN())
	}
	e.f = &f
	out := f.clone()
	r.mu.Unlock()
	e.retire(false)
	return out, nil
}

// check sets defaults, reads code from S3, and refuses what Lambda refuses. It verifies new code only, as Lambda does.
func (r *Registry) check(f *Function, newCode bool) error {
	if err := f.check(); err != nil {
		return err
	}
	if r.o.Assumable != nil {
		if err := r.o.Assumable(f.Account, f.Role, "lambda.amazonaws.com",
			map[string][]string{"aws:SourceAccount": {f.Account}, "aws:SourceArn": {f.ARN()}}); err != nil {
			return protocol.Errorf(
				"InvalidParameterValueException",
				"The role defined for the function cannot be assumed by Lambda.",
			)
		}
	}
	if r.o.Fetch != nil && f.Code.S3Key != "" && f.Code.Zip == nil {
		zip, err := r.o.Fetch(f)
		if err != nil {
			return codeReadError(err)
		}
		f.Code.Zip = zip
	}
	if newCode {
		if err := r.verifyCode(f); err != nil {
			return err
		}
	} else if f.CodeSigning != "" {
		if _, err := r.signingConfig(f.Account, f.Region, f.CodeSigning); err != nil {
			return err
		}
	}
	f.LastModified = r.o.Clock()
	return nil
}

// codeReadError returns Lambda's refusal of code that it cannot read.
func codeReadError(err error) error {
	var s3 *protocol.Error
	if !errors.As(err, &s3) {
		return err
	}
	return protocol.Errorf(
		"InvalidParameterValueException",
		"Error occurred while GetObject. S3 Error Code: %s. S3 Error Message: %s",
		s3.Code,
		s3.Message,
	)
}

// Delete removes a function and ends its process.
func (r *Registry) Delete(arn string) error {
	r.mu.Lock()
	e := r.functions[arn]
	delete(r.functions, arn)
	r.mu.Unlock()
	if e == nil {
		return notFound(arn)
	}
	e.retire(true)
	return nil
}

// Get returns a copy of a function's settings.
func (r *Registry) Get(arn string) (*Function, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.functions[arn]
	if e == nil {
		return nil, notFound(arn)
	}
	return e.f.clone(), nil
}

// Change edits a function's permissions or event invoke configuration.
func (r *Registry) Change(arn string, edit func(*Function) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.functions[arn]
	if e == nil {
		return notFound(arn)
	}
	f := e.f.clone()
	if err := edit(f); err != nil {
		return err
	}
	e.f = f
	return nil
}
