package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"permstack/internal/iampolicy/policytest"
)

// TestBuildShellArchive checks the files of the archive, and that the pages name the version
// of the release and the date of its commit.
func TestBuildShellArchive(t *testing.T) {
	policytest.RequireSlow(t, "it builds the command line")
	t.Chdir("../..")
	flags := commandFlags("v9.8.7", "0123456789abcdef", "2031-05-06T07:08:09Z", []string{"us-east-1"})
	archive, err := buildShellArchive(flags)
	if err != nil {
		t.Fatal(err)
	}
	zip, err := gzip.NewReader(bytes.NewReader(archive.Body))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for tape := tar.NewReader(zip); ; {
		header, err := tape.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(tape)
		if err != nil {
			t.Fatal(err)
		}
		files[header.Name] = string(text)
	}
	for name, want := range map[string]string{
		"man/man1/permstack.1":              `"May 2031" "permstack v9.8.7"`,
		"man/man1/permstack-restore-open.1": "Allow restores",
		"completions/permstack.bash":        "complete -o default",
		"completions/_permstack":            "#compdef permstack",
		"completions/permstack.fish":        "complete -c permstack",
	} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s lacks %q", name, want)
		}
	}
}
