package policies_test

import (
	"maps"
	"slices"
	"strings"

	"permstack/internal/iampolicy/policytest"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// derivedRequest is a request that follows from a line of access.txt in a choice.
type derivedRequest struct {
	role, action, resource string
	context                map[string]string
	allowed                bool
	// real is true if AWS's service reference has the resource's type and every condition key for the action. The
	// evaluator of this module decides by the request alone; others leave out the keys that AWS does not send.
	real bool
	line int
}

// wildActions lists the actions of AWS that wildcards of the catalogue match.
var wildActions = map[string][]string{
	"s3:DeleteObject*": {"s3:DeleteObject", "s3:DeleteObjectVersion"},
	"s3:GetObject*":    {"s3:GetObject", "s3:GetObjectVersion"},
	"s3:PutObject*":    {"s3:PutObject", "s3:PutObjectRetention"},
}

// derive returns the requests of a choice: for each included line, every action on every resource that it applies to,
// and the same with one thing wrong; for each line that is not included, every action once. The model decides which of
// them must be allowed.
func derive(m *model, aws map[string]awsAction) []derivedRequest {
	var out []derivedRequest
	seen := map[string]bool{}
	taken := map[[2]string]bool{} // takes, by action and resource
	add := func(a *rule, action, resource string, context map[string]string) {
		key := a.role + "\n" + action + "\n" + resource
		for _, k := range slices.Sorted(maps.Keys(context)) {
			key += "\n" + k + "=" + context[k]
		}
		if seen[key] {
			return
		}
		seen[key] = true
		pair := [2]string{action, resource}
		real, known := taken[pair]
		if !known {
			real = takes(aws, action, resource)
			taken[pair] = real
		}
		out = append(out, derivedRequest{
			role: a.role, action: action, resource: resource, context: context, line: a.Number,
			allowed: m.allows(a.role, action, resource, context),
			real:    real && sends(action, context),
		})
	}
	for i := range m.rules {
		a := &m.rules[i]
		right, wrong := m.contexts(a.Conditions)
		for j, on := range a.Resources {
			for _, action := range a.Actions {
				for _, action := range orSelf(wildActions[action], action) {
					example, ok := m.exampleFor(aws, action, on, a.patterns[j])
					if !ok {
						continue // AWS never asks that
					}
					for _, context := range m.alsoAllowed(a, action, slices.Concat(right, wrong)) {
						add(a, action, example, context)
					}
					for _, miss := range m.misses(on, example) {
						add(a, action, miss, right[0])
					}
				}
			}
			for _, action := range policytest.Dangerous {
				add(a, action, m.example(on), right[0])
			}
		}
		for _, action := range a.Actions {
			for _, action := range orSelf(wildActions[action], action) {
				for pattern := range aws[action].Resources {
					add(a, action, fillType(pattern), right[0])
				}
			}
		}
	}
	for i := range m.others {
		a := &m.others[i]
		right, _ := m.contexts(a.Conditions)
		for _, action := range a.Actions {
			action = orSelf(wildActions[action], action)[0]
			for j, on := range a.Resources {
				if example, ok := m.exampleFor(aws, action, on, a.patterns[j]); ok {
					add(a, action, example, right[0])
					break
				}
			}
		}
	}
	return out
}

// alsoAllowed returns contexts for a line that denies an action: each of them also with what the lines that allow the
// action require, so that the denial alone decides. The contexts of other lines are returned as they are.
func (m *model) alsoAllowed(a *rule, action string, contexts []map[string]string) []map[string]string {
	if !a.Deny {
		return contexts
	}
	out := slices.Clone(contexts)
	for _, r := range m.byRole[a.role] {
		if r.Deny || !slices.Contains(r.Actions, action) {
			continue
		}
		right, _ := m.contexts(r.Conditions)
		for _, allowed := range right {
			for _, c := range contexts {
				both := maps.Clone(allowed)
				maps.Copy(both, c)
				out = append(out, both)
			}
		}
	}
	return out
}

// exampleFor returns a resource of access.txt that an action applies to, and reports whether there is one.
func (m *model) exampleFor(aws map[string]awsAction, action, on string, pattern []string) (string, bool) {
	if example := m.example(on); takes(aws, action, example) {
		return example, true
	}
	for shape := range aws[action].Resources {
		if example := fillType(shape); pattern != nil && slices.EqualFunc(pattern, strings.SplitN(example, ":", 6), glob) {
			return example, true
		}
	}
	return "", false
}

// misses returns resources that differ from an example of a line of access.txt in one thing.
func (m *model) misses(on, example string) []string {
	out := nearMisses(example, m.pattern(on))
	if on[0] != '@' { // of the choice's own things the pattern names more than there are
		out = append(out, policytest.Misses(example)...)
	}
	if strings.HasPrefix(on, "@role:") {
		for _, other := range m.roles {
			out = append(out, m.pattern("@role:"+other))
		}
	}
	return out
}

func orSelf(list []string, v string) []string {
	if len(list) == 0 {
		return []string{v}
	}
	return list
}

// contexts returns contexts that meet every condition, one for each value, and contexts that fail one of them.
func (s testChoice) contexts(conditions []policytest.AccessCondition) (right, wrong []map[string]string) {
	right = []map[string]string{{}}
	for _, c := range conditions {
		var next []map[string]string
		if c.IfExists || c.Null {
			next = right
		}
		if c.Null {
			continue
		}
		for _, v := range c.Values {
			for _, r := range right {
				next = append(next, with(r, c.Key, s.rightValue(v)))
			}
		}
		right = next
	}
	for _, c := range conditions {
		rest := maps.Clone(right[0])
		delete(rest, c.Key)
		wrong = append(wrong, rest)
		if c.Null {
			wrong = append(wrong, with(rest, c.Key, "x"), with(rest, c.Key, "true"))
			continue
		}
		for _, v := range c.Values {
			for _, miss := range wrongValues(s.rightValue(v)) {
				wrong = append(wrong, with(rest, c.Key, miss))
			}
		}
	}
	return right, wrong
}

// example is a resource that a pattern of access.txt means.
func (s testChoice) example(resource string) string {
	switch resource {
	case "@roles":
		return s.example("@role:" + s.mainRole())
	case "@policies":
		if s.sel.Profile == "cpm" {
			return strings.ReplaceAll(s.pattern(resource), "CPM*", "CPMPolicy")
		}
		return strings.ReplaceAll(s.pattern(resource), "Clumio*", "ClumioBaseManagedPolicy")
	case "@topics":
		return strings.ReplaceAll(s.pattern(resource), "Clumio*", "ClumioEventPub")
	case "@rules":
		return strings.ReplaceAll(s.pattern(resource), "Clumio*", s.rule())
	}
	p := s.pattern(resource)
	f := strings.SplitN(p, ":", 6)
	if len(f) < 6 {
		return p
	}
	if f[3] == "*" {
		f[3] = elsewhere
	}
	if f[4] == "*" {
		f[4] = "444444444444"
	}
	f[5] = strings.ReplaceAll(strings.ReplaceAll(f[5], "*", "x1"), literalStar, "*")
	return strings.Join(f, ":")
}

func (s testChoice) mainRole() string {
	if s.sel.Profile == "cpm" {
		return "CPMRole"
	}
	return "ClumioIAMRole"
}

// rule returns the name of an event rule of the selection.
func (s testChoice) rule() string {
	for asset, rule := range map[schema.Asset]string{
		"ec2": "ClumioEC2ApiRule", "rds": "ClumioRDSApiRule", "dynamodb": "ClumioDynamoDBApiRule", "s3": "ClumioS3ApiRule",
	} {
		if slices.Contains(s.sel.Assets, asset) {
			return rule
		}
	}
	return "None"
}

// nearMisses returns ARNs that differ from an example in one part that its pattern does not leave open, or in more
// than it leaves open.
func nearMisses(example, pattern string) []string {
	f, p := strings.SplitN(example, ":", 6), strings.SplitN(pattern, ":", 6)
	if len(f) < 6 {
		return nil
	}
	var out []string
	change := func(i int, v string) {
		g := slices.Clone(f)
		g[i] = v
		out = append(out, strings.Join(g, ":"))
	}
	change(1, "aws-cn")
	if f[3] != "" {
		change(3, elsewhere)
		change(3, "us-east-1")
	}
	if f[4] != "" {
		change(4, thirdParty)
		change(4, account)
		change(4, dataPlane)
		change(4, control)
	}
	rest := f[5]
	if i := strings.IndexAny(rest, "/:"); i >= 0 {
		change(5, "zz"+rest[i:])
		change(5, rest[:i])
		change(5, rest[:i+1]+"Zz")
		if j := strings.IndexAny(rest[i+1:], "/:"); j >= 0 {
			change(5, rest[:i+1+j])
			change(5, rest[:i+1+j+1]+"Zz")
		}
		change(5, rest[:i+1]+"other/"+rest[i+1:])
	} else {
		change(5, "Zz")
	}
	if rest == "snapshot/*" {
		change(5, "snapshot/snap-1")
	}
	if !strings.HasSuffix(p[5], "*") {
		change(5, rest+"x")
	}
	change(5, strings.ReplaceAll(rest, "-"+here+"-prod", "-"+elsewhere+"-prod"))
	change(5, strings.ReplaceAll(rest, "-"+here+"-prod", "-"+here+"-other"))
	return out
}

// fillType returns an ARN of one of AWS's resource types, in this account and Region.
func fillType(pattern string) string {
	return variable.ReplaceAllString(place.Replace(pattern), "x1")
}

var place = strings.NewReplacer("${Partition}", "aws", "${Region}", here, "${Account}", account)

// testChoices returns the selections for which access is checked: every asset with every operation that access.txt
// names, each alone, every option, and everything.
func testChoices(profile string, lines []access) []testChoice {
	p, _ := policies.Profile(profile)
	var out []testChoice
	seen := map[schema.Use]bool{}
	add := func(u schema.Use) {
		if seen[u] {
			return
		}
		seen[u] = true
		sel := policies.Selection{
			Profile:    profile,
			Assets:     []schema.Asset{u.Asset},
			Operations: []schema.Operation{u.Operation},
		}
		if u.Option != "" {
			sel.Options = []schema.Option{u.Option}
		}
		out = append(out, newTestChoice(sel))
	}
	for _, a := range lines {
		if a.profile != profile {
			continue
		}
		for _, u := range a.uses {
			// If any asset or operation will do, those that grant least by themselves.
			if u.Asset == "" {
				u.Asset = map[string]schema.Asset{"clumio": "ec2-mssql", "cpm": "s3"}[profile]
			}
			if u.Operation == "" {
				u.Operation = map[string]schema.Operation{"clumio": "backup", "cpm": "secrets"}[profile]
			}
			add(u)
			if profile == "cpm" {
				u.Asset = "fsx" // an asset that no other is like
				add(u)
			}
		}
	}
	all := policies.Selection{Profile: profile}
	for _, a := range p.Assets {
		all.Assets = append(all.Assets, a.Asset)
		for _, op := range p.Operations {
			if profile == "clumio" {
				add(schema.Use{Asset: a.Asset, Operation: op})
			}
		}
	}
	for _, o := range p.Options {
		all.Options = append(all.Options, o.Option)
	}
	out = append(out, newTestChoice(all))
	if profile == "cpm" {
		add(schema.Use{Asset: "ec2", Operation: "backup", Option: "regions=every"})
		for _, op := range []schema.Operation{"backup", "dr", "recovery", "cross-account", "copy-to-s3"} {
			add(schema.Use{Asset: "fsx", Operation: op, Option: "kms-user=admin"})
		}
	}
	return out
}
