package audit

import (
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/notify/finding"
)

const typeRole = "AWS::IAM::Role"

// permissionStackName is the form of installation.Parent.StackName.
var permissionStackName = regexp.MustCompile(
	`-([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})-permstack-(access|inventory)$`)

func mapsKeys[V any](m map[string]V) iter.Seq[string] { return maps.Keys(m) }

// target is what the audit searches for.
type target struct {
	arns     []string // of principals of the backup service, and of the installations' roles
	accounts []string // of the backup service
	roles    []string // names of the installations' roles, and their account
}

// newTarget collects the principals of the installations. An account of the backup
// service that is the installation's own, as with cpm, is not searched for: what names it
// names the customer.
func newTarget(all []chosen, more []string) target {
	var t target
	own := map[string]bool{}
	for _, c := range all {
		own[c.parent.Account] = true
	}
	add := func(value string) {
		if strings.HasPrefix(value, "arn:") {
			t.arns = append(t.arns, value)
			value = iampolicy.AccountInARN(value)
		}
		if len(value) == 12 && !own[value] {
			t.accounts = append(t.accounts, value)
		}
	}
	for _, c := range all {
		for _, name := range []string{"ControlPlaneRoleArn", "SupportControlPlaneRoleArn", "DataPlaneAccountId"} {
			add(c.parameters[name])
		}
		for _, role := range c.roles {
			t.roles = append(t.roles, c.parent.Account+" "+role)
		}
	}
	for _, value := range more {
		add(value)
	}
	return t
}

// matches reports whether a principal is one of the target, and whether it is an
// installation's own role.
func (t target) matches(principal string) (ok, ownRole bool) {
	if a, ok := iampolicy.ParseARN(principal); ok {
		path := strings.Split(a.Resource, "/")
		name := path[len(path)-1]
		if path[0] == "assumed-role" && len(path) > 1 {
			name = path[1]
		}
		if (path[0] == "role" || path[0] == "assumed-role") && slices.Contains(t.roles, a.AccountID+" "+name) {
			return true, true
		}
		if slices.Contains(t.accounts, a.AccountID) {
			return true, false
		}
	}
	return slices.Contains(t.arns, principal) || slices.Contains(t.accounts, principal), false
}

// principalKeys are condition keys whose value is the principal of a request (IAM User
// Guide, "AWS global condition context keys").
var principalKeys = []string{"aws:principalarn", "aws:principalaccount", "aws:userid"}

// named returns the principals of the target that statements of a document allow, and
// whether one of them is an installation's own role.
func (t target) named(document iampolicy.Document) (names []string, ownRole bool) {
	add := func(principal string) {
		if ok, own := t.matches(principal); ok {
			names, ownRole = append(names, principal), ownRole || own
		}
	}
	for _, s := range document.Statement {
		if s.Effect != "Allow" || s.Principal == nil {
			continue
		}
		for _, kind := range s.Principal.ByType {
			for _, principal := range kind {
				add(principal)
			}
		}
		for operator, keys := range s.Condition {
			if strings.Contains(operator, "Not") {
				continue
			}
			for key, values := range keys {
				if slices.Contains(principalKeys, strings.ToLower(key)) {
					for _, v := range values {
						add(v)
					}
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), ownRole
}

// value returns a document in short.
func value(document iampolicy.Document) finding.Value {
	out := &finding.Document{}
	for _, s := range document.Statement {
		statement := finding.Statement{
			Effect: s.Effect, Actions: s.Action, NotActions: s.NotAction, Resources: s.Resource,
			NotResources: s.NotResource, Conditional: len(s.Condition) > 0,
		}
		if s.Principal != nil {
			if s.Principal.Everyone {
				statement.Principals = []string{"*"}
			}
			for _, kind := range slices.Sorted(maps.Keys(s.Principal.ByType)) {
				statement.Principals = append(statement.Principals, s.Principal.ByType[kind]...)
			}
		}
		out.Statements = append(out.Statements, statement)
	}
	return finding.Value{Document: out}
}
