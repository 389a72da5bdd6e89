package compare

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// symbol is one symbol of a pattern: a character, a wildcard, or a policy variable. A byte that is not UTF-8 is a
// character of its own.
type symbol int32

const (
	star        symbol = -1 // *
	one         symbol = -2 // ?
	unnamedChar symbol = -3 // a character that no pattern names
	variable    symbol = -4 // the first policy variable; further ones count down
)

func (s symbol) isChar() bool { return s >= 0 || s == unnamedChar }

// pattern is a text with wildcards and policy variables. A variable is a symbol with the same unknown value wherever it
// occurs.
type pattern struct {
	text     string // as written
	key      string // equal for equal patterns
	symbols  []symbol
	wild     bool // has * or ?
	variable bool // has a policy variable
	wildcard int  // index of the first * or ?, or len(symbols)
}

// reader parses documents. Variables of the same name get the same symbol, so all patterns that are compared must be
// read by one reader.
type reader struct {
	variables  map[string]symbol
	conditions map[string]int // conditions key → id
}

func newReader() *reader {
	return &reader{variables: map[string]symbol{}, conditions: map[string]int{}}
}

// syntax selects what is not literal in a text.
type syntax struct {
	wildcards bool
	variables bool
	fold      func(rune) rune // nil: case matters
}

// read parses a text. In ${key} and ${key, 'default'} the key is case-insensitive; ${*}, ${?} and ${$} are those
// characters. An unclosed "${" and what follows is one variable, because AWS does not document its meaning.
func (r *reader) read(text string, s syntax) pattern {
	symbols := make([]symbol, 0, len(text))
	for rest := text; rest != ""; {
		switch {
		case s.wildcards && rest[0] == '*':
			if n := len(symbols); n == 0 || symbols[n-1] != star {
				symbols = append(symbols, star)
			}
			rest = rest[1:]
		case s.wildcards && rest[0] == '?':
			symbols = append(symbols, one)
			rest = rest[1:]
		case s.variables && strings.HasPrefix(rest, "${"):
			name, after, closed := strings.Cut(rest[2:], "}")
			if closed {
				symbols = append(symbols, r.variableOrEscape(name))
			} else {
				symbols = append(symbols, r.variable(rest))
			}
			rest = after
		default:
			c, size := utf8.DecodeRuneInString(rest)
			if c == utf8.RuneError && size == 1 {
				c = unicode.MaxRune + rune(rest[0]) // more than MaxRune
			} else if s.fold != nil {
				c = s.fold(c)
			}
			symbols = append(symbols, symbol(c))
			rest = rest[size:]
		}
	}
	return newPattern(text, symbols)
}

// variableOrEscape returns the symbol of what is between "${" and "}".
func (r *reader) variableOrEscape(name string) symbol {
	switch name {
	case "*", "?", "$":
		return symbol(name[0])
	}
	key, fallback, found := strings.Cut(name, ",")
	key = strings.ToLower(strings.TrimSpace(key))
	if found {
		key += "," + strings.TrimSpace(fallback)
	}
	return r.variable(key)
}

func (r *reader) variable(name string) symbol {
	s, ok := r.variables[name]
	if !ok {
		s = variable - symbol(len(r.variables))
		r.variables[name] = s
	}
	return s
}

func newPattern(text string, symbols []symbol) pattern {
	p := pattern{text: text, symbols: symbols, wildcard: len(symbols)}
	plain := len(symbols) == len(text)
	for i, s := range symbols {
		switch {
		case s == star || s == one:
			if !p.wild {
				p.wild, p.wildcard = true, i
			}
		case s <= variable:
			p.variable = true
		}
		plain = plain && isPlain(s, text[i])
	}
	p.key = text
	if !plain {
		p.key = key(symbols)
	}
	return p
}

// isPlain reports whether key writes a symbol as this byte.
func isPlain(s symbol, text byte) bool {
	switch text {
	case '*':
		return s == star
	case '?':
		return s == one
	}
	return s >= ' ' && s == symbol(text)
}

// key encodes symbols so that different sequences have different texts: wildcards as themselves, and by number what is
// not an ordinary character. Control characters are not, because they separate the parts of longer keys.
func key(symbols []symbol) string {
	var b strings.Builder
	b.Grow(len(symbols) + 8)
	for _, s := range symbols {
		switch s {
		case star:
			b.WriteByte('*')
			continue
		case one:
			b.WriteByte('?')
			continue
		}
		if s < ' ' || s > unicode.MaxRune || s == '*' || s == '?' {
			b.WriteString("\x00" + strconv.Itoa(int(s)) + "\x00")
			continue
		}
		b.WriteRune(rune(s))
	}
	return b.String()
}

// foldCase returns the same character for all characters that differ in case only.
func foldCase(c rune) rune {
	least := c
	for f := unicode.SimpleFold(c); f != c; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	return least
}

// isAll reports whether the pattern matches every text.
func (p *pattern) isAll() bool { return len(p.symbols) == 1 && p.symbols[0] == star }

func (p *pattern) endsInStar() bool {
	n := len(p.symbols)
	return n > 0 && p.symbols[n-1] == star
}
