package compare

import "slices"

// arnParts is the number of parts of an ARN:
// arn:partition:service:region:account:resource. The resource may hold colons.
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
		if len(p.text) == len(p.symbols) { // then a letter of one is a letter of the other
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

// includes says whether r names every resource that q names. AWS's pages differ
// on how far a wildcard reaches: within its part of the ARN, or past the colon
// where * ends the part ("IAM JSON policy elements: Resource", "Using wildcards
// in resource ARNs"). What is claimed here holds either way:
//
//   - part by part inclusion, with * at the end of a part of q only under * at
//     the end of that part of r;
//   - fewer parts in r ("*", "arn:aws:s3*") where its last one ends in *;
//   - a policy variable before the last part in the same words only, because its
//     value may hold a colon and shift the parts.
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

// isARN says whether the pattern is for whole ARNs.
func (r *resource) isARN() bool { return len(r.parts) == arnParts }
