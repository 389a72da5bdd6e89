package denial

import (
	"slices"
	"strings"

	"permstack/internal/awsapi/region"
	"permstack/internal/iampolicy"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// Caller is the principal of a message.
type Caller struct {
	Account string // 12 digits, or ""
	Name    string // of the role or user, without its path; "" for another principal
	IsRole  bool
}

// ParseCaller parses the ARN of a role, a session of one or a user. A text that is no ARN has only a name, such as a
// service principal or the name of a role.
func ParseCaller(principal string) Caller {
	text := principal
	if len(text) > 4 && strings.EqualFold(text[:4], "arn:") { // typed, not copied
		text = "arn" + text[3:]
	}
	parsed, ok := iampolicy.ParseARN(text)
	if !ok {
		return Caller{Name: principal, IsRole: principal != "" && !strings.Contains(principal, ".")}
	}
	kind, rest, _ := strings.Cut(parsed.Resource, "/")
	c := Caller{Account: parsed.AccountID}
	switch kind {
	case "assumed-role": // assumed-role/<name>/<session>, without the role's path
		c.Name, _, _ = strings.Cut(rest, "/")
		c.IsRole = true
	case "role", "user":
		c.Name, c.IsRole = rest[strings.LastIndex(rest, "/")+1:], kind == "role"
	}
	return c
}

// Identify returns the profile and the role of it that a deployed role's name belongs to, and completes an environment
// with what the name says: the Region, and the connection ID or the installation's ID. It reports false if the name is
// that of no role of a built-in profile.
func Identify(c Caller, env policies.Environment) (schema.Profile, schema.Role, policies.Environment, bool) {
	for _, name := range policies.ProfileNames() {
		profile, _ := policies.Profile(name)
		if role, ending, ok := findRole(profile, c); ok {
			return profile, role, complete(env, c, ending), true
		}
	}
	return schema.Profile{}, schema.Role{}, env, false
}

// findRole returns the role of a profile with the longest entity that begins the name, and the rest of the name. Roles
// that were created by hand have the entity itself as name. IAM does not distinguish names of roles by case.
func findRole(profile schema.Profile, c Caller) (schema.Role, string, bool) {
	var best schema.Role
	for _, r := range profile.Roles {
		named := strings.EqualFold(c.Name, r.Entity) ||
			strings.HasPrefix(strings.ToLower(c.Name), strings.ToLower(r.Entity)+"-")
		if c.IsRole && named && len(r.Entity) > len(best.Entity) {
			best = r
		}
	}
	return best, c.Name[min(len(best.Entity), len(c.Name)):], best.Entity != ""
}

// complete adds what a role's name says to an environment: <entity>-<region>-<connection ID> or
// <entity>-<region>_<installation ID>.
func complete(env policies.Environment, c Caller, ending string) policies.Environment {
	if env.Account == "" {
		env.Account = c.Account
	}
	ending = strings.TrimPrefix(ending, "-")
	for _, name := range slices.Backward(region.Names()) { // a name before those that begin it
		rest, ok := strings.CutPrefix(ending, name)
		if !ok || rest == "" {
			continue
		}
		if env.Region == "" {
			env.Region = name
		}
		switch {
		case rest[0] == '_' && env.InstallationID == "":
			env.InstallationID = rest[1:]
		case rest[0] == '-' && env.ConnectionID == "":
			env.ConnectionID = rest[1:]
		}
		break
	}
	return env
}

// isInstaller reports whether a principal is one of permstack's own roles, by their path or by the logical IDs in
// template.yaml, which CloudFormation puts into their names.
func isInstaller(principal string) bool {
	return strings.Contains(principal, "/installer/") || strings.Contains(principal, "-StackRole-") ||
		strings.Contains(principal, "-ProvisionerRole-") || strings.Contains(principal, "-DriftRole-")
}
