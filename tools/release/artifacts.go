package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"permstack/internal/release"
	"permstack/internal/release/supplychain"
)

// allPlatforms are those of the command line, as GOOS/GOARCH.
const allPlatforms = "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64,windows/arm64"

// repository is where the source is published; docs/verify.md names it too.
const repository = "https://github.com/permstack/permstack"

// artifacts builds the command line for the platforms and writes it into the folder of
// the packed release, with a container image of those for Linux, the bill of materials
// and the provenance. SHA256SUMS then lists all files.
func artifacts(o release.Options, objects []release.Object, platforms []string) error {
	dir := filepath.Join("dist", "release")
	commit, date, err := readCommit(".")
	if err != nil {
		return err
	}
	if commit == "" {
		fmt.Fprintln(os.Stderr, "release: this directory is not a git repository; the provenance names no commit")
	}
	ldflags := commandFlags(o.Version, commit, date, o.Regions)
	progress("building the command for %d platforms: minutes the first time", len(platforms))
	files, err := buildCommands(dir, platforms, ldflags)
	if err != nil {
		return err
	}
	programs := map[string]io.ReaderAt{}
	linux, architectures := map[string][]byte{}, []string{}
	for _, f := range files {
		programs[f.Name] = bytes.NewReader(f.Body)
		if arch, ok := strings.CutPrefix(f.Name, "permstack-linux-"); ok {
			linux[arch], architectures = f.Body, append(architectures, arch)
		}
	}
	if len(architectures) > 0 {
		image, err := supplychain.Image(o.Version, architectures, linux)
		if err != nil {
			return err
		}
		files = append(files, supplychain.File{Name: "permstack-image.tar", Body: image})
	}
	shell, err := buildShellArchive(ldflags)
	if err != nil {
		return err
	}
	files = append(files, shell)
	for _, object := range objects {
		if object.File != "SHA256SUMS" {
			files = append(files, supplychain.File{Name: object.File, Body: object.Body})
		}
	}
	bom, err := supplychain.SBOM(o.Version, programs, files)
	if err != nil {
		return err
	}
	files = append(files, supplychain.File{Name: "permstack.cdx.json", Body: bom})
	builder := repository + "/local"
	if run := os.Getenv("GITHUB_WORKFLOW_REF"); run != "" {
		builder = "https://github.com/" + run
	}
	provenance, err := supplychain.Provenance(supplychain.Source{
		Repository: repository, Commit: commit, Builder: builder, Version: o.Version,
		Go: runtime.Version(),
	}, files)
	if err != nil {
		return err
	}
	files = append(files, supplychain.File{Name: "provenance.intoto.json", Body: provenance})
	return writeAll(dir, files)
}

// commandFlags are the -ldflags of the command line, with what 'permstack version' prints
// and the Regions that launch-url accepts.
func commandFlags(version, commit, date string, regions []string) string {
	const launch = " -X permstack/internal/release/launchlink."
	return "-s -w -buildid= -X main.releaseVersion=" + version + " -X main.releaseCommit=" + commit +
		" -X main.releaseDate=" + date + launch + "releaseVersion=" + version + launch + "releaseRegions=" +
		strings.Join(regions, ",")
}

// readCommit returns the checked-out commit of the repository at root and its date, and "" if root is
// not the root of a repository: a source archive has no commit, even if it was extracted
// within another repository. A repository that git cannot read is an error, so that a
// release does not lose its commit because of, for example, the owner of the directory.
func readCommit(root string) (commit, date string, err error) {
	if _, err := os.Lstat(filepath.Join(root, ".git")); errors.Is(err, fs.ErrNotExist) {
		return "", "", nil
	}
	command := exec.Command("git", "show", "--no-patch", "--format=%H %cd",
		"--date=format-local:%Y-%m-%dT%H:%M:%SZ", "HEAD")
	command.Dir, command.Env = root, append(os.Environ(), "TZ=UTC")
	out, err := command.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", "", fmt.Errorf("read the commit with git: %w: %s", err, bytes.TrimSpace(exit.Stderr))
	}
	if err != nil {
		return "", "", fmt.Errorf("read the commit with git: %w", err)
	}
	commit, date, _ = strings.Cut(strings.TrimSpace(string(out)), " ")
	return commit, date, nil
}

// buildCommands builds the command line into a directory, two platforms at a time.
func buildCommands(dir string, platforms []string, ldflags string) ([]supplychain.File, error) {
	files := make([]supplychain.File, len(platforms))
	errs := make([]error, len(platforms))
	places := make(chan struct{}, 2)
	var wait sync.WaitGroup
	for i, platform := range platforms {
		system, arch, ok := strings.Cut(platform, "/")
		if !ok || !slices.Contains(strings.Split(allPlatforms, ","), platform) {
			return nil, fmt.Errorf("platform %q: want some of %s", platform, allPlatforms)
		}
		wait.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			files[i].Name = "permstack-" + system + "-" + arch
			if system == "windows" {
				files[i].Name += ".exe"
			}
			target := filepath.Join(dir, files[i].Name)
			build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", ldflags, "-o", target,
				"./cmd/permstack")
			build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+arch)
			if out, err := build.CombinedOutput(); err != nil {
				errs[i] = fmt.Errorf("build %s: %w\n%s", files[i].Name, err, out)
				return
			}
			files[i].Body, errs[i] = os.ReadFile(target)
		})
	}
	wait.Wait()
	return files, errors.Join(errs...)
}

// writeAll writes files that are not written yet, and SHA256SUMS of all.
func writeAll(dir string, files []supplychain.File) error {
	var sums bytes.Buffer
	slices.SortFunc(files, func(a, b supplychain.File) int { return strings.Compare(a.Name, b.Name) })
	for _, f := range files {
		fmt.Fprintf(&sums, "%s  %s\n", release.Object{Body: f.Body}.SHA256(), f.Name)
		target := filepath.Join(dir, f.Name)
		if _, err := os.Stat(target); err == nil {
			continue
		}
		if err := os.WriteFile(target, f.Body, 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "SHA256SUMS"), sums.Bytes(), 0o644)
}
