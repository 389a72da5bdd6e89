package release

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/klauspost/compress/flate"
)

// epoch is the date of every packed file: the first that a zip can hold.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// PackProgram writes the zip of a function: its program as the one file "bootstrap",
// executable. The same program always has the same bytes.
func PackProgram(out io.Writer, program io.Reader) error {
	w := newWriter(out)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: epoch}
	header.SetMode(0o755)
	to, err := w.CreateHeader(header)
	if err == nil {
		_, err = io.Copy(to, program)
	}
	if err != nil {
		return fmt.Errorf("pack bootstrap: %w", err)
	}
	return w.Close()
}

// level compresses a function within 0.3 % of the smallest that there is, in half the time or less.
const level = 8

// newWriter returns a zip writer that compresses well.
func newWriter(out io.Writer) *zip.Writer {
	w := zip.NewWriter(out)
	w.RegisterCompressor(zip.Deflate, func(to io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(to, level)
	})
	return w
}

// AddFiles returns a zip with further files, by their name. What it has already is
// copied as it is, so the same input always has the same bytes.
func AddFiles(archive []byte, files map[string][]byte) ([]byte, error) {
	if len(files) == 0 {
		return archive, nil
	}
	in, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, fmt.Errorf("open zip: %w", err)
	}
	var out bytes.Buffer
	w := newWriter(&out)
	for _, f := range in.File {
		if _, replaced := files[f.Name]; replaced {
			return nil, fmt.Errorf("the zip has a file %s", f.Name)
		}
		if err := w.Copy(f); err != nil {
			return nil, fmt.Errorf("copy %s: %w", f.Name, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: epoch}
		header.SetMode(0o644)
		to, err := w.CreateHeader(header)
		if err != nil {
			return nil, fmt.Errorf("add %s: %w", name, err)
		}
		if _, err := to.Write(files[name]); err != nil {
			return nil, fmt.Errorf("add %s: %w", name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("write zip: %w", err)
	}
	return out.Bytes(), nil
}
