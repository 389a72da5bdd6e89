// Package bundle builds the review page: one HTML file with its style, its script and
// the engine as WebAssembly. It works from a file and from any web server. Its
// Content-Security-Policy forbids every request.
package bundle

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/klauspost/compress/zstd"
)

//go:embed page.html
var pageHTML string

//go:embed style.css
var styleCSS string

//go:embed engine.js
var engineJS string

//go:embed page.js
var pageJS string

// unpackJS decompresses the engine: browsers decompress gzip, which is a sixth larger than Zstandard.
//
//go:embed fzstd.js
var unpackJS string

// Engine is the package that is compiled to WebAssembly.
const Engine = "permstack/internal/review/webui/engine"

// Options are what a page is built with.
type Options struct {
	TemplateURL string   // of a template of the release; "" if it is not known
	Regions     []string // that this release was published to; others are refused; nil if they are not known
	Profile     []byte   // a profile that is not built in, as package profilejson writes it; nil for none
}

// releaseKey is the part of the URL of a published template that has the version.
var releaseKey = regexp.MustCompile(`/permstack/([A-Za-z0-9._-]+)/`)

// flags returns the -ldflags of the engine: the Regions of the release, if they and its version are known.
func (o Options) flags() string {
	out := "-s -w -buildid="
	if m := releaseKey.FindStringSubmatch(o.TemplateURL); m != nil && len(o.Regions) > 0 {
		const launch = " -X permstack/internal/release/launchlink."
		out += launch + "releaseVersion=" + m[1] + launch + "releaseRegions=" + strings.Join(o.Regions, ",")
	}
	return out
}

// Build compiles the engine with the installed Go and returns the page.
func Build(o Options) ([]byte, error) {
	dir, err := os.MkdirTemp("", "permstack-site-")
	if err != nil {
		return nil, fmt.Errorf("create directory for the engine: %w", err)
	}
	defer os.RemoveAll(dir)
	wasm := filepath.Join(dir, "engine.wasm")
	// Without inlining the engine is a tenth smaller.
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-gcflags=all=-l", "-ldflags", o.flags(),
		"-o", wasm, Engine)
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compile %s: %w: %s", Engine, err, out)
	}
	engine, err := os.ReadFile(wasm)
	if err != nil {
		return nil, fmt.Errorf("read the engine: %w", err)
	}
	if engine, err = joinSegments(engine); err != nil {
		return nil, err
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("get GOROOT: %w", err)
	}
	runtime, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js"))
	if err != nil {
		return nil, fmt.Errorf("read Go's WebAssembly support: %w", err)
	}
	first, err := firstView(o)
	if err != nil {
		return nil, err
	}
	return Assemble(engine, first, string(runtime), o)
}

// Assemble returns the page with its parts. The output is reproducible.
func Assemble(engine, first []byte, runtime string, o Options) ([]byte, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression),
		zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("compress the engine: %w", err)
	}
	packed := encoder.EncodeAll(engine, nil)
	var hashes []string
	for _, script := range []struct{ name, text string }{
		{"engine.js", engineJS}, {"page.js", pageJS}, {"fzstd.js", unpackJS}, {"Go's script", runtime},
	} {
		if strings.Contains(script.text, "</script") {
			return nil, fmt.Errorf("write the page: %s contains \"</script\"", script.name)
		}
		hashes = append(hashes, cspHash(script.text))
	}
	policy := strings.Join([]string{
		"default-src 'none'",
		"script-src " + strings.Join(hashes, " ") + " 'wasm-unsafe-eval'",
		"style-src " + cspHash(styleCSS),
		"base-uri 'none'", "form-action 'none'",
	}, "; ")
	return []byte(strings.NewReplacer(
		"{{POLICY}}", policy, "{{STYLE}}", styleCSS, "{{TEMPLATE_URL}}", html.EscapeString(o.TemplateURL),
		"{{ENGINE_SCRIPT}}", engineJS, "{{SCRIPT}}", pageJS, "{{UNPACK}}", unpackJS, "{{RUNTIME}}", runtime,
		"{{FIRST}}", base64.StdEncoding.EncodeToString(first),
		"{{ENGINE}}", base64.StdEncoding.EncodeToString(packed),
	).Replace(pageHTML)), nil
}

// cspHash returns the source expression for an inline script or style in a
// Content-Security-Policy.
func cspHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
