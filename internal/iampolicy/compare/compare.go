package compare

import (
	"fmt"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
)

// Direction is the result of a comparison: whether more or less access is granted.
type Direction int

const (
	// Same is a proof that every request has the same decision.
	Same Direction = iota
	// GrantsMore is a proof that no access was removed, while some may have been added.
	GrantsMore
	// GrantsLess is a proof that no access was added, while some may have been removed.
	GrantsLess
	// Changed means that access was both added and removed, or that the comparison could not be decided.
	Changed
)

var directions = [...]string{"same", "grants more", "grants less", "changed"}

func (d Direction) String() string {
	if d < Same || d > Changed {
		return fmt.Sprintf("Direction(%d)", int(d))
	}
	return directions[d]
}

// MarshalText implements encoding.TextMarshaler: "same", "grants more", "grants less" or "changed".
func (d Direction) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText parses the text that MarshalText returns.
func (d *Direction) UnmarshalText(text []byte) error {
	i := slices.Index(directions[:], string(text))
	if i < 0 {
		return fmt.Errorf("unknown direction %q: want one of %s", text, strings.Join(directions[:], ", "))
	}
	*d = Direction(i)
	return nil
}

// Join returns the direction of two changes taken together.
func (d Direction) Join(e Direction) Direction {
	switch {
	case d == e || e == Same:
		return d
	case d == Same:
		return e
	}
	return Changed
}

// Difference is the result of Compare.
type Difference struct {
	Direction Direction `json:"direction"`
	Changes   []Change  `json:"changes,omitempty"`
}

// An Option sets a fact for Compare that the documents do not contain.
type Option func(*options)

type options struct{ owner string }

// InAccount sets the account (12 digits) that the documents belong to. Without it, a trust policy that changes from a
// role of an account to that whole account, or back, is Changed: within the owner's account a role that is named itself
// needs no permission of its own, and a role of an account that is named does.
func InAccount(id string) Option { return func(o *options) { o.owner = id } }

// Compare returns what the documents have grant more or less than the documents want. The documents of a side are
// evaluated together: all identity policies of a role, or one trust or resource policy. Neither side is modified.
func Compare(want, have []iampolicy.Document, opts ...Option) Difference {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	r := newReader()
	a, b := r.readSide(want), r.readSide(have)
	c := comparison{want: a, have: b, owner: o.owner}
	return c.run()
}

// Equal reports whether two documents allow and deny the same requests.
func Equal(a, b iampolicy.Document) bool {
	return Compare([]iampolicy.Document{a}, []iampolicy.Document{b}).Direction == Same
}

// side holds the blocks of all documents of one side.
type side struct{ allow, deny, unread []*block }

func (r *reader) readSide(docs []iampolicy.Document) side {
	var s side
	seen := map[string]bool{}
	for _, doc := range docs {
		for _, b := range r.readDocument(doc) {
			if seen[b.key] {
				continue
			}
			seen[b.key] = true
			switch {
			case b.unread != "":
				s.unread = append(s.unread, b)
			case b.effect == allow:
				s.allow = append(s.allow, b)
			default:
				s.deny = append(s.deny, b)
			}
		}
	}
	return s
}

type comparison struct {
	want, have side
	owner      string
	changes    []Change
}

func (c *comparison) run() Difference {
	wantAllow, haveAllow := newCover(c.owner, c.want.allow), newCover(c.owner, c.have.allow)
	wantDeny, haveDeny := newCover(c.owner, c.want.deny), newCover(c.owner, c.have.deny)

	// Nothing is lost where the other side allows a request too, or where the first side denies it anyway.
	gained := newCover(c.owner, slices.Concat(c.want.allow, c.have.deny))
	lost := newCover(c.owner, slices.Concat(c.have.allow, c.want.deny))
	c.uncovered(c.have.allow, gained, wantAllow, GrantsMore, added)
	c.uncovered(c.want.deny, haveDeny, haveDeny, GrantsMore, removed)
	c.uncovered(c.want.allow, lost, haveAllow, GrantsLess, removed)
	c.uncovered(c.have.deny, wantDeny, wantDeny, GrantsLess, added)
	c.unread()

	d := Difference{Changes: c.changes}
	for _, change := range c.changes {
		d.Direction = d.Direction.Join(change.Direction)
	}
	slices.SortStableFunc(d.Changes, compareChanges)
	return d
}

// unread adds a change for each statement that IAM would not accept and that only one side has.
func (c *comparison) unread() {
	want, have := blockKeys(c.want.unread), blockKeys(c.have.unread)
	for _, b := range c.have.unread {
		if !want[b.key] {
			c.changes = append(c.changes,
				Change{Direction: Changed, Kind: Added, Grant: Grant{Effect: b.effect, Unread: b.unread}})
		}
	}
	for _, b := range c.want.unread {
		if !have[b.key] {
			c.changes = append(c.changes,
				Change{Direction: Changed, Kind: Removed, Grant: Grant{Effect: b.effect, Unread: b.unread}})
		}
	}
}

func blockKeys(blocks []*block) map[string]bool {
	keys := map[string]bool{}
	for _, b := range blocks {
		keys[b.key] = true
	}
	return keys
}
