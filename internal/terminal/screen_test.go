package terminal

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{
		{"", 20, ""},
		{"one two three", 9, "one two|three"},
		{"arn:aws:ec2:eu-central-1::snapshot/*", 20, "arn:aws:ec2:eu-|central-1::snapshot/|*"},
		{"größer als zehn", 10, "größer als|zehn"},
		{"abcdefghijklmnopqrstuvwxyz", 10, "abcdefghij|klmnopqrst|uvwxyz"},
	} {
		t.Run(c.text, func(t *testing.T) {
			if got := strings.Join(Wrap(c.text, c.width), "|"); got != c.want {
				t.Errorf("Wrap(%q, %d) = %q, want %q", c.text, c.width, got, c.want)
			}
		})
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 stacks", 1: "1 stack", 2: "2 stacks"} {
		t.Run(want, func(t *testing.T) {
			if got := Count(n, "stack", "stacks"); got != want {
				t.Errorf("Count(%d) = %q, want %q", n, got, want)
			}
		})
	}
}

// TestTableFits checks that at every width no line is wider than the screen and
// no word is lost.
func TestTableFits(t *testing.T) {
	table := Table{Head: []string{"RISK", "DOES", "ON"}, Rows: [][]Cell{
		{
			{"high", Red},
			{"deletes vendor-tagged snapshots of every volume in the account", Plain},
			{"any EC2 snapshot", Plain},
		},
		{
			{"low", Plain},
			{"lists", Plain},
			{"everything-without-a-space-that-is-longer-than-a-column", Plain},
		},
	}}
	for width := minWidth; width <= maxWidth; width++ {
		var b bytes.Buffer
		Screen{W: &b, Width: width}.Table(table)
		for line := range strings.Lines(b.String()) {
			line = strings.TrimSuffix(line, "\n")
			if n := utf8.RuneCountInString(line); n > width {
				t.Fatalf("width %d: a line has %d characters: %q", width, n, line)
			}
			if strings.TrimRight(line, " ") != line {
				t.Fatalf("width %d: a line ends in spaces: %q", width, line)
			}
		}
		for _, word := range []string{"snapshots", "deletes", "high", "low"} {
			if !strings.Contains(b.String(), word) {
				t.Fatalf("width %d: %q is missing:\n%s", width, word, b.String())
			}
		}
	}
}

func TestColor(t *testing.T) {
	if got := (Screen{}).Paint(Red, "x"); got != "x" {
		t.Errorf("without colour: %q", got)
	}
	if got := (Screen{Color: true}).Paint(Red, "x"); got != "\x1b[31mx\x1b[0m" {
		t.Errorf("with colour: %q", got)
	}
	var b bytes.Buffer
	if IsTerminal(&b) {
		t.Error("IsTerminal reports true for a buffer")
	}
	if New(&b).Color {
		t.Error("a buffer has colour, want none")
	}
}

func TestWidthFromColumns(t *testing.T) {
	t.Setenv("COLUMNS", "60")
	if got := New(&bytes.Buffer{}).Width; got != 60 {
		t.Errorf("width %d, want 60", got)
	}
	t.Setenv("COLUMNS", "nonsense")
	if got := New(&bytes.Buffer{}).Width; got != defaultWidth {
		t.Errorf("width %d, want %d", got, defaultWidth)
	}
}
