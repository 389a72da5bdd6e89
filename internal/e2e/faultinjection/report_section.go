package faultinjection

import (
	"bytes"
	"fmt"
	"os"
)

// The markers of the generated part of the document.
const (
	sectionBegin = "<!-- results: written by `go run ./tools/faults -write` -->\n"
	sectionEnd   = "<!-- end of results -->\n"
)

// Section returns the generated part of a document.
func Section(document []byte) ([]byte, error) {
	_, rest, ok := bytes.Cut(document, []byte(sectionBegin))
	part, _, end := bytes.Cut(rest, []byte(sectionEnd))
	if !ok || !end {
		return nil, fmt.Errorf("the document has no lines %q and %q", sectionBegin, sectionEnd)
	}
	return part, nil
}

// WriteSection replaces the generated part of a document.
func WriteSection(path string, results []byte) error {
	document, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	part, err := Section(document)
	if err != nil {
		return fmt.Errorf("write results into %s: %w", path, err)
	}
	at := bytes.Index(document, []byte(sectionBegin)) + len(sectionBegin)
	var out bytes.Buffer
	out.Write(document[:at])
	out.WriteByte('\n')
	out.Write(bytes.TrimSpace(results))
	out.WriteString("\n\n")
	out.Write(document[at+len(part):])
	return os.WriteFile(path, out.Bytes(), 0o644)
}
