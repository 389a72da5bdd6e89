package detect

import (
	"context"
	"slices"
	"strings"

	"permstack/internal/installation"
	"permstack/internal/notify/finding"
)

// contents returns what the installation refers to and no template contains: the text
// of the permissions boundary, and the code of functions whose hash no release states.
// Only a change of it can be reported.
func (c *check) contents(ctx context.Context, m *model) []finding.Choice {
	var out []finding.Choice
	// The boundary that the parent stack creates is compared with its template.
	arn := c.chosen.properties.PermissionsBoundaryARN
	ofStack := slices.ContainsFunc(m.resources, func(r *resource) bool { return r.physicalID == arn })
	if arn != "" && !ofStack {
		if p := c.readPolicy(ctx, arn); p.document != "" {
			out = append(out, c.boundaryDocument(ctx, m, arn, p))
		}
	}
	for _, r := range m.resources {
		live, ok := r.live.(*liveFunction)
		if ok && live.config != nil && m.expectedCode(r) == "" {
			out = append(out, finding.Choice{Name: r.logicalID + finding.CodeSuffix, Value: "sha256 " + live.codeHash()[:16]})
		}
	}
	return out
}

// boundaryDocument returns the version and the hash of the boundary's document. If the
// previous check found another one, that version, which IAM keeps and which cannot be
// changed, determines the direction. Without it the change counts as a gain.
func (c *check) boundaryDocument(ctx context.Context, m *model, arn string, p livePolicy) finding.Choice {
	name := func(version, document string) string {
		return version + " sha256 " + installation.Fingerprint(document)[:16]
	}
	out := finding.Choice{Name: finding.BoundaryDocument, Value: name(p.version, p.document)}
	previous := c.o.Previous(finding.BoundaryDocument)
	if previous == "" || previous == out.Value {
		return out
	}
	out.Direction = finding.GrantsMore
	version, _, _ := strings.Cut(previous, " ")
	text, err := c.aws.VersionDocument(ctx, arn, version)
	if err != nil || name(version, text) != previous {
		return out
	}
	before, now := parseDocument(text), parseDocument(p.document)
	if before.err != nil || now.err != nil {
		return out
	}
	e := compareDocuments(m.account, parsed(before), parsed(now))
	out.Direction, out.Changes = e.direction, e.changes
	if e.same { // in another form
		return finding.Choice{Name: finding.BoundaryDocument, Value: previous}
	}
	return out
}
