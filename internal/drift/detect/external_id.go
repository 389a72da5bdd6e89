package detect

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"permstack/internal/installation"
	"permstack/internal/notify/finding"
)

// externalIDChoice returns when CloudFormation last changed the roles that require the
// external id, and a hash of what the templates declare for them. If the time is another
// one and the hash is the same, the external id was replaced: it is the only parameter of
// the permission stack. So the change of a value that CloudFormation does not return is
// found without a hash of it. A change set that restores drift changes a role, too; such a
// choice is Explained if the previous check found drift of the role.
//
// externalIDChoice reports false if there is no such role, or the time is not known.
func (c *check) externalIDChoice(p installation.Parent, all []*stack) (finding.Choice, bool) {
	choice := finding.Choice{Name: finding.ExternalIDChoice}
	var latest time.Time
	declared := []any{c.chosen.stackTags(p)}
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
	// CloudFormation's API has milliseconds.
	choice.Value = "of " + latest.UTC().Format("2006-01-02T15:04:05.000Z") + finding.DeclarationSeparator +
		digest(strings.ReplaceAll(string(data), unknown, "?"))[:16]
	return choice, true
}
