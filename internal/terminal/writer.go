package terminal

import (
	"bytes"
	"io"
	"sync"
	"unicode/utf8"
)

// Writer is Clean for a stream: it writes nothing that a terminal interprets but the styles of Paint. It can be used by
// several goroutines.
type Writer struct {
	w       io.Writer
	mu      sync.Mutex
	pending []byte // the beginning of a character or of a style, whose rest is not written yet
}

// NewWriter returns a Writer that writes to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Raw returns what a Writer writes to, or w itself.
func Raw(w io.Writer) io.Writer {
	if clean, ok := w.(*Writer); ok {
		return clean.w
	}
	return w
}

// Write returns the length of p unless writing fails.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	data := append(w.pending, p...)
	end := len(data) - unfinished(data)
	w.pending = bytes.Clone(data[end:])
	if _, err := io.WriteString(w.w, cleanPainted(string(data[:end]))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush writes what was not finished.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	rest := Clean(string(w.pending))
	w.pending = nil
	_, err := io.WriteString(w.w, rest)
	return err
}

// unfinished returns how many bytes at the end of data are the beginning of a style or of a character.
func unfinished(data []byte) int {
	const longestStyle = len("\x1b[31m")
	tail := data[max(0, len(data)-longestStyle+1):]
	if i := bytes.LastIndexByte(tail, 0x1b); i >= 0 && bytes.IndexByte(tail[i:], 'm') < 0 {
		return len(tail) - i
	}
	for n := 1; n < utf8.UTFMax && n <= len(data); n++ {
		if b := data[len(data)-n]; utf8.RuneStart(b) {
			if !utf8.FullRune(data[len(data)-n:]) {
				return n
			}
			break
		}
	}
	return 0
}
