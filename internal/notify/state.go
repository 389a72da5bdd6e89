package notify

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"permstack/internal/notify/finding"
	"permstack/internal/notify/wording"
)

// State is what earlier runs reported. Times have a resolution of a minute.
type State struct {
	Known    []Known
	Overflow Overflow
	// Announced is the hash of the access that was last announced, see
	// permissionstack.GrantedHash.
	Announced string
	Lease     Lease
	// InProgress are hashes of the ids of the stacks that the last run could not reach
	// because CloudFormation was working on them.
	InProgress []string
	// RestoreEnded is the end of the restore window whose passing was last announced, in
	// RFC 3339; "" if there is no window.
	RestoreEnded string
	// Audited is when the audit of the account was last completed; zero if it never was.
	Audited time.Time
	// Hub is a hash of the Organization's topic that findings are also sent to; "" if
	// there is none.
	Hub string
	// Choices are those of the parent stack that were last announced; nil if there are
	// none yet. Long values are truncated and end with a hash.
	Choices []finding.Choice
}

// maxChoice is the longest value of a choice in the state, in bytes: the ARN of a
// role fits.
const maxChoice = 128

// Choice returns the value of a choice that was last announced; "" if there is none.
func (s State) Choice(name string) string {
	for _, c := range s.Choices {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// storedChoices returns choices with values that fit into the state.
func storedChoices(list []finding.Choice) []finding.Choice {
	out := slices.Clone(list)
	for i := range out {
		if v := out[i].Value; len(v) > maxChoice {
			out[i].Value = fitLabel(v, maxChoice-12) + "… " + stackHash(v)
		}
	}
	return out
}

// WasInProgress reports whether the last run could not reach a stack because
// CloudFormation was working on it.
func (s State) WasInProgress(stackID string) bool {
	return slices.Contains(s.InProgress, stackHash(stackID))
}

// Knows reports whether a finding about a resource was reported and is not resolved.
func (s State) Knows(stack, logicalID string) bool {
	key := newKey(finding.Finding{Stack: stack, LogicalID: logicalID})
	return slices.ContainsFunc(s.Known, func(k Known) bool { return k.Key.Resource == key.Resource })
}

// Known is a finding that was reported, or is to be: see State.WithPending.
type Known struct {
	Key       Key
	FirstSeen time.Time
	Notified  time.Time
	// Label names the finding in the message that reports it as resolved. Labels
	// are the first to be left out if space is short.
	Label string
	// HubPending findings have yet to be sent to State.Hub.
	HubPending bool
}

// Key identifies a finding in the state by hashes.
type Key struct {
	ID        [8]byte // of the finding's ID
	Hash      [4]byte // of its values
	Resource  [3]byte // of stack and logical id
	Stack     [2]byte
	Direction byte // index in directions
}

// Overflow is the findings that the state has no space for one by one. While the
// same ones are found they are not reported; when one of them is added, changes or
// is resolved, all of them are reported again, once.
type Overflow struct {
	Count     int
	Sum       uint64 // of the findings' hashes, in any order
	FirstSeen time.Time
	Notified  time.Time
	// HubPending is set if any of the findings has yet to be sent to State.Hub.
	HubPending bool
}

// notYetNotified is the Notified of a finding that was not reported yet.
var notYetNotified = time.Unix(0, 0).UTC()

// clockSkew is how much two runs' clocks may differ.
const clockSkew = 10 * time.Minute

// Validate returns an error if the state was not written by a run: its times are in
// the future, or its lease ends later than that of a run that begins now. Whoever
// writes such times would otherwise hide findings, or make every run fail.
func (s State) Validate(now, longestLease time.Time) error {
	latest := now.Add(clockSkew)
	for _, k := range s.Known {
		if k.FirstSeen.After(latest) || k.Notified.After(latest) {
			return fmt.Errorf("a finding was reported at %s, which is in the future", k.Notified.Format(time.RFC3339))
		}
	}
	if s.Audited.After(latest) {
		return fmt.Errorf("the account was audited at %s, which is in the future", s.Audited.Format(time.RFC3339))
	}
	if s.Overflow.FirstSeen.After(latest) || s.Overflow.Notified.After(latest) {
		return errors.New("findings were reported in the future")
	}
	if s.Lease.Until.After(longestLease.Add(clockSkew)) {
		return fmt.Errorf("the lease of a run ends at %s, later than any run", s.Lease.Until.Format(time.RFC3339))
	}
	return nil
}

// WithPending returns the state to save before a run reverts what it found: it
// adds the findings of next that s does not have as not yet notified. If the run
// dies before it reports them, the next run reports those that are still open as
// new, and those that were reverted as resolved.
func (s State) WithPending(next State) State {
	known := map[[8]byte]Known{}
	for _, k := range s.Known {
		known[k.Key.ID] = k
	}
	out := next
	out.Choices = s.Choices // the change of a choice is not reported yet
	out.Known = slices.Clone(next.Known)
	for i, k := range out.Known {
		if before, ok := known[k.Key.ID]; !ok || before.Key.Hash != k.Key.Hash {
			out.Known[i].Notified = notYetNotified
		}
	}
	for _, k := range s.Known { // resolved, which is not reported yet either
		if !slices.ContainsFunc(next.Known, func(n Known) bool { return n.Key.ID == k.Key.ID }) {
			out.Known = append(out.Known, k)
		}
	}
	return out
}

// Lease identifies the run that is in progress, so that there are never two.
type Lease struct {
	Holder string // the invocation's request id
	Until  time.Time
}

// Held reports whether another holder's run is in progress.
func (l Lease) Held(holder string, now time.Time) bool {
	return l.Holder != "" && l.Holder != fitLabel(holder, maxHolder) && now.Before(l.Until)
}

func newKey(f finding.Finding) Key {
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

// sum returns the finding's summand in Overflow.Sum.
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

// newLabel returns a short name of a finding.
func newLabel(f finding.Finding) string {
	return fitLabel(f.LogicalID+": "+wording.Title(f.Kind, ": ", f.Subject), maxLabel)
}

// FirstState is the value of the parameter in the template, before the first run.
const FirstState = "{}"
