package policies

import (
	"cmp"
	"time"

	"permstack/internal/policies/schema"
	"permstack/internal/policies/scope"
)

// Selection is the customer's choice of what a vendor may do.
type Selection struct {
	Profile        string // name of a vendor's profile; ProfileNames lists them
	Preset         string // name of a preset of the profile, which fills in the fields that are empty
	Assets         []schema.Asset
	Operations     []schema.Operation // empty: every operation of the preset or the profile
	Options        []schema.Option    // "support-role", and values of settings: "release=4.2"
	CatalogVersion string             // empty: the newest release

	// RestoreUntil adds the profile's operations that restore to Operations. What only they need is granted until this
	// time, also if Operations has them; the zero time limits nothing.
	RestoreUntil time.Time

	// Scope limits what is granted to resources of the customer; the zero Scope limits nothing.
	Scope scope.Scope
}

// Environment is where a selection is deployed and which principals it trusts. An empty Partition, Account or Region
// becomes a CloudFormation pseudo parameter.
type Environment struct {
	Partition string // of region.PartitionIDs
	Account   string // 12 digits
	Region    string

	ControlPlaneRoleARN        string // the one role that may assume the vendor's role here
	SupportControlPlaneRoleARN string // the one role that may assume the support role
	DataPlaneAccountID         string // the vendor's account that keeps the backups
	ExternalID                 string // shared secret of the trust, 2 to 1,224 characters
	ConnectionID               string // names this connection; part of every name

	// OtherAccounts are the customer's other accounts with which this one shares backups and roles, for profiles that
	// work across accounts. Empty: any account.
	OtherAccounts []string
	// Organization opens the resources that other accounts of the customer's
	// organization share with this one: keys, subnets, snapshots.
	Organization bool

	// TopicKeyARN is the customer's KMS key that encrypts the topics of the set; empty: they are not encrypted with a
	// customer managed key. Its key policy must let EventBridge and SNS use it.
	TopicKeyARN string

	// Protected are the ARNs of further resources that no vendor role may change, such as the installation's alert
	// topic, the state of the drift check and the functions. The roles, policies and stacks of the set are always
	// protected, by the inline policy GuardPolicy.
	Protected []string

	// StackNames are the stacks with the created resources, which the vendor may read. Empty: the stack that the
	// template is deployed as.
	StackNames []string

	// InstallationID is the short ID of the parent stack, eight hex digits. It ends the names that are too long for the
	// connection ID. Empty: a hash of the connection ID ends them.
	InstallationID string

	Path                   string // begins the IAM path of roles and policies; empty: DefaultPath
	PermissionsBoundaryARN string // of every role; empty for none
	Tags                   []Tag
}

// RolePath returns the IAM path of roles, policies and instance profiles: <Path><region>/<connection ID>/. No part of
// Path looks like a Region, so the first one that does ends it, and the paths of two connections never begin alike. It
// is "/" for roles that are created by hand, without an installation, because the IAM console cannot set a path.
func (e Environment) RolePath() string {
	if e.Path == "/" && e.InstallationID == "" {
		return "/"
	}
	return cmp.Or(e.Path, DefaultPath) + orPseudo(e.Region, pseudoRegion) + "/" +
		cmp.Or(e.ConnectionID, DefaultConnectionID) + "/"
}

// DefaultPath begins the IAM path of roles and policies in an environment without one.
const DefaultPath = "/permstack/"
