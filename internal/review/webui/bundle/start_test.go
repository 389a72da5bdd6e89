package bundle

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"permstack/internal/iampolicy/policytest"
)

// maxPacked is the limit of the page as web servers send it, compressed with gzip; maxFirst that of the part before the
// engine, which is all that the first view needs.
const (
	maxPacked = 1_700_000
	maxFirst  = 150_000
)

func packed(t *testing.T, text []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestSize requires that the page is small, and small above all before its engine.
func TestSize(t *testing.T) {
	file(t)
	page, err := built()
	if err != nil {
		t.Fatal(err)
	}
	first, _, found := bytes.Cut(page, []byte(`id="engine">`))
	if !found {
		t.Fatal("the page has no engine")
	}
	if got := len(packed(t, page)); got > maxPacked {
		t.Errorf("the page has %d bytes packed, want at most %d", got, maxPacked)
	}
	if got := len(packed(t, first)); got > maxFirst {
		t.Errorf("the part before the engine has %d bytes packed, want at most %d", got, maxFirst)
	}
	t.Logf("%d bytes, %d packed; before the engine %d, %d packed", len(page), len(packed(t, page)), len(first),
		len(packed(t, first)))
}

// TestInteractive opens the page as a phone does: a processor a quarter as fast, and the network that Lighthouse calls
// "Slow 4G" (1.6 Mbit/s, 150 ms). The first view must be usable before the engine has arrived, and a choice made then
// must be answered when it has.
func TestInteractive(t *testing.T) {
	file(t)
	page, err := built()
	if err != nil {
		t.Fatal(err)
	}
	body := packed(t, page)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(body)
	}))
	defer server.Close()
	b := openTab(t, 390, 844, false)
	b.call("Emulation.setCPUThrottlingRate", map[string]any{"rate": 4}, nil)
	b.call("Network.emulateNetworkConditions", map[string]any{
		"offline": false, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 93_750,
	}, nil)
	b.call("Page.navigate", map[string]any{"url": server.URL}, nil)
	b.waitFor("ready")
	var before struct {
		Engine bool
		Ready  float64
		Status string
	}
	b.eval(`(() => {
		const engine = "engine" in document.documentElement.dataset;
		document.querySelector("#assets input").click();
		const status = document.getElementById("status").textContent;
		return {engine, status, ready: performance.getEntriesByName("ready")[0].startTime};
	})()`, &before)
	if before.Engine {
		t.Error("the page was not usable before its engine")
	}
	if !strings.Contains(before.Status, "the rest of the page is loading") {
		t.Errorf("before the engine has started: got status %q, want that the choice waits", before.Status)
	}
	if !policytest.Full() { // the engine's start on a phone is measured in a full run only
		b.call("Emulation.setCPUThrottlingRate", map[string]any{"rate": 1}, nil)
		b.call("Network.emulateNetworkConditions", map[string]any{
			"offline": false, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1,
		}, nil)
	}
	b.waitFor("engine")
	var shown float64
	b.eval(`performance.now()`, &shown)
	var status string
	b.eval(`document.getElementById("status").textContent`, &status)
	if status != "" {
		t.Errorf("after the engine has started: got status %q, want the choice answered", status)
	}
	t.Logf("usable after %.0f ms, engine after %.0f ms", before.Ready, shown)
}
