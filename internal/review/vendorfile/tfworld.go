package vendorfile

import "maps"

// maxWorlds is the number of combinations of open conditions in one statement or resource that are evaluated.
const maxWorlds = 64

// world is an assumption for every open condition that an evaluation met.
type world struct {
	assumed map[string]bool
	asked   []string // conditions that were assumed to hold, in this order
	locals  map[string]any
	// union is set if there are too many combinations: a list then has the items of both branches of a condition.
	union bool
}

func newWorld() *world { return &world{assumed: map[string]bool{}, locals: map[string]any{}} }

// assume returns the assumption for a condition; a new condition holds.
func (w *world) assume(condition string) bool {
	value, ok := w.assumed[condition]
	if !ok {
		w.assumed[condition], value = true, true
		w.asked = append(w.asked, condition)
	}
	return value
}

// inWorlds calls evaluate with every combination of the conditions that it assumes. union is set for all calls if there
// are too many combinations; it returns false if there are too many even so.
func inWorlds(evaluate func(w *world)) bool {
	return explore(evaluate, false) || explore(evaluate, true)
}

func explore(evaluate func(w *world), union bool) bool {
	next := []map[string]bool{{}}
	for n := 0; len(next) > 0; n++ {
		if n == maxWorlds {
			return false
		}
		w := newWorld()
		w.union, w.assumed = union, next[len(next)-1]
		next = next[:len(next)-1]
		before := maps.Clone(w.assumed)
		evaluate(w)
		for _, condition := range w.asked {
			other := maps.Clone(before)
			other[condition] = false
			next = append(next, other)
			before[condition] = true
		}
	}
	return true
}
