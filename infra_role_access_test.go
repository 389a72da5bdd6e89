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
)

// infraAccess is a line of testdata/infra-role-access.txt: what is allowed in a place, on some resources and under
// some conditions, in scenes with the chosen words.
type infraAccess struct {
	place       string
	chosen      []string
	deny        bool // it denies, whatever else allows
	actions, on []string
	gates       []infraGate
	line        int
}

// infraGate is a condition key and the values with which it allows a request.
type infraGate struct {
	key     string
	values  []string
	missing bool // the key may be missing
	absent  bool // the key must be missing
}

// infraAccessFile is testdata/infra-role-access.txt.
type infraAccessFile struct {
	names map[string][]string
	lines []infraAccess
}

var readInfraAccess = sync.OnceValues(func() (infraAccessFile, error) {
	f := infraAccessFile{names: map[string][]string{}}
	data, err := os.ReadFile("testdata/infra-role-access.txt")
	if err != nil {
		return f, err
	}
	place := ""
	for i, text := range strings.Split(string(data), "\n") {
		name, value, isName := strings.Cut(text, " = ")
		switch {
		case text == "" || text[0] == '#':
		case text[0] == '[':
			place = strings.Trim(text, "[]")
		case text[0] == '@' && isName:
			f.names[name] = strings.Fields(value)
		default:
			a, err := parseInfraAccess(text)
			if err != nil {
				return f, fmt.Errorf("infra-role-access.txt:%d: %w", i+1, err)
			}
			a.place, a.line = place, i+1
			f.lines = append(f.lines, a)
		}
	}
	return f, nil
})

func parseInfraAccess(text string) (infraAccess, error) {
	var a infraAccess
	fields := strings.Split(text, " | ")
	if len(fields) < 3 || len(fields) > 4 {
		return a, fmt.Errorf("%d fields in %q", len(fields), text)
	}
	a.chosen, a.on = strings.Fields(fields[0]), strings.Fields(fields[2])
	if a.deny = fields[0] == "deny"; a.deny {
		a.chosen = nil
	}
	service, names, ok := strings.Cut(fields[1], ":")
	if !ok {
		return a, fmt.Errorf("actions %q", fields[1])
	}
	for name := range strings.SplitSeq(names, ",") {
		a.actions = append(a.actions, service+":"+name)
	}
	if len(fields) < 4 {
		return a, nil
	}
	for part := range strings.SplitSeq(fields[3], " & ") {
		if key, absent := strings.CutPrefix(part, "!"); absent {
			a.gates = append(a.gates, infraGate{key: key, absent: true})
			continue
		}
		key, values, ok := strings.Cut(part, "=")
		if !ok {
			return a, fmt.Errorf("condition %q", part)
		}
		g := infraGate{values: strings.Split(values, ",")}
		g.key, g.missing = strings.CutSuffix(key, "?")
		a.gates = append(a.gates, g)
	}
	return a, nil
}

// infraScene is a set of parameters for a template, and the words of infra-role-access.txt that are true for it.
type infraScene struct {
	what, template, region string
	values                 map[string]string
	words                  []string
	mutated                bool          // mutants of its statements are tried
	lines                  []infraAccess // of the places that the template has; set by ownScenes
	names                  map[string][]string
	expanded               map[string][]string // results of patterns, by text
	uuid                   string              // of the parent's id; the constant uuid if it is empty
}

const (
	alertKey  = "arn:aws:kms:us-east-1:123456789012:key/" + uuid
	elsewhere = "eu-west-1"
)

// infraScenes returns scenes with each choice alone, all together, both profiles and another partition.
func infraScenes(t *testing.T) []infraScene {
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
	var out []infraScene
	add := func(what, region string, more map[string]string, words ...string) {
		out = append(out,
			infraScene{what: what, template: "template.yaml", region: region, values: merged(member, more), words: words,
				mutated: strings.HasSuffix(what, "everything")})
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
		infraScene{what: "hub", template: "templates/org-hub.yaml", region: region, values: hub, mutated: true})
	out = append(out, infraScene{
		what: "events of IAM", template: "templates/iam-events.yaml", region: region,
		values: launchTemplates(t)["templates/iam-events.yaml"], mutated: true,
	})
	return out
}

// chosen reports whether a line applies to the scene.
func (s *infraScene) chosen(a infraAccess) bool {
	return !slices.ContainsFunc(a.chosen, func(word string) bool {
		name, not := strings.CutPrefix(word, "!")
		return name != "*" && slices.Contains(s.words, name) == not
	})
}

func (s *infraScene) partition() string {
	if strings.HasPrefix(s.region, "cn-") {
		return "aws-cn"
	}
	return "aws"
}

// patterns returns the ARN patterns, or the values, that a word of infra-role-access.txt means in this scene.
func (s *infraScene) patterns(text string) []string {
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

func (s *infraScene) expand(text string) []string {
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
	if slices.Contains(s.words, "clumio") {
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

// of returns the lines of a place that apply to the scene.
func (s *infraScene) of(place string) (out []infraAccess) {
	for _, a := range s.lines {
		if a.place == place && s.chosen(a) {
			out = append(out, a)
		}
	}
	return out
}

// about returns the lines about an action.
func about(lines []infraAccess, action string) (out []infraAccess) {
	for _, a := range lines {
		if slices.ContainsFunc(a.actions, func(p string) bool { return arnGlob(p, action) }) {
			out = append(out, a)
		}
	}
	return out
}

// decides returns the decision of lines about the request's action.
func (s *infraScene) decides(lines []infraAccess, r eval.Request) eval.Decision {
	out := eval.ImplicitDeny
	for _, a := range lines {
		if slices.ContainsFunc(a.on, func(on string) bool { return s.matches(on, r.Resource) }) &&
			!slices.ContainsFunc(a.gates, func(g infraGate) bool { return !s.passes(g, r) }) {
			if a.deny {
				return eval.ExplicitDeny
			}
			out = eval.Allow
		}
	}
	return out
}

func (s *infraScene) matches(name, have string) bool {
	return slices.ContainsFunc(s.patterns(name), func(p string) bool { return arnGlob(p, have) })
}

func (s *infraScene) passes(g infraGate, r eval.Request) bool {
	if g.key == "who" {
		kind, name, _ := strings.Cut(g.values[0], ":")
		switch kind {
		case "service":
			return r.Principal.Service == name+".amazonaws.com"
		case "account":
			return r.Principal.Account == account
		}
		return r.Principal.Account != ""
	}
	have, present := r.Context[g.key]
	if g.absent {
		return !present
	}
	if !present {
		return g.missing
	}
	return slices.ContainsFunc(g.values, func(v string) bool { return s.matches(v, have[0]) })
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
