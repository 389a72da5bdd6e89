package compare

import (
	"cmp"
	"strconv"
	"strings"
)

// exactNumber is a number, or a time in seconds. Big numbers are not needed, and package math/big would make the review
// page larger.
type exactNumber struct {
	thousandths int64
	billionths  int // of a time: what is below a second, to order times of the same thousandth
}

func (n exactNumber) cmp(o exactNumber) int {
	return cmp.Or(cmp.Compare(n.thousandths, o.thousandths), cmp.Compare(n.billionths, o.billionths))
}

func (n exactNumber) key() string {
	return strconv.FormatInt(n.thousandths, 10) + "," + strconv.Itoa(n.billionths)
}

// bound is one end of an interval of numbers or times.
type bound struct {
	set   bool
	value position
}

// position is a point on the number line: just before, at or just after a number, or one of the two ends.
type position struct {
	end  int // -1, +1: an end of the line
	at   exactNumber
	near int // -1: just before, +1: just after
}

func (p position) cmp(q position) int {
	switch {
	case p.end != 0 || q.end != 0:
		return p.end - q.end
	case p.at != q.at:
		return p.at.cmp(q.at)
	}
	return p.near - q.near
}

func (b bound) key() string {
	if b.value.end != 0 {
		return "all"
	}
	return b.value.at.key() + string("-0+"[b.value.near+1])
}

// interval returns the interval of values that meet a comparison operator with a number.
func interval(operator string, at exactNumber) (from, to bound) {
	from, to = bound{true, position{at: at}}, bound{true, position{at: at}}
	switch {
	case strings.HasSuffix(operator, "lessthan"):
		from.value, to.value.near = position{end: -1}, -1
	case strings.HasSuffix(operator, "lessthanequals"):
		from.value = position{end: -1}
	case strings.HasSuffix(operator, "greaterthan"):
		from.value.near, to.value = 1, position{end: 1}
	case strings.HasSuffix(operator, "greaterthanequals"):
		to.value = position{end: 1}
	}
	return from, to
}
