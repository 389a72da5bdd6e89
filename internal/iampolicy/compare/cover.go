package compare

import (
	"encoding/binary"
	"slices"
)

// coverSteps limits the steps for one combination that no single block covers, and for one set of conditions. Beyond
// the limit they count as not covered.
const coverSteps = 400

// combination is one principal, one action and one resource of a block, with the block's conditions.
type combination struct {
	effect     string
	principal  *element[principal]
	action     *element[pattern]
	resource   *element[resource]
	conditions *conditions
}

// cover is a set of blocks, indexed to find those that cover a combination.
type cover struct {
	owner    string
	blocks   []*block
	same     map[string]bool     // block key
	byAction map[string][]*block // blocks that name this action without wildcards
	wild     []wildcards
	met      map[string]bool // results of meets, by the ids of the conditions
}

// wildcards holds a block and those of its elements that match several actions: with wildcards, or from NotAction.
type wildcards struct {
	block   *block
	actions []element[pattern]
}

func newCover(owner string, blocks []*block) *cover {
	c := &cover{
		owner: owner, blocks: blocks, same: map[string]bool{}, byAction: map[string][]*block{}, met: map[string]bool{},
	}
	for _, b := range blocks {
		c.same[b.key] = true
		var wild []element[pattern]
		for _, e := range b.actions {
			if e.isExcept() || e.item.wild {
				wild = append(wild, e)
				continue
			}
			c.byAction[e.key] = append(c.byAction[e.key], b)
		}
		if wild != nil {
			c.wild = append(c.wild, wildcards{b, wild})
		}
	}
	return c
}

// covers reports whether the blocks together apply to every request that the combination applies to.
func (c *cover) covers(x combination) bool {
	left := coverSteps
	return c.search(x, &left, 0)
}

func (c *cover) search(x combination, left *int, depth int) bool {
	if c.meets(x.conditions, c.near(x)) {
		return true
	}
	if *left--; *left <= 0 || depth > 3 {
		return false
	}
	return c.byParts(x, left, depth)
}

// near returns the blocks that cover the combination if conditions are ignored.
func (c *cover) near(x combination) []*block {
	var out []*block
	for _, b := range c.byAction[x.action.key] {
		if c.coversPrincipal(b, x) && coversResource(b, x) {
			out = append(out, b)
		}
	}
	for _, w := range c.wild {
		if coversAction(w.actions, x) && c.coversPrincipal(w.block, x) && coversResource(w.block, x) {
			out = append(out, w.block)
		}
	}
	return out
}

// meets reports whether every request that meets the conditions meets those of one of the blocks, as a whole or value
// by value. The actions of a statement mostly have the same blocks, so results are cached.
func (c *cover) meets(x *conditions, blocks []*block) bool {
	if len(blocks) == 0 {
		return false
	}
	k := binary.AppendUvarint(make([]byte, 0, 16), uint64(x.id))
	for _, b := range blocks {
		k = binary.AppendUvarint(k, uint64(b.conditions.id))
	}
	answer, ok := c.met[string(k)]
	if !ok {
		left := coverSteps
		answer = meetsByValue(x, blocks, &left)
		c.met[string(k)] = answer
	}
	return answer
}

func meetsByValue(x *conditions, blocks []*block, left *int) bool {
	if slices.ContainsFunc(blocks, func(b *block) bool { return x.implies(&b.conditions) }) {
		return true
	}
	for i := range x.predicates {
		if *left--; *left < 0 {
			return false
		}
		if each(x.split(i), func(part *conditions) bool { return meetsByValue(part, blocks, left) }) {
			return true
		}
	}
	return false
}

// byParts reports whether a block with NotAction or NotResource covers the combination except for some actions or
// resources, and other blocks cover those.
func (c *cover) byParts(x combination, left *int, depth int) bool {
	return slices.ContainsFunc(c.blocks, func(b *block) bool {
		if !b.actions[0].isExcept() && !b.resources[0].isExcept() || !c.meets(x.conditions, []*block{b}) ||
			!c.coversPrincipal(b, x) {
			return false
		}
		switch byAction, byResource := coversAction(b.actions, x), coversResource(b, x); {
		case byResource && b.actions[0].isExcept():
			return each(
				missing(b.actions[0].except, x.action, patternIncludes, patternsOverlap, patternUnknown, patternKey),
				func(e *element[pattern]) bool {
					part := x
					part.action = e
					return c.search(part, left, depth+1)
				},
			)
		case byAction && b.resources[0].isExcept():
			return each(
				missing(b.resources[0].except, x.resource, resourceIncludes, resourcesOverlap, resourceUnknown, resourceKey),
				func(e *element[resource]) bool {
					part := x
					part.resource = e
					return c.search(part, left, depth+1)
				},
			)
		}
		return false
	})
}

// each reports whether items is not nil and f is true for all of them.
func each[T any](items []T, f func(*T) bool) bool {
	if items == nil {
		return false
	}
	for i := range items {
		if !f(&items[i]) {
			return false
		}
	}
	return true
}

// missing returns the part of e that "everything but except" does not include, or somewhat more than it. It returns nil
// if that part is e itself or depends on a policy variable, so that splitting e does not help.
func missing[T any](
	except []T,
	e *element[T],
	includes, overlap func(a, b *T) bool,
	unknown func(*T) bool,
	key func(*T) string,
) []element[T] {
	out := []element[T]{}
	for i := range except {
		n := &except[i]
		switch {
		case unknown(n):
			return nil
		case e.isExcept():
			if slices.ContainsFunc(e.except, func(m T) bool { return includes(&m, n) }) {
				continue
			}
		case !overlap(n, &e.item):
			continue
		case includes(n, &e.item):
			return nil
		}
		out = append(out, element[T]{item: *n, key: key(n)})
	}
	return out
}

// coversPrincipal reports whether a principal of the block includes that of x. A NotPrincipal element includes another
// one that excludes at least the same principals. Nothing else is claimed for NotPrincipal, because AWS documents that
// its effect depends on accounts, roles and sessions ("NotPrincipal").
func (c *cover) coversPrincipal(b *block, x combination) bool {
	return slices.ContainsFunc(b.principals, func(p element[principal]) bool {
		switch {
		case p.key == x.principal.key:
			return true
		case p.isExcept() && x.principal.isExcept():
			return !slices.ContainsFunc(p.except, func(n principal) bool { return !slices.Contains(x.principal.except, n) })
		case p.isExcept():
			return false
		case x.principal.isExcept():
			return p.item.kind == everyone
		}
		return p.item.includes(x.principal.item, b.effect, c.owner)
	})
}

func coversAction(actions []element[pattern], x combination) bool {
	return covers(actions, x.action, patternIncludes, patternsOverlap, (*pattern).isAll, patternUnknown)
}

func coversResource(b *block, x combination) bool {
	return covers(b.resources, x.resource, resourceIncludes, resourcesOverlap,
		resourceIsAll, resourceUnknown)
}

// covers reports whether one of the elements includes e. If a policy variable has no value, AWS may ignore the whole
// statement, so an exception with a variable includes the same exception only.
func covers[T any](
	elements []element[T],
	e *element[T],
	includes, overlap func(a, b *T) bool,
	isAll, unknown func(*T) bool,
) bool {
	for i := range elements {
		p := &elements[i]
		switch {
		case p.key == e.key:
			return true
		case p.isExcept() && e.isExcept():
			if !slices.ContainsFunc(p.except, func(n T) bool {
				return !slices.ContainsFunc(e.except,
					func(m T) bool { return includes(&m, &n) && (!unknown(&n) || includes(&n, &m)) })
			}) {
				return true
			}
		case p.isExcept():
			if !slices.ContainsFunc(p.except, func(n T) bool { return unknown(&n) || overlap(&n, &e.item) }) {
				return true
			}
		case e.isExcept():
			if isAll(&p.item) {
				return true
			}
		case includes(&p.item, &e.item):
			return true
		}
	}
	return false
}

func patternIncludes(a, b *pattern) bool   { return a.includes(b) }
func patternsOverlap(a, b *pattern) bool   { return overlaps(a, b) }
func patternUnknown(*pattern) bool         { return false }
func patternKey(p *pattern) string         { return p.key }
func resourceIncludes(a, b *resource) bool { return a.includes(b) }
func resourcesOverlap(a, b *resource) bool { return overlaps(&a.pattern, &b.pattern) }
func resourceUnknown(r *resource) bool     { return r.variable }
func resourceIsAll(r *resource) bool       { return r.isAll() }
func resourceKey(r *resource) string       { return r.key }
