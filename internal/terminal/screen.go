// Package terminal writes text for people: wrapped to the width of the
// terminal, and in colour if the output is a terminal that shows it.
package terminal

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// Screen is where text is written, with its width in characters.
type Screen struct {
	W     io.Writer
	Width int
	Color bool
}

// The widths that text is wrapped to.
const (
	defaultWidth = 80
	minWidth     = 30
	maxWidth     = 140 // longer lines are hard to read
)

// New returns a screen that writes to w. Its width is the environment variable
// COLUMNS if that is set, or else the terminal's, or else 80; it is at least 30
// and at most 140. It has colour if w is a terminal, NO_COLOR is empty
// (https://no-color.org) and TERM is not "dumb".
func New(w io.Writer) Screen {
	s := Screen{W: w, Width: defaultWidth}
	if f, ok := terminalFile(w); ok {
		s.Color = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			s.Width = columns
		}
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		s.Width = n
	}
	s.Width = min(max(s.Width, minWidth), maxWidth)
	return s
}

// IsTerminal reports whether w is a terminal.
func IsTerminal(w io.Writer) bool {
	_, ok := terminalFile(w)
	return ok
}

func terminalFile(w io.Writer) (*os.File, bool) {
	f, ok := Raw(w).(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, false
	}
	return f, true
}

// Style is how text is shown.
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

// Paint returns text in a style, or unchanged if the screen has no colour.
func (s Screen) Paint(style Style, text string) string {
	text = Clean(text)
	if !s.Color || style == Plain || text == "" {
		return text
	}
	return "\x1b[" + string(style) + "m" + text + "\x1b[0m"
}

// Line writes a line without wrapping it, and without escapes but those of Paint.
func (s Screen) Line(parts ...string) {
	text := strings.Join(parts, "")
	if s.Color {
		text = cleanPainted(text)
	} else {
		text = Clean(text)
	}
	fmt.Fprintln(s.W, text)
}

// Text writes a paragraph, wrapped.
func (s Screen) Text(style Style, text string) {
	for _, line := range Wrap(text, s.Width) {
		s.Line(s.Paint(style, line))
	}
}

// Field writes a name, padded to nameWidth characters, and its text wrapped
// beside it.
func (s Screen) Field(indent, nameWidth int, name string, style Style, text string) {
	for i, line := range Wrap(text, s.Width-indent-nameWidth) {
		if i > 0 {
			name = ""
		}
		s.Line(strings.Repeat(" ", indent), s.Paint(Dim, pad(name, nameWidth)), s.Paint(style, line))
	}
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}
