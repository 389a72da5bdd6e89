package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestReadCommit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("skipped: git is not installed")
	}
	root := t.TempDir()
	git := func(args ...string) string {
		t.Helper()
		command := exec.Command("git", append([]string{"-c", "user.name=n", "-c", "user.email=n@example.com"}, args...)...)
		command.Dir = root
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "--quiet")
	if got, _, err := readCommit(root); err == nil {
		t.Errorf("repository without a commit: got %q, want an error", got)
	}
	git("commit", "--quiet", "--allow-empty", "--message", "first")
	got, date, err := readCommit(root)
	if _, parsed := time.Parse(time.RFC3339, date); err != nil || parsed != nil || got != git("rev-parse", "HEAD") {
		t.Errorf("repository: got %q, %q, %v, want its commit and its date", got, date, err)
	}
	archive := filepath.Join(root, "archive") // extracted within another repository
	if err := os.Mkdir(archive, 0o755); err != nil {
		t.Fatal(err)
	}
	if got, _, err := readCommit(archive); got != "" || err != nil {
		t.Errorf("source archive: got %q, %v, want no commit", got, err)
	}
}
