package compare

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy/eval"
	"permstack/internal/iampolicy/policytest"
)

func glob(text string) pattern {
	p := newReader().read(text, syntax{wildcards: true})
	return p
}

func TestIncludes(t *testing.T) {
	for _, tt := range []struct {
		p, q string
		want bool
	}{
		{"*", "", true}, {"", "*", false}, {"", "", true}, {"a", "a", true}, {"a", "b", false},
		{"a*", "ab", true}, {"a*", "a", true}, {"a*", "b", false}, {"a*", "a*", true}, {"a*", "ab*", true}, {"ab*", "a*",
			false},
		{"*a", "ba", true}, {"*a", "*a", true}, {"*a", "*ba", true}, {"*ba", "*a", false}, {"*a*", "b*a*c", true}, {"*a*",
			"*", false},
		{"?", "a", true}, {"?", "?", true}, {"?", "*", false}, {"?*", "*?", true}, {"*?", "?*", true}, {"?*", "*",
			false}, {"??*", "?*?", true},
		{"*?*?*", "??", true}, {"*?*?*", "?*", false}, {"?", "", false}, {"?", "é", true}, {"?", "ab", false},
		{"a*b*c", "a*c", false}, {"a*c", "a*b*c", true}, {"a*b*b", "a*b", false}, {"*ab*", "*aab*", true}, {"*a?*", "*ab*",
			true}, {"*a?*", "*a*", false},
		{"a**b", "a*b", true}, {"a*b", "a**b", true}, {"*a*b*", "*b*a*b*", true}, {"*a*b*", "*b*a*", false},
		{"?", "\x00", true}, {"?", "\xff", true},
		{"*aa*", "*a?a*", false}, {"*a*a*", "*a?a*", true}, {"s3:Get*", "s3:Get*Tagging", true}, {"s3:*Object",
			"s3:GetObject", true},
	} {
		t.Run(tt.p+" includes "+tt.q, func(t *testing.T) {
			p, q := glob(tt.p), glob(tt.q)
			if got := p.includes(&q); got != tt.want {
				t.Errorf("%q includes %q: got %v", tt.p, tt.q, got)
			}
		})
	}
}

// TestIncludesLongPatterns has wildcards at every position of the words of bits that the comparison works with.
func TestIncludesLongPatterns(t *testing.T) {
	for n := range 140 {
		begin := strings.Repeat("a", n)
		p, q, other := glob(begin+"*b"), glob(begin+"*cb"), glob(begin+"*c")
		if !p.includes(&q) || p.includes(&other) {
			t.Errorf("after %d characters: includes = %v and %v, want true and false", n, p.includes(&q), p.includes(&other))
		}
	}
}

// TestKeys checks that keys are equal for equal patterns only, and hold no control character that separates keys.
func TestKeys(t *testing.T) {
	syntaxes := []syntax{{}, {wildcards: true}, {variables: true}, {wildcards: true, fold: foldCase}}
	r := newReader()
	var patterns []pattern
	for _, text := range []string{
		"", "a", "A", "k", "é", "É", "*", "**", "a*", "a**", "?", "a?", "*?", "**?",
		"* ", "** ", "0", " ", "\x00", "\x00\x00", "\x0042\x00", "\x00Z\x00",
		"\x01", "\x1f", "\x7f", "\x80", "\xff", "a\xff", "A\xff", "\ufffd", "\U0010ffff", "\U0010ff00",
		"${*}", "${?}", "${$}", "${a}", "${b}", "${a", "a${*}",
	} {
		for _, s := range syntaxes {
			patterns = append(patterns, r.read(text, s))
		}
	}
	for i, p := range patterns {
		for j, q := range patterns {
			if equal := slices.Equal(p.symbols, q.symbols); (p.key == q.key) != equal {
				t.Errorf("symbols %v and %v: keys %q and %q", p.symbols, q.symbols, p.key, q.key)
			}
			// Without wildcards, variables and folding every text is another one.
			if literal := i%len(syntaxes) == 0 && j%len(syntaxes) == 0; literal && p.key == q.key && i != j {
				t.Errorf("%q and %q have the same key", p.text, q.text)
			}
		}
		if strings.ContainsAny(p.key, "\x01\x02\x03\x04\x05") {
			t.Errorf("key %q of %q has a separator", p.key, p.text)
		}
	}
}

func TestResourceIncludes(t *testing.T) {
	for _, tt := range []struct {
		p, q string
		want bool
	}{
		{"*", "arn:aws:s3:::b", true}, {"arn:aws:s3*", "arn:aws:s3:::b", true}, {"arn:aws:s3:::*", "arn:aws:s3:::b/x:y",
			true},
		{"arn:*", "arn:aws:s3:::b", true}, {"arn:*:s3", "arn:aws:s3:::b:s3", false}, {"arn:*", "*", false},
		{"arn:aws:iam::*:role/*", "arn:aws:iam::1:role/a/b", true}, {"arn:aws:iam::*:role/*", "arn:aws:iam::1:user/a", false},
		{"arn:aws:iam:*:*:*", "arn:aws:iam::*:*", true}, {"arn:aws:iam::*:*", "arn:aws:iam:*:*:*", false},
		{"arn:aws:ec2:??:*:*", "arn:aws:ec2:eu:1:x", true}, {"arn:aws:ec2:*:1:*", "arn:aws:ec2:*:1:instance/*", true},
		{"arn:aws:s3:::b/*", "arn:aws:s3:::b*", false}, {"arn:aws:s3:::b*", "arn:aws:s3:::b/*", true},
		{"arn:aws:x:*:1:y", "arn:aws:x:${v}:1:y", false}, {"arn:aws:x:${v}:*:y", "arn:aws:x:${v}:1:y", true},
		{"arn:aws:x:::a*c", "arn:aws:x:::a:bc", true}, {"a*:b", "a", false},
		{"arn:aws:x:::*?", "arn:aws:x:::?*", true}, {"arn:aws:x:*?:1:y", "arn:aws:x:?*:1:y", false},
		{"arn:aws:x*", "arn:aws:x:${v}:1:y", true}, {"arn:aws:x:::*", "arn:aws:x:::${v}", true}, {"arn:aws:x:::${w}",
			"arn:aws:x:::${v}", false},
	} {
		t.Run(tt.p+" includes "+tt.q, func(t *testing.T) {
			r := newReader()
			s := syntax{wildcards: true, variables: true}
			p, q := newResource(r.read(tt.p, s)), newResource(r.read(tt.q, s))
			if got := p.includes(&q); got != tt.want {
				t.Errorf("%q includes %q: got %v", tt.p, tt.q, got)
			}
		})
	}
}

// globs are all patterns of up to n letters of an alphabet.
func globs(alphabet string, n int) []string {
	out, last := []string{""}, []string{""}
	for range n {
		var next []string
		for _, s := range last {
			for _, c := range alphabet {
				next = append(next, s+string(c))
			}
		}
		out, last = append(out, next...), next
	}
	return out
}

// TestInclusionIsExact compares inclusion and overlap with what the patterns
// match among all short texts, x being a letter that no pattern has.
func TestInclusionIsExact(t *testing.T) {
	texts := globs("abx", 6)
	patterns := globs("ab*?", 4)
	words := make([][]uint64, len(patterns))
	for i, p := range patterns {
		words[i] = make([]uint64, len(texts)/64+1)
		for j, text := range texts {
			if eval.Wildcard(p, text) {
				words[i][j/64] |= 1 << (j % 64)
			}
		}
	}
	for i := range patterns {
		p := glob(patterns[i])
		for j := range patterns {
			if !policytest.Slow() && (i*31+j)%7 != 0 {
				continue
			}
			q := glob(patterns[j])
			subset, common := true, false
			for w := range words[i] {
				subset = subset && words[j][w]&^words[i][w] == 0
				common = common || words[j][w]&words[i][w] != 0
			}
			if got := p.includes(&q); got != subset {
				t.Errorf("%q includes %q: got %v", patterns[i], patterns[j], got)
			}
			if got := overlaps(&p, &q); got != common && len(patterns[i])+len(patterns[j]) <= 6 {
				t.Errorf("%q overlaps %q: got %v", patterns[i], patterns[j], got)
			}
		}
	}
}

// TestInclusionIsBounded checks that the comparison of patterns made to be hard ends within the
// bound.
func TestInclusionIsBounded(t *testing.T) {
	for n := range 60 {
		p, q := glob(strings.Repeat("*a?", n)+"*b"), glob(strings.Repeat("?*a", n)+"*")
		p.includes(&q)
		q.includes(&p)
	}
	long := glob(strings.Repeat("a*", 2000))
	text := glob(strings.Repeat("a", 20000) + "b")
	if !long.includes(&text) {
		t.Error("it includes")
	}
}

// FuzzIncludes checks that what is matched by an included pattern is matched by
// the one that includes it, and that a shared text means overlap.
func FuzzIncludes(f *testing.F) {
	f.Add("a*b?c", "ab*bxc", "abxbxc")
	f.Add("*?*", "?", "é")
	f.Add("arn:aws:s3:::b*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/x")
	f.Add("*a*a", "\xff*aa", "\xffaa")
	f.Fuzz(func(t *testing.T, a, b, text string) {
		if len(a)+len(b)+len(text) > 300 {
			t.Skip()
		}
		p, q := glob(a), glob(b)
		inP, inQ := eval.Wildcard(a, text), eval.Wildcard(b, text)
		if p.includes(&q) && inQ && !inP {
			t.Errorf("%q includes %q, but only the latter matches %q", a, b, text)
		}
		if inP && inQ && !overlaps(&p, &q) {
			t.Errorf("%q and %q both match %q", a, b, text)
		}
		if (p.key == q.key) != fmtSymbols(p, q) {
			t.Errorf("keys of %q and %q", a, b)
		}
		words := strings.NewReplacer("*", text, "?", "é").Replace(b)
		if p.includes(&q) && !eval.Wildcard(a, words) {
			t.Errorf("%q includes %q, but not %q", a, b, words)
		}
	})
}

func fmtSymbols(p, q pattern) bool { return fmt.Sprint(p.symbols) == fmt.Sprint(q.symbols) }

func BenchmarkIncludes(b *testing.B) {
	var patterns []pattern
	for _, text := range globs("ab*?", 4) {
		p := glob(text + "x" + text)
		patterns = append(patterns, p)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		p, q := patterns[random.IntN(len(patterns))], patterns[random.IntN(len(patterns))]
		p.includes(&q)
	}
}
