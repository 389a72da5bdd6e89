package compare

import "slices"

// inclusionSteps limits the steps for one pair of patterns. The patterns of real policies need a few dozen; beyond the
// limit inclusion counts as not proved.
const inclusionSteps = 20_000

// includes reports whether p matches every text that q matches, whatever the values of the policy variables. It is
// exact, except for pairs of patterns that need more than inclusionSteps.
//
// A variable of q is one unknown symbol: * of p matches it, ? does not (the value may have any length), and the same
// variable of p does.
func (p *pattern) includes(q *pattern) bool {
	switch {
	case p.key == q.key, p.isAll():
		return true
	case !p.wild:
		return false // q is another text, or more than one text
	case p.wildcard == len(p.symbols)-1 && p.endsInStar(): // "prefix*"
		n := p.wildcard
		return len(q.symbols) >= n && slices.Equal(p.symbols[:n], q.symbols[:n])
	case !samePrefix(p, q):
		return false
	case !q.wild:
		return matches(p.symbols, q.symbols)
	}
	s := inclusion{p: p.symbols, q: q.symbols, seen: map[string]bool{}, left: inclusionSteps}
	start := make(states, len(p.symbols)/64+1)
	start.add(s.p, 0)
	return s.accepts(0, start)
}

// samePrefix is a quick check that most pairs fail: p is literal before its first wildcard, and q has to begin with
// that text.
func samePrefix(p, q *pattern) bool {
	n := min(p.wildcard, q.wildcard)
	return slices.Equal(p.symbols[:n], q.symbols[:n]) && q.wildcard >= p.wildcard
}

// matches reports whether a pattern matches a text without wildcards. After a mismatch only the last * is tried again,
// so there is no exponential case.
func matches(p, text []symbol) bool {
	pi, ti, starAt, starText := 0, 0, -1, 0
	for {
		switch {
		case pi < len(p) && p[pi] == star:
			starAt, starText = pi, ti
			pi++
			continue
		case pi < len(p) && ti < len(text) && (p[pi] == text[ti] || p[pi] == one && text[ti].isChar()):
			pi, ti = pi+1, ti+1
			continue
		case pi == len(p) && ti == len(text):
			return true
		case starAt < 0 || starText >= len(text):
			return false
		}
		starText++
		pi, ti = starAt+1, starText
	}
}

// inclusion runs p as an automaton over the texts of q. For a wildcard of q it reads unnamedChar, which is the hardest
// character for p: if p accepts it, it accepts any other.
type inclusion struct {
	p, q []symbol
	seen map[string]bool // q position and states → result
	left int
}

// states is the set of positions in p that the text read so far may have reached.
type states []uint64

func (s states) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

// add adds a position and those that p reaches from it by an empty *.
func (s states) add(p []symbol, i int) {
	s[i/64] |= 1 << (i % 64)
	for ; i < len(p) && p[i] == star; i++ {
		s[(i+1)/64] |= 1 << ((i + 1) % 64)
	}
}

func (s states) key(at int) string {
	b := make([]byte, 0, 8*len(s)+4)
	b = append(b, byte(at), byte(at>>8), byte(at>>16))
	for _, w := range s {
		for range 8 {
			b = append(b, byte(w))
			w >>= 8
		}
	}
	return string(b)
}

func (c *inclusion) step(s states, letter symbol) states {
	next := make(states, len(s))
	for i, want := range c.p {
		if !s.has(i) {
			continue
		}
		switch {
		case want == star:
			next.add(c.p, i)
		case want == letter, want == one && letter.isChar():
			next.add(c.p, i+1)
		}
	}
	return next
}

func (c *inclusion) accepts(at int, s states) bool {
	if at == len(c.q) {
		return s.has(len(c.p))
	}
	if c.left--; c.left < 0 || !slices.ContainsFunc(s, func(w uint64) bool { return w != 0 }) {
		return false
	}
	k := s.key(at)
	if answer, ok := c.seen[k]; ok {
		return answer
	}
	answer := c.follow(at, s)
	c.seen[k] = answer
	return answer
}

func (c *inclusion) follow(at int, s states) bool {
	switch letter := c.q[at]; letter {
	case one:
		return c.accepts(at+1, c.step(s, unnamedChar))
	case star: // zero, one, two … characters, until the states no longer change
		for {
			if !c.accepts(at+1, s) {
				return false
			}
			next := c.step(s, unnamedChar)
			if slices.Equal(next, s) {
				return true
			}
			s = next
		}
	default:
		return c.accepts(at+1, c.step(s, letter))
	}
}

// overlaps reports whether some text may match both patterns. A variable may have any value.
func overlaps(p, q *pattern) bool {
	many := func(s symbol) bool { return s == star || s <= variable }
	row := make([]bool, len(q.symbols)+1) // row[j]: p[i:] and q[j:] have a text in common
	for i := len(p.symbols); i >= 0; i-- {
		diagonal := false // row[j+1] of the row below
		for j := len(q.symbols); j >= 0; j-- {
			below, endP, endQ := row[j], i == len(p.symbols), j == len(q.symbols)
			switch {
			case endP && endQ:
				row[j] = true
			case !endP && many(p.symbols[i]):
				row[j] = below || !endQ && row[j+1]
			case !endQ && many(q.symbols[j]):
				row[j] = row[j+1] || !endP && below
			case endP || endQ:
				row[j] = false
			default:
				a, b := p.symbols[i], q.symbols[j]
				row[j] = diagonal && (a == b || a == one || b == one)
			}
			diagonal = below
		}
	}
	return row[0]
}
