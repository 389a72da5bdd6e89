package driftlambda

import (
	"context"
	"slices"
	"time"

	"permstack/internal/drift/audit"
	"permstack/internal/installation"
	"permstack/internal/notify/finding"
)

// auditAccount adds the findings of the audit of the account to a report if the audit is
// due. An audit that fails as a whole, or for which the time was not sufficient, is listed
// in Report.NotReached, and the next complete run tries again.
func auditAccount(
	ctx context.Context, clients audit.Clients, parent installation.Parent, now func() time.Time, due bool,
	report *finding.Report,
) {
	report.Audit = finding.AuditNotDue
	if !due {
		return
	}
	found, err := audit.Run(ctx, clients, audit.Options{Parent: parent.ID, Now: now})
	if err == nil {
		report.Audit = finding.AuditDone
	} else {
		report.NotReached = append(report.NotReached, parent.Name+"/"+finding.AuditID)
	}
	report.Findings = append(report.Findings, withoutReported(found.Findings, report)...)
	report.Accepted = append(report.Accepted, withoutReported(found.Accepted, report)...)
}

// withoutReported returns findings of the audit without the roles that the check itself
// reports: those under the installation's path.
func withoutReported(found []finding.Finding, report *finding.Report) []finding.Finding {
	return slices.DeleteFunc(found, func(f finding.Finding) bool {
		return slices.ContainsFunc(slices.Concat(report.Findings, report.Accepted), func(o finding.Finding) bool {
			return o.Kind == finding.RoleAdded && o.PhysicalID == f.PhysicalID
		})
	})
}
