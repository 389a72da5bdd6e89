package policies

import (
	"time"

	"permstack/internal/iampolicy"
	"permstack/internal/policies/schema"
	"permstack/internal/policies/scope"
)

// Set is the result of a synthesis: everything that the permission stack contains. If the environment leaves the
// account, Region or partition empty, strings contain CloudFormation pseudo parameters ("${AWS::Region}"), else
// none.
type Set struct {
	CatalogVersion string
	Profile        string
	Roles          []Role
	Topics         []Topic
	Rules          []Rule
	// RestoreUntil is when the access that only restores need ends; zero if it has no
	// end, or if the set has none.
	RestoreUntil time.Time `json:",omitzero"`
	// Scope is what the access is limited to; NotNarrowed is the access that it does not
	// limit.
	Scope       scope.Scope   `json:",omitzero"`
	NotNarrowed []NotNarrowed `json:",omitempty"`
}

// Role is an IAM role with its policies.
type Role struct {
	Entity              string // the vendor's name: "ClumioIAMRole"
	Name                string
	Path                string // begins and ends with a slash
	Description         string
	Trust               iampolicy.Document
	Managed             []Policy
	Inline              []Policy
	InstanceProfile     string // name of the role's instance profile; empty for none
	PermissionsBoundary string // ARN; empty for none
	Tags                []Tag
}

// Policy is a managed or inline policy. A vendor's policy that is too large for IAM is split into several, which
// have the same Entity.
type Policy struct {
	Entity      string
	Name        string
	Path        string // managed policies only
	Description string
	Document    iampolicy.Document
	Grants      []Grant // one for each statement of Document, in its order
}

// Grant is the catalogue's information about one statement: why it is needed.
type Grant struct {
	Sid         string
	Why         string
	WhyWildcard string // why Resource is "*", if it is
	Note        string // what differs from the vendor's permissions document, and why
	For         []schema.Use
	Remains     []schema.Remain `json:",omitempty"` // what the statement cannot prevent
}

// Topic is an SNS topic with its access policy.
type Topic struct {
	Entity string
	Name   string
	Policy iampolicy.Document
	Grants []Grant
	Tags   []Tag
	KeyARN string // of the KMS key that encrypts it, if the customer chose one
}

// Rule is an EventBridge rule.
type Rule struct {
	Entity      string
	Name        string
	Asset       schema.Asset
	Description string
	Pattern     map[string]any // the event pattern, as JSON values
	Targets     []Target
}

// Target is the target of a rule: a topic of the same set.
type Target struct {
	ID          string
	TopicEntity string
}

// Tag is a tag that the customer requests for the created resources.
type Tag struct{ Key, Value string }

// Actions returns the number of distinct actions that the set grants to its roles.
func (s Set) Actions() int {
	seen := map[string]bool{}
	for _, r := range s.Roles {
		for _, list := range [][]Policy{r.Managed, r.Inline} {
			for _, p := range list {
				for _, a := range p.Document.Actions() {
					seen[a] = true
				}
			}
		}
	}
	return len(seen)
}
