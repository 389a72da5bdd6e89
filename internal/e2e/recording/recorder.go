package recording

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// Recorder records the calls of the configurations that Wrap returns. It is safe for
// concurrent use.
type Recorder struct {
	account string
	run     string // what the names of the run's resources contain

	mu      sync.Mutex
	secrets map[string]string // text → what replaces it
	calls   []Call
}

// NewRecorder returns a recorder for calls of an account. The names of resources that
// do not contain run are recorded nowhere.
func NewRecorder(account, run string) *Recorder {
	return &Recorder{account: account, run: run, secrets: map[string]string{}}
}

// Hide replaces a text by another in everything that is recorded. The replacement must
// be valid where the text is.
func (r *Recorder) Hide(text, replacement string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if text != "" {
		r.secrets[text] = replacement
	}
}

// HideCredentials replaces credentials.
func (r *Recorder) HideCredentials(c aws.Credentials) {
	if c.AccessKeyID != r.account { // as of the embedded AWS
		r.Hide(c.AccessKeyID, "AKIDREDACTED")
	}
	r.Hide(c.SecretAccessKey, "secret-redacted")
	r.Hide(c.SessionToken, "token-redacted")
}

// Wrap returns a configuration whose calls are recorded.
func (r *Recorder) Wrap(cfg aws.Config) aws.Config {
	cfg = cfg.Copy()
	next := cfg.HTTPClient
	if next == nil {
		next = awshttp.NewBuildableClient()
	}
	cfg.HTTPClient = recordingClient{next, r}
	return cfg
}

// Calls returns what was recorded so far.
func (r *Recorder) Calls() []Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls)
}

type recordingClient struct {
	next     aws.HTTPClient
	recorder *Recorder
}

// Do implements aws.HTTPClient.
func (c recordingClient) Do(request *http.Request) (*http.Response, error) {
	call := Call{Time: time.Now().UTC()}
	if err := c.recorder.request(&call, request); err != nil {
		return nil, err
	}
	response, err := c.next.Do(request)
	if err == nil {
		err = c.recorder.response(&call, request, response)
	}
	if err != nil {
		call.Failure = c.recorder.clean(err.Error(), request)
	}
	call.Millisecond = time.Since(call.Time).Milliseconds()
	c.recorder.mu.Lock()
	c.recorder.calls = append(c.recorder.calls, call)
	c.recorder.mu.Unlock()
	return response, err
}

var credentialScope = regexp.MustCompile(`Credential=[^/]*/\d+/([^/]+)/([^/]+)/aws4_request`)

// request records a request. The header has credentials, of which only the Region and
// the service are recorded.
func (r *Recorder) request(call *Call, request *http.Request) error {
	var body []byte
	if request.Body != nil && request.Body != http.NoBody {
		var err error
		if body, err = io.ReadAll(request.Body); err != nil {
			return err
		}
		if err := request.Body.Close(); err != nil {
			return err
		}
		request.Body = io.NopCloser(bytes.NewReader(body))
	}
	if m := credentialScope.FindStringSubmatch(request.Header.Get("Authorization")); m != nil {
		call.Region, call.Service = m[1], m[2]
	}
	call.Method, call.Target = request.Method, request.Header.Get("X-Amz-Target")
	call.Path, call.Query = r.clean(request.URL.EscapedPath(), request), r.clean(request.URL.RawQuery, request)
	call.ContentType = request.Header.Get("Content-Type")
	if utf8.Valid(body) {
		call.Body = r.cleanBody(string(body), call.ContentType, request)
	} else {
		call.OmittedBytes = len(body)
	}
	call.Action = action(*call)
	call.Listing = listsAccount(*call)
	if r.isForeign(*call) {
		call.Foreign, call.Listing, call.Body, call.Path, call.Query = true, true, "", "", ""
	}
	return nil
}

// response records a response and leaves its body to the SDK.
func (r *Recorder) response(call *Call, request *http.Request, response *http.Response) error {
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if err := response.Body.Close(); err != nil {
		return err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	call.Status = response.StatusCode
	text := string(body)
	if !call.Listing || call.Status >= 300 && !call.Foreign {
		call.Response = r.clean(text, request)
	}
	call.ErrorCode = errorCode(response.StatusCode, response.Header, text)
	return nil
}

// signedURL is a URL with a signature, also in XML and in JSON.
var signedURL = regexp.MustCompile(`https?://[^\s"'<>]*X-Amz-Signature=[^\s"'<>]*`)

// clean removes secrets, the account's id and the endpoint from a text.
func (r *Recorder) clean(text string, request *http.Request) string {
	text = signedURL.ReplaceAllString(text, "https://presigned-url-redacted.invalid/")
	r.mu.Lock()
	for secret, replacement := range r.secrets {
		text = strings.ReplaceAll(text, secret, replacement)
		text = strings.ReplaceAll(text, url.QueryEscape(secret), url.QueryEscape(replacement))
	}
	r.mu.Unlock()
	return strings.ReplaceAll(text, r.account, Account)
}

// storage is the endpoint of S3 in a URL of an object, which has the bucket in its path.
var storage = regexp.MustCompile(`https?://(s3[a-z0-9.-]*|127\.0\.0\.1:\d+|localhost:\d+)/`)

// cleanBody is clean for a request's body, in which templates are named by URL.
func (r *Recorder) cleanBody(body, contentType string, request *http.Request) string {
	if strings.HasPrefix(contentType, "application/x-www-form-urlencoded") {
		if form, err := url.ParseQuery(body); err == nil {
			for _, values := range form {
				for i, v := range values {
					values[i] = storage.ReplaceAllString(r.clean(v, request), endpoint+"/")
				}
			}
			return form.Encode()
		}
	}
	return r.clean(body, request)
}

// action returns the name of a call's action: for the Query and JSON protocols the one
// that the request has, for REST the method and the form of the path.
func action(c Call) string {
	if _, name, ok := strings.Cut(c.Target, "."); ok {
		return name
	}
	if form, err := url.ParseQuery(c.Body); err == nil && form.Get("Action") != "" {
		return form.Get("Action")
	}
	if _, name, ok := strings.Cut(c.Path, "/operation/"); ok { // Smithy RPC v2
		return name
	}
	path := c.Path
	if c.Service == "s3" {
		bucket, key, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
		path = "/"
		if bucket != "" {
			path += "{bucket}"
		}
		if key != "" {
			path += "/{key}"
		}
		if query, err := url.ParseQuery(c.Query); err == nil {
			for _, setting := range []string{"tagging", "list-type"} {
				if query.Has(setting) {
					path += "?" + setting
				}
			}
		}
	}
	if c.Service == "lambda" && strings.HasSuffix(path, "/invocations") {
		return "Invoke"
	}
	return c.Method + " " + path
}

// listsAccount reports whether a response lists resources of the whole account.
func listsAccount(c Call) bool {
	form, _ := url.ParseQuery(c.Body)
	switch c.Name() {
	case "sns:ListTopics", "events:ListRules", "sqs:ListQueues", "s3:GET /":
		return true
	case "cloudformation:DescribeStacks":
		return form.Get("StackName") == ""
	}
	return false
}

// isForeign reports whether a call reads the tags of a resource of somebody else, to
// find what belongs to a run.
func (r *Recorder) isForeign(c Call) bool {
	switch c.Name() {
	case "sns:ListTagsForResource", "events:ListTagsForResource", "sqs:ListQueueTags", "s3:GET /{bucket}?tagging":
		return !strings.Contains(c.Body+c.Path, r.run)
	}
	return false
}

var xmlCode = regexp.MustCompile(`<Code>([^<]+)</Code>`)
var jsonCode = regexp.MustCompile(`"(?:__type|code)"\s*:\s*"(?:[^"#]*#)?([^"]+)"`)

// errorCode returns the code of an error response, in any protocol; "" for another
// response.
func errorCode(status int, header http.Header, body string) string {
	if status < 300 {
		return header.Get("X-Amz-Function-Error")
	}
	code, _, _ := strings.Cut(header.Get("X-Amzn-Errortype"), ":")
	if code != "" {
		return code
	}
	for _, pattern := range []*regexp.Regexp{xmlCode, jsonCode} {
		if m := pattern.FindStringSubmatch(body); m != nil {
			return m[1]
		}
	}
	return ""
}
