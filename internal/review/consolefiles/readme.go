package consolefiles

import (
	"bytes"
	"fmt"
	"strings"

	"permstack/internal/policies"
)

// plan is what the steps are about.
type plan struct {
	set   policies.Set
	roles []role
}

type role struct {
	policies.Role
	managed []policies.Policy
	trust   string // name of the file
}

// readMe writes the steps for the IAM console of today, and the same as commands:
// the console can give no path.
func (p plan) readMe() []byte {
	var b bytes.Buffer
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("# Access for %s, by hand\n", p.set.Profile)
	say("Every JSON file here is one policy, whole and within IAM's limits. The permission")
	say("stack of permstack grants the same; this is for accounts where nobody may deploy one.\n")
	say("| role | policies | trust |\n|---|---|---|")
	for _, r := range p.roles {
		say("| `%s` | %s | `%s` |", r.Name, strings.Join(quoted(append(names(r.managed), names(r.Inline)...)), ", "), r.trust)
	}
	if path := p.path(); path == "/" {
		p.console(say)
	} else {
		say("\n## In the console\n")
		say("The policies name roles under the path `%s`, which the console cannot give. Use the", path)
		say("commands below, or write these files anew with `--path /`.")
	}
	p.commands(say)
	p.events(say)
	return b.Bytes()
}

func (p plan) path() string {
	for _, r := range p.roles {
		return r.Path
	}
	return "/"
}

func (p plan) console(say func(string, ...any)) {
	say("\n## In the console\n")
	for i, r := range p.roles {
		if i > 0 {
			say("\nThen the same for `%s`:\n", r.Name)
		}
		n := 0
		step := func(format string, args ...any) { n++; say("%d. "+format, append([]any{n}, args...)...) }
		for _, policy := range r.managed {
			step("IAM → **Policies** → **Create policy** → **JSON**: put the content of `%s.json` in place of what stands there, **Next**, name it `%s`, **Create policy**.", policy.Name, policy.Name)
		}
		if r.InstanceProfile != "" {
			step("**Roles** → **Create role** → **AWS service**, use case **EC2**, **Next**. (The console then makes an instance profile of the role's name; with a custom trust policy it does not.)")
		} else {
			step("**Roles** → **Create role** → **Custom trust policy**: paste `%s`, **Next**.", r.trust)
		}
		if len(r.managed) > 0 {
			step("Search for and tick %s, **Next**.", strings.Join(quoted(names(r.managed)), ", "))
		} else {
			step("Tick no policy, **Next**.")
		}
		step("Name the role `%s`, %s**Create role**. To use a role that is there already, open it instead, and **Add permissions** → **Attach policies**.", r.Name, boundary(r.Role))
		if r.InstanceProfile != "" {
			step("Open the role → **Trust relationships** → **Edit trust policy**: it must read as `%s`, **Update policy**.", r.trust)
		}
		for _, policy := range r.Inline {
			step("**Permissions** → **Add permissions** → **Create inline policy** → **JSON**: paste `%s.json`, **Next**, name it `%s`, **Create policy**.", policy.Name, policy.Name)
		}
		if r.InstanceProfile != "" {
			step("Give it to the server: EC2 → the instance → **Actions** → **Security** → **Modify IAM role**.")
		}
	}
}

func boundary(r policies.Role) string {
	if r.PermissionsBoundary == "" {
		return ""
	}
	return "set the permissions boundary `" + r.PermissionsBoundary + "`, "
}

func (p plan) commands(say func(string, ...any)) {
	say("\n## With the AWS CLI\n\n```sh")
	for _, r := range p.roles {
		path := ""
		if r.Path != "/" {
			path = " --path " + r.Path
		}
		limit := ""
		if r.PermissionsBoundary != "" {
			limit = " --permissions-boundary " + r.PermissionsBoundary
		}
		say("aws iam create-role --role-name %s%s%s --assume-role-policy-document file://%s", r.Name, path, limit, r.trust)
		for _, policy := range r.managed {
			say("arn=$(aws iam create-policy --policy-name %s%s --policy-document file://%s.json --query Policy.Arn --output text)", policy.Name, path, policy.Name)
			say("aws iam attach-role-policy --role-name %s --policy-arn \"$arn\"", r.Name)
		}
		for _, policy := range r.Inline {
			say("aws iam put-role-policy --role-name %s --policy-name %s --policy-document file://%s.json", r.Name, policy.Name, policy.Name)
		}
		if r.InstanceProfile != "" {
			say("aws iam create-instance-profile --instance-profile-name %s%s", r.InstanceProfile, path)
			say("aws iam add-role-to-instance-profile --instance-profile-name %s --role-name %s", r.InstanceProfile, r.Name)
		}
	}
	say("```")
}

// events are the steps for what tells the vendor of changes.
func (p plan) events(say func(string, ...any)) {
	if len(p.set.Topics) == 0 {
		return
	}
	say("\n## Events\n")
	for _, t := range p.set.Topics {
		say("- SNS → **Topics** → **Create topic**, standard, named `%s`, its access policy (advanced) that of `topic-%s.json`.", t.Name, t.Name)
	}
	for _, r := range p.set.Rules {
		say("- EventBridge → **Rules** → **Create rule** `%s` with the event pattern of `rule-%s.json`; its target is the topic.", r.Name, r.Name)
	}
}

func names(list []policies.Policy) []string {
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
