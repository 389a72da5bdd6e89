package driftlambda

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"permstack"
	"permstack/internal/installation"
)

// TestReadReleaseTemplates reads the templates of single profiles from a package: those that are built in, and one that
// was added when the release was packed.
func TestReadReleaseTemplates(t *testing.T) {
	dir := t.TempDir()
	added := []byte("AWSTemplateFormatVersion: \"2010-09-09\"\n")
	if err := os.WriteFile(filepath.Join(dir, installation.ProfileTemplateFile("acme")), added, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := ReadRelease(dir)
	if err != nil {
		t.Fatal(err)
	}
	for profile, want := range map[string][]byte{
		"acme": added, "clumio": permstack.ProfileTemplate("clumio"), "another": nil,
	} {
		t.Run(profile, func(t *testing.T) {
			if got := r.ProfileTemplate(profile); !bytes.Equal(got, want) {
				t.Errorf("got a template of %d bytes, want %d", len(got), len(want))
			}
		})
	}
	if !bytes.Equal(r.Template, permstack.Template) {
		t.Error("the template of all profiles is not the one that is compiled in")
	}
}
