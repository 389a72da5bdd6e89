package compare

import "slices"

// arnParts is the number of parts of an ARN:
// arn:partition:service:region:account:resource. The resource may contain colons.
const arnParts = 6

// resource is a Resource pattern, cut at its first five colons.
type resource struct {
	pattern
	parts []pattern
}

func newResource(p pattern) resource {
	r := resource{pattern: p, parts: make([]pattern, 0, arnParts)}
	begin := 0
	add := func(end int) {
		var text string
		if len(p.text) == len(p.symbols) { // then each byte of the text is one symbol
			text = p.text[begin:end]
		}
		r.parts = append(r.parts, newPattern(text, p.symbols[begin:end]))
		begin = end + 1
	}
	for len(r.parts) < arnParts-1 {
		i := slices.Index(p.symbols[begin:], ':')
		if i < 0 {
			break
		}
		add(begin + i)
	}
	add(len(p.symbols))
	return r
}

// includes reports whether r matches every resource that q matches. AWS's documentation is not consistent about a
// wildcard's range: within its part of the ARN, or past the colon if * ends the part ("IAM JSON policy elements:
// Resource", "Using wildcards in resource ARNs"). The result is correct either way:
//
//   - inclusion is checked part by part; if a part of q ends in *, that part of r must end in * too;
//   - r may have fewer parts ("*", "arn:aws:s3*") if its last one ends in *;
//   - parts before the last one with a policy variable must be equal, because the variable's value may contain a colon
//     and shift the parts.
func (r *resource) includes(q *resource) bool {
	if r.key == q.key || r.isAll() {
		return true
	}
	last := len(r.parts) - 1
	if last > len(q.parts)-1 || last < len(q.parts)-1 && !r.parts[last].endsInStar() {
		return false
	}
	for i := range r.parts {
		a, b := &r.parts[i], &q.parts[i]
		switch {
		case i < last && (a.variable || b.variable) && a.key != b.key:
			return false
		case i < arnParts-1 && b.endsInStar() && !a.endsInStar():
			return false
		case !a.includes(b):
			return false
		}
	}
	return true
}

// isARN reports whether the pattern has all parts of an ARN.
func (r *resource) isARN() bool { return len(r.parts) == arnParts }
