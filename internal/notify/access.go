package notify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"permstack/internal/notify/finding"
	"permstack/internal/notify/wording"
)

// Access is what a message about access reports.
type Access struct {
	CatalogVersion string         `json:"catalogVersion,omitempty"`
	GrantedHash    string         `json:"grantedHash,omitempty"` // see permissionstack.GrantedHash
	Added          int            `json:"added"`                 // distinct actions
	Removed        int            `json:"removed"`
	Changes        []AccessChange `json:"changes,omitempty"`
	// Late is true if a later run announces the change, because the deployment could
	// not: then Changes is everything that is granted now.
	Late bool `json:"late,omitempty"`
	// RestoreUntil is when restores cease to be allowed, in UTC; "" if they do not
	// depend on a time. RestoreBefore is what it was before the deployment.
	RestoreUntil  string `json:"restoreUntil,omitempty"`
	RestoreBefore string `json:"restoreUntilBefore,omitempty"`
	// Scope is what the access is narrowed to, as KIND:VALUE; empty if it is not. ScopeBefore
	// is what it was before the deployment.
	Scope       []string `json:"scope,omitempty"`
	ScopeBefore []string `json:"scopeBefore,omitempty"`
	// NarrowedTo is Scope as a text for people. Wider and Narrower report whether a
	// deployment let the access reach more resources, and fewer.
	NarrowedTo      string `json:"narrowedTo,omitempty"`
	Wider, Narrower bool   `json:"-"`
	// RestoreEnded is true if the time has passed and nothing was deployed.
	RestoreEnded bool `json:"restoreEnded,omitempty"`
}

// AccessPart is what an AccessChange is about.
type AccessPart string

const (
	BoundaryPart AccessPart = "boundary"
	TrustPart    AccessPart = "trust"
	PolicyPart   AccessPart = "policy"
	TopicPart    AccessPart = "topic"
	RulePart     AccessPart = "rule"
)

// AccessEvent is what happened to a part whose actions may be unchanged.
type AccessEvent string

const (
	PartNew     AccessEvent = "new"
	PartDeleted AccessEvent = "deleted"
	PartChanged AccessEvent = "changed" // something else than actions
)

// AccessChange is what changed in one policy, trust, boundary, topic or rule.
type AccessChange struct {
	What    AccessPart  `json:"what"`
	Of      string      `json:"of"`                // the role, topic or rule
	Name    string      `json:"name,omitempty"`    // the policy
	Added   []string    `json:"added,omitempty"`   // actions
	Removed []string    `json:"removed,omitempty"` // actions
	Event   AccessEvent `json:"event,omitempty"`
}

// SortChanges sorts changes by role, topic or rule, part and name.
func SortChanges(list []AccessChange) {
	order := []AccessPart{BoundaryPart, TrustPart, PolicyPart, TopicPart, RulePart}
	slices.SortFunc(list, func(a, b AccessChange) int {
		return cmp.Or(strings.Compare(a.Of, b.Of), slices.Index(order, a.What)-slices.Index(order, b.What),
			strings.Compare(a.Name, b.Name))
	})
}

// Origin is the installation that a message comes from.
type Origin struct{ StackID, Stack, Account, Region, Profile string }

// AccessMessage returns a message about what a deployment granted, changed or
// removed.
func AccessMessage(o Origin, status Status, a Access, now time.Time) Message {
	m := Message{
		Schema: Schema, Kind: KindAccess, Status: status, Direction: finding.Changed, Profile: o.Profile,
		Account: o.Account, Region: o.Region, Stack: o.Stack, StackID: o.StackID, Time: now.UTC().Truncate(time.Second),
		Access: &a,
	}
	more, less := false, false
	var added, removed []string
	for _, c := range a.Changes {
		added, removed = append(added, c.Added...), append(removed, c.Removed...)
		more = more || len(c.Added) > 0 || c.Event == PartNew && c.What != BoundaryPart
		less = less || len(c.Removed) > 0 || c.Event == PartDeleted
	}
	longer, shorter := a.windowEffect(len(added) > 0, len(removed) > 0)
	wider, narrower := a.Wider && status == Altered, a.Narrower && status == Altered
	more, less = more || longer || wider, less || shorter || narrower
	m.Access.Added, m.Access.Removed = countDistinct(added), countDistinct(removed)
	switch {
	case more: // also if something is removed: more access must not go unnoticed
		m.Direction = finding.GrantsMore
	case less:
		m.Direction = finding.GrantsLess
	}
	what := fmt.Sprintf("access %s: %d actions added, %d removed", status, m.Access.Added, m.Access.Removed)
	switch {
	case a.RestoreEnded:
		what = "restore window ended"
	case a.Late:
		what = "access changed at an earlier update"
	case status == Removed && m.Access.Removed == 0:
		what = "access removed"
	case status == Removed:
		what = "access removed: " + wording.Count(m.Access.Removed, "action")
	}
	if a.RestoreUntil != a.RestoreBefore && !a.RestoreEnded && status != Removed {
		what = restoreSubject(a, m.Time)
	}
	if (wider || narrower) && m.Access.Added+m.Access.Removed == 0 && a.RestoreUntil == a.RestoreBefore {
		what = scopeSubject(wider, narrower)
	}
	m.Subject = subject(what, o.Stack, o.Account, o.Region)
	return m
}

// countDistinct counts distinct actions; several policies contain the same.
func countDistinct(actions []string) int {
	slices.Sort(actions)
	return len(slices.Compact(actions))
}

func accessOpening(m Message) string {
	switch {
	case m.Access != nil && m.Access.RestoreEnded:
		return "The time for which restores were allowed has ended. Your backup service can no longer\n" +
			"restore; backups are not affected."
	case m.Access != nil && m.Access.Late:
		return "An earlier update of the stack changed what your backup service may do. It could not be\n" +
			"announced at the time. This is what it may do now."
	case m.Status == Granted:
		return "The stack was launched. This is what your backup service may do."
	case m.Status == Removed:
		return "The stack was deleted. Your backup service no longer has access."
	default:
		return "An update of the stack changed what your backup service may do."
	}
}

// changedParts is what changed of a part whose actions are the same.
var changedParts = map[AccessPart]string{
	PolicyPart: "changed resources or conditions", TrustPart: "changed principals or conditions",
	BoundaryPart: "changed", TopicPart: "changed policy", RulePart: "changed events or targets",
}

func (m Message) writeAccess(b *strings.Builder) {
	if m.Access == nil {
		return
	}
	m.Access.writeRestoreWindow(b, m)
	m.Access.writeScope(b, m)
	of := ""
	for _, c := range m.Access.Changes {
		if c.Of != of {
			fmt.Fprintf(b, "\n%s\n", c.Of)
			of = c.Of
		}
		title := string(c.What)
		if c.Name != "" {
			title += " " + c.Name
		}
		switch c.Event {
		case "":
		case PartChanged:
			title += ": " + changedParts[c.What]
		default:
			title += ": " + string(c.Event)
		}
		fmt.Fprintf(b, "   %s\n", title)
		for _, a := range c.Added {
			fmt.Fprintf(b, "     + %s\n", a)
		}
		for _, a := range c.Removed {
			fmt.Fprintf(b, "     - %s\n", a)
		}
	}
}
