package compare

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// value is one value of a condition in normal form. A value that its family cannot parse is unknown: it equals itself
// only.
type value struct {
	written string
	key     string
	unknown bool

	match    textMatch // text
	pattern  pattern
	resource resource // text, by ARN
	from, to bound    // number, date
	network  netip.Prefix
}

type textMatch int

const (
	exact textMatch = iota
	folded
	like
	byARN
)

func (r *reader) readValue(base string, f family, written string, variables bool) value {
	v := value{written: written, pattern: r.read(written, syntax{variables: variables})}
	known := true
	switch f {
	case text:
		r.readText(&v, base, variables)
		return v
	case boolean:
		v.pattern = r.read(written, syntax{variables: variables, fold: foldCase})
	case octets, opaque:
	case number, date:
		at := parseNumber(written)
		if f == date {
			at = parseDate(written)
		}
		if known = at != nil && !v.pattern.variable; known {
			v.from, v.to = interval(base, *at)
			v.key = v.from.key() + ".." + v.to.key()
			return v
		}
	case address:
		if v.network, known = parseNetwork(written); known {
			v.key = v.network.String()
			return v
		}
	case null:
		if v.key = strings.ToLower(written); v.key == "true" || v.key == "false" {
			return v
		}
		known = false
	}
	v.key, v.unknown = v.pattern.key, !known
	if v.unknown {
		v.key = "?\x00" + v.key
	}
	return v
}

// readText parses the value of a string or ARN operator. ArnEquals and ArnLike are the same ("ArnEquals and ArnLike
// behave identically"). An ARN pattern has six parts; a single * matches any ARN; what other patterns match is unknown.
func (r *reader) readText(v *value, base string, variables bool) {
	switch base {
	case "stringequalsignorecase":
		v.match = folded
		v.pattern = r.read(v.written, syntax{variables: variables, fold: foldCase})
	case "stringlike":
		v.match = like
		v.pattern = r.read(v.written, syntax{variables: variables, wildcards: true})
		if !v.pattern.wild {
			v.match = exact
		}
	case "arnlike", "arnequals":
		v.match = byARN
		v.pattern = r.read(v.written, syntax{variables: variables, wildcards: true})
		v.resource = newResource(v.pattern)
		v.unknown = !v.resource.isARN() && !v.pattern.isAll()
	}
	v.key = string('0'+rune(v.match)) + v.pattern.key
}

// includeAll reports whether the values of p include each of the values of q.
func includeAll(p, q []value) bool {
	for i := range q {
		v := &q[i]
		if slices.ContainsFunc(p, func(w value) bool { return w.includes(v) }) {
			continue
		}
		if !v.network.IsValid() || !coversNetwork(p, v.network) {
			return false
		}
	}
	return true
}

// includes reports whether w matches everything that v matches. Both are of one family.
func (w *value) includes(v *value) bool {
	switch {
	case w.key == v.key:
		return true
	case w.unknown || v.unknown:
		return false
	case w.network.IsValid():
		return w.network.Bits() <= v.network.Bits() && w.network.Contains(v.network.Addr())
	case w.from.set:
		return v.from.set && w.from.value.cmp(v.from.value) <= 0 && w.to.value.cmp(v.to.value) >= 0
	}
	return w.includesText(v)
}

// includesText compares texts of different operators: StringEqualsIgnoreCase includes StringEquals of the same text, a
// StringLike pattern includes the texts that it matches, and an equal ArnLike pattern, which is stricter about colons.
func (w *value) includesText(v *value) bool {
	switch w.match {
	case like:
		return w.pattern.isAll() || v.match != folded && w.pattern.includes(&v.pattern)
	case folded:
		return v.match == exact && slices.EqualFunc(w.pattern.symbols, v.pattern.symbols, func(a, b symbol) bool {
			return a == symbol(foldCase(rune(b))) // a variable stays as it is
		})
	case byARN:
		if v.match == byARN {
			return w.resource.includes(&v.resource)
		}
		if v.match != exact || v.pattern.variable {
			return false
		}
		arn := newResource(v.pattern)
		return arn.isARN() && w.resource.includes(&arn)
	default: // exact
		return v.match == byARN && !v.pattern.variable && w.pattern.key == v.pattern.key
	}
}

// coversNetwork reports whether networks together include n. It halves n until each half is within one of the networks,
// or none of them is within the half.
func coversNetwork(networks []value, n netip.Prefix) bool {
	within := false
	for _, v := range networks {
		if v.network.Bits() <= n.Bits() && v.network.Contains(n.Addr()) {
			return true
		}
		within = within || n.Contains(v.network.Addr())
	}
	if !within {
		return false
	}
	bits := n.Bits() + 1
	low := netip.PrefixFrom(n.Addr(), bits)
	raw := n.Addr().AsSlice()
	raw[(bits-1)/8] |= 1 << (7 - (bits-1)%8)
	high, _ := netip.AddrFromSlice(raw)
	return coversNetwork(networks, low) && coversNetwork(networks, netip.PrefixFrom(high, bits))
}

// parseNetwork returns the network that is written, or false. How AWS compares IPv4 addresses in the notation of IPv6
// is not documented.
func parseNetwork(s string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" && !a.Is4In6() {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	if p, err := netip.ParsePrefix(s); err == nil && !p.Addr().Is4In6() {
		return p.Masked(), true
	}
	return netip.Prefix{}, false
}

// decimal matches numbers short enough to be exact in any arithmetic.
var decimal = regexp.MustCompile(`^([+-]?[0-9]{1,12})(?:\.([0-9]{1,3}))?$`)

// parseNumber returns the number that is written, or nil.
func parseNumber(s string) *exactNumber {
	parts := decimal.FindStringSubmatch(s)
	if parts == nil {
		return nil
	}
	thousandths, err := strconv.ParseInt(parts[1]+(parts[2] + "000")[:3], 10, 64)
	if err != nil {
		return nil
	}
	return &exactNumber{thousandths: thousandths}
}

// parseDate parses the unambiguous formats: ISO 8601 to the day or the second, and seconds since 1970 with more than
// four digits. It returns nil for others.
func parseDate(s string) *exactNumber {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return &exactNumber{t.UnixMilli(), t.Nanosecond()}
		}
	}
	if len(s) > 4 && !strings.Contains(s, ".") && !strings.ContainsAny(s[:1], "+-") {
		return parseNumber(s)
	}
	return nil
}
