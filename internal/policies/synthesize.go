package policies

import "errors"

// Synthesize turns a selection into the set of roles, policies, topics and
// rules that it needs, and nothing else. It does no I/O: the same input gives
// the same set. Input that makes no sense is an *InputError that names every
// problem and the valid values.
func Synthesize(sel Selection, env Environment) (Set, error) {
	return Set{}, errors.New("not written yet")
}
