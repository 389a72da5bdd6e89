package fakeaws

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"

	"permstack/internal/fakeaws/protocol"
)

// inProcessEndpoint stands in for every AWS host; no packet is ever sent to it.
const inProcessEndpoint = "http://aws.permstack.invalid"

// Config is an SDK configuration whose calls reach this cloud in the same
// process, with no network, as the unrestricted owner of a 12-digit account.
func (c *Cloud) Config(account, region string) aws.Config {
	return c.ConfigWith(region, aws.Credentials{AccessKeyID: account, SecretAccessKey: "local", Source: "permstack local"})
}

// ConfigAs is Config as a session of a role, which its policies and boundary
// bind. The role's trust policy is not asked: this is how a service that may
// assume the role gets its credentials; see AssumableBy.
func (c *Cloud) ConfigAs(account, region, roleARN string) aws.Config {
	return c.ConfigWith(region, c.SessionCredentials(account, roleARN, "permstack-local"))
}

// ConfigCaller is Config as whoever makes the call: a service that works on its
// caller's behalf has no more access than the caller.
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
		Credentials:  aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return credentials, nil }),
		HTTPClient:   &http.Client{Transport: roundTripper{c.Handler()}},
	}
}

// SessionCredentials issues credentials of a role session, as a service that
// assumes the role would have them: for a function's process, over real HTTP.
// The trust policy is not asked, and the role need not exist yet; calls of a
// session whose role does not exist are denied.
func (c *Cloud) SessionCredentials(account, roleARN, sessionName string) aws.Credentials {
	s := c.sts.Issue(account, roleARN, sessionName)
	return aws.Credentials{
		AccessKeyID: s.Caller.AccessKeyID, SecretAccessKey: s.Secret, SessionToken: s.Token,
		Source: "permstack local", CanExpire: true, Expires: s.Expires, AccountID: account,
	}
}

// AssumableBy says whether the role exists and its trust policy lets an AWS
// service, such as "cloudformation.amazonaws.com", assume it; the error says
// why not. keys are condition keys that the service would send, such as
// aws:SourceArn; nil is good.
func (c *Cloud) AssumableBy(account, roleARN, service string, keys map[string][]string) error {
	return c.sts.AssumableBy(account, roleARN, service, keys)
}

// roundTripper calls a handler in place of a network.
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
	in.Host = in.URL.Host // S3 may have the bucket in it
	out := &responseBuffer{header: http.Header{}}
	t.handler.ServeHTTP(out, in)
	if err := r.Context().Err(); err != nil {
		return nil, err
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
