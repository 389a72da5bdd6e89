package policies

import "permstack/internal/policies/schema"

// Selection is what the customer chooses.
type Selection struct {
	Profile        string // a vendor's page; ProfileNames lists them
	Preset         string // a choice that the profile names; it stands in for what is left empty here
	Assets         []schema.Asset
	Operations     []schema.Operation // none: every operation of the preset or the profile
	Options        []schema.Option    // "support-role", and values of settings: "release=4.2"
	CatalogVersion string             // empty: the newest release
}

// Environment is where the selection is deployed and whom it trusts. Empty
// Partition, Account or Region become CloudFormation's pseudo parameters.
type Environment struct {
	Partition string // aws, aws-us-gov, aws-cn
	Account   string // 12 digits
	Region    string

	ControlPlaneRoleARN        string // the one role that may assume the vendor's role here
	SupportControlPlaneRoleARN string // the one role that may assume the support role
	DataPlaneAccountID         string // the vendor's account that keeps the backups
	ExternalID                 string // shared secret of the trust, 2 to 1,224 characters
	ConnectionID               string // names this connection; part of every name

	// OtherAccounts are the customer's other accounts with which this one shares
	// backups and roles, for profiles that work across accounts. None: any account.
	OtherAccounts []string
	// Organization opens the resources that other accounts of the customer's
	// organization share with this one: keys, subnets, snapshots.
	Organization bool

	// StackNames are the stacks that hold what is made, for the permission to read
	// them. Empty: the stack that the template is deployed as.
	StackNames []string

	Path                   string // IAM path of every role and policy; empty: DefaultPath
	PermissionsBoundaryARN string // set on every role, where given
	Tags                   []Tag
}

// DefaultPath is the IAM path of what permstack makes, unless another is asked for.
const DefaultPath = "/permstack/"
