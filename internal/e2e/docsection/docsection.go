// Package docsection compares the sections of documents that tests measure.
package docsection

import (
	"os"
	"strings"
	"testing"
)

// Check fails the test if the section of a document is not text. The section is between the lines
// `<!-- NAME: written by COMMAND -->` and `<!-- end of NAME -->`; with update set it is written instead.
func Check(t testing.TB, document, name, command, text string, update bool) {
	t.Helper()
	begin := "<!-- " + name + ": written by `" + command + "` -->\n"
	end := "<!-- end of " + name + " -->\n"
	content, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(content), begin)
	got, after, complete := strings.Cut(rest, end)
	if !ok || !complete {
		t.Fatalf("%s has no lines %q and %q", document, begin, end)
	}
	want := "\n" + text + "\n"
	if update {
		if err := os.WriteFile(document, []byte(before+begin+want+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("section %q of %s is not what is measured: run %s\ngot:\n%s\nwant:\n%s", name, document, command, got, want)
	}
}
