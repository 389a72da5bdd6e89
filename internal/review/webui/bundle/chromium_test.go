package bundle

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// browser is a page in a tab of the run's Chromium. Tests use it one after the other: none of them runs in parallel.
type browser struct {
	*chromium
	t       *testing.T
	session string // "" for commands to Chromium itself
	// requests are the URLs that the page requested, errors the errors in its console.
	requests, errors []string
	loaded           bool
}

// openPage opens a page in a new tab, waits for its engine, and skips the test if Chromium is not installed.
func openPage(t *testing.T, file string, width, height int, dark bool) *browser {
	t.Helper()
	b := openTab(t, width, height, dark)
	b.load(file)
	return b
}

func (b *browser) load(file string) {
	b.t.Helper()
	b.loaded = false
	b.call("Page.navigate", map[string]any{"url": "file://" + file}, nil)
	for !b.loaded {
		b.readMessage("Page.loadEventFired")
	}
	b.waitFor("engine")
}

// sharedPage returns the page that most tests use, 1280 pixels wide, as it is when a link with this choice opens it.
// The page is loaded and its engine started once; after a test that failed, again.
func sharedPage(t *testing.T, address string) *browser {
	t.Helper()
	b := shared
	if b == nil {
		b = newTab(t)
		b.load(file(t))
		shared = b
	}
	b.t = t
	t.Cleanup(func() {
		b.t = t // subtests have set it
		if t.Failed() {
			shared = nil
			b.close()
		}
	})
	b.screen(1280, 900, false)
	b.eval(fmt.Sprintf(`(() => {
		document.getElementById("form").reset();
		for (const id of ["search", "effect", "risk"]) document.getElementById(id).value = "";
		document.getElementById("sort").selectedIndex = 0;
		for (const d of document.querySelectorAll("details")) d.open = false;
		location.hash = %q;
		dispatchEvent(new Event("hashchange"));
	})()`, address), nil)
	b.eval(`new Promise((done) => requestAnimationFrame(() => setTimeout(done)))`, nil)
	return b
}

var shared *browser

// waitFor waits until the page has set a mark of its state: "ready" or "engine".
func (b *browser) waitFor(mark string) {
	b.t.Helper()
	b.eval(`new Promise((ready) => {
		const poll = () => document.documentElement?.dataset["`+mark+`"] ? ready(true) : requestAnimationFrame(poll);
		poll();
	})`, nil)
}

// openTab opens an empty page in a new tab, which it closes after the test.
func openTab(t *testing.T, width, height int, dark bool) *browser {
	t.Helper()
	b := newTab(t)
	t.Cleanup(func() {
		b.t = t // subtests have set it
		b.close()
	})
	b.screen(width, height, dark)
	return b
}

// newTab opens an empty page in a new tab, and starts Chromium if it does not run.
func newTab(t *testing.T) *browser {
	t.Helper()
	b := &browser{chromium: startChromium(t), t: t}
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Network", "Log"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

func (b *browser) close() {
	b.t.Helper()
	b.call("Page.close", nil, nil)
}

// screen sets the size of the screen, a phone's below 600 pixels, and its color scheme.
func (b *browser) screen(width, height int, dark bool) {
	b.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	b.call("Emulation.setEmulatedMedia", map[string]any{
		"features": []any{map[string]any{"name": "prefers-color-scheme", "value": scheme}},
	}, nil)
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{
		"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
	}, nil)
}

// call sends a command and waits for its result. It records events that arrive meanwhile.
func (b *browser) call(method string, params any, result any) {
	b.t.Helper()
	b.next++
	command := map[string]any{"id": b.next, "method": method}
	if params != nil {
		command["params"] = params
	}
	if b.session != "" {
		command["sessionId"] = b.session
	}
	data, err := json.Marshal(command)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.in.Write(append(data, 0)); err != nil {
		b.t.Fatalf("send %s to Chromium: %v", method, err)
	}
	b.limit()
	for {
		reply := b.readMessage(method)
		if reply.ID != b.next {
			continue
		}
		if reply.Error != nil {
			b.t.Fatalf("%s: %s", method, reply.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(reply.Result, result); err != nil {
				b.t.Fatal(err)
			}
		}
		return
	}
}

// message is a message of Chromium: a result or an event.
type message struct {
	ID        int
	Error     *struct{ Message string }
	Result    json.RawMessage
	SessionID string
	Method    string
	Params    json.RawMessage
}

// readMessage reads one message and records it if it is an event.
func (b *browser) readMessage(waitingFor string) message {
	b.t.Helper()
	line, err := b.out.ReadBytes(0)
	if err != nil {
		b.t.Fatalf("read from Chromium, waiting for %s: %v", waitingFor, err)
	}
	var m message
	if err := json.Unmarshal(bytes.TrimRight(line, "\x00"), &m); err != nil {
		b.t.Fatal(err)
	}
	if m.SessionID == b.session { // not of another tab
		b.record(m.Method, m.Params)
	}
	return m
}

func (b *browser) record(method string, params json.RawMessage) {
	var p struct {
		Request struct{ URL string }
		Entry   struct{ Level, Text string }
	}
	switch method {
	case "Network.requestWillBeSent", "Log.entryAdded", "Runtime.exceptionThrown":
		if json.Unmarshal(params, &p) != nil {
			return
		}
	}
	switch method {
	case "Page.loadEventFired":
		b.loaded = true
	case "Network.requestWillBeSent":
		b.requests = append(b.requests, p.Request.URL)
	case "Log.entryAdded":
		b.errors = append(b.errors, p.Entry.Level+": "+p.Entry.Text)
	case "Runtime.exceptionThrown":
		b.errors = append(b.errors, string(params))
	}
}

// eval evaluates an expression in the page, waits for a promise, and reads the value.
func (b *browser) eval(expression string, value any) {
	b.t.Helper()
	var out struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true}, &out)
	if out.ExceptionDetails != nil {
		b.t.Fatalf("evaluate %.80q: %s %s", expression, out.ExceptionDetails.Text, out.ExceptionDetails.Exception.Description)
	}
	if value != nil {
		if err := json.Unmarshal(out.Result.Value, value); err != nil {
			b.t.Fatalf("evaluate %.80q: %v", expression, err)
		}
	}
}

// setValue sets the value of a form element and dispatches an event.
func (b *browser) setValue(id, value, event string) {
	b.t.Helper()
	b.eval(fmt.Sprintf(`(() => {
		const e = document.getElementById(%q);
		e.value = %q;
		e.dispatchEvent(new Event(%q, {bubbles: true}));
	})()`, id, value, event), nil)
}

// press presses and releases a key.
func (b *browser) press(key string, code int) {
	b.t.Helper()
	text := ""
	if key == " " {
		text = " "
	}
	for _, kind := range []string{"keyDown", "keyUp"} {
		b.call("Input.dispatchKeyEvent", map[string]any{
			"type": kind, "key": key, "windowsVirtualKeyCode": code, "text": text,
		}, nil)
	}
}

// screenshot writes a screenshot to the directory PERMSTACK_SCREENSHOTS, if it is set.
func (b *browser) screenshot(name string) {
	b.t.Helper()
	dir := os.Getenv("PERMSTACK_SCREENSHOTS")
	if dir == "" {
		return
	}
	var shot struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	data, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), data, 0o644); err != nil {
		b.t.Fatal(fmt.Errorf("write screenshot %s: %w", name, err))
	}
}
