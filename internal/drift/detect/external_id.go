package detect

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"permstack/internal/installation"
	"permstack/internal/notify/finding"
)

// externalIDChoice returns when CloudFormation last changed the roles that require the external id, and a hash of
// what the templates declare for them. If the time is another one and the hash is the same, the external id was
// replaced: it is the only parameter of the permission stack. So the change of a value that CloudFormation does not
// return is found without a hash of it. A change set that restores drift changes a role, too; such a choice is
// Explained if the previous check found drift of the role. It is, too, if updates of the parent stack that were
// rolled back wrote the role, see madeByRolledBackUpdates.
//
// externalIDChoice reports false if there is no such role, or the time is not known.
func (c *check) externalIDChoice(ctx context.Context, p installation.Parent, all []*stack) (finding.Choice, bool) {
	choice := finding.Choice{Name: finding.ExternalIDChoice}
	var latest time.Time
	declared := []any{c.chosen.stackTags(p)}
	roles := map[*stack][]string{}
	for _, s := range all {
		for _, r := range s.resources {
			if r.typeName != typeRole || !slices.Contains(parseDocument(r.props[trustProperty]).externalIDs(),
				externalIDPlaceholder) {
				continue
			}
			if s.inProgress || r.updated.IsZero() {
				choice.Value = c.o.Previous(finding.ExternalIDChoice)
				return choice, choice.Value != ""
			}
			declared = append(declared, r.logicalID, r.props)
			roles[s] = append(roles[s], r.logicalID)
			choice.Changes = append(choice.Changes, "role "+r.physicalID+" requires the external ID")
			choice.Explained = choice.Explained || c.o.WasOpen(s.name, r.logicalID)
			if r.updated.After(latest) {
				latest = r.updated
			}
		}
	}
	if latest.IsZero() {
		return choice, false
	}
	data, err := json.Marshal(declared)
	if err != nil {
		return choice, false
	}
	choice.Value = externalIDTimePrefix + latest.UTC().Format(externalIDTime) + finding.DeclarationSeparator +
		digest(strings.ReplaceAll(string(data), unknown, "?"))[:16]
	if since, ok := externalIDSince(c.o.Previous(finding.ExternalIDChoice)); ok && latest.After(since) {
		for s, names := range roles {
			choice.Explained = choice.Explained || c.madeByRolledBackUpdates(ctx, all[0], s, names, since)
		}
	}
	return choice, true
}

// externalIDTime is the form of the time in the value of finding.ExternalIDChoice, with the milliseconds of
// CloudFormation's API, and externalIDTimePrefix is before it.
const (
	externalIDTime       = "2006-01-02T15:04:05.000Z"
	externalIDTimePrefix = "of "
)

// externalIDSince returns the time in a value of finding.ExternalIDChoice.
func externalIDSince(value string) (time.Time, bool) {
	before, _, _ := strings.Cut(value, finding.DeclarationSeparator)
	since, err := time.Parse(externalIDTime, strings.TrimPrefix(before, externalIDTimePrefix))
	return since, err == nil
}
