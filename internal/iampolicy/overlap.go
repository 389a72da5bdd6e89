package iampolicy

// Overlap reports whether some text matches both patterns (with * and ?).
func Overlap(p, q string) bool {
	// Most patterns differ before their first or after their last star, which needs no table.
	for p != "" && q != "" && p[0] != '*' && q[0] != '*' {
		if !sameByte(p[0], q[0]) {
			return false
		}
		p, q = p[1:], q[1:]
	}
	for p != "" && q != "" && p[len(p)-1] != '*' && q[len(q)-1] != '*' {
		if !sameByte(p[len(p)-1], q[len(q)-1]) {
			return false
		}
		p, q = p[:len(p)-1], q[:len(q)-1]
	}
	row := make([]bool, len(q)+1) // row[j]: some text matches p[i:] and q[j:]
	for i := len(p); i >= 0; i-- {
		diagonal := false
		for j := len(q); j >= 0; j-- {
			below, endP, endQ := row[j], i == len(p), j == len(q)
			switch {
			case endP && endQ:
				row[j] = true
			case !endP && p[i] == '*':
				row[j] = below || !endQ && row[j+1]
			case !endQ && q[j] == '*':
				row[j] = row[j+1] || !endP && below
			case endP || endQ:
				row[j] = false
			default:
				row[j] = diagonal && sameByte(p[i], q[j])
			}
			diagonal = below
		}
	}
	return row[0]
}

// sameByte reports whether a byte matches both bytes of two patterns, neither of which is a star.
func sameByte(a, b byte) bool { return a == b || a == '?' || b == '?' }

// Covers reports whether a pattern matches every text that another pattern matches (with * and ?). It may report false
// for patterns with both * and ? that do.
func Covers(p, q string) bool {
	row := make([]bool, len(q)+1) // row[j]: p[i:] covers q[j:]
	row[len(q)] = true
	for i := len(p) - 1; i >= 0; i-- {
		next := make([]bool, len(q)+1)
		for j := len(q); j >= 0; j-- {
			switch {
			case p[i] == '*':
				next[j] = row[j] || j < len(q) && next[j+1]
			case j < len(q) && q[j] != '*':
				next[j] = (p[i] == q[j] || p[i] == '?') && row[j+1]
			}
		}
		row = next
	}
	return row[0]
}
