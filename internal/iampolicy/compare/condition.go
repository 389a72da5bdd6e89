package compare

import (
	"slices"
	"strconv"
	"strings"

	"permstack/internal/iampolicy"
)

// mode is how an operator treats a key's values and a missing key. The comments say what a missing key evaluates to.
type mode int

const (
	plain         mode = iota // missing: false, or true if negated
	ifExists                  // missing: true
	forAll                    // missing: true
	forAny                    // missing: false
	forAnyIfExist             // missing: AWS's documentation and its behaviour differ, so it equals itself only
)

// predicate is one operator on one condition key, values in normal form.
type predicate struct {
	operator string // as written, for messages
	name     string // condition key, lower case
	mode     mode
	negated  bool
	family   family
	values   []value
	key      string
}

// conditions is a Condition element: all predicates must be met.
type conditions struct {
	predicates []predicate
	key        string
	id         int // equal if the keys are equal; not set in the results of split
}

// readConditions converts a Condition element to its normal form. A negated operator with several values excludes each
// of them, so it becomes one predicate for each value.
func (r *reader) readConditions(element iampolicy.Conditions, variables bool) conditions {
	var c conditions
	for operator, keys := range element {
		for name, values := range keys {
			p := predicate{operator: operator, name: strings.ToLower(name)}
			var base string
			base, p.mode, p.negated, p.family = readOperator(operator)
			for _, v := range values {
				p.values = append(p.values, r.readValue(base, p.family, v, variables))
			}
			if len(values) == 0 && p.family == null {
				p.family = opaque
			}
			sortValues(&p)
			switch {
			case p.isAlwaysTrue():
			case p.negated && (p.mode == plain || p.mode == forAll):
				for _, v := range p.values {
					single := p
					single.values = []value{v}
					c.predicates = append(c.predicates, single)
				}
			default:
				c.predicates = append(c.predicates, p)
			}
		}
	}
	c = c.normal()
	id, ok := r.conditions[c.key]
	if !ok {
		id = len(r.conditions)
		r.conditions[c.key] = id
	}
	c.id = id
	return c
}

// normal sorts the predicates, removes duplicates and sets the keys.
func (c conditions) normal() conditions {
	for i := range c.predicates {
		c.predicates[i].key = c.predicates[i].makeKey()
	}
	slices.SortFunc(c.predicates, func(a, b predicate) int { return strings.Compare(a.key, b.key) })
	c.predicates = slices.CompactFunc(c.predicates, func(a, b predicate) bool { return a.key == b.key })
	var b strings.Builder
	for _, p := range c.predicates {
		b.WriteString(p.key)
		b.WriteByte('\x01')
	}
	c.key = b.String()
	return c
}

func sortValues(p *predicate) {
	slices.SortFunc(p.values, func(a, b value) int { return strings.Compare(a.key, b.key) })
	p.values = slices.CompactFunc(p.values, func(a, b value) bool { return a.key == b.key })
}

// isAlwaysTrue reports whether every request meets the predicate because the key may be both present and absent.
func (p *predicate) isAlwaysTrue() bool {
	return p.family == null && len(p.values) == 2 && p.values[0].key == "false" && p.values[1].key == "true"
}

func (p *predicate) makeKey() string {
	var b strings.Builder
	b.WriteString(strconv.Quote(p.name)) // without control characters, which separate what follows
	b.WriteByte('\x02')
	b.WriteByte('0' + byte(p.mode))
	b.WriteByte('0' + byte(p.family))
	if p.negated {
		b.WriteByte('!')
	}
	if p.family == opaque {
		b.WriteString(strconv.Quote(strings.ToLower(p.operator)))
	}
	for _, v := range p.values {
		b.WriteByte('\x02')
		b.WriteString(v.key)
	}
	return b.String()
}

// implies reports whether every request that meets c meets d too.
func (c *conditions) implies(d *conditions) bool {
	for i := range d.predicates {
		if !slices.ContainsFunc(c.predicates, func(p predicate) bool { return p.implies(&d.predicates[i]) }) {
			return false
		}
	}
	return true
}

// implies reports whether every request that meets p meets q too ("IAM JSON policy elements: Condition operators"):
//
//   - more values widen a positive operator and narrow a negated one;
//   - IfExists is wider than the plain operator; of a negated operator it is the
//     same, for that is met by a missing key anyway;
//   - ForAllValues and ForAnyValue compare with the same prefix only;
//   - a positive operator requires the key to be present, which is Null "false"; Null "true" implies what a missing
//     key meets.
func (p *predicate) implies(q *predicate) bool {
	switch {
	case p.name != q.name:
		return false
	case p.key == q.key:
		return true
	case p.family == opaque || q.family == opaque:
		return false
	case q.family == null:
		return p.family != null && q.values[0].key == "false" && !p.negated && (p.mode == plain || p.mode == forAny)
	case p.family == null:
		return p.values[0].key == "true" && (q.mode == forAll || q.mode == plain && q.negated)
	case p.negated != q.negated || p.family != q.family:
		return false
	case p.mode != q.mode && !(p.mode == plain && q.mode == ifExists) && !(p.mode == forAny && q.mode == forAnyIfExist):
		return false
	case p.negated:
		for _, v := range q.values { // a variable without a value may invalidate the operator
			if v.pattern.variable && !slices.ContainsFunc(p.values, func(w value) bool { return w.key == v.key }) {
				return false
			}
		}
		return includeAll(p.values, q.values)
	}
	return includeAll(q.values, p.values)
}

// split returns one copy of the conditions for each value of the i-th predicate. Together they are met exactly when c
// is met, because any of its values meets a positive operator. It returns nil for a predicate that cannot be split.
func (c *conditions) split(i int) []conditions {
	p := &c.predicates[i]
	if p.negated || p.mode == forAll || p.family == null || p.family == opaque || len(p.values) < 2 {
		return nil
	}
	out := make([]conditions, len(p.values))
	for n, v := range p.values {
		predicates := slices.Clone(c.predicates)
		predicates[i].values = []value{v}
		predicates[i].key = predicates[i].makeKey()
		out[n] = conditions{predicates: predicates}
	}
	return out
}
