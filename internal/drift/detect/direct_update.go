package detect

import (
	"slices"
	"time"

	"permstack/internal/notify/finding"
)

// directUpdates returns for each permission stack when it was last updated by another than the custom resource of the
// parent, and is as expected nevertheless: somebody may have replaced the template, used the access, and restored it
// between two checks. The stacks themselves state it, so neither a trail nor the time of the check matters. The custom
// resource is complete after the stacks that it updates: a later update is not one of its own.
//
// It is Explained if a finding about the stack, or another choice, reports the update, or if the previous check found
// drift of the stack, which an update restores.
func (c *check) directUpdates(all []*stack, found []finding.Finding, choices []finding.Choice) []finding.Choice {
	completed := all[0].customResourceUpdated()
	var out []finding.Choice
	for _, s := range all[1:] {
		if s.part == "" || s.id == "" {
			continue
		}
		choice := finding.Choice{Name: string(s.part) + finding.DirectUpdateSuffix}
		updated := s.resourcesUpdated()
		switch {
		case all[0].inProgress, s.inProgress, completed.IsZero():
			choice.Value = c.o.Previous(choice.Name)
		case updated.After(completed):
			choice.Value = "at " + updated.UTC().Format(time.RFC3339)
		}
		if choice.Value == "" {
			choice.Value = finding.NoDirectUpdate
		}
		choice.Changes = []string{"stack " + s.name + " was updated, and not by the parent stack"}
		ofStack := func(f finding.Finding) bool { return f.Stack == s.name }
		choice.Explained = slices.ContainsFunc(found, ofStack) || c.wasDrifted(s) || c.externalIDChanged(choices)
		out = append(out, choice)
	}
	return out
}

// customResourceUpdated returns when the custom resource of a parent was last complete; the zero time if that is not
// known.
func (s *stack) customResourceUpdated() time.Time {
	for _, r := range s.resources {
		if r.typeName == customResource {
			return r.updated
		}
	}
	return time.Time{}
}

// resourcesUpdated returns when CloudFormation last changed a resource of the stack. The time in the description of the
// stack is that of the beginning of the update, in seconds.
func (s *stack) resourcesUpdated() time.Time {
	var latest time.Time
	for _, l := range s.listed {
		if l.updated.After(latest) {
			latest = l.updated
		}
	}
	return latest
}

// wasDrifted reports whether the previous check found drift of a stack or of one of its resources.
func (c *check) wasDrifted(s *stack) bool {
	return c.o.WasOpen(s.name, "") ||
		slices.ContainsFunc(s.resources, func(r *resource) bool { return c.o.WasOpen(s.name, r.logicalID) })
}

// externalIDChanged reports whether the choice of the external id announces an update.
func (c *check) externalIDChanged(choices []finding.Choice) bool {
	previous := c.o.Previous(finding.ExternalIDChoice)
	return slices.ContainsFunc(choices, func(choice finding.Choice) bool {
		return choice.Name == finding.ExternalIDChoice && previous != "" && choice.Value != previous
	})
}
