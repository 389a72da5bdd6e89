// Package site puts the review page together: one file that holds the page, its
// styleCSS, its script and the synthesizer as WebAssembly. It works from a file and
// from any web server, and its own policy forbids it every request.
package bundle

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed page.html
var pageHTML string

//go:embed style.css
var styleCSS string

//go:embed page.js
var pageJS string

// Engine is the package that becomes WebAssembly.
const Engine = "permstack/internal/review/webui/engine"

// Build compiles the engine with the Go that is installed and gives the page.
// TemplateURL is where the release's launch-stack.yaml lies; empty: not known.
func Build(templateURL string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "permstack-site-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the engine: %w", err)
	}
	defer os.RemoveAll(dir)
	wasm := filepath.Join(dir, "engine.wasm")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=", "-o", wasm, Engine)
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compile %s: %w: %s", Engine, err, out)
	}
	engine, err := os.ReadFile(wasm)
	if err != nil {
		return nil, fmt.Errorf("read the engine: %w", err)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("ask go for its root: %w", err)
	}
	runtime, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js"))
	if err != nil {
		return nil, fmt.Errorf("read Go's WebAssembly support: %w", err)
	}
	return Assemble(engine, string(runtime), templateURL)
}

// Assemble puts the parts into the page: the same parts, the same bytes.
func Assemble(engine []byte, runtime, templateURL string) ([]byte, error) {
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(engine); err != nil {
		return nil, fmt.Errorf("pack the engine: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("pack the engine: %w", err)
	}
	for name, text := range map[string]string{"Go's script": runtime, "the page's script": pageJS} {
		if strings.Contains(text, "</script") {
			return nil, fmt.Errorf("write the page: %s would end its element", name)
		}
	}
	policy := strings.Join([]string{
		"default-src 'none'",
		"script-src " + cspHash(runtime) + " " + cspHash(pageJS) + " 'wasm-unsafe-eval'",
		"style-src " + cspHash(styleCSS),
		"base-uri 'none'", "form-action 'none'",
	}, "; ")
	return []byte(strings.NewReplacer(
		"{{POLICY}}", policy, "{{STYLE}}", styleCSS, "{{RUNTIME}}", runtime, "{{SCRIPT}}", pageJS,
		"{{TEMPLATE_URL}}", html.EscapeString(templateURL),
		"{{ENGINE}}", base64.StdEncoding.EncodeToString(packed.Bytes()),
	).Replace(pageHTML)), nil
}

// cspHash is how a Content-Security-Policy names a text that may run.
func cspHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
