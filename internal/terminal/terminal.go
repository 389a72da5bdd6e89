// Package terminal writes text for people: wrapped to the width that there is,
// in colour where there is a terminal that takes it.
package terminal

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Screen is where text goes.
type Screen struct {
	W     io.Writer
	Width int
	Color bool
}

// The widths that text is fitted to.
const (
	defaultWidth = 80
	minWidth     = 30
	maxWidth     = 140 // longer lines are hard to read
)

// New looks at where text goes. COLUMNS decides, then the terminal, then 80.
func New(w io.Writer) Screen {
	s := Screen{W: w, Width: defaultWidth}
	f, isFile := w.(*os.File)
	if isFile {
		info, err := f.Stat()
		isTerminal := err == nil && info.Mode()&os.ModeCharDevice != 0
		s.Color = isTerminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
		if n := columns(f); isTerminal && n > 0 {
			s.Width = n
		}
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		s.Width = n
	}
	s.Width = min(max(s.Width, minWidth), maxWidth)
	return s
}

// Style is how a word looks.
type Style string

// The styles, as ANSI codes of the eight colours that every terminal has.
const (
	Plain  Style = ""
	Bold   Style = "1"
	Dim    Style = "2"
	Red    Style = "31"
	Green  Style = "32"
	Yellow Style = "33"
	Cyan   Style = "36"
)

// Paint gives a text a style, where colour is wanted.
func (s Screen) Paint(style Style, text string) string {
	if !s.Color || style == Plain || text == "" {
		return text
	}
	return "\x1b[" + string(style) + "m" + text + "\x1b[0m"
}

// Line writes a line as it is.
func (s Screen) Line(parts ...string) { fmt.Fprintln(s.W, strings.Join(parts, "")) }

// Text writes a paragraph, wrapped.
func (s Screen) Text(style Style, text string) {
	for _, line := range Wrap(text, s.Width) {
		s.Line(s.Paint(style, line))
	}
}

// Field writes a label and its text, the text wrapped beside the label.
func (s Screen) Field(indent, label int, name string, style Style, text string) {
	for i, line := range Wrap(text, s.Width-indent-label) {
		if i > 0 {
			name = ""
		}
		s.Line(strings.Repeat(" ", indent), s.Paint(Dim, pad(name, label)), s.Paint(style, line))
	}
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}

// Wrap breaks a text into lines of at most width characters: at spaces, in words
// that are too long behind "/", ":" and ",", before a capital, and
// else anywhere.
func Wrap(text string, width int) []string {
	width = max(width, 8)
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case length(line)+1+length(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
		for length(line) > width {
			at := breakAt(line, width)
			lines = append(lines, strings.TrimRight(line[:at], " "))
			line = strings.TrimLeft(line[at:], " ")
		}
	}
	if line != "" || len(lines) == 0 {
		lines = append(lines, line)
	}
	return lines
}

// breakAt is the byte at which a long line is best cut.
func breakAt(line string, width int) int {
	end, n := 0, 0
	for i := range line {
		if n == width {
			break
		}
		n++
		end = i
	}
	_, size := utf8.DecodeRuneInString(line[end:])
	end += size
	if i := strings.LastIndexAny(line[:end], " /:,-"); i > end/2 {
		return i + 1
	}
	for i := end; i > end/2 && i < len(line); i-- { // "Describe|Instances"
		if isUpper(line[i]) && !isUpper(line[i-1]) {
			return i
		}
	}
	return end
}

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }

func length(s string) int { return utf8.RuneCountInString(s) }
