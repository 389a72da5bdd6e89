package faultinjection

import (
	"bytes"
	"fmt"
	"os"
	"time"
)

// The markers of the generated part of the document.
const (
	sectionBegin = "<!-- results: written by `go run ./tools/faults -write` -->\n"
	sectionEnd   = "<!-- end of results -->\n"
)

// completeRun begins the line that dates the results. A complete run takes an
// hour or more and is made nightly, so the document may be older than the code;
// the tests run a sample of the same cases on the code as it is.
const completeRun = "Results of the complete run of "

// Section returns the generated part of a document.
func Section(document []byte) ([]byte, error) {
	_, rest, ok := bytes.Cut(document, []byte(sectionBegin))
	part, _, end := bytes.Cut(rest, []byte(sectionEnd))
	if !ok || !end {
		return nil, fmt.Errorf("the document has no lines %q and %q", sectionBegin, sectionEnd)
	}
	return part, nil
}

// WriteSection replaces the generated part of a document by the results of a
// complete run on a day.
func WriteSection(path string, day time.Time, results []byte) error {
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
	fmt.Fprintf(&out, "\n%s%s.\n\n", completeRun, day.Format("2 January 2006"))
	out.Write(bytes.TrimSpace(results))
	out.WriteString("\n\n")
	out.Write(document[at+len(part):])
	return os.WriteFile(path, out.Bytes(), 0o644)
}
