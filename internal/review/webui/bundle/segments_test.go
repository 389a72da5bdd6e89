package bundle

import (
	"bytes"
	"strings"
	"testing"
)

// TestJoinSegments checks the joined segment of small modules, and that others are refused.
func TestJoinSegments(t *testing.T) {
	const magic = "\x00asm\x01\x00\x00\x00"
	for name, c := range map[string]struct{ module, want, problem string }{
		"no data section": {module: magic + "\x01\x02ab", want: magic + "\x01\x02ab"},
		"no segment":      {module: magic + "\x0b\x01\x00", want: magic + "\x0b\x01\x00"},
		"two with a gap, unordered, and a section after them": {
			module: magic + "\x0b\x0f\x02\x00\x41\xc4\x00\x0b\x01z\x00\x41\x3e\x0b\x02xy" + "\x00\x01c",
			want:   magic + "\x0b\x0d\x01\x00\x41\x3e\x0b\x07xy\x00\x00\x00\x00z" + "\x00\x01c",
		},
		"overlap": {
			module:  magic + "\x0b\x0e\x02\x00\x41\x02\x0b\x02ab\x00\x41\x03\x0b\x01c",
			problem: "segments overlap at offset 3",
		},
		"passive":              {module: magic + "\x0b\x06\x01\x01\x03abc", problem: "constant offset"},
		"negative offset":      {module: magic + "\x0b\x07\x01\x00\x41\x7f\x0b\x01a", problem: "constant offset"},
		"segment ends early":   {module: magic + "\x0b\x07\x01\x00\x41\x02\x0b\x09a", problem: "unexpected end"},
		"section ends early":   {module: magic + "\x0b\x70\x01", problem: "read section 11: unexpected end"},
		"no number":            {module: magic + "\x0b\xff", problem: "unexpected end"},
		"not a module":         {module: "PK\x03\x04....", problem: "not a WebAssembly module"},
		"shorter than a magic": {module: "\x00as", problem: "not a WebAssembly module"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := joinSegments([]byte(c.module))
			if c.problem != "" {
				if err == nil || !strings.Contains(err.Error(), c.problem) {
					t.Errorf("got %q, %v, want the error %q", got, err, c.problem)
				}
				return
			}
			if err != nil || !bytes.Equal(got, []byte(c.want)) {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

// TestSigned checks that signed numbers are read as they are written.
func TestSigned(t *testing.T) {
	for _, v := range []int{0, 1, 63, 64, 8191, 8192, 1<<31 - 1, -1, -64, -65, -1 << 31} {
		r := reader{rest: appendSigned(nil, v)}
		if got := r.signed(); got != v || r.err != nil || len(r.rest) > 0 {
			t.Errorf("got %d, %v, want %d", got, r.err, v)
		}
	}
}
