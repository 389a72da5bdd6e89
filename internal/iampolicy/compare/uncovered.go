package compare

import (
	"slices"
	"strings"
)

// otherGrants is the maximum number of grants of the other side that a change lists.
const otherGrants = 5

const (
	added   = false
	removed = true
)

// uncovered adds a change for each part of the blocks that the cover does not include. others holds the other side's
// blocks of the same effect, from which it follows what was widened or narrowed.
func (c *comparison) uncovered(blocks []*block, by, others *cover, direction Direction, isRemoved bool) {
	for _, b := range blocks {
		if by.same[b.key] {
			continue
		}
		rows := b.uncoveredRows(by)
		if len(rows) == 0 {
			continue
		}
		for i := range rows {
			rows[i].narrower = b.narrower(rows[i], others)
		}
		for _, group := range groupRows(rows) {
			c.changes = append(c.changes, b.change(group, direction, isRemoved))
		}
	}
}

// row is one action and one principal of a block, with the resources that are not covered for them.
type row struct {
	action    *element[pattern]
	principal *element[principal]
	resources []*element[resource]
	narrower  []*block
}

func (b *block) uncoveredRows(by *cover) []row {
	var out []row
	for a := range b.actions {
		for p := range b.principals {
			r := row{action: &b.actions[a], principal: &b.principals[p]}
			for i := range b.resources {
				x := combination{b.effect, r.principal, r.action, &b.resources[i], &b.conditions}
				if !by.covers(x) {
					r.resources = append(r.resources, x.resource)
				}
			}
			if len(r.resources) > 0 {
				out = append(out, r)
			}
		}
	}
	return out
}

// narrower returns the blocks of the other side with a combination that the row includes, and conditions that imply
// those of the row: at most otherGrants.
func (b *block) narrower(r row, others *cover) []*block {
	only := *b
	only.actions = []element[pattern]{*r.action}
	only.principals = []element[principal]{*r.principal}
	var out []*block
	consider := func(o *block) {
		if len(out) == otherGrants || !o.conditions.implies(&only.conditions) {
			return
		}
		for a := range o.actions {
			for p := range o.principals {
				for i := range o.resources {
					x := combination{o.effect, &o.principals[p], &o.actions[a], &o.resources[i], &o.conditions}
					if coversAction(only.actions, x) && others.coversPrincipal(&only, x) && coversResource(&only, x) {
						out = append(out, o)
						return
					}
				}
			}
		}
	}
	if !r.action.isExcept() && !r.action.item.wild {
		for _, o := range others.byAction[r.action.key] {
			consider(o)
		}
		return out
	}
	for _, o := range others.blocks {
		consider(o)
	}
	return out
}

// groupRows groups rows with equal resources, principals and narrower blocks, so that a change reads like the statement
// it results from.
func groupRows(rows []row) [][]row {
	index := map[string]int{}
	var out [][]row
	for _, r := range rows {
		var k strings.Builder
		k.WriteString(r.principal.key)
		for _, e := range r.resources {
			k.WriteString("\x04" + e.key)
		}
		for _, o := range r.narrower {
			k.WriteString("\x05" + o.key)
		}
		i, ok := index[k.String()]
		if !ok {
			i = len(out)
			index[k.String()] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], r)
	}
	return mergePrincipals(out)
}

// mergePrincipals merges groups that differ in the principal only.
func mergePrincipals(groups [][]row) [][]row {
	var out [][]row
	index := map[string]int{}
	for _, g := range groups {
		var k strings.Builder
		for _, r := range g {
			k.WriteString(r.action.key + "\x04")
		}
		for _, e := range g[0].resources {
			k.WriteString("\x05" + e.key)
		}
		for _, o := range g[0].narrower {
			k.WriteString("\x06" + o.key)
		}
		if i, ok := index[k.String()]; ok {
			out[i] = append(out[i], g...)
			continue
		}
		index[k.String()] = len(out)
		out = append(out, g)
	}
	return out
}

func (b *block) change(rows []row, direction Direction, isRemoved bool) Change {
	c := Change{Direction: direction, Kind: Added, Grant: Grant{Effect: b.effect, Conditions: b.written}}
	for _, r := range rows {
		c.addAction(r.action)
		c.addPrincipal(r.principal)
	}
	for _, r := range rows[0].resources {
		c.addResource(r)
	}
	narrower := rows[0].narrower
	switch {
	case len(narrower) > 0 && isRemoved:
		c.Kind = Narrowed
	case len(narrower) > 0:
		c.Kind = Widened
	case isRemoved:
		c.Kind = Removed
	}
	for _, o := range narrower {
		c.Other = append(c.Other, o.related(rows))
	}
	return c
}

// related returns the block as a grant, with those of its actions that the rows include.
func (o *block) related(rows []row) Grant {
	g := Grant{Effect: o.effect, Conditions: o.written}
	for i := range o.actions {
		e := &o.actions[i]
		if slices.ContainsFunc(rows, func(r row) bool {
			return coversAction([]element[pattern]{*r.action}, combination{action: e})
		}) {
			g.addAction(e)
		}
	}
	for i := range o.principals {
		g.addPrincipal(&o.principals[i])
	}
	for i := range o.resources {
		g.addResource(&o.resources[i])
	}
	return g
}

func (g *Grant) addAction(e *element[pattern]) {
	if e.isExcept() {
		g.NotActions = texts(e.except, func(p pattern) string { return p.text })
		return
	}
	g.Actions = addOnce(g.Actions, e.item.text)
}

func (g *Grant) addResource(e *element[resource]) {
	if e.isExcept() {
		g.NotResources = texts(e.except, func(r resource) string { return r.text })
		return
	}
	g.Resources = addOnce(g.Resources, e.item.text)
}

func (g *Grant) addPrincipal(e *element[principal]) {
	switch {
	case e.isExcept():
		g.NotPrincipals = texts(e.except, principal.String)
	case e.item != unnamed:
		g.Principals = addOnce(g.Principals, e.item.String())
	}
}

func addOnce(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

func texts[T any](items []T, text func(T) string) []string {
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = text(item)
	}
	return out
}
