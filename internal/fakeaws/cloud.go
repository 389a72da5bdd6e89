package fakeaws

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"permstack/internal/fakeaws/cloudtrail"
	"permstack/internal/fakeaws/events"
	"permstack/internal/fakeaws/iam"
	"permstack/internal/fakeaws/kms"
	"permstack/internal/fakeaws/organizations"
	"permstack/internal/fakeaws/protocol"
	"permstack/internal/fakeaws/s3"
	"permstack/internal/fakeaws/sns"
	"permstack/internal/fakeaws/sqs"
	"permstack/internal/fakeaws/ssm"
	"permstack/internal/fakeaws/sts"
)

// DefaultAccount is the account of calls whose access key id names no account.
const DefaultAccount = "123456789012"

// Options configure a Cloud. The zero value is valid.
type Options struct {
	Logger *slog.Logger     // default: nothing is logged
	Clock  func() time.Time // default: time.Now

	// Trail emits an event of each call that changes something, as EventBridge
	// receives them from CloudTrail in an account with a trail.
	Trail bool
	// Intercept is called before each call's service; an error that it returns is
	// the response. See SetIntercept.
	Intercept func(*protocol.Call) error
}

// Cloud is one embedded AWS. It is safe for concurrent use.
type Cloud struct {
	log   *slog.Logger
	clock func() time.Time

	iam    *iam.Service
	sts    *sts.Service
	sns    *sns.Service
	events *events.Service
	ssm    *ssm.Service
	s3     *s3.Service
	sqs    *sqs.Service

	organizations *organizations.Service

	history   *cloudtrail.Service
	trails    bool
	intercept atomic.Pointer[func(*protocol.Call) error]
	calls     callLog
	documents documents
	iamDelay  iamDelay

	mu       sync.RWMutex
	services map[string]protocol.Service
	mounts   []mount
	server   *http.Server
}

type mount struct {
	prefix  string
	matches func(path string) bool // nil matches every path with the prefix
	handler http.Handler
}

// New returns a Cloud with IAM, STS, SNS, SQS, EventBridge, SSM parameters, S3, KMS and
// Organizations.
// Register adds a service, or replaces the service of the same name.
func New(o Options) *Cloud {
	c := &Cloud{log: o.Logger, clock: o.Clock, trails: o.Trail, services: map[string]protocol.Service{}}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.clock == nil {
		c.clock = time.Now
	}
	c.SetIntercept(o.Intercept)
	c.iam = iam.New(c.clock)
	c.sts = sts.New(c.iam, c.clock)
	c.sns = sns.New(c.clock)
	c.events = events.New(c.clock)
	c.ssm = ssm.New(c.clock)
	c.s3 = s3.New(c.clock)
	c.sqs = sqs.New(c.clock)
	c.history = cloudtrail.New()
	c.organizations = organizations.New(c.clock, c.Config)
	c.sns.SetOrganization(c.organizations.ID)
	c.s3.SetOrganization(c.organizations.ID)
	c.iam.SetUses(c.uses)
	c.iam.SetControlPolicies(func(account string) [][]string {
		return c.organizations.Policies(account, organizations.ServiceControl)
	})
	c.iam.OnDeleted(func(arn, id string) {
		c.sns.ReplacePrincipal(arn, id)
		c.sqs.ReplacePrincipal(arn, id)
		c.s3.ReplacePrincipal(arn, id)
	})
	keys := kms.New(c.clock)
	c.sns.SetEncryption(keys.AllowService)
	c.sqs.SetEncryption(keys.AllowService)
	c.sns.SetTargets(sns.Targets{SQS: c.sqs.SendAsService})
	c.events.SetTargets(events.Targets{
		SNS: c.sns.PublishAsService, SQS: c.sqs.SendAsService, Forward: c.AllowForward,
	})
	for _, s := range []protocol.Service{c.iam.Definition(), c.sts.Definition(), c.sns.Definition(), c.events.Definition(),
		c.ssm.Definition(), c.s3.Definition(), c.sqs.Definition(), keys.Definition(),
		c.organizations.Definition(), c.history.Definition()} {
		c.Register(s)
	}
	return c
}

// Register adds a service, or replaces the one of the same name.
func (c *Cloud) Register(s protocol.Service) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.services[s.Name] = s
}

// Mount serves every path with the prefix by h, without a signature, as AWS
// serves presigned URLs, such as those for the responses of custom resources.
// The longest prefix wins.
func (c *Cloud) Mount(prefix string, h http.Handler) { c.MountIf(prefix, nil, h) }

// MountIf is Mount for those paths with the prefix for which matches returns true.
func (c *Cloud) MountIf(prefix string, matches func(path string) bool, h http.Handler) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mounts = append(c.mounts, mount{prefix, matches, h})
	sort.SliceStable(c.mounts, func(i, j int) bool { return len(c.mounts[i].prefix) > len(c.mounts[j].prefix) })
}

// SetIntercept replaces the function that is called before each call's service;
// nil removes it. Tests use it to throttle, deny or break a call.
func (c *Cloud) SetIntercept(f func(*protocol.Call) error) {
	if f == nil {
		c.intercept.Store(nil)
		return
	}
	c.intercept.Store(&f)
}

// IAM returns the IAM service, for direct access from Go.
func (c *Cloud) IAM() *iam.Service { return c.iam }

// SNS returns the SNS service, for reading published messages.
func (c *Cloud) SNS() *sns.Service { return c.sns }

// Events returns the EventBridge service, for events of services and for the
// metrics of rules.
func (c *Cloud) Events() *events.Service { return c.events }

// SQS returns the SQS service, for reading queues.
func (c *Cloud) SQS() *sqs.Service { return c.sqs }

// S3 returns the S3 service, for services that read objects.
func (c *Cloud) S3() *s3.Service { return c.s3 }

// Organizations returns AWS Organizations, for services that deploy to its
// accounts.
func (c *Cloud) Organizations() *organizations.Service { return c.organizations }

// Handler returns the handler of API calls and of everything mounted.
func (c *Cloud) Handler() http.Handler { return http.HandlerFunc(c.serve) }

// Start listens on addr, which must be a loopback address ("127.0.0.1:0" picks a
// free port), and returns the endpoint URL for AWS_ENDPOINT_URL.
func (c *Cloud) Start(addr string) (string, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("listen address %q: %w", addr, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", fmt.Errorf(
			"listen address %q: the embedded AWS verifies no signatures and listens on loopback only "+
				"(127.0.0.1, ::1 or localhost)",
			addr,
		)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server != nil {
		return "", errors.New("the embedded AWS already listens")
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: guard(c.Handler()), ReadHeaderTimeout: 10 * time.Second}
	c.server = server
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			c.log.Error("embedded AWS stopped", "error", err)
		}
	}()
	return "http://" + listener.Addr().String(), nil
}

// Close stops listening and waits up to 5 seconds for the calls in progress. The
// resources of the Cloud stay usable through Handler and Config.
func (c *Cloud) Close() error {
	c.mu.Lock()
	server := c.server
	c.server = nil
	c.mu.Unlock()
	if server == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return server.Close()
	}
	return nil
}

func (c *Cloud) service(name string) (protocol.Service, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	s, ok := c.services[name]
	return s, ok
}

func (c *Cloud) mounted(path string) http.Handler {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, m := range c.mounts {
		if strings.HasPrefix(path, m.prefix) && (m.matches == nil || m.matches(path)) {
			return m.handler
		}
	}
	return nil
}

func (c *Cloud) serviceNames() []string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	names := make([]string, 0, len(c.services))
	for n := range c.services {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}
