package lambdaruntime

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"
)

// process is one run of the bootstrap with its own Runtime API, so that a killed
// process cannot respond for its successor.
type process struct {
	config  *Config
	cmd     *exec.Cmd
	server  *http.Server
	started time.Time
	served  int // invocations sent to it

	invocations chan *invocation
	initError   chan []byte
	done        chan struct{} // closed when the process has ended
	exit        error

	mu      sync.Mutex
	current *invocation
}

func start(ctx context.Context, c *Config) (*process, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start Lambda runtime: %w", err)
	}
	p := &process{
		config: c, started: c.Clock(), invocations: make(chan *invocation),
		initError: make(chan []byte, 1), done: make(chan struct{}),
	}
	p.server = &http.Server{Handler: p.api(), ReadHeaderTimeout: 10 * time.Second}
	p.cmd = exec.CommandContext(ctx, c.Argv[0], c.Argv[1:]...)
	p.cmd.Dir = c.Dir
	p.cmd.Env = environment(c, listener.Addr().String())
	p.cmd.Stdout, p.cmd.Stderr = c.Output, c.Output
	p.cmd.WaitDelay = time.Second // a grandchild may hold the pipes open
	if err := p.cmd.Start(); err != nil {
		_ = listener.Close()
		return nil, fmt.Errorf("start Lambda runtime: %w", err)
	}
	go func() { _ = p.server.Serve(listener) }()
	go func() {
		p.exit = p.cmd.Wait()
		close(p.done)
		_ = p.server.Close()
	}()
	return p, nil
}

// stop kills the process and waits for its end.
func (p *process) stop() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// exitReason returns Lambda's message for the end of a process; call it after
// done.
func (p *process) exitReason() string {
	if p.exit == nil {
		return "Runtime exited without providing a reason"
	}
	var exit *exec.ExitError
	if errors.As(p.exit, &exit) {
		return "Runtime exited with error: " + exit.String()
	}
	return "Runtime exited with error: " + p.exit.Error()
}

// environment returns the variables that Lambda sets, and of the current
// environment only those that a program needs to run. Source: developer guide,
// "Defined runtime environment variables".
func environment(c *Config, api string) []string {
	vars := map[string]string{
		"AWS_LAMBDA_RUNTIME_API":          api,
		"AWS_LAMBDA_FUNCTION_NAME":        c.FunctionName,
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(c.MemoryMB),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + c.FunctionName,
		"AWS_LAMBDA_LOG_STREAM_NAME":      "local",
		"AWS_REGION":                      c.Region,
		"AWS_DEFAULT_REGION":              c.Region,
		"AWS_EXECUTION_ENV":               "AWS_Lambda_provided.al2023",
		"LAMBDA_TASK_ROOT":                c.Dir,
		"_HANDLER":                        c.Handler,
		"LANG":                            "en_US.UTF-8",
		"TZ":                              ":UTC",
	}
	for _, name := range []string{"PATH", "TMPDIR", "TEMP", "TMP", "SystemRoot"} {
		if v, ok := os.LookupEnv(name); ok {
			vars[name] = v
		}
	}
	if c.Credentials != nil {
		cred := c.Credentials()
		vars["AWS_ACCESS_KEY_ID"], vars["AWS_SECRET_ACCESS_KEY"] = cred.AccessKeyID, cred.SecretAccessKey
		vars["AWS_SESSION_TOKEN"] = cred.SessionToken
	}
	for k, v := range c.Env {
		vars[k] = v
	}
	out := make([]string, 0, len(vars))
	for k, v := range vars {
		out = append(out, k+"="+v)
	}
	return out
}
