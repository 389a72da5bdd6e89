package permstack_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestWorkflowsArePinned requires that every action of a workflow is pinned by the digest of a commit, with its version
// as a comment, one digest for each version, and that the release is signed and verified as docs/verify.md says.
func TestWorkflowsArePinned(t *testing.T) {
	paths, err := filepath.Glob(".github/workflows/*.yml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("workflows: %v, %v", paths, err)
	}
	pinned := regexp.MustCompile(`^ *- uses: ([\w./-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)$`)
	digests := map[string]string{}
	for _, path := range paths {
		for i, line := range strings.Split(string(read(t, path)), "\n") {
			if !strings.Contains(line, "uses:") {
				continue
			}
			m := pinned.FindStringSubmatch(line)
			if m == nil {
				t.Errorf("%s:%d: %s: want a digest and the version as a comment", path, i+1, strings.TrimSpace(line))
				continue
			}
			action := m[1] + " " + m[3]
			if other := digests[action]; other != "" && other != m[2] {
				t.Errorf("%s:%d: %s has two digests", path, i+1, action)
			}
			digests[action] = m[2]
		}
	}
	workflow, document := string(read(t, ".github/workflows/release.yml")), string(read(t, "docs/verify.md"))
	for _, text := range []string{
		"SHA256SUMS.sigstore.json", "/.github/workflows/release.yml@",
		"--certificate-oidc-issuer https://token.actions.githubusercontent.com",
	} {
		if !strings.Contains(workflow, text) || !strings.Contains(document, text) {
			t.Errorf("release.yml and docs/verify.md do not both have %q", text)
		}
	}
	for _, text := range []string{"id-token: write", "attestations: write", "cosign sign-blob", "subject-checksums:"} {
		if !strings.Contains(workflow, text) {
			t.Errorf("release.yml does not have %q", text)
		}
	}
}

// TestVerifyDocument runs the commands of docs/verify.md that need no network, in its order, with a local key: they
// succeed for the files that were signed, and fail for a changed file and for a changed list.
func TestVerifyDocument(t *testing.T) {
	for _, program := range []string{"openssl", "sha256sum"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
	var sign, verify []string
	for _, block := range regexp.MustCompile("(?s)```\n(.*?)```").FindAllStringSubmatch(
		string(read(t, "docs/verify.md")), -1) {
		switch commands := block[1]; {
		case strings.Contains(commands, "-sign "):
			sign = append(sign, commands)
		case strings.Contains(commands, "-verify "), strings.Contains(commands, "sha256sum"):
			verify = append(verify, commands)
		}
	}
	if len(sign) != 1 || len(verify) != 2 {
		t.Fatalf("docs/verify.md has %d blocks that sign and %d that verify, want 1 and 2", len(sign), len(verify))
	}
	for _, tc := range []struct {
		name, file, text string
		want             bool
	}{
		{"as released", "", "", true},
		{"a changed file", "permstack-linux-amd64", "other", false},
		{"a changed list", "SHA256SUMS", fmt.Sprintf("%x  permstack-linux-amd64\n", sha256.Sum256([]byte("other"))), false},
		{"a changed file and list", "permstack-linux-amd64", "other", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			write := func(name, text string) {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			run := func(commands string) error {
				command := exec.Command("sh", "-ec", commands)
				command.Dir = dir
				out, err := command.CombinedOutput()
				if err != nil {
					return fmt.Errorf("%w: %s", err, out)
				}
				return nil
			}
			write("permstack-linux-amd64", "program")
			write("SHA256SUMS", fmt.Sprintf("%x  permstack-linux-amd64\n%x  not-downloaded\n",
				sha256.Sum256([]byte("program")), sha256.Sum256(nil)))
			if err := run(sign[0]); err != nil {
				t.Fatal(err)
			}
			if tc.file != "" {
				write(tc.file, tc.text)
			}
			if tc.name == "a changed file and list" {
				write("SHA256SUMS", fmt.Sprintf("%x  permstack-linux-amd64\n", sha256.Sum256([]byte(tc.text))))
			}
			var err error
			for _, commands := range verify {
				if err == nil {
					err = run(commands)
				}
			}
			if (err == nil) != tc.want {
				t.Errorf("got %v, want success %t", err, tc.want)
			}
		})
	}
}
