package profilefile

import (
	"fmt"
	"regexp"
	"strings"
)

// syntaxAdvice is what to do about a message of the YAML parser, which names what it expected and not what is wrong.
var syntaxAdvice = []struct {
	message string         // part of the parser's message
	line    *regexp.Regexp // the line at fault, from the one before the parser's on; nil: the parser's
	advice  string
}{
	{"found a tab character", regexp.MustCompile(`^ *\t`), "a line is indented with a tab: use spaces"},
	{"found character that cannot start any token", regexp.MustCompile(`^ *\t|: *[@%\x60]`),
		"a line is indented with a tab, or a text begins with @, % or a backquote: use spaces, and write the text in quotes"},
	{"could not find expected ':'", nil, "after a key write a colon and a space"},
	{"did not find expected alphabetic or numeric character", regexp.MustCompile(`[:-] *\*|\[ *\*`),
		"write a text that begins with * in quotes: '*'"},
	{"did not find expected ',' or '}'", regexp.MustCompile(`\{.*\$\{|\{`),
		"a { is not closed, or a text with braces is not in quotes: '${Account}'"},
	{
		"did not find expected ',' or ']'",
		regexp.MustCompile(`\[`),
		"a [ is not closed, or two items have no comma between them",
	},
	{"mapping values are not allowed", regexp.MustCompile(`:.*: `),
		"write a text that contains a colon and a space in quotes"},
	{"did not find expected '-' indicator", nil,
		"the keys of one item of a list begin in the same column: check the indentation of this item"},
	{"did not find expected key", nil,
		"a quote is not closed, or a line has another indentation than the lines of the same item: check this item"},
	{"found unexpected end of stream", nil, "a quote is not closed: check the text that begins here"},
}

// syntaxProblem returns the problem of a file that is no YAML, with advice. The parser's message has a line,
// "yaml: line 3: …", which is that of the error, one less, or the beginning of what it is in.
func syntaxProblem(file, text string, err error) Problem {
	line, message := 1, strings.TrimPrefix(err.Error(), "yaml: ")
	if _, scan := fmt.Sscanf(message, "line %d:", &line); scan == nil {
		_, message, _ = strings.Cut(message, ": ")
	}
	for _, a := range syntaxAdvice {
		if !strings.Contains(message, a.message) {
			continue
		}
		if a.line != nil {
			line = findLine(text, line, a.line)
		}
		return Problem{Position{file, line, 1}, fmt.Sprintf("%s (%s)", a.advice, message)}
	}
	return Problem{Position{file, line, 1}, message}
}

// findLine returns the first line that matches, from the given one on, or the given one.
func findLine(text string, from int, pattern *regexp.Regexp) int {
	lines := strings.Split(text, "\n")
	for i := from; i <= len(lines); i++ {
		if pattern.MatchString(lines[i-1]) {
			return i
		}
	}
	return from
}
