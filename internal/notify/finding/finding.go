// Package finding is the result of a drift check as data: kinds, values and
// reasons. The detector returns it, the notifications word it; this package
// contains neither.
package finding

import (
	"strings"
	"time"
)

// Finding is one difference between what was deployed and what exists, or
// something that could not be read.
type Finding struct {
	// ID is the same for the same difference in every run: it is derived from the
	// stack, the resource, the kind and the subject, not from the values.
	ID string `json:"id"`

	Stack      string `json:"stack"`        // name of the permission stack or the parent stack
	LogicalID  string `json:"logicalId"`    // in that stack's template; "" if the finding is about the stack itself
	PhysicalID string `json:"physicalId"`   // name or ARN
	Type       string `json:"resourceType"` // AWS::IAM::Role

	Kind     Kind   `json:"kind"`
	Subject  string `json:"subject,omitempty"`  // the policy, tag, target … within the resource
	Property string `json:"property,omitempty"` // the CloudFormation property that differs
	// RemovalID is the name of Subject in the API that removes it, if that is another one:
	// the ARN of a subscription, the UUID of an event source mapping.
	RemovalID string    `json:"removalId,omitempty"`
	Direction Direction `json:"direction"`
	Reason    Reason    `json:"reason,omitempty"`

	Expected Value `json:"expected,omitzero"` // in the template
	Actual   Value `json:"actual,omitzero"`   // found

	// Changes lists the grants and denials that differ, one line each in the
	// notation of compare.Change; ChangesOmitted counts those that are left out.
	Changes        []string `json:"changes,omitempty"`
	ChangesOmitted int      `json:"changesOmitted,omitempty"`
	// Differences is what CloudFormation's drift detection reported of Property.
	Differences []Difference `json:"differences,omitempty"`
	// Roles are the names of the roles that a deleted policy was attached to.
	Roles []string `json:"roles,omitempty"`

	// ReadErrors are the calls that failed. Permission is the missing permission,
	// if access was denied.
	ReadErrors []ReadError `json:"readErrors,omitempty"`
	Permission string      `json:"missingPermission,omitempty"`

	// Calls are the API calls that may have made the difference, the newest first, if
	// they are known.
	Calls []Call `json:"calls,omitempty"`
	// Acceptance states that the difference is wanted, or was until some day.
	Acceptance *Acceptance `json:"acceptance,omitempty"`

	SeenBy []Source `json:"seenBy"` // sorted
	// Hash changes when the values of the difference change.
	Hash string `json:"hash"`
}

// Value is one side of a difference. External ids are masked in it.
type Value struct {
	Absent   bool      `json:"absent,omitempty"` // there is no such value
	Text     string    `json:"text,omitempty"`   // ARN, name, number, state or JSON
	Document *Document `json:"document,omitempty"`
}

// Text returns the value of a text; an empty text is absent.
func Text(s string) Value { return Value{Absent: s == "", Text: s} }

// None is the value of what does not exist.
var None = Value{Absent: true}

// Document is a policy document in short.
type Document struct {
	Invalid    bool        `json:"invalid,omitempty"` // it could not be parsed
	Statements []Statement `json:"statements,omitempty"`
}

// Statement is a policy statement without its conditions' values.
type Statement struct {
	Effect        string   `json:"effect"`
	Actions       []string `json:"actions,omitempty"`
	NotActions    []string `json:"notActions,omitempty"`
	Resources     []string `json:"resources,omitempty"`
	NotResources  []string `json:"notResources,omitempty"`
	Principals    []string `json:"principals,omitempty"`    // "*" is everyone
	NotPrincipals []string `json:"notPrincipals,omitempty"` // "*" is everyone
	Conditional   bool     `json:"conditional,omitempty"`
}

// Difference is one value that CloudFormation's drift detection reported.
type Difference struct {
	Path     string `json:"path"` // JSON pointer
	Expected string `json:"expected,omitempty"`
	Actual   string `json:"actual,omitempty"`
}

// ReadError is a call that failed.
type ReadError struct {
	Target  Target `json:"target"`
	Name    string `json:"name,omitempty"` // the property or policy
	Message string `json:"message"`        // error code and message
}

// Target is what could not be read.
type Target string

// The targets. TargetProperty and TargetPolicy have a name.
const (
	TargetProperty       Target = "property"
	TargetPolicy         Target = "policy"
	TargetStack          Target = "stack"
	TargetStackResources Target = "stack-resources"
	TargetTemplate       Target = "template"
	TargetChangeSets     Target = "change-sets"
	TargetAlertKey       Target = "alert-key"
	TargetAccountStacks  Target = "account-stacks"
	TargetAccountRoles   Target = "account-roles"
	TargetAudit          Target = "audit"
	TargetDriftDetection Target = "drift-detection"
)

// Report is the result of one run.
type Report struct {
	ParentStackID string        `json:"parentStackId"`
	Stacks        []string      `json:"stacks"` // ids of the checked stacks
	Profile       string        `json:"profile"`
	Account       string        `json:"account"`
	Region        string        `json:"region"`
	Started       time.Time     `json:"started"`
	Took          time.Duration `json:"tookNanoseconds"`
	Checked       int           `json:"checked"`              // number of resources
	NotReached    []string      `json:"notReached,omitempty"` // <stack>/<logical id> that the deadline left out
	InProgress    []string      `json:"inProgress,omitempty"` // ids of stacks that CloudFormation was working on
	Choices       []Choice      `json:"choices,omitempty"`    // of the parent stack; none while it is in progress
	NoSubscriber  bool          `json:"noSubscriber,omitempty"`
	// RestoreUntil is when restores cease to be allowed, or did; zero if they do not
	// depend on a time.
	RestoreUntil time.Time `json:"restoreUntil,omitzero"`
	// NarrowedTo is what the choice is narrowed to; empty if it is not.
	NarrowedTo string `json:"narrowedTo,omitempty"`
	// NarrowedEntries is the same, as KIND:VALUE; nil if it is not known.
	NarrowedEntries []string `json:"narrowedEntries,omitempty"`
	// Scope is what a limited check checked: <stack>/<logical id>, and <stack>/ for the
	// stack itself. Nil is everything.
	Scope    []string  `json:"scope,omitempty"`
	Findings []Finding `json:"findings"`           // in a stable order
	Accepted []Finding `json:"accepted,omitempty"` // differences that are wanted
	// Undone are changes that events reported and that exist no longer.
	Undone []Finding `json:"undone,omitempty"`
	// Audit states whether the findings include those of the audit of the account.
	Audit AuditState `json:"audit,omitempty"`
}

// AuditState is whether a run audited the account.
type AuditState string

const (
	AuditOff    AuditState = "" // the audit is not chosen
	AuditDone   AuditState = "done"
	AuditNotDue AuditState = "not-due" // or not completed: what it found before remains open
)

// IsAudit reports whether a finding is one of the account audit.
func (f Finding) IsAudit() bool { return f.LogicalID == AuditID }

// AuditID is the LogicalID of the findings of the account audit.
const AuditID = "AccountAudit"

// Complete sets the id and the hash of a finding of the account audit. values are what
// the hash covers.
func (f *Finding) Complete(values ...string) {
	f.ID = choiceDigest(f.Stack, f.LogicalID, string(f.Kind), f.PhysicalID, f.Subject)
	f.Hash = choiceDigest(append([]string{string(f.Direction)}, values...)...)
}

// TargetSubject returns the Subject of a finding about a target of an event rule.
func TargetSubject(id string) string { return targetPrefix + id }

const targetPrefix = "target "

// TargetID returns the id of the target that a finding is about; "" if it is
// about something else.
func (f Finding) TargetID() string {
	id, ok := strings.CutPrefix(f.Subject, targetPrefix)
	if !ok {
		return ""
	}
	return id
}

// SeenByDetection reports whether only CloudFormation's drift detection saw the
// difference.
func (f Finding) SeenByDetection() bool { return len(f.SeenBy) == 1 && f.SeenBy[0] == CloudFormation }
