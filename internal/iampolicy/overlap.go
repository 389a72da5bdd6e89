package iampolicy

// Overlap reports whether some text matches both patterns (with * and ?).
func Overlap(p, q string) bool {
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
				row[j] = diagonal && (p[i] == q[j] || p[i] == '?' || q[j] == '?')
			}
			diagonal = below
		}
	}
	return row[0]
}
