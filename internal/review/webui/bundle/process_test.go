package bundle

import (
	"bufio"
	"os"
	"os/exec"
	"testing"
	"time"
)

// chromium is a headless Chromium, controlled through its DevTools pipe.
type chromium struct {
	in    *os.File
	out   *bufio.Reader
	limit func() // the time for one reply begins
	next  int    // the number of a command
	stop  func()
}

// running is the Chromium of all tests of a run, which TestMain stops.
var running *chromium

func TestMain(m *testing.M) {
	status := m.Run()
	if running != nil {
		running.stop()
	}
	os.Exit(status)
}

// startChromium starts Chromium for the first test, and skips the test if it is not installed.
func startChromium(t *testing.T) *chromium {
	t.Helper()
	if running != nil {
		return running
	}
	program := os.Getenv("PERMSTACK_CHROMIUM")
	if program == "" {
		for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome-headless-shell"} {
			if path, err := exec.LookPath(name); err == nil {
				program = path
				break
			}
		}
	}
	if program == "" {
		t.Skip("skipped: no Chromium in PATH, and PERMSTACK_CHROMIUM is not set")
	}
	profile, err := os.MkdirTemp("", "permstack-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	browserIn, toBrowser := pipe(t)
	fromBrowser, browserOut := pipe(t)
	// The engine answers a few choices: optimizing its WebAssembly takes longer than the optimization saves.
	cmd := exec.Command(program, "--js-flags=--liftoff-only", "--headless", "--no-sandbox", "--disable-gpu",
		"--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--hide-scrollbars", "--remote-debugging-pipe", "--user-data-dir="+profile, "about:blank")
	cmd.ExtraFiles = []*os.File{browserIn, browserOut} // file descriptors 3 and 4
	if err := cmd.Start(); err != nil {
		t.Skipf("skipped: Chromium does not start: %v", err)
	}
	browserIn.Close()
	browserOut.Close()
	running = &chromium{
		in: toBrowser, out: bufio.NewReaderSize(fromBrowser, 1<<20),
		limit: func() { _ = fromBrowser.SetReadDeadline(time.Now().Add(2 * time.Minute)) },
		stop: func() {
			toBrowser.Close()
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			_ = os.RemoveAll(profile) // Chromium's child processes may still write
		},
	}
	return running
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}
