package demo

import (
	"fmt"
	"io"
	"strconv"
)

// printer tells the story; colour is for terminals.
type printer struct {
	w     io.Writer
	color bool
}

const (
	bold  = "\x1b[1m"
	green = "\x1b[32m"
	red   = "\x1b[31m"
	dim   = "\x1b[2m"
	reset = "\x1b[0m"
)

func (p printer) paint(style, text string) string {
	if !p.color {
		return text
	}
	return style + text + reset
}

func (p printer) title(format string, args ...any) {
	fmt.Fprintln(p.w, p.paint(dim, fmt.Sprintf(format, args...)))
}

func (p printer) step(n int, title string) {
	fmt.Fprintf(p.w, "\n%s\n", p.paint(bold, fmt.Sprintf("%d. %s", n, title)))
}

func (p printer) passed(format string, args ...any) {
	fmt.Fprintf(p.w, "   %s %s\n", p.paint(green, "✓"), fmt.Sprintf(format, args...))
}

func (p printer) note(format string, args ...any) {
	fmt.Fprintf(p.w, "     %s\n", fmt.Sprintf(format, args...))
}

func (p printer) failed(err error) {
	fmt.Fprintf(p.w, "   %s %v\n", p.paint(red, "✗"), err)
}

func (p printer) done(format string, args ...any) {
	fmt.Fprintf(p.w, "\n%s\n", p.paint(bold, fmt.Sprintf(format, args...)))
}

// number writes thousands with a comma.
func number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// count writes a number with its noun.
func count(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + more
}
