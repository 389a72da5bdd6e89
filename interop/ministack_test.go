package interop

import (
	"archive/zip"
	"bytes"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMiniStack takes the built functions through a launch, a drift alert, an update
// and a deletion on MiniStack, whose CloudFormation, IAM, SNS and Lambda are by
// others. What it lacks is in miniStackDifferences.
func TestMiniStack(t *testing.T) {
	t.Parallel()
	program := tool(t, "PERMSTACK_MINISTACK")
	if runtime.GOOS != "linux" {
	}
	code := map[string][]byte{}
	for _, name := range []string{"provisioner", "drift"} {
		code[name] = zipFunction(t, name)
	}
	endpoint := startMiniStack(t, program)
	for _, d := range miniStackDifferences {
		t.Logf("difference of MiniStack: %s: %s", d.name, d.what)
	}
	for _, tt := range []struct {
		profile, account, role string
		parameters, update     map[string]string
		granted                string // in the name or the document of a policy, until the update removes it
	}{
		{
			profile: "clumio", account: "111111111111", role: "ClumioIAMRole-us-east-1-m",
			parameters: map[string]string{
				"ControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Control", "DataPlaneAccountId": "444455556666",
				"ExternalId": "example", "ProtectS3": "yes",
			},
			update: map[string]string{"ProtectS3": "no"}, granted: "ClumioS3BackupPolicy",
		},
		{
			profile: "cpm", account: "222222222222", role: "CPMRole-us-east-1-m",
			parameters: map[string]string{"ProtectRDS": "yes", "Operations": "backup,recovery"},
			update:     map[string]string{"ProtectRDS": "no"}, granted: "rds:CreateDBSnapshot",
		},
	} {
		t.Run(tt.profile, func(t *testing.T) {
			parameters := map[string]string{"Profile": tt.profile, "ConnectionId": "m"}
			maps.Copy(parameters, tt.parameters)
			m := newMiniStackAccount(t, endpoint, tt.account, code, parameters)
			m.launch(parameters)
			m.subscribeToAlerts()
			if got := m.check(); got.Status != "in-sync" || !got.Completed {
				t.Errorf("drift check after the launch: got %+v, want in-sync: %s", got, m.alert())
			}
			if attached := m.attached(tt.role); !strings.Contains(attached, tt.granted) {
				t.Errorf("policies of %s: got %s, want %s", tt.role, attached, tt.granted)
			}

			m.tamper(tt.role)
			if got := m.check(); got.Drifted == 0 || got.Notified == 0 {
				t.Errorf("drift check after tampering: got %+v, want a difference and a message", got)
			}
			if alert := m.alert(); !strings.Contains(alert, "tampered") || !strings.Contains(alert, tt.role) {
				t.Errorf("got alert %s, want one that names the role and the policy", alert)
			}
			m.restore(tt.role)

			maps.Copy(parameters, tt.update)
			m.update(parameters)
			if attached := m.attached(tt.role); strings.Contains(attached, tt.granted) {
				t.Errorf("policies of %s after the update: got %s, want no %s", tt.role, attached, tt.granted)
			}
			m.remove()
		})
	}
}

// zipFunction builds a function for this machine.
func zipFunction(t *testing.T, name string) []byte {
	t.Helper()
	program := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", program, "./functions/"+name)
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, out)
	}
	data, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	header.SetMode(0o755)
	w, err := z.CreateHeader(header)
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// startMiniStack runs MiniStack behind the proxy until the test ends, both on
// loopback, and returns the proxy's URL.
func startMiniStack(t *testing.T, program string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	_ = listener.Close()
	proxy := &miniStackProxy{upstream: "http://127.0.0.1:" + port, templates: map[string]string{}}
	server := httptest.NewServer(proxy)
	cmd := exec.Command(program)
	cmd.Env = append(environment(server.URL, "test", "us-east-1"), "PYTHONPATH=",
		"BIND_HOST=127.0.0.1", "GATEWAY_PORT="+port,
		"LAMBDA_EXECUTOR=local", "TMPDIR="+t.TempDir())
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // its exit status says nothing
		server.Close()
		if t.Failed() {
			t.Logf("log of MiniStack:\n%s", log.String())
		}
	})
	for end := time.Now().Add(time.Minute); ; {
		response, err := http.Get(proxy.upstream + "/_ministack/health")
		if err == nil {
			_ = response.Body.Close()
			return server.URL
		}
		if time.Now().After(end) {
			t.Fatalf("MiniStack does not answer: %v", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
