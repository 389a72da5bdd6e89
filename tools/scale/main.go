// Scale computes what permstack costs, how long it takes and what breaks first
// in one account and in a large Organization, from AWS's documented quotas and
// prices and from measurements of our own. docs/scale.md holds what it prints,
// between two marks; a test holds the document.
//
//	go run ./tools/scale            print the tables
//	go run ./tools/scale -write     write them into docs/scale.md
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
)

const (
	document = "docs/scale.md"
	begin    = "<!-- numbers: go run ./tools/scale -write -->\n"
	end      = "<!-- end of numbers -->\n"
)

func main() {
	write := flag.Bool("write", false, "write the numbers into "+document)
	flag.Parse()
	if !*write {
		os.Stdout.Write(numbers())
		return
	}
	data, err := os.ReadFile(document)
	if err == nil {
		if data, err = replace(data, numbers()); err == nil {
			err = os.WriteFile(document, data, 0o600)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

// replace puts the numbers between the marks of the document.
func replace(data, numbers []byte) ([]byte, error) {
	before, rest, ok := bytes.Cut(data, []byte(begin))
	_, after, alsoOK := bytes.Cut(rest, []byte(end))
	if !ok || !alsoOK {
		return nil, fmt.Errorf("%s lacks the marks %q and %q", document, begin, end)
	}
	return bytes.Join([][]byte{before, after}, append(append([]byte(begin), numbers...), end...)), nil
}

// numbers are all tables.
func numbers() []byte {
	var b bytes.Buffer
	small := place{name: "one account, one Region", accounts: 1, regions: 1}
	large := place{name: "10,000 accounts, 17 Regions", accounts: 10_000, regions: 17}
	limits(&b, large)
	rollOut(&b, large)
	badDay(&b, large)
	costs(&b, small, place{name: "10,000 accounts, one Region", accounts: 10_000, regions: 1}, large)
	return b.Bytes()
}

// place is how much there is of everything.
type place struct {
	name              string
	accounts, regions int
}

func (p place) stacks() int { return p.accounts * p.regions }

// table writes Markdown.
func table(b *bytes.Buffer, title string, rows ...[]string) {
	fmt.Fprintf(b, "### %s\n\n", title)
	for i, row := range rows {
		fmt.Fprintln(b, "| "+strings.Join(row, " | ")+" |")
		if i == 0 {
			fmt.Fprintln(b, "|"+strings.Repeat("---|", len(row)))
		}
	}
	fmt.Fprintln(b)
}

// grouped writes 170000 as 170,000.
func grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func dollars(v float64) string {
	if v >= 1000 {
		return "$" + grouped(int(v+0.5))
	}
	if v < 0.005 {
		return fmt.Sprintf("$%.4f", v)
	}
	return fmt.Sprintf("$%.2f", v)
}
