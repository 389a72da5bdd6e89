package compare

import (
	"fmt"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
)

// Direction says which way access went.
type Direction int

const (
	// Same is proved: every request is decided alike.
	Same Direction = iota
	// GrantsMore is proved: nothing is lost.
	GrantsMore
	// GrantsLess is proved: nothing is gained.
	GrantsLess
	// Changed is both, or undecided.
	Changed
)

var directions = [...]string{"same", "grants more", "grants less", "changed"}

func (d Direction) String() string {
	if d < Same || d > Changed {
		return fmt.Sprintf("Direction(%d)", int(d))
	}
	return directions[d]
}

// MarshalText writes the direction in words, for JSON.
func (d Direction) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (d *Direction) UnmarshalText(text []byte) error {
	i := slices.Index(directions[:], string(text))
	if i < 0 {
		return fmt.Errorf("direction %q: want one of %s", text, strings.Join(directions[:], ", "))
	}
	*d = Direction(i)
	return nil
}

// Join gives the direction of two changes together.
func (d Direction) Join(e Direction) Direction {
	switch {
	case d == e || e == Same:
		return d
	case d == Same:
		return e
	}
	return Changed
}

// Difference is what changed from one set of documents to another.
type Difference struct {
	Direction Direction `json:"direction"`
	Changes   []Change  `json:"changes,omitempty"`
}

// An Option tells Compare what the documents do not say.
type Option func(*options)

type options struct{ owner string }

// InAccount names the account (12 digits) that the documents belong to. Without
// it a trust policy that goes from a role of some account to that whole account,
// or back, is Changed: within the owner's own account a role that is named needs
// no permission of its own, and a role of an account that is named does.
func InAccount(id string) Option { return func(o *options) { o.owner = id } }

// Compare says what have allow more or less than want. The documents of a side
// count together: all identity policies of a role, or one trust or resource
// policy. Neither is changed.
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

// Equal says whether two documents allow and deny the same.
func Equal(a, b iampolicy.Document) bool {
	return Compare([]iampolicy.Document{a}, []iampolicy.Document{b}).Direction == Same
}

// side is all blocks of some documents.
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

	// What one side allows, the other must allow, or the first denies it anyway.
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

// unread reports statements that IAM would not accept, where the sides differ.
func (c *comparison) unread() {
	want, have := newCover(c.owner, c.want.unread), newCover(c.owner, c.have.unread)
	for _, b := range c.have.unread {
		if !want.unread[b.key] {
			c.changes = append(c.changes, Change{Direction: Changed, Kind: Added, Grant: Grant{Effect: b.effect, Unread: b.unread}})
		}
	}
	for _, b := range c.want.unread {
		if !have.unread[b.key] {
			c.changes = append(c.changes, Change{Direction: Changed, Kind: Removed, Grant: Grant{Effect: b.effect, Unread: b.unread}})
		}
	}
}
