package cfntemplate

import (
	"errors"
	"strings"
	"testing"
)

// TestReadValuesLine checks that a file that is not well-formed is refused with the line.
func TestReadValuesLine(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		line       int
		want       string
	}{
		{"an unclosed list", "a: 1\nb: [1,\n", 2, "did not find expected"},
		{"a tab", "a:\n\tb: 1\n", 2, "cannot start any token"},
		{"Latin-1", "a: 1\n\n# caf\xe9\nb: 2\n", 3, "a byte is not UTF-8"},
		{"JSON that ends", "{\"a\":\n[1,", 2, "EOF"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := ReadValues([]byte(tc.text))
			var at *Error
			if !errors.As(err, &at) || at.Line != tc.line || !strings.Contains(at.Message, tc.want) {
				t.Errorf("got %v, want line %d with %q", err, tc.line, tc.want)
			}
		})
	}
}
