package profilefile

import (
	"fmt"
	"regexp"
	"strings"
)

// syntaxAdvice is what to do about a message of the YAML parser, which names what it expected and not what is wrong.
var syntaxAdvice = []struct {
	message string         // part of the parser's message
	line    *regexp.Regexp // the line at fault, from the parser's on; nil: the parser's
	advice  string
}{
	{"found a tab character", regexp.MustCompile(`^ *\t`), "a line is indented with a tab: use spaces"},
	{"found character that cannot start any token", regexp.MustCompile(`^ *\t|: *[@%\x60]`),
		"a line is indented with a tab, or a text begins with @, % or a backquote: use spaces, and write the text in quotes"},
	{"could not find expected ':'", nil, "after a key write a colon and a space"},
	{"did not find expected alphabetic or numeric character", regexp.MustCompile(`[:-] *\*|\[ *\*`),
		"write a text that begins with * in quotes: '*'"},
	{"did not find expected ',' or '}'", regexp.MustCompile(`\{[^{}'"]*: [^,{}'"]*: `),
		"write a text that contains a colon and a space in quotes"},
	{"did not find expected ',' or '}'", regexp.MustCompile(`: '[^']*' *[\w]`),
		"write an apostrophe twice in a text in single quotes: 'the vendor''s role'"},
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
	{"did not find expected key", regexp.MustCompile(`[:-] ('[^']*|"[^"]*)$`),
		"a quote is not closed: check the text that begins here"},
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
	advice := ""
	for _, a := range syntaxAdvice {
		if !strings.Contains(message, a.message) {
			continue
		}
		at := line
		switch {
		case a.line != nil:
			if at = findLine(text, line, a.line); at == 0 {
				advice = a.advice // if no advice for the message has a line of the file
				continue
			}
		case strings.Contains(a.advice, "indentation"):
			at = max(line, misplacedLine(text, line))
		}
		return Problem{Position{file, at, 1}, fmt.Sprintf("%s (%s)", a.advice, message)}
	}
	if advice != "" {
		message = fmt.Sprintf("%s (%s)", advice, message)
	}
	return Problem{Position{file, line, 1}, message}
}

// findLine returns the first line that matches, from the given one on, or 0.
func findLine(text string, from int, pattern *regexp.Regexp) int {
	lines := strings.Split(text, "\n")
	for i := from; i <= len(lines); i++ {
		if pattern.MatchString(lines[i-1]) {
			return i
		}
	}
	return 0
}

// blockText is the end of a line whose text is in the following lines.
var blockText = regexp.MustCompile(`[:-] [>|][+-]?$`)

// level is a list, or the keys of a mapping, that begin in a column.
type level struct {
	column int
	list   bool
}

// misplacedLine returns the first line, from the given one on, that begins in a column in which no list or mapping
// around it does, or 0.
func misplacedLine(text string, from int) int {
	var levels []level
	key := -1 // column of the key whose text of several lines is skipped, or -1
	for i, line := range strings.Split(text, "\n") {
		content := strings.TrimLeft(line, " ")
		column := len(line) - len(content)
		if content == "" || content[0] == '#' || (key >= 0 && column > key) {
			continue
		}
		list := strings.HasPrefix(content, "- ")
		var placed bool
		if levels, placed = enter(levels, level{column, list}); !placed && i+1 >= from {
			return i + 1
		}
		if list { // the keys of the item
			levels = append(levels, level{column + len(content) - len(strings.TrimLeft(content[1:], " ")), false})
		}
		key = -1
		if blockText.MatchString(content) {
			key = levels[len(levels)-1].column
		}
	}
	return 0
}

// enter returns the levels around a line and its own, and reports whether it begins where a level does, or deeper.
func enter(levels []level, l level) ([]level, bool) {
	deeper := len(levels) == 0 || levels[len(levels)-1].column < l.column
	for len(levels) > 0 && levels[len(levels)-1].column > l.column {
		levels = levels[:len(levels)-1]
	}
	if last := len(levels) - 1; last > 0 && !l.list && levels[last] == (level{l.column, true}) {
		levels = levels[:last] // a list in the column of its key ends
	}
	if len(levels) > 0 && levels[len(levels)-1] == l {
		return levels, true
	}
	sameColumn := l.list && len(levels) > 0 && levels[len(levels)-1].column == l.column
	return append(levels, l), deeper || sameColumn
}
