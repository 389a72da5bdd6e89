// Package policyinput reads the policies of roles from the files that reviewers have: a policy document, the output of
// the AWS CLI's iam commands, the output of synth, a CloudFormation template. It is pure.
package policyinput

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"permstack/internal/iampolicy"
	"permstack/internal/review/accessdiff"
)

// Role is a role, or a policy without its role, with policies.
type Role struct {
	Name     string // of the role; the label of the file if it does not name one
	Policies []Policy
	Missing  []string // ARNs of attached policies that the file does not contain
}

// Policy is a policy with its name, or a number if the file does not name it.
type Policy struct {
	Name     string
	Document iampolicy.Document
}

// output is the output of the AWS CLI: get-policy-version, get-role-policy and get-account-authorization-details.
type output struct {
	Statement      json.RawMessage
	PolicyVersion  *version
	RoleName       string
	PolicyName     string
	PolicyDocument json.RawMessage
	RoleDetailList []struct {
		RoleName       string
		RolePolicyList []struct {
			PolicyName     string
			PolicyDocument json.RawMessage
		}
		AttachedManagedPolicies []struct{ PolicyName, PolicyArn string }
	}
	Policies []struct {
		PolicyName, Arn   string
		PolicyVersionList []version
	}
}

type version struct {
	Document         json.RawMessage
	IsDefaultVersion bool
}

// Parse returns the roles with policies in a file; label is its name. It returns an error if the file has no policy.
func Parse(label string, data []byte) ([]Role, error) {
	var out output
	if document := wrapStatements(data); document != nil {
		return one(label, label, document)
	}
	if json.Unmarshal(data, &out) == nil {
		switch {
		case out.Statement != nil:
			return one(label, label, data)
		case out.PolicyVersion != nil:
			return one(label, label, out.PolicyVersion.Document)
		case out.PolicyDocument != nil:
			return one(orLabel(out.RoleName, label), orLabel(out.PolicyName, label), out.PolicyDocument)
		case len(out.RoleDetailList) > 0:
			return out.roles()
		}
	}
	set, err := accessdiff.Parse(label, data)
	if err != nil {
		return nil, fmt.Errorf("%w; nor is it a policy document or the output of aws iam get-policy-version, "+
			"get-role-policy or get-account-authorization-details", err)
	}
	var roles []Role
	for _, name := range slices.Sorted(maps.Keys(set.Roles)) {
		role := Role{Name: name}
		for i, doc := range set.Roles[name].Policies {
			role.Policies = append(role.Policies, Policy{fmt.Sprintf("policy %d", i+1), doc})
		}
		roles = append(roles, role)
	}
	if len(roles) == 0 {
		return nil, fmt.Errorf("read %s: it has no role with policies", label)
	}
	return roles, nil
}

func orLabel(name, label string) string {
	if name == "" {
		return label
	}
	return name
}

func one(role, name string, document []byte) ([]Role, error) {
	doc, err := parseDocument(document)
	if err != nil {
		return nil, fmt.Errorf("read policy %s: %w", name, err)
	}
	return []Role{{Name: role, Policies: []Policy{{name, doc}}}}, nil
}

// parseDocument parses a document, which IAM's API returns URL-encoded and the AWS CLI decoded.
func parseDocument(data json.RawMessage) (iampolicy.Document, error) {
	var text string
	if json.Unmarshal(data, &text) == nil {
		decoded, err := url.QueryUnescape(text)
		if err != nil {
			return iampolicy.Document{}, err
		}
		data = json.RawMessage(decoded)
	}
	doc, err := iampolicy.Parse(data)
	if err == nil && len(doc.Statement) == 0 {
		err = errors.New("it has no statement")
	}
	return doc, err
}

// roles returns the roles of get-account-authorization-details with their inline and managed policies.
func (o output) roles() ([]Role, error) {
	managed := map[string]json.RawMessage{}
	for _, p := range o.Policies {
		for _, v := range p.PolicyVersionList {
			if v.IsDefaultVersion {
				managed[p.Arn] = v.Document
			}
		}
	}
	var roles []Role
	for _, r := range o.RoleDetailList {
		role := Role{Name: r.RoleName}
		for _, p := range r.RolePolicyList {
			doc, err := parseDocument(p.PolicyDocument)
			if err != nil {
				return nil, fmt.Errorf("read policy %s of role %s: %w", p.PolicyName, r.RoleName, err)
			}
			role.Policies = append(role.Policies, Policy{p.PolicyName, doc})
		}
		for _, p := range r.AttachedManagedPolicies {
			if managed[p.PolicyArn] == nil { // with --filter Role, or LocalManagedPolicy for a policy of AWS
				role.Missing = append(role.Missing, p.PolicyArn)
				continue
			}
			doc, err := parseDocument(managed[p.PolicyArn])
			if err != nil {
				return nil, fmt.Errorf("read policy %s of role %s: %w", p.PolicyName, r.RoleName, err)
			}
			role.Policies = append(role.Policies, Policy{p.PolicyName, doc})
		}
		roles = append(roles, role)
	}
	return roles, nil
}
