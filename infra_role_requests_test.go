package permstack_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
	"permstack/internal/iampolicy/policytest"
)

// infraRequest is a request that a policy of a deployment is evaluated for, and the decision that it must have.
type infraRequest struct {
	eval.Request
	want eval.Decision
	line int
}

func (a infraRequest) String() string {
	return fmt.Sprintf("infra-role-access.txt:%d: %s on %s by %v with %v", a.line, a.Action, a.Resource, a.Principal,
		a.Context)
}

// requests returns the requests that follow from the lines of a policy: each action on each resource; the same with one
// thing wrong; every other action of the file and every dangerous one; and what another choice would allow.
func (s *infraDeployment) requests(policy string) []infraRequest {
	var out []infraRequest
	seen := map[string]bool{}
	lines, byAction := s.linesFor(policy), map[string][]policytest.AccessLine{}
	// add appends a request by somebody in a context, of which who is the text.
	add := func(line int, r eval.Request, who string) {
		key := r.Action + "\n" + r.Resource + "\n" + who
		if !seen[key] {
			seen[key] = true
			decisive, known := byAction[r.Action]
			if !known {
				decisive = linesWithAction(lines, r.Action)
				byAction[r.Action] = decisive
			}
			out = append(out, infraRequest{r, s.decides(decisive, r), line})
		}
	}
	others := slices.Clone(policytest.Dangerous)
	for _, a := range s.lines {
		others = append(others, a.Actions...)
	}
	slices.Sort(others)
	others = slices.Compact(others)
	for _, a := range s.lines {
		if a.Section != policy {
			continue
		}
		right, wrong := s.meetingAndMissing(a.Conditions)
		all := slices.Concat(right, wrong)
		who := make([]string, len(all))
		for i, r := range all {
			who[i] = fmt.Sprint(r.Principal, r.Context)
		}
		for _, on := range a.Resources {
			for _, pattern := range s.patterns(on) {
				for _, action := range a.Actions {
					r := right[0]
					r.Action, r.Resource = example(action), example(pattern)
					add(a.Number, r, who[0])
					if !s.chosen(a) {
						continue
					}
					for i, r := range all {
						r.Action, r.Resource = example(action), example(pattern)
						add(a.Number, r, who[i])
					}
					for _, miss := range nearMisses(pattern) {
						r.Resource = miss
						add(a.Number, r, who[0])
					}
				}
				for _, action := range others {
					r := right[0]
					r.Action, r.Resource = example(action), example(pattern)
					add(a.Number, r, who[0])
				}
			}
		}
	}
	return out
}

// thirdParty returns the ARN of a role that no policy names.
func (s *infraDeployment) thirdParty() string {
	return "arn:" + s.partition() + ":iam::999999999999:role/Admin"
}

// example returns a text that a pattern matches.
func example(pattern string) string {
	if pattern == "*" {
		return "arn:aws:zz:us-east-1:123456789012:zz"
	}
	if action, ok := strings.CutSuffix(pattern, ":*"); ok && !strings.Contains(action, ":") {
		return action + ":PutKeyPolicy"
	}
	return strings.ReplaceAll(pattern, "*", "x1")
}

// nearMisses returns resources that differ in one detail from those that a pattern matches.
func nearMisses(pattern string) []string {
	arn := example(pattern)
	f := strings.SplitN(arn, ":", 6)
	if len(f) < 6 {
		return nil
	}
	out := append(policytest.Misses(arn), "*")
	change := func(i int, values ...string) {
		for _, v := range values {
			g := slices.Clone(f)
			g[i] = v
			out = append(out, strings.Join(g, ":"))
		}
	}
	change(1, "aws", "aws-cn")
	change(3, elsewhere, "")
	change(4, "777777777777", "999999999999", "aws")
	change(5, f[5]+"x", strings.Replace(f[5], "/permstack/", "/", 1), strings.Replace(f[5], region, elsewhere, 1))
	for i, c := range f[5] {
		if c == '/' {
			change(5, f[5][:i+1]+"installer/"+f[5][i+1:], f[5][:i+1]+"zz/"+f[5][i+1:])
		}
	}
	return out
}

// meetingAndMissing returns principals and contexts that meet every condition, and those that fail one.
func (s *infraDeployment) meetingAndMissing(conditions []policytest.AccessCondition) (right, wrong []eval.Request) {
	right = []eval.Request{{}}
	vary := func(c policytest.AccessCondition, values []string, missing bool) (out []eval.Request) {
		for _, r := range right {
			for _, v := range values {
				r.Context = maps.Clone(r.Context)
				if r.Context == nil {
					r.Context = map[string][]string{}
				}
				r.Context[c.Key] = []string{v}
				out = append(out, r)
			}
			if missing {
				r.Context = maps.Clone(r.Context)
				delete(r.Context, c.Key)
				out = append(out, r)
			}
		}
		return out
	}
	for _, c := range conditions {
		if c.Key == "principal" {
			who := callers()
			var in []eval.Request
			for _, name := range slices.Sorted(maps.Keys(who)) {
				if r := (eval.Request{Principal: who[name]}); s.passes(c, r) {
					in = append(in, r)
				} else {
					wrong = append(wrong, r)
				}
			}
			right = in
			continue
		}
		if c.Null {
			wrong = append(wrong, vary(c, []string{"other", ""}, false)...)
			continue
		}
		var values, bad []string
		for _, v := range c.Values {
			for _, p := range s.patterns(v) {
				v := example(p)
				values = append(values, v)
				if v != "false" { // Bool has no case
					bad = append(bad, strings.ToUpper(v))
				}
				bad = append(bad, v+"x", "x"+v, "other", "", "999999999999", "777777777777", "*")
				bad = append(bad, nearMisses(p)...)
				for _, text := range policytest.Text(v) {
					bad = append(bad, example(text))
				}
			}
		}
		bad = append(bad, "true", s.thirdParty())
		wrong = append(vary(policytest.AccessCondition{Key: c.Key}, nil, false), wrong...)
		for i := range wrong { // those of the conditions before meet this one
			wrong[i].Context = maps.Clone(wrong[i].Context)
			if wrong[i].Context == nil {
				wrong[i].Context = map[string][]string{}
			}
			wrong[i].Context[c.Key] = values[:1]
		}
		wrong = append(wrong, vary(c, bad, true)...)
		right = vary(c, values, c.IfExists)
	}
	return right, wrong
}

// testedPolicy is one policy of a template, as infra-role-access.txt names it.
type testedPolicy struct {
	name       string
	statements []iampolicy.Statement
}

func (p testedPolicy) documents() []iampolicy.Document {
	return []iampolicy.Document{{Version: iampolicy.Version, Statement: p.statements}}
}

// bind evaluates the deployment's template.
func (s *infraDeployment) bind(t *testing.T, template *cfntemplate.Template) (*cfntemplate.Resolved, error) {
	t.Helper()
	return template.ResolveParameters(cfntemplate.Environment{Parameters: s.values, Pseudo: cfntemplate.Pseudo{
		AccountID: account, Region: s.region, StackName: "parent",
		StackID: fmt.Sprintf("arn:%s:cloudformation:%s:%s:stack/parent/%s", s.partition(), s.region, account, uuid),
	}})
}

// policyRoles are the roles that have the policies that are resources of their own. TestPoliciesOfRoles compares them
// with the template.
var policyRoles = map[string]string{"ProvisionerPolicy": "ProvisionerRole", "DriftReadPolicy": "DriftRole",
	"DriftAuditPolicy": "DriftRole"}

// policies returns all policies of a bound template: of roles, trust, topics, queues and keys, and who may invoke a
// function.
func (s *infraDeployment) policies(b *cfntemplate.Resolved) ([]testedPolicy, error) {
	var out []testedPolicy
	r := infraNames{s, b}
	for _, resource := range b.Active() {
		id := resource.LogicalID
		p, err := b.Properties(id, r)
		if err != nil {
			return nil, err
		}
		add := func(name string, values ...any) error {
			var all []iampolicy.Statement
			for _, v := range values {
				text, err := toJSON(v)
				if err != nil {
					return err
				}
				doc, err := iampolicy.Parse(text)
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				if doc.Version != iampolicy.Version {
					return fmt.Errorf("%s has the version %q", name, doc.Version)
				}
				all = append(all, doc.Statement...)
			}
			out = append(out, testedPolicy{name, all})
			return nil
		}
		switch resource.Type {
		case "AWS::IAM::Role":
			var docs []any
			list, _ := p["Policies"].([]any)
			for _, policy := range list {
				docs = append(docs, policy.(map[string]any)["PolicyDocument"])
			}
			if err = add(id+" trust", p["AssumeRolePolicyDocument"]); err == nil {
				err = add(id, docs...)
			}
		case "AWS::IAM::RolePolicy", "AWS::IAM::ManagedPolicy": // its statements are the role's
			if id == "VendorCeiling" { // a boundary, which grants nothing: TestTakenOverProvisioner
				break
			}
			i := slices.IndexFunc(out, func(o testedPolicy) bool { return o.name == policyRoles[id] })
			if i < 0 {
				return nil, fmt.Errorf("%s is the policy of no role", id)
			}
			if err = add(id, p["PolicyDocument"]); err == nil {
				out[i].statements = append(out[i].statements, out[len(out)-1].statements...)
				out = out[:len(out)-1]
			}
		case "AWS::SNS::TopicInlinePolicy", "AWS::SQS::QueuePolicy":
			err = add(id, p["PolicyDocument"])
		case "AWS::KMS::Key":
			err = add(id, p["KeyPolicy"])
		case "AWS::Lambda::Permission":
			out = append(out, testedPolicy{id, []iampolicy.Statement{s.permission(p)}})
		default:
			for name := range p {
				if strings.Contains(name, "Policy") && name != "RedrivePolicy" && name != "Policies" {
					err = fmt.Errorf("%s of %s is held by nothing", name, id)
				}
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
