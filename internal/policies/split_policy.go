package policies

import (
	"cmp"
	"slices"

	"permstack/internal/policies/schema"
)

// pack puts a policy's statements into as few documents as IAM's limit asks for.
// It keeps the page's order wherever that costs no document more, since a person
// reads it and a release that adds a statement then moves few others; else it
// takes whichever way needs the fewest. Every way is a function of the statements
// alone: the same choice is packed the same way everywhere.
func (s synthesis) pack(statements []schema.Statement) [][]schema.Statement {
	const room = MaxManagedPolicy
	sizes := make([]int, len(statements))
	kept := make([]int, 0, len(statements)) // those that grant something
	total := emptyDocument - 1
	for i, st := range statements {
		written := s.statements(st)
		if len(written) == 0 {
			continue // nothing that it names is selected
		}
		for _, w := range written {
			sizes[i] += statementSize(w) + 1 // the comma before it
		}
		kept = append(kept, i)
		total += sizes[i]
	}
	if total <= room {
		return [][]schema.Statement{statements}
	}
	// Each document spends emptyDocument, less the comma that its first
	// statement does not have.
	capacity := room - emptyDocument + 1
	parts := packFewest(sizes, kept, capacity)
	out := make([][]schema.Statement, len(parts))
	for i, part := range parts {
		for _, j := range part {
			out[i] = append(out[i], statements[j])
		}
	}
	return out
}

// packFewest tries the ways of packing, the most readable first, and stops at one
// that needs no more parts than the sizes do by themselves.
func packFewest(sizes, items []int, capacity int) [][]int {
	total := 0
	for _, i := range items {
		total += sizes[i]
	}
	bound := (total + capacity - 1) / capacity
	var best [][]int
	for _, way := range []func(sizes, items []int, capacity int) [][]int{nextFit, firstFit, firstFitDecreasing, bestFitDecreasing} {
		if parts := way(sizes, items, capacity); best == nil || len(parts) < len(best) {
			best = parts
		}
		if len(best) <= bound {
			break
		}
	}
	return best
}

// nextFit keeps the order: a new part where the next item does not fit.
func nextFit(sizes, items []int, capacity int) [][]int {
	var parts [][]int
	free := 0
	for _, i := range items {
		if len(parts) == 0 || sizes[i] > free {
			parts, free = append(parts, nil), capacity
		}
		last := len(parts) - 1
		parts[last], free = append(parts[last], i), free-sizes[i]
	}
	return parts
}

// firstFit puts each item into the first part that has room.
func firstFit(sizes, items []int, capacity int) [][]int {
	return fit(sizes, items, capacity, func(a, b int) bool { return false })
}

// firstFitDecreasing takes the largest items first.
func firstFitDecreasing(sizes, items []int, capacity int) [][]int {
	return inOrder(firstFit(sizes, decreasing(sizes, items), capacity))
}

// bestFitDecreasing puts each item where it leaves the least room.
func bestFitDecreasing(sizes, items []int, capacity int) [][]int {
	return inOrder(fit(sizes, decreasing(sizes, items), capacity, func(a, b int) bool { return a < b }))
}

// fit puts each item into the first part with room that no later one betters.
func fit(sizes, items []int, capacity int, better func(freeA, freeB int) bool) [][]int {
	var parts [][]int
	var free []int
	for _, i := range items {
		at := -1
		for p := range parts {
			if sizes[i] <= free[p] && (at < 0 || better(free[p], free[at])) {
				at = p
			}
		}
		if at < 0 {
			at, parts, free = len(parts), append(parts, nil), append(free, capacity)
		}
		parts[at], free[at] = append(parts[at], i), free[at]-sizes[i]
	}
	return parts
}

func decreasing(sizes, items []int) []int {
	sorted := slices.Clone(items)
	slices.SortStableFunc(sorted, func(a, b int) int { return cmp.Compare(sizes[b], sizes[a]) })
	return sorted
}

// inOrder gives each part the page's order back, and the parts that of their
// first statements.
func inOrder(parts [][]int) [][]int {
	for _, p := range parts {
		slices.Sort(p)
	}
	slices.SortFunc(parts, func(a, b []int) int { return cmp.Compare(a[0], b[0]) })
	return parts
}

// Pack puts items of some sizes into as few bins of a capacity as it can, in
// their order where that costs no bin more, and lists the items of each. The
// same sizes are always packed the same way. An item larger than a bin gets one
// physical its own.
func Pack(sizes []int, capacity int) [][]int {
	items := make([]int, len(sizes))
	for i := range items {
		items[i] = i
	}
	return packFewest(sizes, items, capacity)
}
