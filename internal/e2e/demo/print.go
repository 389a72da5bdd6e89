package demo

import (
	"fmt"
	"strconv"

	"permstack/internal/terminal"
)

// printer writes the steps of the demo and what was checked.
type printer struct{ terminal.Screen }

func (p printer) title(format string, args ...any) {
	p.Line(p.Paint(terminal.Dim, fmt.Sprintf(format, args...)))
}

func (p printer) step(n int, title string) {
	p.Line()
	p.Line(p.Paint(terminal.Bold, fmt.Sprintf("%d. %s", n, title)))
}

func (p printer) passed(format string, args ...any) {
	p.Line("   ", p.Paint(terminal.Green, "✓"), " ", fmt.Sprintf(format, args...))
}

func (p printer) note(format string, args ...any) { p.Line("     ", fmt.Sprintf(format, args...)) }

func (p printer) failed(err error) { p.Line("   ", p.Paint(terminal.Red, "✗"), " ", err.Error()) }

func (p printer) done(format string, args ...any) {
	p.Line()
	p.Line(p.Paint(terminal.Bold, fmt.Sprintf(format, args...)))
}

// number formats thousands with a comma.
func number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
