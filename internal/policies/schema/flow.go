package schema

// Flow is a job that a selection promises to work, as the authorization checks
// that AWS makes while the vendor does it. Tests evaluate every flow of every
// combination of choices; the provisioner evaluates them for a scope and for a
// permissions boundary of the customer.
type Flow struct {
	Name string `json:"name"` // "EC2 restore: launch into a shared subnet"
	For  []Use  `json:"for"`  // promised if one of these is selected
	// Sharing is how resources of the customer's other accounts must be opened for
	// the flow; empty if it needs none.
	Sharing Sharing `json:"sharing,omitempty"`
	// Role is the entity of the role that makes the calls; empty: the profile's
	// first.
	Role  string `json:"role,omitempty"`
	Calls []Call `json:"calls"`

	In Span `json:"in,omitzero"`
}

// ProfileFlows is a profile with the flows that its choices promise.
type ProfileFlows struct {
	Profile
	Flows []Flow `json:"flows,omitempty"`
}

// Sharing is how resources of the customer's other accounts are opened.
type Sharing string

// The ways of opening resources of other accounts.
const (
	OtherAccounts Sharing = "other-accounts"
	Organization  Sharing = "organization"
	// AnySharing is one of the above.
	AnySharing Sharing = "any"
)

// Call is one authorization check. Strings may contain the variables of the
// package.
type Call struct {
	Name      string   `json:"name,omitempty"`
	Actions   []string `json:"actions"`
	Resources []string `json:"resources"`
	// Context holds the condition keys that AWS sends with the request.
	Context map[string][]string `json:"context,omitempty"`
	// Denied is true for a control request, which must not be allowed.
	Denied bool `json:"denied,omitempty"`
	// Source is where the fact comes from: API reference, user guide, service
	// authorization reference, a report.
	Source string `json:"source"`
}
