package policies

import (
	"permstack/internal/iampolicy"
	"permstack/internal/policies/schema"
)

// Set is what a selection comes to: everything that the permission stack holds.
// Strings may hold CloudFormation pseudo parameters ("${AWS::Region}") where
// the environment left the account, Region or partition open; with a complete
// environment they hold none.
type Set struct {
	CatalogVersion string
	Profile        string
	Roles          []Role
	Topics         []Topic
	Rules          []Rule
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
	InstanceProfile     string // name of the instance profile that holds the role; empty for none
	PermissionsBoundary string // ARN; empty for none
	Tags                []Tag
}

// Policy is a managed or inline policy. Where a vendor's policy is too large
// for IAM it stands in several parts, which share the Entity.
type Policy struct {
	Entity      string
	Name        string
	Path        string // managed policies only
	Description string
	Document    iampolicy.Document
	Grants      []Grant // one a statement of Document, in its order
}

// Grant is the catalogue's side of one statement: why it is there.
type Grant struct {
	Sid         string
	Why         string
	WhyWildcard string // why Resource is "*", where it is
	Note        string // a correction of, or an addition to, the vendor's page
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

// Target is where a rule sends its events: a topic of the same set.
type Target struct {
	ID          string
	TopicEntity string
}

// Tag is a tag that the customer asked for.
type Tag struct{ Key, Value string }

// Actions counts the distinct actions that the set grants to its roles.
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
