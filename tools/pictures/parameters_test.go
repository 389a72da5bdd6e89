package main

import (
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"permstack/internal/policies"
)

// TestParameterPictures checks that the pictures of the parameters are those of the templates, and
// that each vendor's document shows its own.
func TestParameterPictures(t *testing.T) {
	pictures, err := parameterPictures("../../templates")
	if err != nil {
		t.Fatal(err)
	}
	for _, profile := range policies.ProfileNames() {
		t.Run(profile, func(t *testing.T) {
			name := "parameters-" + profile + ".svg"
			got, err := os.ReadFile(filepath.Join("../../docs/img", name))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != pictures[name] {
				t.Errorf("docs/img/%s is not up to date: run go run ./tools/pictures docs/img", name)
			}
			for decoder := xml.NewDecoder(strings.NewReader(pictures[name])); ; {
				if _, err := decoder.Token(); err == io.EOF {
					break
				} else if err != nil {
					t.Fatalf("docs/img/%s: %v", name, err)
				}
			}
			page, err := os.ReadFile(filepath.Join("../../docs/profiles", profile+".md"))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(page), "(../img/"+name+")") {
				t.Errorf("docs/profiles/%s.md does not show %s", profile, name)
			}
		})
	}
}
