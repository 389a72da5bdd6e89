// Package driftreport is what a look at the deployed access found, in the words
// that alerts and the command line share. It knows neither how drift is found nor
// how it is told.
package finding

import "time"

// Direction is which way a difference goes.
type Direction string

const (
	GrantsMore Direction = "grants-more" // a security matter
	GrantsLess Direction = "grants-less" // backups or restores will fail
	Changed    Direction = "changed"     // neither, both, or not to be told
	Unreadable Direction = "unreadable"  // could not be read: neither in sync nor drifted
)

// Finding is one difference between what was deployed and what is there.
type Finding struct {
	// ID is the same for the same difference in every run: of the stack, the
	// resource, the kind and the subject, not of their present values.
	ID string `json:"id"`

	Stack      string `json:"stack"`        // name of the permission stack or the parent
	LogicalID  string `json:"logicalId"`    // in that stack's template
	PhysicalID string `json:"physicalId"`   // name or ARN
	Type       string `json:"resourceType"` // AWS::IAM::Role

	Kind      Kind      `json:"kind"`
	Subject   string    `json:"subject,omitempty"` // the policy, statement, tag, target … within the resource
	Direction Direction `json:"direction"`
	Expected  string    `json:"expected,omitempty"` // short, for people; never a secret
	Actual    string    `json:"actual,omitempty"`
	Details   []string  `json:"details,omitempty"` // one a change: an action, a principal, a condition
	Advice    string    `json:"advice"`            // what to do

	// Permission is the one that was missing, where Direction is Unreadable and
	// access was denied.
	Permission string `json:"missingPermission,omitempty"`
	// SeenBy tells which eye saw it: "cloudformation", "live" or both.
	SeenBy []string `json:"seenBy"`
	// Hash changes when the difference itself changes (its values), so that news
	// of a known ID can be told from a repetition.
	Hash string `json:"hash"`
}

// Kind is what differs.
type Kind string

const (
	ResourceGone        Kind = "resource-gone"
	InlinePolicyAdded   Kind = "inline-policy-added"
	InlinePolicyRemoved Kind = "inline-policy-removed"
	InlinePolicyChanged Kind = "inline-policy-changed"
	AttachmentAdded     Kind = "attachment-added"
	AttachmentRemoved   Kind = "attachment-removed"
	PolicyChanged       Kind = "policy-changed" // the default version of a managed policy
	TrustChanged        Kind = "trust-changed"
	BoundaryChanged     Kind = "boundary-changed"
	SessionChanged      Kind = "session-length-changed"
	TagsChanged         Kind = "tags-changed"
	TopicPolicyChanged  Kind = "topic-policy-changed"
	RuleChanged         Kind = "rule-changed" // pattern, state or targets
	ProfileChanged      Kind = "instance-profile-changed"
	PropertyChanged     Kind = "property-changed" // seen by CloudFormation alone
	TemplateChanged     Kind = "template-changed" // of a permission stack, by somebody else than the provisioner
	NotReadable         Kind = "not-readable"
)

// Report is what one run found.
type Report struct {
	ParentStackID string        `json:"parentStackId"`
	Stacks        []string      `json:"stacks"` // ids of the stacks looked at
	Profile       string        `json:"profile"`
	Account       string        `json:"account"`
	Region        string        `json:"region"`
	Started       time.Time     `json:"started"`
	Took          time.Duration `json:"tookNanoseconds"`
	Checked       int           `json:"checked"`              // resources examined
	NotReached    []string      `json:"notReached,omitempty"` // logical ids that the deadline left out
	Findings      []Finding     `json:"findings"`             // in a stable order
}
