package fakeaws

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestGuard checks over TCP which requests reach the embedded AWS.
func TestGuard(t *testing.T) {
	cloud := New(Options{})
	endpoint, err := cloud.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cloud.Close(); err != nil {
			t.Error(err)
		}
	})
	const (
		form       = "Action=GetCallerIdentity&Version=2011-06-15"
		credential = "123456789012/20260101/us-east-1/"
	)
	signed := map[string]string{
		"Authorization": "AWS4-HMAC-SHA256 Credential=" + credential + "sts/aws4_request, SignedHeaders=host, Signature=0",
		"Content-Type":  "application/x-www-form-urlencoded",
	}
	with := func(extra ...string) map[string]string {
		out := map[string]string{}
		for k, v := range signed {
			out[k] = v
		}
		for i := 0; i < len(extra); i += 2 {
			out[extra[i]] = extra[i+1]
		}
		return out
	}
	for _, tc := range []struct {
		name, method, target string
		host                 string
		header               map[string]string
		refused              string // part of the reason; "" means the request is served
	}{
		{"a client", "POST", "/", "", signed, ""},
		{"localhost", "POST", "/", "localhost:4566", signed, ""},
		{"IPv6", "POST", "/", "[::1]:4566", signed, ""},
		{"bucket in the host", "POST", "/", "bucket.localhost:4566", signed, ""},
		{"upper case", "POST", "/", "LOCALHOST.", signed, ""},
		{"rebound name", "POST", "/", "attacker.example:4566", signed, "Host"},
		{"name that begins with a loopback address", "POST", "/", "127.0.0.1.attacker.example", signed, "Host"},
		{"name that ends like localhost", "POST", "/", "notlocalhost", signed, "Host"},
		{"address of the network", "POST", "/", "192.168.1.10:4566", signed, "Host"},
		{"address of every interface", "POST", "/", "0.0.0.0:4566", signed, "Host"},
		{"script of a page", "POST", "/", "", with("Origin", "https://attacker.example"), "Origin"},
		{"sandboxed page", "POST", "/", "", with("Origin", "null"), "Origin"},
		{"page of the same origin", "POST", "/", "", with("Origin", "http://127.0.0.1"), "Origin"},
		{"cross-site fetch", "POST", "/", "", with("Sec-Fetch-Site", "cross-site"), "Sec-Fetch-Site"},
		{"fetch from another port", "POST", "/", "", with("Sec-Fetch-Site", "same-site"), "Sec-Fetch-Site"},
		{"fetch of the same origin", "POST", "/", "", with("Sec-Fetch-Site", "same-origin"), "Sec-Fetch-Site"},
		{"entered address", "POST", "/", "", with("Sec-Fetch-Site", "none"), ""},
		{"call in a link", "GET", "/?" + form + "&X-Amz-Credential=" + credential + "sts/aws4_request", "", nil, "query"},
		{"call in a form", "POST", "/?X-Amz-Credential=" + credential + "sts/aws4_request", "", map[string]string{
			"Content-Type": "application/x-www-form-urlencoded"}, "query"},
		{"upload by URL", "PUT", "/b/k?X-Amz-Credential=" + credential + "s3/aws4_request", "", nil, "query"},
		{"download by URL", "GET", "/b/k?X-Amz-Credential=" + credential + "s3/aws4_request", "", nil, ""},
		{"old signature in a link", "GET", "/b/k?AWSAccessKeyId=123456789012", "", nil, "query"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), tc.method, endpoint+tc.target, strings.NewReader(form))
			if err != nil {
				t.Fatal(err)
			}
			r.Host = tc.host
			for k, v := range tc.header {
				r.Header.Set(k, v)
			}
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			refused := strings.HasPrefix(string(body), "permstack local: ")
			if refused != (tc.refused != "") || !strings.Contains(string(body), tc.refused) {
				t.Errorf("got %s %s, want a refusal that names %q", response.Status, body, tc.refused)
			}
			if refused && response.StatusCode != http.StatusForbidden {
				t.Errorf("got status %s, want 403", response.Status)
			}
		})
	}
}
