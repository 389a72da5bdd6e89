// Package catalog is the language in which a vendor's page is written down: a
// profile of roles, policies and statements, each with its reason. It is data
// only; internal/policies turns a choice of it into what is deployed.
//
// Strings may name the environment, as ARNs in AWS's own documents do:
// ${Partition}, ${Region}, ${Account}, ${DataPlaneAccount}, ${ControlPlaneAccount},
// ${ControlPlaneRole}, ${SupportControlPlaneRole}, ${ExternalId} and ${EC2Service}
// (EC2's service principal). A resource may
// also be one of what the selection itself makes: ${roles:Entity}, ${policies:Entity},
// ${topics:Entity}, ${rules:Entity} or ${stacks}, where * stands for every entity;
// it becomes the ARNs of those that are chosen, and nothing where none is.
package catalog

// Asset is something that a customer protects: "ec2", "rds", …
type Asset string

// Operation is what is done with it: "backup", "restore", …
type Operation string

// Option is a choice beside assets and operations: "support-role", …
type Option string

// Use is a reason for a statement to be there: an asset and an operation, or
// an option. An empty field stands for any. The zero Use is always on.
type Use struct {
	Asset     Asset     `json:"asset,omitempty"`
	Operation Operation `json:"operation,omitempty"`
	Option    Option    `json:"option,omitempty"`
}

// Profile is one vendor's page.
type Profile struct {
	Name       string // "clumio"
	Vendor     string // "Clumio"
	Assets     []AssetInfo
	Operations []Operation
	Options    []OptionInfo
	Roles      []Role
	Topics     []Topic
	Rules      []Rule
}

// AssetInfo is an asset that the profile offers.
type AssetInfo struct {
	Asset Asset
	Title string // "EC2 and EBS"
	// DataPlane is true when backing it up or restoring it moves data through the
	// vendor's data-plane account, which must then be given.
	DataPlane bool
}

// OptionInfo is a choice beside assets and operations.
type OptionInfo struct {
	Option Option
	Title  string
	// ControlPlaneRole is true when the option trusts a second role of the
	// vendor's control plane, which must then be given.
	ControlPlaneRole bool
}

// Role is an entity of the page.
type Role struct {
	Entity          string
	Why             string
	For             []Use // the role is there when one of these is chosen; none: always
	Trust           []Trust
	Policies        []Policy
	InstanceProfile string // entity name of the instance profile, if it has one
}

// Trust is a statement of a role's trust policy.
type Trust struct {
	Sid     string
	Why     string
	AWS     string // a role's ARN, or
	Service string // a service principal
	When    Conditions
}

// Kind is how a policy is attached.
type Kind string

const (
	Inline  Kind = "inline"
	Managed Kind = "managed"
)

// Policy is a policy of the page.
type Policy struct {
	Entity     string
	Kind       Kind
	Why        string
	For        []Use // for statements that do not say their own
	Statements []Statement
}

// Statement is one grant.
type Statement struct {
	Sid       string
	Why       string // the reason, in plain words
	For       []Use  // there when one of these is chosen; none: as the policy says
	Actions   []string
	Resources []string
	When      Conditions

	// WhyWildcard says why no ARN works, where Resources is "*".
	WhyWildcard string
	// Note says what differs from the vendor's page and why: a corrected name,
	// or an action that the page does not have and the call that fails without it.
	Note string
}

// Conditions is operator → key → values; all of them must hold.
type Conditions map[string]map[string][]string

// Topic is an SNS topic of the page.
type Topic struct {
	Entity       string
	Why          string
	PolicyEntity string
	Statements   []TopicStatement
}

// TopicStatement is a statement of a topic's access policy.
type TopicStatement struct {
	Sid     string
	Why     string
	Actions []string
	AWS     string // principal: account root or role ARN, or "*"
	Service string // principal: a service
	When    Conditions
}

// Rule is an EventBridge rule that feeds a topic.
type Rule struct {
	Entity  string
	Why     string
	Asset   Asset
	Option  Option // where the rule is there only with an option
	Topic   string // entity of the topic
	Pattern map[string]any
}
