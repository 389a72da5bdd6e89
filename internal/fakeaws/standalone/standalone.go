// Package standalone runs the embedded AWS as one server: the services,
// CloudFormation, and the functions of this project as processes beside it.
// `permstack local` serves it, `permstack try` and tests use it.
package standalone

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"strings"
	"time"

	"permstack/internal/fakeaws"
	"permstack/internal/fakeaws/cloudformation"
	"permstack/internal/fakeaws/cloudwatch"
	"permstack/internal/fakeaws/events"
	"permstack/internal/fakeaws/lambda"
	"permstack/internal/fakeaws/logs"
	"permstack/internal/fakeaws/resourcepolicy"
	"permstack/internal/fakeaws/sns"
	"permstack/internal/fakeaws/stacksets"
)

// responsePrefix is the path to which custom resources send their responses.
const responsePrefix = "/cloudformation/response/"

// Options configure Start.
type Options struct {
	// BuiltIn is the command that runs a function of this project; the function's
	// name is appended. It is run if the function's zip is built for another
	// machine.
	BuiltIn []string
	Names   []string // of the functions that BuiltIn can run
	Root    string   // base of the local paths in templates; "" is the working directory

	// ForeignCode lets functions run code that is not built into this program: the
	// bootstrap of a zip or directory, with the rights of the user.
	ForeignCode bool

	Logger      *slog.Logger
	FunctionLog io.Writer // receives the output of functions; nil discards it

	// Trail emits the events of CloudTrail, as in an account with a trail.
	Trail bool
	// EventInvocations lets events and messages invoke functions. Without it the
	// permission of each invocation is checked, and the function does not run, so
	// that a test decides when it runs.
	EventInvocations bool

	// Realistic makes CloudFormation take the time that it takes on AWS, and
	// permissions of new roles take effect late: see cloudformation.AWSWaits.
	Realistic bool

	// Clock is the clock of the services; nil is time.Now. Functions run in
	// processes of their own and read the real clock.
	Clock func() time.Time
}

// Server is an embedded AWS that listens.
type Server struct {
	*fakeaws.Cloud
	Stacks    *cloudformation.Engine
	StackSets *stacksets.Service
	Functions *lambda.Registry
	Endpoint  string // for AWS_ENDPOINT_URL

	code *codeFinder
}

// Start listens on a loopback address ("127.0.0.1:0" picks a port).
func Start(addr string, o Options) (*Server, error) {
	if o.FunctionLog == nil {
		o.FunctionLog = io.Discard
	}
	cloud := fakeaws.New(fakeaws.Options{Logger: o.Logger, Clock: o.Clock, Trail: o.Trail})
	l := &Server{Cloud: cloud, code: &codeFinder{o: o}}
	endpoint := func() string { return l.Endpoint }
	now := time.Now
	if o.Clock != nil {
		now = o.Clock
	}
	output := logs.NewEvents(now)
	l.Functions = lambda.New(lambda.Options{
		Code:        l.code.find,
		Fetch:       l.fetchCode,
		Credentials: l.FunctionCredentials,
		Assumable:   l.AssumableBy,
		Endpoint:    endpoint,
		Output: func(f *lambda.Function) io.Writer {
			return io.MultiWriter(o.FunctionLog, output.Writer(f.Account, f.Region, f.LogGroup()))
		},
		Logger: o.Logger,
	})
	var waits func(typ, handler string) cloudformation.Wait
	if o.Realistic {
		waits = cloudformation.AWSWaits
		cloud.SetIAMPropagation(fakeaws.UsualIAMDelay)
	}
	l.Stacks = cloudformation.New(cloudformation.Deps{
		Waits:        waits,
		ConfigFor:    l.ConfigFor,
		ConfigCaller: l.ConfigCaller,
		Assumable:    l.AssumableBy,
		Authorize:    l.Authorize,
		Endpoint:     func() string { return l.Endpoint + strings.TrimSuffix(responsePrefix, "/") },
		Fetch:        l.fetch,
		Lambda:       l.Functions,
		Emit:         l.Events().Emit,
		Logger:       o.Logger,
		Clock:        o.Clock,
	})
	l.StackSets = stacksets.New(stacksets.Deps{
		ConfigFor:     l.ConfigFor,
		ConfigWith:    l.ConfigWith,
		Assumable:     l.AssumableBy,
		Fetch:         l.fetch,
		Wait:          l.Stacks.Wait,
		Organizations: l.Organizations(),
		Clock:         o.Clock,
		Logger:        o.Logger,
	})
	definition := l.Stacks.Definition()
	maps.Copy(definition.Actions, l.StackSets.Actions())
	l.Register(definition)
	l.Register(cloudwatch.New(l.Stacks, l.Events().RuleMetrics, now()).Definition())
	l.IAM().OnDeleted(l.Functions.ReplacePrincipal)
	l.Register(logs.New(l.Stacks, output, now()).Definition())
	invoke := l.Functions.InvokeAsService
	if !o.EventInvocations {
		invoke = func(call resourcepolicy.ServiceCall, _ []byte) error { return l.Functions.AllowService(call) }
	}
	l.SNS().SetTargets(sns.Targets{SQS: l.SQS().SendAsService, Lambda: invoke})
	l.Events().SetTargets(events.Targets{
		SNS: l.SNS().PublishAsService, SQS: l.SQS().SendAsService, Lambda: invoke, Forward: l.AllowForward,
	})
	l.Events().AllowServiceSources(true)
	l.Mount(responsePrefix, http.StripPrefix(strings.TrimSuffix(responsePrefix, "/"), l.Stacks.ResponseHandler()))
	l.Mount(MessagesPath, messagesHandler(l.SNS().Messages))
	l.Mount(ConfirmationsPath, confirmationsHandler(l.SNS().Confirmations))
	l.Register(l.Functions.Definition())
	l.MountIf(lambda.Prefix, lambda.InvocationPath, l.Functions.Handler(l.RequestScope))

	var err error
	if l.Endpoint, err = l.Cloud.Start(addr); err != nil {
		return nil, errors.Join(fmt.Errorf("start the embedded AWS: %w", err), l.Close())
	}
	return l, nil
}

// WaitIdle waits until every event is delivered and no function runs that an
// event or a message invoked.
func (l *Server) WaitIdle() {
	l.Events().WaitDelivered()
	l.Functions.Idle()
}

// Close ends the functions, cancels the operations of CloudFormation, and stops
// listening.
func (l *Server) Close() error {
	return errors.Join(l.StackSets.Close(), l.Stacks.Close(), l.Functions.Close(), l.Cloud.Close(), l.code.close())
}

var _ io.Closer = (*Server)(nil)

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
