package customresource

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
)

// TestRedact checks that secrets are replaced in every encoding in which they may
// appear, and that other text is not changed.
func TestRedact(t *testing.T) {
	const (
		signature = "Zm9v/YmFy+cXV4=="
		token     = "a&b<c>\"d\"token"
		id        = "ex&am/ple+1"
	)
	query := url.Values{
		"X-Amz-Signature":      {signature},
		"X-Amz-Security-Token": {token},
		"X-Amz-Expires":        {"7200"},
		"short":                {"1234567"},
		"eight":                {"12345678"},
	}
	response := "https://bucket.s3.amazonaws.com/arn%3Aaws/stack%7Crequest?" + query.Encode()
	r := newRedactor(response, []string{id, "é=", "x", ""})
	quoted := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	parsed, err := url.Parse(response)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{
		response, quoted(response), parsed.RequestURI(), parsed.Path, parsed.RawQuery, url.QueryEscape(response),
		signature, url.QueryEscape(signature), url.PathEscape(signature), token, quoted(token), url.QueryEscape(token),
		id, url.QueryEscape(id), url.PathEscape(id), quoted(id), "é=", url.QueryEscape("é="), "12345678",
	} {
		t.Run(secret, func(t *testing.T) {
			text := r.text("put " + secret + " failed")
			if strings.Trim(text, `put"faile d`) != "[hidden]" && text != "put [hidden] failed" {
				t.Errorf("%s becomes %s", secret, text)
			}
		})
	}
	for _, open := range []string{"7200 seconds", "1234567", "x", "exam", "https://bucket.s3.amazonaws.com/"} {
		t.Run(open, func(t *testing.T) {
			if got := r.text(open); got != open {
				t.Errorf("%s becomes %s", open, got)
			}
		})
	}
	// Short parts of a URL are no secrets.
	if got := newRedactor("https://h/a?b=1", nil).text("a b /a b=1 /a?b=1"); got != "a b /a b=1 /a?b=1" {
		t.Errorf("short parts: %s", got)
	}
	if got := newRedactor("https://h/1234567?b=1", nil).text("/1234567"); got != "[hidden]" {
		t.Errorf("a path of eight: %s", got)
	}
	// A secret within another one leaves no part of that.
	if got := newRedactor("", []string{"ab", "xaby"}).text("xaby ab"); got != "[hidden] [hidden]" {
		t.Errorf("within another: %s", got)
	}
	// A URL that cannot be parsed is a secret, too.
	unparsable := newRedactor("https://h/%zz?token", []string{"secret"})
	if got := unparsable.text("https://h/%zz?token secret"); got != "[hidden] [hidden]" {
		t.Errorf("a URL that cannot be parsed: %s", got)
	}
}

// TestResponseAtTheLimit checks the limit of 4,096 bytes exactly.
func TestResponseAtTheLimit(t *testing.T) {
	event := cfn.Event{
		RequestType:       cfn.RequestCreate,
		RequestID:         "r",
		ResponseURL:       "https://h/",
		StackID:           "s",
		LogicalResourceID: "l",
	}
	with := func(n int) *response {
		return newResponse(event, "id",
			Result{Data: map[string]any{"Value": "<" + strings.Repeat("a", n)}}, nil, newRedactor("", nil))
	}
	space := maxBody - len(with(0).body())
	if a := with(space); a.Status != cfn.StatusSuccess || len(a.body()) != maxBody ||
		!strings.Contains(string(a.body()), `"<a`) {
		t.Errorf("%d bytes: %s %s", len(a.body()), a.Status, a.Reason)
	}
	if a := with(space + 1); a.Status != cfn.StatusFailed || a.Data != nil ||
		!strings.Contains(a.Reason, "has 4097 bytes") {
		t.Errorf("one more: %s %s", a.Status, a.Reason)
	}
	reason := func(n int) *response {
		return newResponse(event, "id", Result{}, errors.New(strings.Repeat("a", n)), newRedactor("", nil))
	}
	if a := reason(maxBody - len(reason(1).body()) + 1); len(a.body()) != maxBody || strings.Contains(a.Reason, "…") {
		t.Errorf("a reason that fits: %d bytes", len(a.body()))
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("full") }

func TestLogThatCannotBeWritten(t *testing.T) {
	if n, err := newRedactor("", nil).writer(brokenWriter{}).Write([]byte("text")); n != 0 || err == nil {
		t.Errorf("%d, %v", n, err)
	}
}
