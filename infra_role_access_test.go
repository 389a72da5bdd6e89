package permstack_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"permstack/internal/iampolicy/eval"
	"permstack/internal/iampolicy/policytest"
)

// readInfraAccess parses testdata/infra-role-access.txt once.
var readInfraAccess = sync.OnceValues(func() (policytest.AccessFile, error) {
	data, err := os.ReadFile("testdata/infra-role-access.txt")
	if err != nil {
		return policytest.AccessFile{}, err
	}
	file, err := policytest.ParseAccessFile(string(data))
	if err != nil {
		return file, fmt.Errorf("infra-role-access.txt: %w", err)
	}
	for _, l := range file.Lines {
		for _, c := range l.Conditions {
			if c.ForAllValues || c.IgnoreCase {
				return file, fmt.Errorf("infra-role-access.txt:%d: ForAllValues and IgnoreCase are not evaluated here", l.Number)
			}
		}
	}
	return file, nil
})

// infraDeployment is a set of parameters for a template, and the choices of infra-role-access.txt that are true for it.
type infraDeployment struct {
	what, template, region string
	values                 map[string]string
	choices                []string
	mutated                bool                    // mutants of its statements are tried
	lines                  []policytest.AccessLine // of the policies that the template has; set by ownDeployments
	names                  map[string][]string
	expanded               map[string][]string // results of patterns, by text
	uuid                   string              // of the parent's id; the constant uuid if it is empty
}

const (
	alertKey  = "arn:aws:kms:us-east-1:123456789012:key/" + uuid
	elsewhere = "eu-west-1"
)

// infraDeployments returns deployments with each choice alone, all together, both profiles and another partition.
func infraDeployments(t *testing.T) []infraDeployment {
	t.Helper()
	member := launchTemplates(t)["template.yaml"]
	single := map[string]map[string]string{
		"boundary": {"PermissionsBoundaryArn": teamBoundary},
		"key":      {"AlertKeyArn": alertKey},
		"hub":      {"OrgHubTopicArn": hubTopic},
		"revert":   {"OnDrift": "revert"},
		"audit":    {"AccountAudit": "yes"},
		"nolookup": {"LookupCallers": "no"},
	}
	all, list := map[string]string{"RolePath": "/team/backup/", "NotificationEmail": "security@example.com",
		"ResourceTags": "team=storage"}, []string{}
	var out []infraDeployment
	add := func(what, region string, more map[string]string, choices ...string) {
		out = append(out,
			infraDeployment{what: what, template: "template.yaml", region: region, values: merged(member, more),
				choices: choices, mutated: strings.HasSuffix(what, "everything")})
	}
	add("as it comes", region, nil, "clumio")
	out[0].mutated = true
	for _, word := range slices.Sorted(maps.Keys(single)) {
		add("with "+word, region, single[word], "clumio", word)
		maps.Copy(all, single[word])
		list = append(list, word)
	}
	add("everything", region, all, append(slices.Clone(list), "clumio")...)
	add("cpm", region, cpmParameters(nil))
	add("cpm, everything", region, cpmParameters(all), list...)
	add("in China", "cn-north-1", map[string]string{"OnDrift": "revert"}, "clumio", "revert")
	hub := launchTemplates(t)["templates/org-hub.yaml"]
	out = append(out,
		infraDeployment{what: "hub", template: "templates/org-hub.yaml", region: region, values: hub, mutated: true})
	out = append(out, infraDeployment{
		what: "events of IAM", template: "templates/iam-events.yaml", region: region,
		values: launchTemplates(t)["templates/iam-events.yaml"], mutated: true,
	})
	return out
}

// chosen reports whether a line applies to the deployment.
func (s *infraDeployment) chosen(a policytest.AccessLine) bool {
	return !slices.ContainsFunc(a.Choices, func(word string) bool {
		name, not := strings.CutPrefix(word, "!")
		return name != "*" && slices.Contains(s.choices, name) == not
	})
}

func (s *infraDeployment) partition() string {
	if strings.HasPrefix(s.region, "cn-") {
		return "aws-cn"
	}
	return "aws"
}

// patterns returns the ARN patterns, or the values, that a text of infra-role-access.txt means in this deployment.
func (s *infraDeployment) patterns(text string) []string {
	out, known := s.expanded[text]
	if !known {
		out = s.expand(text)
		if s.expanded == nil {
			s.expanded = map[string][]string{}
		}
		s.expanded[text] = out
	}
	return out
}

func (s *infraDeployment) expand(text string) []string {
	if list := s.names[text]; list != nil {
		var out []string
		for _, item := range list {
			if item == "{tag}" && s.values["ResourceTags"] == "" {
				continue
			}
			out = append(out, s.patterns(item)...)
		}
		return out
	}
	path, begin := s.values["RolePath"], "CPM"
	if path == "" {
		path = "/permstack/"
	}
	if slices.Contains(s.choices, "clumio") {
		begin = "Clumio"
	}
	text = strings.NewReplacer("{path}", path, "{V}", begin, "{here}", s.region, "{uuid}", uuid, "{short}", uuid[:8],
		"{org}", "o-a1b2c3d4e5", "{tag}", "team").Replace(text)
	f := strings.SplitN(text, ":", 4)
	switch {
	case text == "-":
		return []string{""} // a trust policy names no resource
	case text == "own":
		return []string{account}
	case len(f) < 4, strings.HasPrefix(text, "AWS::"):
		return []string{text}
	}
	for i, names := range map[int]map[string]string{1: {"here": s.region}, 2: {"own": account}} {
		if name, ok := names[f[i]]; ok {
			f[i] = name
		}
	}
	return []string{"arn:" + s.partition() + ":" + strings.Join(f, ":")}
}

// callers returns the principals with which every policy is requested.
func callers() map[string]eval.Principal {
	out := map[string]eval.Principal{}
	for _, id := range []string{account, "777777777777", "999999999999"} {
		out["root "+id] = eval.Principal{Account: id, ARN: "arn:aws:iam::" + id + ":root"}
		out["role "+id] = eval.Principal{Account: id, ARN: "arn:aws:sts::" + id + ":assumed-role/x/session",
			RoleARN: "arn:aws:iam::" + id + ":role/x"}
	}
	for _, s := range strings.Fields("lambda cloudformation cloudwatch events sns sqs ec2 s3 scheduler") {
		out["service "+s] = eval.Principal{Service: s + ".amazonaws.com"}
	}
	return out
}

// linesFor returns the lines of a policy that apply to the deployment.
func (s *infraDeployment) linesFor(policy string) (out []policytest.AccessLine) {
	for _, a := range s.lines {
		if a.Section == policy && s.chosen(a) {
			out = append(out, a)
		}
	}
	return out
}

// linesWithAction returns the lines with an action.
func linesWithAction(lines []policytest.AccessLine, action string) (out []policytest.AccessLine) {
	for _, a := range lines {
		if slices.ContainsFunc(a.Actions, func(p string) bool { return arnGlob(p, action) }) {
			out = append(out, a)
		}
	}
	return out
}

// decides returns the decision of lines about the request's action.
func (s *infraDeployment) decides(lines []policytest.AccessLine, r eval.Request) eval.Decision {
	out := eval.ImplicitDeny
	for _, a := range lines {
		if slices.ContainsFunc(a.Resources, func(on string) bool { return s.matches(on, r.Resource) }) &&
			!slices.ContainsFunc(a.Conditions, func(c policytest.AccessCondition) bool { return !s.passes(c, r) }) {
			if a.Deny {
				return eval.ExplicitDeny
			}
			out = eval.Allow
		}
	}
	return out
}

func (s *infraDeployment) matches(name, have string) bool {
	return slices.ContainsFunc(s.patterns(name), func(p string) bool { return arnGlob(p, have) })
}

func (s *infraDeployment) passes(c policytest.AccessCondition, r eval.Request) bool {
	if c.Key == "principal" {
		kind, name, _ := strings.Cut(c.Values[0], ":")
		switch kind {
		case "service":
			return r.Principal.Service == name+".amazonaws.com"
		case "account":
			return r.Principal.Account == account
		}
		return r.Principal.Account != ""
	}
	have, present := r.Context[c.Key]
	if c.Null {
		return !present
	}
	if !present {
		return c.IfExists
	}
	return slices.ContainsFunc(c.Values, func(v string) bool { return s.matches(v, have[0]) })
}

// arnGlob reports whether a pattern matches a text; a * in an ARN does not match beyond its part.
func arnGlob(pattern, text string) bool {
	if !strings.HasPrefix(pattern, "arn:") { // most are actions
		return plainGlob(pattern, text)
	}
	p, x := strings.SplitN(pattern, ":", 6), strings.SplitN(text, ":", 6)
	if len(p) == 6 {
		return len(x) == 6 && slices.EqualFunc(p, x, plainGlob)
	}
	return plainGlob(pattern, text)
}

func plainGlob(pattern, text string) bool {
	before, after, star := strings.Cut(pattern, "*")
	rest, ok := strings.CutPrefix(text, before)
	if !star || !ok {
		return pattern == text
	}
	for i := range len(rest) + 1 {
		if plainGlob(after, rest[i:]) {
			return true
		}
	}
	return false
}
