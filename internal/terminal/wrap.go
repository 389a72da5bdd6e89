package terminal

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Wrap splits text into lines of at most width characters (at least 8). It
// breaks at spaces. A word longer than a line is broken after "/", ":", "," or
// "-", before a capital letter, or else at the width.
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
			at := breakIndex(line, width)
			lines = append(lines, strings.TrimRight(line[:at], " "))
			line = strings.TrimLeft(line[at:], " ")
		}
	}
	if line != "" || len(lines) == 0 {
		lines = append(lines, line)
	}
	return lines
}

// breakIndex returns the byte index at which a long line is broken.
func breakIndex(line string, width int) int {
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

// Count returns a number with its noun: "1 stack", "2 stacks".
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
