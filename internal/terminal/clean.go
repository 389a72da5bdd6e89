package terminal

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
)

// Clean returns text without anything that a terminal interprets: control characters
// other than line breaks and tabs, bytes that are not UTF-8 (among them 8-bit escapes),
// and characters that have no form of their own (Unicode's Cf, Zl and Zp): those that
// change the direction of text can make a line read as another one, and a name with
// others looks like one without. Each becomes U+FFFD. Text of files and of AWS may contain them.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || !unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return r
		}
		return unicode.ReplacementChar
	}, strings.ToValidUTF8(text, string(unicode.ReplacementChar)))
}

// paint matches what Paint adds to a text.
var paint = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\x1b\[(?:0|1|2|3[1236])m`) })

// cleanPainted is Clean for text with styles.
func cleanPainted(text string) string {
	var b strings.Builder
	end := 0
	for _, at := range paint().FindAllStringIndex(text, -1) {
		b.WriteString(Clean(text[end:at[0]]) + text[at[0]:at[1]])
		end = at[1]
	}
	return b.String() + Clean(text[end:])
}
