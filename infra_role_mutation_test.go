package permstack_test

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/cfn/yamlfmt"
	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/compare"
	"permstack/internal/iampolicy/policytest"
)

// mutationContext describes condition values to policytest.
func (s *infraDeployment) mutationContext() policytest.Context {
	return policytest.Context{
		More: func(key, operator string) []string {
			if strings.HasPrefix(operator, "Arn") || key == "aws:SourceArn" || strings.HasSuffix(key, "Arn") {
				return []string{s.thirdParty()}
			}
			return []string{"other", "999999999999"}
		},
		Caseless: func(v string) bool { return strings.ToUpper(v) == v },
		Wider: func(v string) []string {
			if strings.HasPrefix(v, "arn:") {
				return policytest.ARN(v, "999999999999")
			}
			return policytest.Text(v)
		},
	}
}

// thirdPartyPrincipals returns principals that mutants of trust policies allow.
func thirdPartyPrincipals() (out []iampolicy.Principal) {
	out = append(out, iampolicy.Principal{Everyone: true})
	for kind, ids := range map[string][]string{
		"AWS":     {"*", "arn:aws:iam::" + account + ":root", "arn:aws:iam::999999999999:root", "777777777777"},
		"Service": {"ec2.amazonaws.com", "lambda.amazonaws.com", "events.amazonaws.com", "s3.amazonaws.com"},
	} {
		for _, id := range ids {
			out = append(out, iampolicy.Principal{ByType: map[string]iampolicy.Values{kind: {id}}})
		}
	}
	return out
}

// TestMutationOfInfraRoles changes the statements of the templates' own policies in every way of
// internal/iampolicy/policytest; a request of infra-role-access.txt must notice. What allows the same as before, as
// internal/iampolicy/compare proves, is counted as equivalent.
//
// A run takes a sample of the mutants; PERMSTACK_SEED selects which. All of them:
//
//	PERMSTACK_FULL=1 go test -run Mutation -timeout 30m .
func TestMutationOfInfraRoles(t *testing.T) {
	policytest.RequireSlow(t, "it evaluates thousands of requests")
	sample := policytest.NewSample(80)
	total, byRequest, byProbe, byRule, same := 0, 0, 0, 0, 0
	evaluated := evaluatedPolicies(t)
	strangers := thirdPartyPrincipals()
	survivors := map[string]string{}
	for _, b := range evaluated {
		if !b.deployment.mutated {
			continue
		}
		for i, st := range b.statements {
			policytest.Statement(st, b.deployment.mutationContext(), strangers, []string{"999999999999"},
				func(what string, changed ...iampolicy.Statement) {
					if !sample.Includes(fmt.Sprintf("%s/%s %d in %s: %s", b.name, st.Sid, i, b.deployment.what, what)) {
						return
					}
					total++
					if b.detects([]int{i}, changed) {
						byRequest++
						return
					}
					for _, st := range changed {
						if len(b.probes(st)) > 0 {
							byProbe++
							return
						}
					}
					now := testedPolicy{b.name, slices.Concat(b.statements[:i], changed, b.statements[i+1:])}
					if len(now.duplicateActions()) > 0 {
						byRule++
						return
					}
					if compare.Compare(b.documents(), now.documents()).Direction == compare.Same {
						same++
						return
					}
					survivors[fmt.Sprintf("%s/%s: %s", b.name, st.Sid, what)] = b.deployment.what
				})
		}
	}
	for _, what := range slices.Sorted(maps.Keys(survivors)) {
		t.Errorf("survives, %s: %s", survivors[what], what)
	}
	if total == 0 {
		t.Error("no mutant was tried")
	}
	t.Logf("%s: %d mutants: %d noticed by a request, %d by a probe alone, %d by a rule alone, %d equivalent",
		sample, total, byRequest, byProbe, byRule, same)
}

// TestMutationOfConditions replaces the condition of every Fn::If in the policies of template.yaml by each
// other condition, negates each condition, and exchanges the names of the profiles; a request of infra-role-access.txt
// must notice.
func TestMutationOfConditions(t *testing.T) {
	policytest.RequireSlow(t, "it evaluates thousands of requests")
	evaluated := evaluatedPolicies(t)
	text := string(read(t, "template.yaml"))
	asks := []string{"HasBoundary", "HasHub", "HasAlertKey", "Reverts", "AuditsAccount", "LooksUpCallers"}
	total := 0
	try := func(what, changed string) {
		total++
		if !detected(t, evaluated, changed) {
			t.Errorf("survives: %s", what)
		}
	}
	ifs := regexp.MustCompile(`!If(?: \[|\s+- )(HasBoundary|HasHub|HasAlertKey|Reverts|AuditsAccount|LooksUpCallers)\b`)
	for _, at := range ifs.FindAllStringSubmatchIndex(text, -1) {
		line := strings.Count(text[:at[0]], "\n") + 1
		if !inPolicy(text[:at[0]]) {
			continue
		}
		for _, other := range asks {
			if other != text[at[2]:at[3]] {
				try(fmt.Sprintf("line %d requires %s", line, other), text[:at[2]]+other+text[at[3]:])
			}
		}
	}
	for _, name := range asks {
		try(name+" is negated", negateCondition(t, text, name))
	}
	for _, at := range regexp.MustCompile(`(Prefix|InstanceRole): (\w+)`).FindAllStringSubmatchIndex(text, -1) {
		try(text[at[0]:at[1]]+" is another name", text[:at[4]]+"Another"+text[at[5]:])
	}
	t.Logf("%d mutants", total)
}

// negateCondition returns the template with a condition negated.
func negateCondition(t *testing.T, template, name string) string {
	t.Helper()
	root, err := yamlfmt.Parse([]byte(template))
	if err != nil {
		t.Fatal(err)
	}
	var negated []byte
	for i := 0; i < len(root.Content); i += 2 {
		if root.Content[i].Value != "Conditions" {
			continue
		}
		conditions := root.Content[i+1].Content
		for j := 0; j < len(conditions); j += 2 {
			if conditions[j].Value != name {
				continue
			}
			list := &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{conditions[j+1]}}
			key := &yaml.Node{Kind: yaml.ScalarNode, Value: "Fn::Not"}
			conditions[j+1] = &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{key, list}}
			if negated, err = yamlfmt.Format(root); err != nil {
				t.Fatal(err)
			}
		}
	}
	if negated == nil {
		t.Fatalf("template.yaml has no condition %s", name)
	}
	return string(negated)
}

// inPolicy reports whether a template's text ends within the policies of a role, or in a policy that is a resource.
func inPolicy(text string) bool {
	i := max(strings.LastIndex(text, "\n      Policies:"), strings.LastIndex(text, "\n      PolicyDocument:"))
	return i > strings.LastIndex(text, "\n      Tags:") && i > strings.LastIndex(text, "\n    Type:")
}

// detected reports whether some request has a wrong decision with a changed template.yaml.
func detected(t *testing.T, evaluated []*evaluatedPolicy, text string) bool {
	t.Helper()
	template, err := cfntemplate.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	policies := map[*infraDeployment][]testedPolicy{}
	for _, b := range evaluated {
		if b.deployment.template != "template.yaml" {
			continue
		}
		if policies[b.deployment] == nil {
			bound, err := b.deployment.bind(t, template)
			if err != nil {
				return true
			}
			if policies[b.deployment], err = b.deployment.policies(bound); err != nil {
				return true
			}
		}
		i := slices.IndexFunc(policies[b.deployment], func(p testedPolicy) bool { return p.name == b.name })
		if i < 0 {
			return true
		}
		now := policies[b.deployment][i].statements
		var gone []int
		for j, st := range b.statements {
			if !slices.ContainsFunc(now, func(other iampolicy.Statement) bool { return sameStatement(st, other) }) {
				gone = append(gone, j)
			}
		}
		come := slices.DeleteFunc(slices.Clone(now), func(st iampolicy.Statement) bool {
			return slices.ContainsFunc(b.statements, func(other iampolicy.Statement) bool { return sameStatement(st, other) })
		})
		if b.detects(gone, come) {
			return true
		}
	}
	return false
}

func sameStatement(a, b iampolicy.Statement) bool { return reflect.DeepEqual(a, b) }
