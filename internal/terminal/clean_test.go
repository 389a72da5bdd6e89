package terminal

import (
	"strings"
	"testing"
)

func TestClean(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"plain":         {"a\tb\nc – é", "a\tb\nc – é"},
		"escape":        {"\x1b]0;title\x07x", "\ufffd]0;title\ufffdx"},
		"overwrite":     {"bad\rgood", "bad\ufffdgood"},
		"8-bit escape":  {"\x9b31m", "\ufffd31m"},
		"C1 in UTF-8":   {"\u009b31m", "\ufffd31m"},
		"right to left": {"a\u202eb", "a\ufffdb"},
		"invisible":     {"s3:Get\u200bObject", "s3:Get\ufffdObject"},
		"line break":    {"a\u2028b", "a\ufffdb"},
		"delete":        {"a\x7f", "a\ufffd"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Clean(tc.text); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestScreenIsClean checks that no method of Screen writes an escape of the text.
func TestScreenIsClean(t *testing.T) {
	const text = "x\x1b[2Jy\x1b]52;c;AAAA\x07z\r"
	for _, color := range []bool{false, true} {
		var b strings.Builder
		s := Screen{W: &b, Width: 80, Color: color}
		s.Line(text, s.Paint(Red, text))
		s.Text(Bold, text)
		s.Field(2, 4, text, Green, text)
		left := b.String()
		for _, own := range []string{"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m"} {
			left = strings.ReplaceAll(left, own, "")
		}
		if strings.ContainsAny(left, "\x1b\x07\r") {
			t.Errorf("colour %v: wrote %q", color, b.String())
		}
	}
}
