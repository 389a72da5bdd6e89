package notify

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"permstack/internal/iampolicy"
	"permstack/internal/notify/finding"
	"permstack/internal/policies"
)

// Access is what a message about access tells.
type Access struct {
	CatalogVersion string         `json:"catalogVersion,omitempty"`
	GrantedHash    string         `json:"grantedHash,omitempty"` // see permissionstack.GrantedHash
	Added          int            `json:"added"`                 // distinct actions
	Removed        int            `json:"removed"`
	Changes        []AccessChange `json:"changes,omitempty"`
	// Late says that the change was announced by a later run, because it could
	// not be at its time: then Changes is everything that is granted now.
	Late bool `json:"late,omitempty"`
}

// AccessChange is what changed in one policy, trust, boundary, topic or rule.
type AccessChange struct {
	What    string   `json:"what"`              // "policy", "trust", "boundary", "topic" or "rule"
	Of      string   `json:"of"`                // the role, topic or rule
	Name    string   `json:"name,omitempty"`    // the policy
	Added   []string `json:"added,omitempty"`   // actions
	Removed []string `json:"removed,omitempty"` // actions
	// Other says what else changed: it appeared, it is gone, its resources or
	// conditions are others.
	Other string `json:"other,omitempty"`
}

// part is one thing of a set that grants.
type part struct {
	actions []string
	meaning string // everything but the actions
}

// Difference lists what changed between two sets; nil stands for nothing
// granted. The parts into which a large policy is split count as one.
func Difference(before, after *policies.Set) []AccessChange {
	old, now := parts(before), parts(after)
	var out []AccessChange
	for _, key := range keysOf(old, now) {
		was, had := old[key]
		is, has := now[key]
		c := AccessChange{What: key.what, Of: key.of, Name: key.name, Added: without(is.actions, was.actions), Removed: without(was.actions, is.actions)}
		switch {
		case !had:
			c.Other = "new"
		case !has:
			c.Other = "gone"
		case len(c.Added)+len(c.Removed) == 0 && was.meaning != is.meaning:
			c.Other = "other " + map[string]string{"policy": "resources or conditions", "trust": "principals or conditions", "boundary": "boundary", "topic": "policy", "rule": "events or targets"}[key.what]
		case len(c.Added)+len(c.Removed) == 0:
			continue
		}
		out = append(out, c)
	}
	return out
}

type partKey struct{ what, of, name string }

func keysOf(maps ...map[partKey]part) []partKey {
	var keys []partKey
	for _, m := range maps {
		for k := range m {
			if !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		}
	}
	slices.SortFunc(keys, compareKeys)
	return keys
}

func compareKeys(a, b partKey) int {
	order := []string{"boundary", "trust", "policy", "topic", "rule"}
	return cmp.Or(strings.Compare(a.of, b.of), slices.Index(order, a.what)-slices.Index(order, b.what), strings.Compare(a.name, b.name))
}

func parts(set *policies.Set) map[partKey]part {
	out := map[partKey]part{}
	if set == nil {
		return out
	}
	put := func(what, of, name, meaning string, actions []string) {
		key := partKey{what, of, name}
		p := out[key]
		p.actions = append(p.actions, actions...)
		slices.Sort(p.actions)
		p.actions = slices.Compact(p.actions)
		p.meaning += meaning
		out[key] = p
	}
	for _, r := range set.Roles {
		put("trust", r.Name, "", meaning(r.Trust), nil)
		if r.PermissionsBoundary != "" {
			put("boundary", r.Name, "", r.PermissionsBoundary, nil)
		}
		for _, p := range slices.Concat(r.Managed, r.Inline) {
			put("policy", r.Name, entity(p), meaning(p.Document), p.Document.Actions())
		}
	}
	for _, t := range set.Topics {
		put("topic", t.Name, "", meaning(t.Policy), nil)
	}
	for _, r := range set.Rules {
		data, _ := json.Marshal([]any{r.Pattern, r.Targets}) // JSON values always marshal
		put("rule", r.Name, "", string(data), nil)
	}
	return out
}

// entity names a policy without regard to the parts into which it is split.
func entity(p policies.Policy) string {
	if p.Entity != "" {
		return p.Entity
	}
	return p.Name
}

// meaning is a document without its names of statements. It serves to see that
// something changed, and is never shown: trust policies hold external ids.
func meaning(d iampolicy.Document) string {
	statements := slices.Clone(d.Statement)
	for i := range statements {
		statements[i].Sid = ""
	}
	d.Statement, d.ID = statements, ""
	text, _ := d.JSON()
	return string(bytes.TrimSpace(text))
}

func without(list, others []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(others, s) {
			out = append(out, s)
		}
	}
	return out
}

// Place is where a stack stands, for messages that come from no report.
type Place struct{ StackID, Stack, Account, Region, Profile string }

// AccessMessage announces what a deployment granted, changed or took away.
func AccessMessage(p Place, status Status, a Access, now time.Time) Message {
	m := Message{
		Schema: Schema, Kind: KindAccess, Status: status, Direction: finding.Changed, Profile: p.Profile, Account: p.Account, Region: p.Region,
		Stack: p.Stack, StackID: p.StackID, Time: now.UTC().Truncate(time.Second), Access: &a,
	}
	grows, shrinks := false, false
	var added, removed []string
	for _, c := range a.Changes {
		added, removed = append(added, c.Added...), append(removed, c.Removed...)
		grows = grows || len(c.Added) > 0 || c.Other == "new" && c.What != "boundary"
		shrinks = shrinks || len(c.Removed) > 0 || c.Other == "gone"
	}
	m.Access.Added, m.Access.Removed = distinct(added), distinct(removed)
	switch {
	case grows: // also where something goes: more is what must not go unnoticed
		m.Direction = finding.GrantsMore
	case shrinks:
		m.Direction = finding.GrantsLess
	}
	what := fmt.Sprintf("access %s: %d actions added, %d removed", status, m.Access.Added, m.Access.Removed)
	switch {
	case a.Late:
		what = "access changed at an earlier update"
	case status == Removed:
		what = fmt.Sprintf("access removed: %s", count(m.Access.Removed, "action"))
		if m.Access.Removed == 0 {
			what = "access removed"
		}
	}
	m.Subject = subject(what, p.Stack, p.Account, p.Region)
	return m
}

// distinct counts the actions that are named; several policies name the same.
func distinct(actions []string) int {
	slices.Sort(actions)
	return len(slices.Compact(actions))
}

func accessOpening(m Message) string {
	switch {
	case m.Access != nil && m.Access.Late:
		return "An earlier update of the stack changed what your backup service may do. It could not be\nannounced at the time. This is what it may do now."
	case m.Status == Granted:
		return "The stack was launched. This is what your backup service may do."
	case m.Status == Removed:
		return "The stack was deleted. Your backup service may do nothing here any more."
	default:
		return "An update of the stack changed what your backup service may do."
	}
}

func (m Message) writeAccess(b *strings.Builder) {
	if m.Access == nil {
		return
	}
	of := ""
	for _, c := range m.Access.Changes {
		if c.Of != of {
			fmt.Fprintf(b, "\n%s\n", c.Of)
			of = c.Of
		}
		name := c.What
		if c.Name != "" {
			name += " " + c.Name
		}
		if c.Other != "" {
			name += ": " + c.Other
		}
		fmt.Fprintf(b, "   %s\n", name)
		for _, a := range c.Added {
			fmt.Fprintf(b, "     + %s\n", a)
		}
		for _, a := range c.Removed {
			fmt.Fprintf(b, "     - %s\n", a)
		}
	}
}

// SortChanges brings changes into the order in which messages tell them.
func SortChanges(list []AccessChange) {
	slices.SortFunc(list, func(a, b AccessChange) int {
		return compareKeys(partKey{a.What, a.Of, a.Name}, partKey{b.What, b.Of, b.Name})
	})
}
