package terminal

import (
	"strings"
	"testing"
)

// TestWriter writes text in pieces of every length: the result does not depend on it.
func TestWriter(t *testing.T) {
	const text = "é\x1b[31mred\x1b[0m \x1b]0;title\a\u202e\u200b€𝄞\x9b\x1b[2J\r\x1b[3"
	const want = "é\x1b[31mred\x1b[0m \ufffd]0;title\ufffd\ufffd\ufffd€𝄞\ufffd\ufffd[2J\ufffd\ufffd[3"
	for size := 1; size <= len(text); size++ {
		var b strings.Builder
		w := NewWriter(&b)
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			if wrote, err := w.Write([]byte(rest[:n])); err != nil || wrote != n {
				t.Fatalf("wrote %d bytes, %v, want %d", wrote, err, n)
			}
			rest = rest[n:]
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if b.String() != want {
			t.Errorf("pieces of %d bytes: got %q, want %q", size, b.String(), want)
		}
	}
	var b strings.Builder
	if Raw(NewWriter(&b)) != &b || Raw(&b) != &b {
		t.Error("Raw does not return the underlying writer")
	}
}
