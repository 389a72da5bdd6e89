package policies

import (
	"cmp"
	"slices"

	"permstack/internal/policies/schema"
)

// pack splits a policy's statements into as few documents as IAM's size limit allows. It keeps the profile's order if
// that needs no more documents, because people read it and a release that adds a statement then moves few others; else
// it uses the packing with the fewest documents. The result depends on the statements alone: called with the longest
// environment, the same selection is split the same way in every Region.
func (s synthesis) pack(statements []schema.Statement) [][]schema.Statement {
	sizes := make([]int, len(statements))
	kept := make([]int, 0, len(statements)) // indexes of the statements with a resource
	for i, st := range statements {
		written := s.statements(st)
		if len(written) == 0 {
			continue // nothing that it names is selected
		}
		for _, w := range written {
			sizes[i] += statementSize(w) + 1 // the comma before it
		}
		kept = append(kept, i)
	}
	// The first statement of a document has no comma before it.
	capacity := MaxManagedPolicy - emptyDocument + 1
	parts := packFewest(sizes, kept, capacity)
	out := make([][]schema.Statement, len(parts))
	for i, part := range parts {
		for _, j := range part {
			out[i] = append(out[i], statements[j])
		}
	}
	return out
}

// packFewest tries the packings, the most readable first, and returns the first one with the fewest parts.
func packFewest(sizes, items []int, capacity int) [][]int {
	var best [][]int
	for _, pack := range []func(sizes, items []int, capacity int) [][]int{
		nextFit, firstFit, firstFitDecreasing, bestFitDecreasing,
	} {
		if parts := pack(sizes, items, capacity); best == nil || len(parts) < len(best) {
			best = parts
		}
	}
	return best
}

// nextFit keeps the order and begins a new part when the next item does not fit.
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

// firstFit puts each item into the first part with enough space.
func firstFit(sizes, items []int, capacity int) [][]int {
	return fit(sizes, items, capacity, func(a, b int) bool { return false })
}

// firstFitDecreasing is firstFit for the items in decreasing size.
func firstFitDecreasing(sizes, items []int, capacity int) [][]int {
	return inOrder(firstFit(sizes, decreasing(sizes, items), capacity))
}

// bestFitDecreasing puts each item, in decreasing size, into the part in which it leaves the least space.
func bestFitDecreasing(sizes, items []int, capacity int) [][]int {
	return inOrder(fit(sizes, decreasing(sizes, items), capacity, func(a, b int) bool { return a < b }))
}

// fit puts each item into the best part with enough space, by better, or into a new one.
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

// inOrder restores the profile's order within each part, and orders the parts by their first items.
func inOrder(parts [][]int) [][]int {
	for _, p := range parts {
		slices.Sort(p)
	}
	slices.SortFunc(parts, func(a, b []int) int { return cmp.Compare(a[0], b[0]) })
	return parts
}

// Pack packs items of the given sizes into few bins of a capacity and returns the indexes of the items in each.
// It keeps their order if that needs no more bins. The result is deterministic. An item larger than the capacity
// has a bin of its own.
func Pack(sizes []int, capacity int) [][]int {
	items := make([]int, len(sizes))
	for i := range items {
		items[i] = i
	}
	return packFewest(sizes, items, capacity)
}
