package consolefiles

import (
	"bytes"
	"fmt"
	"strings"

	"permstack/internal/policies"
)

// plan is the content of README.md.
type plan struct {
	set   policies.Set
	roles []role
}

type role struct {
	policies.Role
	managed []policies.Policy
	trust   string // name of the file with the trust policy
}

// readMe returns the steps for the IAM console (as of 2026), and the same as
// commands of the AWS CLI: the console cannot set a path.
func (p plan) readMe() []byte {
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Permissions for %s, created by hand\n", p.set.Profile)
	line("Every JSON file in this directory is one complete policy within IAM's size limits.")
	line("Together they grant the same access as the permission stack of permstack. Use them in")
	line("accounts where stacks cannot be deployed.\n")
	line("| role | policies | trust policy |\n|---|---|---|")
	for _, r := range p.roles {
		names := append(policyNames(r.managed), policyNames(r.Inline)...)
		line("| `%s` | %s | `%s` |", r.Name, strings.Join(quoted(names), ", "), r.trust)
	}
	if entries := p.set.Scope.Entries(); len(entries) > 0 {
		line("\n## What is narrowed\n")
		line("The access is narrowed to `%s`.\n", strings.Join(entries, "`, `"))
		for _, n := range p.set.NotNarrowed {
			line("- Not narrowed by %s, because %s: %s", n.Kind.Plural(), n.Why, strings.Join(quoted(n.Actions), ", "))
		}
	}
	if path := p.path(); path == "/" {
		p.console(line)
	} else {
		line("\n## In the console\n")
		line("The policies name roles under the path `%s`, which the console cannot set. Use the", path)
		line("commands below, or write the files again with `--path /`.")
	}
	p.commands(line)
	p.events(line)
	return b.Bytes()
}

func (p plan) path() string {
	for _, r := range p.roles {
		return r.Path
	}
	return "/"
}

func (p plan) console(line func(string, ...any)) {
	line("\n## In the console\n")
	for i, r := range p.roles {
		if i > 0 {
			line("\nThen for `%s`:\n", r.Name)
		}
		n := 0
		step := func(format string, args ...any) { n++; line("%d. "+format, append([]any{n}, args...)...) }
		for _, policy := range r.managed {
			step("IAM → **Policies** → **Create policy** → **JSON**: "+
				"replace the text with the content of `%s.json`, **Next**, name it `%s`, **Create policy**.",
				policy.Name, policy.Name)
		}
		if r.InstanceProfile != "" {
			step("**Roles** → **Create role** → **AWS service**, use case **EC2**, **Next**. " +
				"(The console then creates an instance profile with the role's name; with a custom trust policy it does not.)")
		} else {
			step("**Roles** → **Create role** → **Custom trust policy**: paste `%s`, **Next**.", r.trust)
		}
		if len(r.managed) > 0 {
			step("Search for and select %s, **Next**.", strings.Join(quoted(policyNames(r.managed)), ", "))
		} else {
			step("Select no policy, **Next**.")
		}
		step("Name the role `%s`, %s**Create role**. "+
			"To use an existing role, open it instead and choose **Add permissions** → **Attach policies**.",
			r.Name, boundary(r.Role))
		if r.InstanceProfile != "" {
			step("Open the role → **Trust relationships** → **Edit trust policy**: "+
				"replace the text with the content of `%s`, **Update policy**.", r.trust)
		}
		for _, policy := range r.Inline {
			step("**Permissions** → **Add permissions** → **Create inline policy** → **JSON**: "+
				"paste `%s.json`, **Next**, name it `%s`, **Create policy**.",
				policy.Name, policy.Name)
		}
		if r.InstanceProfile != "" {
			step("Attach the role to the server: EC2 → the instance → **Actions** → **Security** → **Modify IAM role**.")
		}
	}
}

func boundary(r policies.Role) string {
	if r.PermissionsBoundary == "" {
		return ""
	}
	return "set the permissions boundary `" + r.PermissionsBoundary + "`, "
}

func (p plan) commands(line func(string, ...any)) {
	line("\n## With the AWS CLI\n\n```sh")
	for _, r := range p.roles {
		path := ""
		if r.Path != "/" {
			path = " --path " + r.Path
		}
		limit := ""
		if r.PermissionsBoundary != "" {
			limit = " --permissions-boundary " + r.PermissionsBoundary
		}
		line("aws iam create-role --role-name %s%s%s --assume-role-policy-document file://%s",
			r.Name, path, limit, r.trust)
		for _, policy := range r.managed {
			line("arn=$(aws iam create-policy --policy-name %s%s --policy-document file://%s.json "+
				"--query Policy.Arn --output text)", policy.Name, path, policy.Name)
			line("aws iam attach-role-policy --role-name %s --policy-arn \"$arn\"", r.Name)
		}
		for _, policy := range r.Inline {
			line("aws iam put-role-policy --role-name %s --policy-name %s --policy-document file://%s.json",
				r.Name, policy.Name, policy.Name)
		}
		if r.InstanceProfile != "" {
			line("aws iam create-instance-profile --instance-profile-name %s%s", r.InstanceProfile, path)
			line("aws iam add-role-to-instance-profile --instance-profile-name %s --role-name %s", r.InstanceProfile, r.Name)
		}
	}
	line("```")
}

// events writes the steps for the topics and event rules.
func (p plan) events(line func(string, ...any)) {
	if len(p.set.Topics) == 0 {
		return
	}
	line("\n## Events\n")
	for _, t := range p.set.Topics {
		line("- SNS → **Topics** → **Create topic**, standard, named `%s`, "+
			"with the access policy (advanced) in `topic-%s.json`.", t.Name, t.Name)
		if t.KeyARN != "" {
			line("  Under **Encryption**, choose the key `%s`.", t.KeyARN)
		}
	}
	for _, r := range p.set.Rules {
		line("- EventBridge → **Rules** → **Create rule** `%s` with the event pattern in `rule-%s.json`; "+
			"its target is the topic.", r.Name, r.Name)
	}
}

func policyNames(list []policies.Policy) []string {
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = p.Name
	}
	return out
}

func quoted(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = "`" + s + "`"
	}
	return out
}
