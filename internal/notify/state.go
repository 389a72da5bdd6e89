package notify

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"permstack/internal/notify/finding"
)

// State is what the runs before this one told. Times are kept to the minute.
type State struct {
	Known    []Known
	Overflow Overflow
	// Announced identifies the access that was last announced; see
	// permissionstack.GrantedHash.
	Announced string
	Lease     Lease
}

// Known is a finding that was told, or is about to be: see Ahead.
type Known struct {
	Key       Key
	FirstSeen time.Time
	Notified  time.Time
	// Label names the finding for the message that says it is resolved. It is
	// the first thing that is left out where space is short.
	Label string
}

// Key is a finding as the state keeps it: fingerprints.
type Key struct {
	ID        [8]byte // of the finding's ID
	Hash      [4]byte // of its values
	Resource  [3]byte // of stack and logical id
	Stack     [2]byte
	Direction byte // index in directions
}

// Overflow stands for findings that the state has no room for one by one. As
// long as the same ones are found again, nothing is news; when one of them
// comes, changes or goes, all of them are told anew, once.
type Overflow struct {
	Count     int
	Sum       uint64 // of the findings' fingerprints, without regard to order
	FirstSeen time.Time
	Notified  time.Time
}

// notYetNotified stands for Notified of a finding that nobody was told of yet.
var notYetNotified = time.Unix(0, 0).UTC()

// WithPending is what to save before a run puts right what it found: the findings of
// next that the state does not have, as ones that nobody was told of. Should the
// run die before it tells them, the next one tells what still stands as new, and
// what was put right meanwhile as resolved.
func (s State) WithPending(next State) State {
	told := map[[8]byte]Known{}
	for _, k := range s.Known {
		told[k.Key.ID] = k
	}
	out := next
	out.Known = slices.Clone(next.Known)
	for i, k := range out.Known {
		if was, ok := told[k.Key.ID]; !ok || was.Key.Hash != k.Key.Hash {
			out.Known[i].Notified = notYetNotified
		}
	}
	for _, k := range s.Known { // those that are resolved, and that nobody was told of either
		if !slices.ContainsFunc(next.Known, func(n Known) bool { return n.Key.ID == k.Key.ID }) {
			out.Known = append(out.Known, k)
		}
	}
	return out
}

// Lease says which run is at work, so that there are never two.
type Lease struct {
	Holder string // the invocation's request id
	Until  time.Time
}

// Held says whether somebody else than holder is at work.
func (l Lease) Held(holder string, now time.Time) bool {
	return l.Holder != "" && l.Holder != fitLabel(holder, maxHolder) && now.Before(l.Until)
}

func keyOf(f finding.Finding) Key {
	var k Key
	id, values := digest(f.ID), digest(f.Hash, string(f.Direction))
	resource, stack := digest(f.Stack, f.LogicalID), digest(f.Stack)
	copy(k.ID[:], id[:])
	copy(k.Hash[:], values[:])
	copy(k.Resource[:], resource[:])
	copy(k.Stack[:], stack[:])
	k.Direction = byte(rank(f.Direction))
	return k
}

func (k Key) direction() finding.Direction {
	if int(k.Direction) >= len(directions) {
		return finding.Changed
	}
	return directions[k.Direction]
}

// sum is the finding's share in Overflow.Sum.
func (k Key) sum() uint64 {
	d := sha256.Sum256(slices.Concat(k.ID[:], k.Hash[:]))
	return binary.BigEndian.Uint64(d[:])
}

func digest(parts ...string) [sha256.Size]byte {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// labelOf names a finding for people, shortly.
func labelOf(f finding.Finding) string {
	label := f.LogicalID + ": " + kindText(f.Kind)
	if f.Subject != "" {
		label += ": " + f.Subject
	}
	return fitLabel(label, maxLabel)
}

// FirstState is what the template writes where a State is to be kept.
const FirstState = "{}"
