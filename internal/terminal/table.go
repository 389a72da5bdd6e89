package terminal

import "strings"

// Cell is the text of a table's cell and its style.
type Cell struct {
	Text  string
	Style Style
}

// Table is a heading and rows of as many cells.
type Table struct {
	Head []string
	Rows [][]Cell
}

const (
	spacing   = 2  // spaces between columns
	minColumn = 14 // narrowest column that text is wrapped in
)

// Table writes a table. Cells are wrapped. If a column would be narrower than
// minColumn, every row is written as a block of labelled lines instead.
func (s Screen) Table(t Table) {
	if len(t.Rows) == 0 {
		return
	}
	widths, fits := t.widths(s.Width)
	if !fits {
		s.blocks(t)
		return
	}
	head := make([]Cell, len(t.Head))
	for i, h := range t.Head {
		head[i] = Cell{h, Dim}
	}
	s.row(head, widths)
	for _, r := range t.Rows {
		s.row(r, widths)
	}
}

// widths returns the width of each column: narrow columns get what their text
// needs, and the wide ones share the remainder equally. It reports false if a
// column would be narrower than minColumn.
func (t Table) widths(width int) ([]int, bool) {
	need := make([]int, len(t.Head))
	for i, h := range t.Head {
		need[i] = length(h)
		for _, r := range t.Rows {
			need[i] = max(need[i], length(r[i].Text))
		}
	}
	left := width - spacing*(len(need)-1)
	out := make([]int, len(need))
	open := len(need)
	for changed := true; changed && open > 0; {
		changed = false
		for i, n := range need {
			if out[i] == 0 && n <= left/open {
				out[i], left, open, changed = n, left-n, open-1, true
				if open == 0 {
					break
				}
			}
		}
	}
	for i := range need {
		if out[i] == 0 {
			out[i] = left / open
			if out[i] < minColumn {
				return nil, false
			}
			left, open = left-out[i], open-1
		}
	}
	return out, true
}

// row writes one row of the table.
func (s Screen) row(cells []Cell, widths []int) {
	lines := make([][]string, len(cells))
	height := 0
	for i, c := range cells {
		lines[i] = Wrap(c.Text, widths[i])
		height = max(height, len(lines[i]))
	}
	for y := range height {
		var b strings.Builder
		blank := 0 // spaces to write before the next text, so that no line ends in spaces
		for i, c := range cells {
			text := ""
			if y < len(lines[i]) {
				text = lines[i][y]
			}
			if text != "" {
				b.WriteString(strings.Repeat(" ", blank) + s.Paint(c.Style, text))
				blank = 0
			}
			blank += widths[i] - length(text) + spacing
		}
		s.Line(b.String())
	}
}

// blocks writes every row as lines "HEADING  text".
func (s Screen) blocks(t Table) {
	nameWidth := 0
	for _, h := range t.Head {
		nameWidth = max(nameWidth, length(h)+2)
	}
	for i, r := range t.Rows {
		if i > 0 {
			s.Line()
		}
		for j, c := range r {
			if c.Text != "" {
				s.Field(0, nameWidth, t.Head[j], c.Style, c.Text)
			}
		}
	}
}
