package vendorfile

import (
	"path"
	"regexp"
	"strings"

	"permstack/internal/awsapi/region"
	"permstack/internal/iampolicy"
)

// plan is what the README.md of `synth --format files` says about the files beside it: the commands of the AWS CLI that
// create the roles.
type plan struct {
	roles    map[string]*plannedRole
	policies map[string][]string // roles of a policy
	order    []string
	topics   []string
	rules    map[string]any // event patterns by rule
}

type plannedRole struct {
	path, boundary, trustFile string
	trust                     any
}

var (
	createRole = regexp.MustCompile(`^aws iam create-role --role-name (\S+)(?: --path (\S+))?` +
		`(?: --permissions-boundary (\S+))? --assume-role-policy-document file://(\S+)$`)
	createPolicy = regexp.MustCompile(`^arn=\$\(aws iam create-policy --policy-name (\S+)`)
	attachPolicy = regexp.MustCompile(`^aws iam attach-role-policy --role-name (\S+) --policy-arn "\$arn"$`)
	putPolicy    = regexp.MustCompile(`^aws iam put-role-policy --role-name (\S+) --policy-name (\S+)`)
)

// parsePlan reads the commands. It runs nothing; a line that is none of them has no meaning.
func parsePlan(readMe []byte) *plan {
	p := &plan{roles: map[string]*plannedRole{}, policies: map[string][]string{}, rules: map[string]any{}}
	last := ""
	for line := range strings.Lines(string(readMe)) {
		line = strings.TrimSpace(line)
		if m := createRole.FindStringSubmatch(line); m != nil {
			p.roles[m[1]] = &plannedRole{path: m[2], boundary: m[3], trustFile: m[4]}
			p.order = append(p.order, m[1])
		} else if m := createPolicy.FindStringSubmatch(line); m != nil {
			last = m[1]
		} else if m := attachPolicy.FindStringSubmatch(line); m != nil && last != "" {
			p.policies[last] = append(p.policies[last], m[1])
		} else if m := putPolicy.FindStringSubmatch(line); m != nil {
			p.policies[m[2]] = append(p.policies[m[2]], m[1])
		}
	}
	return p
}

// roleWithTrust returns the planned role whose trust policy is in a file, or nil.
func (p *plan) roleWithTrust(file string) *plannedRole {
	if p == nil {
		return nil
	}
	for _, r := range p.roles {
		if r.trustFile == path.Base(file) {
			return r
		}
	}
	return nil
}

// entityName returns the vendor's name in <Entity>-<region>-<connection>, or the name itself.
func entityName(name string) string {
	for i := range name {
		if name[i] != '-' {
			continue
		}
		rest := name[i+1:]
		for j := range rest {
			if rest[j] == '-' && region.IsKnown(rest[:j]) {
				return name[:i]
			}
		}
	}
	return name
}

// finish adds the roles, topics and rules of the plan.
func (p *plan) finish(r *reader) {
	for _, name := range p.order {
		role := p.roles[name]
		properties := map[string]any{"RoleName": name, "Path": role.path, "PermissionsBoundary": role.boundary}
		if role.trust != nil {
			properties["AssumeRolePolicyDocument"] = role.trust
		}
		r.add(r.uniqueID(entityName(name)), "AWS::IAM::Role", properties)
	}
	var targets []any
	for _, name := range p.topics {
		targets = append(targets, map[string]any{"Arn": entityName(name)})
	}
	for _, name := range sortedKeys(p.rules) {
		r.add(entityName(name), "AWS::Events::Rule",
			map[string]any{"Name": name, "EventPattern": p.rules[name], "Targets": targets})
	}
}

// topic adds a topic with its policy.
func (r *reader) topic(name string, statements []any) {
	id := entityName(name)
	r.add(id, "AWS::SNS::Topic", map[string]any{"TopicName": name})
	r.add(id+"Policy", "AWS::SNS::TopicPolicy",
		map[string]any{"Topics": []any{id}, "PolicyDocument": map[string]any{
			"Version": iampolicy.Version, "Statement": statements,
		}})
}
