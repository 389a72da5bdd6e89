package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"permstack/internal/release/supplychain"
)

// shellArchive has the completion scripts and the manual pages.
const shellArchive = "permstack-shell.tar.gz"

// completionFiles are the names under which bash-completion, zsh and fish look for the
// scripts.
var completionFiles = [][2]string{
	{"bash", "completions/permstack.bash"}, {"zsh", "completions/_permstack"}, {"fish", "completions/permstack.fish"},
}

// buildShellArchive runs the command line of this machine and packs what it writes. The
// same commit results in the same bytes.
func buildShellArchive(ldflags string) (supplychain.File, error) {
	fail := func(err error) (supplychain.File, error) {
		return supplychain.File{}, fmt.Errorf("build %s: %w", shellArchive, err)
	}
	dir, err := os.MkdirTemp("", "permstack-shell-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "permstack")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", ldflags, "-o", program,
		"./cmd/permstack")
	if out, err := build.CombinedOutput(); err != nil {
		return fail(fmt.Errorf("%w\n%s", err, out))
	}
	var files []supplychain.File
	for _, c := range completionFiles {
		script, err := exec.Command(program, "completion", c[0]).Output()
		if err != nil {
			return fail(fmt.Errorf("permstack completion %s: %w", c[0], err))
		}
		files = append(files, supplychain.File{Name: c[1], Body: script})
	}
	manual := filepath.Join(dir, "man1")
	if out, err := exec.Command(program, "man", "--out", manual).CombinedOutput(); err != nil {
		return fail(fmt.Errorf("permstack man: %w: %s", err, out))
	}
	pages, err := os.ReadDir(manual) // sorted by name
	if err != nil {
		return fail(err)
	}
	for _, page := range pages {
		text, err := os.ReadFile(filepath.Join(manual, page.Name()))
		if err != nil {
			return fail(err)
		}
		files = append(files, supplychain.File{Name: "man/man1/" + page.Name(), Body: text})
	}
	body, err := packTar(files)
	if err != nil {
		return fail(err)
	}
	return supplychain.File{Name: shellArchive, Body: body}, nil
}

// packTar returns files as a tar archive, compressed with gzip, without times and owners.
func packTar(files []supplychain.File) ([]byte, error) {
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	archive := tar.NewWriter(zip)
	for _, f := range files {
		header := tar.Header{Name: f.Name, Mode: 0o644, Size: int64(len(f.Body)), ModTime: time.Unix(0, 0)}
		if err := archive.WriteHeader(&header); err != nil {
			return nil, err
		}
		if _, err := archive.Write(f.Body); err != nil {
			return nil, err
		}
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
