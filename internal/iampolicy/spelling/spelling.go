// Package spelling finds the name that somebody probably meant: an action, a
// condition key or a key of a profile file.
package spelling

import "strings"

// Nearest returns the valid name that differs least from a misspelt one, without
// regard to case; "" if all differ by more than a third of its letters.
func Nearest(word string, valid []string) string {
	best, distance := "", max(1, len(word)/3)+1
	for _, v := range valid {
		if n := Distance(strings.ToLower(word), strings.ToLower(v)); n < distance {
			best, distance = v, n
		}
	}
	return best
}

// Distance returns the Levenshtein distance of two words, in bytes.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		previous := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := previous
			if a[i] != b[j] {
				cost++
			}
			previous = row[j+1]
			row[j+1] = min(row[j]+1, row[j+1]+1, cost)
		}
	}
	return row[len(b)]
}
