package fakeaws

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"

	"permstack/internal/fakeaws/protocol"
	"permstack/internal/fakeaws/sts"
	"permstack/internal/iampolicy"
)

// inProcessEndpoint replaces every AWS host; no packet is ever sent to it.
const inProcessEndpoint = "http://aws.permstack.invalid"

// Config returns an SDK configuration whose calls reach this Cloud in the same
// process, without a network, as the unrestricted owner of a 12-digit account.
func (c *Cloud) Config(account, region string) aws.Config {
	return c.ConfigWith(region,
		aws.Credentials{AccessKeyID: account, SecretAccessKey: "local", Source: "permstack local"})
}

// ConfigAs is Config for a session of a role, which the role's policies and
// boundary limit. The role's trust policy is not evaluated: a service that may
// assume the role gets its credentials so; see AssumableBy.
func (c *Cloud) ConfigAs(account, region, roleARN string) aws.Config {
	return c.ConfigWith(region, c.SessionCredentials(account, roleARN, "permstack-local"))
}

// ConfigFor is ConfigAs, or Config if roleARN is "": how CloudFormation calls the
// services with or without a service role.
func (c *Cloud) ConfigFor(account, region, roleARN string) aws.Config {
	if roleARN == "" {
		return c.Config(account, region)
	}
	return c.ConfigAs(account, region, roleARN)
}

// ConfigCaller is Config for the caller of a call: a service that works for its
// caller has no more permissions than the caller.
func (c *Cloud) ConfigCaller(call *protocol.Call) aws.Config {
	keyID := call.Caller.AccessKeyID
	return c.ConfigWith(call.Region, aws.Credentials{
		AccessKeyID: keyID, SecretAccessKey: "local", SessionToken: c.sts.Token(keyID), Source: "permstack local",
	})
}

// ConfigWith is Config with any credentials.
func (c *Cloud) ConfigWith(region string, credentials aws.Credentials) aws.Config {
	endpoint := inProcessEndpoint
	return aws.Config{
		Region:       region,
		BaseEndpoint: &endpoint,
		Credentials: aws.CredentialsProviderFunc(
			func(context.Context) (aws.Credentials, error) { return credentials, nil },
		),
		HTTPClient: &http.Client{Transport: roundTripper{c.Handler()}},
	}
}

// SessionCredentials returns credentials of a role session, like those of a
// service that assumes the role, for a function's process over real HTTP. The
// trust policy is not evaluated, and the role need not exist yet; calls of a
// session whose role does not exist are denied.
func (c *Cloud) SessionCredentials(account, roleARN, sessionName string) aws.Credentials {
	return credentials(account, c.sts.Issue(account, roleARN, sessionName))
}

// FunctionCredentials is SessionCredentials for a function's code.
func (c *Cloud) FunctionCredentials(account, roleARN, functionARN string) aws.Credentials {
	return credentials(account, c.sts.IssueToFunction(account, roleARN, functionARN))
}

// ConfigAsFunction is ConfigAs with the credentials of a function's code.
func (c *Cloud) ConfigAsFunction(account, region, roleARN, functionARN string) aws.Config {
	return c.ConfigWith(region, c.FunctionCredentials(account, roleARN, functionARN))
}

func credentials(account string, s sts.Session) aws.Credentials {
	return aws.Credentials{
		AccessKeyID: s.Caller.AccessKeyID, SecretAccessKey: s.Secret, SessionToken: s.Token,
		Source: "permstack local", CanExpire: true, Expires: s.Expires, AccountID: account,
	}
}

// AssumableBy returns an error unless the role exists and its trust policy
// allows an AWS service, such as "cloudformation.amazonaws.com", to assume it.
// keys are the condition keys that the service sends, such as aws:SourceArn; nil
// is allowed.
func (c *Cloud) AssumableBy(account, roleARN, service string, keys map[string][]string) error {
	return c.sts.AssumableBy(account, roleARN, service, keys)
}

// AllowForward returns an error unless EventBridge can assume a role that may put
// events on a bus.
func (c *Cloud) AllowForward(account, roleARN, busARN string) error {
	if err := c.AssumableBy(account, roleARN, "events.amazonaws.com", nil); err != nil {
		return err
	}
	cfg := c.ConfigAs(account, iampolicy.RegionInARN(busARN), roleARN)
	return c.Authorize(context.Background(), cfg, protocol.Access{Action: "events:PutEvents", Resource: busARN})
}

// roundTripper calls a handler instead of a network.
type roundTripper struct{ handler http.Handler }

func (t roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if r.Body != nil {
		defer r.Body.Close()
	}
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	in.RequestURI = in.URL.RequestURI()
	in.RemoteAddr = "127.0.0.1:0"
	in.Host = in.URL.Host // S3 may have the bucket in the host
	out := &responseBuffer{header: http.Header{}}
	t.handler.ServeHTTP(out, in)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if r.Method == http.MethodHead { // HTTP sends no body
		out.body.Reset()
	}
	return out.response(r), nil
}

// responseBuffer is the http.ResponseWriter of an in-process call.
type responseBuffer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (b *responseBuffer) Header() http.Header { return b.header }

func (b *responseBuffer) WriteHeader(status int) {
	if b.status == 0 {
		b.status = status
	}
}

func (b *responseBuffer) Write(p []byte) (int, error) {
	b.WriteHeader(http.StatusOK)
	return b.body.Write(p)
}

func (b *responseBuffer) response(r *http.Request) *http.Response {
	b.WriteHeader(http.StatusOK)
	return &http.Response{
		Status: http.StatusText(b.status), StatusCode: b.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: b.header.Clone(), Body: io.NopCloser(&b.body), ContentLength: int64(b.body.Len()), Request: r,
	}
}

// EncodeRefusal returns an encoded authorization message, as EC2 sends it, which
// DecodeAuthorizationMessage decodes in the account.
func (c *Cloud) EncodeRefusal(account string, r sts.Refusal) (string, error) {
	return c.sts.EncodeRefusal(account, r)
}
