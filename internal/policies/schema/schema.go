// Package catalog is the language in which a vendor's page is written down: a
// profile of roles, policies and statements, each with its reason. It is data
// only; internal/policies turns a choice of it into what is deployed.
//
// Strings may name the environment, as ARNs in AWS's own documents do:
// ${Partition}, ${Region}, ${Account}, ${DataPlaneAccount}, ${ControlPlaneAccount},
// ${ControlPlaneRole}, ${SupportControlPlaneRole}, ${ExternalId}, ${Path} (the IAM
// path), ${EC2Service} (EC2's service principal) and the profile's own Terms.
// ${OtherAccount} in a resource stands for each of the customer's other accounts,
// or for any where none is given. A resource or a condition's value may also be
// one of what the selection itself makes: ${roles:Entity}, ${policies:Entity},
// ${topics:Entity}, ${rules:Entity} or ${stacks}, where * stands for every entity;
// it becomes the ARNs of those that are chosen, and nothing where none is.
package schema

// Asset is something that a customer protects: "ec2", "rds", …
type Asset string

// Operation is what is done with it: "backup", "restore", …
type Operation string

// Option is a choice beside assets and operations: "support-role", …, or a value
// of a setting: "release=4.2".
type Option string

// Value names what the environment may give.
type Value string

const (
	ControlPlaneRole        Value = "ControlPlaneRole"
	SupportControlPlaneRole Value = "SupportControlPlaneRole"
	DataPlaneAccount        Value = "DataPlaneAccount"
	ExternalID              Value = "ExternalId"
)

// Use is a reason for a statement to be there: an asset and an operation, or
// an option. An empty field stands for any. The zero Use is always on.
type Use struct {
	Asset     Asset     `json:"asset,omitempty"`
	Operation Operation `json:"operation,omitempty"`
	Option    Option    `json:"option,omitempty"`
}

// Span says in which releases of the catalogue a part of a page is: from From on,
// and before Until. Empty is without end; the zero Span is every release. What
// changes is written twice: the old part until a release, the new one from it.
// A part that a release has never changes, so that the release gives the same
// bytes for good.
type Span struct{ From, Until string }

// Profile is one vendor's page.
type Profile struct {
	Name       string // "clumio"
	Vendor     string // "Clumio"
	Assets     []AssetInfo
	Operations []Operation
	Options    []OptionInfo
	Settings   []Setting
	Presets    []Preset
	Needs      []Need
	Terms      []Term
	Roles      []Role
	Topics     []Topic
	Rules      []Rule
}

// AssetInfo is an asset that the profile offers.
type AssetInfo struct {
	Asset Asset
	Title string // "EC2 and EBS"

	In Span // the releases that have it
}

// OptionInfo is a choice beside assets and operations.
type OptionInfo struct {
	Option Option
	Title  string

	In Span // the releases that have it
}

// Setting is a choice of exactly one value: the vendor's release, a kind of user.
type Setting struct {
	Name    string // "release"
	Title   string
	Values  []OptionInfo // "release=4.1.1a", "release=4.2"
	Default Option       // where none is chosen
	// Cumulative is true where a value brings all before it, as releases do.
	Cumulative bool
}

// Preset is a choice with a name. It stands in for what a selection leaves open.
type Preset struct {
	Name       string // "minimal"
	Title      string
	Assets     []Asset
	Operations []Operation
	Options    []Option
	// Marked is true where only statements that name the preset are in it.
	Marked bool
}

// Need is a value of the environment that a choice uses.
type Need struct {
	Value Value
	For   []Use // when one of these is chosen; none: always
	// Missing is what to say where it is missing: why it is needed, where to find
	// it. Empty: it may be left out.
	Missing string
	// Unused is what to say where it is given and none of For is chosen; empty:
	// it is then left aside without a word.
	Unused string
}

// Term is a name of the profile's own for strings of the catalogue: ${Name}
// becomes the value of the first term of that name whose For is chosen.
type Term struct {
	Name  string
	Value string // may name the environment, not another Term
	For   []Use  // none: always
	Why   string
}

// Role is an entity of the page.
type Role struct {
	Entity          string
	Why             string
	For             []Use // the role is there when one of these is chosen; none: always
	Trust           []Trust
	Policies        []Policy
	InstanceProfile string // entity name of the instance profile, if it has one
	// InstanceProfileFor is when it has one; none: always.
	InstanceProfileFor []Use

	In Span // the releases that have it
}

// Trust is a statement of a role's trust policy.
type Trust struct {
	Sid     string
	Why     string
	For     []Use  // there when one of these is chosen; none: always
	AWS     string // a role's ARN or an account's root, or
	Service string // a service principal
	When    Conditions
	// WhenGiven are conditions that hold where the environment gives a value.
	WhenGiven map[Value]Conditions

	In Span // the releases that have it
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

	In Span // the releases that have it
}

// Statement is one grant.
type Statement struct {
	Sid       string
	Why       string // the reason, in plain words
	For       []Use  // there when one of these is chosen; none: as the policy says
	Actions   []string
	Resources []string
	When      Conditions

	// Since is the option that brings an action, where For does not say it all:
	// the setting's value of the vendor's release that first asked for it.
	Since map[string]Option
	// Presets are the marked presets that the statement is in.
	Presets []string

	// WhyWildcard says why no ARN works, where Resources is "*".
	WhyWildcard string
	// Note says what differs from the vendor's page and why: a corrected name,
	// or an action that the page does not have and the call that fails without it.
	Note string

	In Span // the releases that have it
	// ActionsIn are the releases of actions that not all releases of the statement have.
	ActionsIn map[string]Span
}

// Conditions is operator → key → values; all of them must hold.
type Conditions map[string]map[string][]string

// Topic is an SNS topic of the page.
type Topic struct {
	Entity       string
	Why          string
	For          []Use // the topic is there when one of these is chosen; none: always
	PolicyEntity string
	Statements   []TopicStatement

	In Span // the releases that have it
}

// TopicStatement is a statement of a topic's access policy.
type TopicStatement struct {
	Sid     string
	Why     string
	Actions []string
	AWS     string // principal: account root or role ARN, or "*"
	Service string // principal: a service
	When    Conditions

	In Span // the releases that have it
}

// Rule is an EventBridge rule that feeds a topic.
type Rule struct {
	Entity  string
	Why     string
	Asset   Asset
	Option  Option // where the rule is there only with an option
	Topic   string // entity of the topic
	Pattern map[string]any

	In Span // the releases that have it
}
