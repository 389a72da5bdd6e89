package denial

import (
	"time"

	"permstack/internal/iampolicy"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// Reason is why access was refused.
type Reason string

// The reasons.
const (
	NotChosen       Reason = "not-chosen"       // another choice of the profile grants it
	NotOffered      Reason = "not-offered"      // no choice of the profile grants it
	Narrowed        Reason = "narrowed"         // the vendor's document grants it, and permstack deliberately less
	OtherResource   Reason = "other-resource"   // granted, but not on this resource
	OutOfScope      Reason = "out-of-scope"     // granted, but the access is narrowed to other resources
	ConditionUnmet  Reason = "condition"        // granted, under a condition that the request did not meet
	GrantExpired    Reason = "expired"          // granted until a time that has passed
	Protected       Reason = "protected"        // the guard denies changes of the installation itself
	ByBoundary      Reason = "boundary"         // the permissions boundary of the role
	BySCP           Reason = "scp"              // a service control policy
	ByRCP           Reason = "rcp"              // a resource control policy
	BySession       Reason = "session-policy"   // a policy that the caller passed when assuming the role
	ByResource      Reason = "resource-policy"  // the policy of the resource
	ByKey           Reason = "key-policy"       // the policy of a KMS key
	ByVPCEndpoint   Reason = "vpc-endpoint"     // the policy of a VPC endpoint
	ByTrust         Reason = "trust-policy"     // the trust policy of the role that was to be assumed
	Drifted         Reason = "drifted"          // the deployed role is not what permstack defines
	OtherPrincipal  Reason = "other-principal"  // not a role of a backup service
	InstallerRole   Reason = "installer-role"   // a role of permstack itself
	CredentialsGone Reason = "credentials"      // the credentials have expired
	Undetermined    Reason = "undetermined"     // several policies may refuse it
	Defect          Reason = "permstack-defect" // permstack does not grant what it promises
)

// Promise is how a refusal affects the flows that the choice promises.
type Promise string

// The effects on flows.
const (
	NoFlow   Promise = "none"     // no promised flow makes this call
	Affected Promise = "affected" // promised flows cannot work until the reason is removed
	// Different means that promised flows make this call on other resources or with other condition keys. If the vendor
	// was doing such a flow, permstack has a defect.
	Different Promise = "different"
	Broken    Promise = "broken" // permstack does not grant what a promised flow needs: a defect
)

// Input is what Diagnose needs.
type Input struct {
	Message     Message
	Profile     schema.Profile
	Role        schema.Role // that made the request
	Selection   policies.Selection
	Environment policies.Environment // with a partition, an account and a Region
	Set         policies.Set         // of the selection
	// Assumed is true if the selection is not known and represents everything that the profile can grant.
	Assumed bool
	Now     time.Time
	Live    *Live // nil if no account was read
}

// Live is the deployed role, and what IAM decides about the request.
type Live struct {
	Stack    string
	Missing  bool                 // the role does not exist
	Identity []iampolicy.Document // of the role
	// AllowedBySCP and AllowedByBoundary are decisions of IAM's simulator; nil if it did not decide.
	AllowedBySCP, AllowedByBoundary *bool
	// Errors are what could not be read, as sentences.
	Errors []string
}

// Statement is a statement of the vendor's policies that matters for a request.
type Statement struct {
	Policy    string   `json:"policy"` // the vendor's name of it
	Sid       string   `json:"sid"`
	Why       string   `json:"why"`
	On        []string `json:"on"`
	OnlyIf    []string `json:"onlyIf,omitempty"`
	Unmet     []string `json:"unmet,omitempty"` // of OnlyIf, those that the request does not meet
	Undecided []string `json:"undecided,omitempty"`
	uses      []schema.Use
}

// Diagnosis is why a request was refused and what would allow it.
type Diagnosis struct {
	Message    Message     `json:"message"`
	Profile    string      `json:"profile,omitempty"`
	Choice     string      `json:"choice,omitempty"`
	Role       string      `json:"role,omitempty"` // the vendor's name of it
	Reason     Reason      `json:"reason"`
	Text       string      `json:"text"` // the reason in a sentence
	Statements []Statement `json:"statements,omitempty"`
	// Remedies are the changes that would allow the request, the first one first.
	Remedies []string `json:"remedies,omitempty"`
	Promise  Promise  `json:"promise"`
	Flows    []string `json:"flows,omitempty"` // promised flows that make the call
	Notes    []string `json:"notes,omitempty"` // what was assumed, and what could not be checked
}

// IsDefect reports whether permstack does not grant what it promises.
func (d Diagnosis) IsDefect() bool { return d.Promise == Broken }
