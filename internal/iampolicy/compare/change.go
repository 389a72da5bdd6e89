package compare

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
)

// Kind is the kind of change of a grant or a denial.
type Kind string

// The kinds of change. A Widened change lists what the grant was before, a Narrowed one what it is now.
const (
	Added    Kind = "added"
	Removed  Kind = "removed"
	Widened  Kind = "widened"
	Narrowed Kind = "narrowed"
)

// Grant is what a statement, or a part of one, allows or denies. Exactly one of
// Actions and NotActions is set, and one of Resources and NotResources.
// Principals are written type:id, "AWS:111122223333", and are empty in identity
// policies.
type Grant struct {
	Effect        string               `json:"effect"`
	Principals    []string             `json:"principals,omitempty"`
	NotPrincipals []string             `json:"notPrincipals,omitempty"`
	Actions       []string             `json:"actions,omitempty"`
	NotActions    []string             `json:"notActions,omitempty"`
	Resources     []string             `json:"resources,omitempty"`
	NotResources  []string             `json:"notResources,omitempty"`
	Conditions    iampolicy.Conditions `json:"conditions,omitempty"`

	// Unread is the text of a statement that IAM would not accept.
	Unread string `json:"unread,omitempty"`
}

// Change is a grant or a denial that only one of the compared sides has.
type Change struct {
	Direction Direction `json:"direction"`
	Kind      Kind      `json:"kind"`
	Grant

	// Other lists the narrower grants of the other side: what a widened grant was, or what a narrowed one is now.
	Other []Grant `json:"other,omitempty"`
}

// String returns the change as one line of text.
func (c Change) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s: %s", c.Direction, c.Kind, c.Grant)
	for i, g := range c.Other {
		switch {
		case i > 0:
			b.WriteString("; ")
		case c.Kind == Narrowed:
			b.WriteString("; now: ")
		default:
			b.WriteString("; was: ")
		}
		b.WriteString(g.String())
	}
	return b.String()
}

// String returns the grant as text: "Allow s3:GetObject on arn:… if aws:PrincipalTag/a StringEquals b".
func (g Grant) String() string {
	if g.Unread != "" {
		return "a statement that IAM would not accept: " + g.Unread
	}
	var b strings.Builder
	b.WriteString(g.Effect)
	write := func(before string, items, except []string) {
		switch {
		case len(items) > 0:
			b.WriteString(before + strings.Join(items, ", "))
		case len(except) > 0:
			b.WriteString(before + "everything but " + strings.Join(except, ", "))
		}
	}
	write(" ", g.Actions, g.NotActions)
	write(" on ", g.Resources, g.NotResources)
	if len(g.NotPrincipals) > 0 {
		b.WriteString(" for everyone but " + strings.Join(g.NotPrincipals, ", "))
	}
	write(" for ", g.Principals, nil)
	separator := " if "
	for _, operator := range slices.Sorted(maps.Keys(g.Conditions)) {
		for _, name := range slices.Sorted(maps.Keys(g.Conditions[operator])) {
			fmt.Fprintf(&b, "%s%s %s %s", separator, name, operator, strings.Join(g.Conditions[operator][name], " or "))
			separator = " and "
		}
	}
	return b.String()
}

// compareChanges orders changes: GrantsMore first, GrantsLess last, then by effect, kind and text.
func compareChanges(a, b Change) int {
	rank := func(d Direction) int { return slices.Index([]Direction{GrantsMore, Changed, GrantsLess}, d) }
	return cmp.Or(cmp.Compare(rank(a.Direction), rank(b.Direction)), strings.Compare(a.Effect, b.Effect),
		strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.Grant.String(), b.Grant.String()))
}
