// Package schema is what a vendor profile consists of: roles, policies and
// statements, each with its reason and the choices that include it. It holds
// data only. Package profilefile reads it from YAML files; package policies
// synthesizes permission sets from it.
//
// # Variables
//
// Strings may contain ${…} variables:
//
//	Partition Region Account        where the permission set is deployed
//	Path                            the IAM path of the roles
//	DataPlaneAccount                the vendor's account that stores backups
//	ControlPlaneRole                the role that may assume the vendor's role
//	ControlPlaneAccount             its account
//	SupportControlPlaneRole         the role that may assume the support role
//	ExternalId                      the shared secret of the trust policy
//	EC2Service                      EC2's service principal
//	OtherAccount                    in a resource: each of the customer's other
//	                                accounts, or any account if none is given; as
//	                                a condition value: each of them; none is "*" for
//	                                operators with wildcards, and nothing for others
//
// and the profile's own (Profile.Terms). A resource or a condition value may
// also be one of
//
//	${roles:Entity} ${policies:Entity} ${topics:Entity} ${rules:Entity} ${stacks}
//
// which become the ARNs of what the selection itself creates; "*" means
// every entity. A reference to an entity that is not selected becomes nothing.
package schema

// Asset is a kind of resource that a customer protects: "ec2", "rds".
type Asset string

// Operation is what the vendor does with an asset: "backup", "restore".
type Operation string

// Option is a choice beside assets and operations, such as "support-role", or
// the value of a setting, such as "release=4.2".
type Option string

// Value names an input of the environment.
type Value string

// The inputs that a profile may require.
const (
	ControlPlaneRole        Value = "ControlPlaneRole"
	SupportControlPlaneRole Value = "SupportControlPlaneRole"
	DataPlaneAccount        Value = "DataPlaneAccount"
	ExternalID              Value = "ExternalId"
)

// Use is a combination of choices that includes something: an asset, an
// operation and an option, of which an empty one matches any. The zero Use
// always matches.
type Use struct {
	Asset     Asset     `json:"asset,omitempty"`
	Operation Operation `json:"operation,omitempty"`
	Option    Option    `json:"option,omitempty"`
}

// Span is a range of catalogue releases: from From on, and before Until. An
// empty bound is open; the zero Span is every release. Something that changes
// is written twice: the old form until a release, the new form from it. What a
// release contains never changes, so a release always synthesizes to the same
// bytes.
type Span struct {
	From  string `json:"from,omitempty" yaml:"from"`
	Until string `json:"until,omitempty" yaml:"until"`
}

// Profile is everything that one vendor may be granted.
type Profile struct {
	Name   string `json:"name"`   // "clumio"
	Vendor string `json:"vendor"` // "Clumio"
	// OwnTemplate is true for a built-in profile that template.yaml cannot select:
	// it is launched from the template of its own that a release has.
	OwnTemplate bool        `json:"ownTemplate,omitempty"`
	Assets      []AssetInfo `json:"assets,omitempty"`
	Operations  []Operation `json:"operations,omitempty"`
	// RestoreOperations are the operations that restore. A selection can add them
	// until a time.
	RestoreOperations []Operation  `json:"restoreOperations,omitempty"`
	Options           []OptionInfo `json:"options,omitempty"`
	Settings          []Setting    `json:"settings,omitempty"`
	Presets           []Preset     `json:"presets,omitempty"`
	Needs             []Need       `json:"inputs,omitempty"`
	Outputs           []Output     `json:"outputs,omitempty"`
	Terms             []Term       `json:"variables,omitempty"`
	Roles             []Role       `json:"roles,omitempty"`
	Topics            []Topic      `json:"topics,omitempty"`
	Rules             []Rule       `json:"rules,omitempty"`
	// Prerequisites are what IAM policies cannot grant and the customer must set
	// up: a key policy, a service-linked role, a RAM share.
	Prerequisites []Prerequisite `json:"prerequisites,omitempty"`
}

// AssetInfo is an asset that the profile offers.
type AssetInfo struct {
	Asset Asset  `json:"asset"`
	Title string `json:"title"` // "EC2 and EBS"

	In Span `json:"in,omitzero"`
}

// OptionInfo is a choice beside assets and operations.
type OptionInfo struct {
	Option Option `json:"option"`
	Title  string `json:"title"`

	In Span `json:"in,omitzero"`
}

// Setting is a choice of exactly one value, such as the vendor's release.
type Setting struct {
	Name    string       `json:"name"` // "release"
	Title   string       `json:"title"`
	Values  []OptionInfo `json:"values"`  // "release=4.1.1a", "release=4.2"
	Default Option       `json:"default"` // if none is selected
	// Cumulative is true if a value includes all before it, as releases do.
	Cumulative bool `json:"cumulative,omitempty"`
}

// Preset is a named selection. It supplies what a selection leaves empty.
type Preset struct {
	Name       string      `json:"name"` // "minimal"
	Title      string      `json:"title"`
	Assets     []Asset     `json:"assets,omitempty"`
	Operations []Operation `json:"operations,omitempty"`
	Options    []Option    `json:"options,omitempty"`
	// Marked is true if the preset includes only statements that name it.
	Marked bool `json:"marked,omitempty"`
}

// Need is an input that a selection uses.
type Need struct {
	Value Value `json:"value"`
	For   []Use `json:"for,omitempty"` // if one of these is selected; none: always
	// Missing is the message if the input is missing: why it is needed and where to
	// find it. If empty, the input is optional.
	Missing string `json:"missing,omitempty"`
	// Unused is the message if the input is given and nothing that uses it is
	// selected. If empty, the input is then ignored.
	Unused string `json:"unused,omitempty"`
}

// Outputs of the launch template that the customer enters at the vendor, as template.yaml names them.
const (
	RoleOutput        = "RoleArn"
	SupportRoleOutput = "SupportRoleArn"
	EventTopicOutput  = "EventTopicArn"
)

// Output is how the vendor names a value that the customer enters there.
type Output struct {
	Output string `json:"output"` // RoleOutput, SupportRoleOutput or EventTopicOutput
	Name   string `json:"name"`   // letters and digits
	Title  string `json:"title"`  // what it is, and where the vendor wants it
}

// Term is a variable of the profile: ${Name} becomes the value of the first
// term of that name whose For is selected.
type Term struct {
	Name  string `json:"name"`
	Value string `json:"value"` // may contain variables of the environment, no other term
	For   []Use  `json:"for,omitempty"`
	Why   string `json:"why,omitempty"`
}

// Role is an IAM role of the vendor.
type Role struct {
	Entity          string   `json:"entity"` // the vendor's name for it
	Why             string   `json:"why"`
	For             []Use    `json:"for,omitempty"` // included if one of these is selected; none: always
	Trust           []Trust  `json:"trust,omitempty"`
	Policies        []Policy `json:"policies,omitempty"`
	InstanceProfile string   `json:"instanceProfile,omitempty"` // its entity, if the role has one
	// InstanceProfileFor is when the role has one; none: always.
	InstanceProfileFor []Use `json:"instanceProfileFor,omitempty"`

	In Span `json:"in,omitzero"`
}

// Trust is a statement of a role's trust policy.
type Trust struct {
	Sid     string     `json:"sid"`
	Why     string     `json:"why"`
	For     []Use      `json:"for,omitempty"`
	AWS     string     `json:"aws,omitempty"`     // principal: a role's ARN or an account's root, or
	Service string     `json:"service,omitempty"` // principal: a service
	When    Conditions `json:"when,omitempty"`
	// WhenGiven are conditions that apply if the environment has a value.
	WhenGiven map[Value]Conditions `json:"whenGiven,omitempty"`

	In Span `json:"in,omitzero"`
}

// Kind is how a policy is attached to its role.
type Kind string

// The kinds of policies.
const (
	Inline  Kind = "inline"
	Managed Kind = "managed"
)

// Policy is an IAM policy of the vendor.
type Policy struct {
	Entity     string      `json:"entity"`
	Kind       Kind        `json:"kind"`
	Why        string      `json:"why"`
	For        []Use       `json:"for,omitempty"` // for statements without their own
	Statements []Statement `json:"statements,omitempty"`

	In Span `json:"in,omitzero"`
}

// Statement grants actions, or denies them.
type Statement struct {
	Sid       string     `json:"sid"`
	Why       string     `json:"why"`           // the reason, in plain words
	For       []Use      `json:"for,omitempty"` // included if one of these is selected; none: as the policy
	Deny      bool       `json:"deny,omitempty"`
	Actions   []string   `json:"actions"`
	Resources []string   `json:"resources"`
	When      Conditions `json:"when,omitempty"`
	// Shared are resources, of those above, that may also belong to other accounts
	// of the customer: keys, subnets, snapshots. They are included if the customer
	// lists those accounts or opens what the organization shares.
	Shared []string `json:"shared,omitempty"`

	// Since is the option that an action requires, beside For: the value of a
	// setting for the vendor's release that introduced it.
	Since map[string]Option `json:"since,omitempty"`
	// Until is the option with which an action is no longer granted: the value of a
	// cumulative setting for the vendor's release that no longer requires it. It is
	// not granted in that release and later ones.
	Until map[string]Option `json:"until,omitempty"`
	// Presets are the marked presets that include the statement.
	Presets []string `json:"presets,omitempty"`

	// WhyWildcard is why no ARN works, if Resources is "*".
	WhyWildcard string `json:"whyWildcard,omitempty"`
	// Note is what differs from the vendor's permissions document and why.
	Note string `json:"note,omitempty"`
	// Remains is what the statement cannot prevent.
	Remains []Remain `json:"remains,omitempty"`
	// Narrow is how a customer's scope narrows the statement, besides the names of
	// resources, which are part of their ARNs. Package profilefile derives it from
	// AWS's service authorization reference.
	Narrow []Narrowing `json:"narrow,omitempty"`
	// NotNarrowed is why a kind of scope does not narrow the statement although AWS
	// offers a key or a name: because a promised flow would fail.
	NotNarrowed map[string]string `json:"notNarrowed,omitempty"`

	In Span `json:"in,omitzero"`
	// ActionsIn are the releases of actions that are not in all releases of the
	// statement.
	ActionsIn map[string]Span `json:"actionsIn,omitempty"`
}

// Conditions maps operator → key → values; all of them must match.
type Conditions map[string]map[string][]string

// Narrowing is a condition key by which a customer's scope narrows a part of a
// statement.
type Narrowing struct {
	Kind string `json:"kind"` // of package scope: "tag" or "vpc"
	// Actions and Resources are those of the statement with which AWS sends the key;
	// empty: all.
	Actions   []string `json:"actions,omitempty"`
	Resources []string `json:"resources,omitempty"`
}

// Remain is a risk that the conditions and resources of a statement leave.
type Remain struct {
	Kind RemainKind `json:"kind"`
	Text string     `json:"text"`
}

// RemainKind classifies what a statement cannot prevent.
type RemainKind string

// The kinds of remaining risk.
const (
	// SelfTag: the condition requires a tag that the role itself may set.
	SelfTag RemainKind = "self-tag"
	// NoKey: AWS has no condition key or resource type that could limit the action.
	NoKey RemainKind = "no-key"
	// DataLeaves: data or access can reach somebody outside the account.
	DataLeaves RemainKind = "data-leaves"
	// Destroys: data of the customer can be deleted or overwritten.
	Destroys RemainKind = "destroys"
	// Escalates: the role can gain permissions beyond its own.
	Escalates RemainKind = "escalates"
)

// Prerequisite is something outside IAM policies that must exist before a choice
// works.
type Prerequisite struct {
	For []Use `json:"for,omitempty"`
	// Text is what to set up, and how it shows if it is missing.
	Text string `json:"text"`

	In Span `json:"in,omitzero"`
}

// Topic is an SNS topic of the vendor.
type Topic struct {
	Entity       string           `json:"entity"`
	Why          string           `json:"why"`
	For          []Use            `json:"for,omitempty"`
	PolicyEntity string           `json:"policy"`
	Statements   []TopicStatement `json:"statements,omitempty"`

	In Span `json:"in,omitzero"`
}

// TopicStatement is a statement of a topic's access policy.
type TopicStatement struct {
	Sid     string     `json:"sid"`
	Why     string     `json:"why"`
	Actions []string   `json:"actions"`
	AWS     string     `json:"aws,omitempty"`     // principal: account root or role ARN, or "*"
	Service string     `json:"service,omitempty"` // principal: a service
	When    Conditions `json:"when,omitempty"`

	In Span `json:"in,omitzero"`
}

// Rule is an EventBridge rule that publishes to a topic.
type Rule struct {
	Entity  string         `json:"entity"`
	Why     string         `json:"why"`
	Asset   Asset          `json:"asset,omitempty"`
	Option  Option         `json:"option,omitempty"` // if the rule requires an option
	Topic   string         `json:"topic"`            // entity of the topic
	Pattern map[string]any `json:"pattern"`

	In Span `json:"in,omitzero"`
}
