package detect

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/installation"
	"permstack/internal/notify/finding"
)

// comparedStacks returns a stack with an expected and a deployed template.
func comparedStack(t *testing.T, part installation.Part, expected, deployed string, ids map[string]string) *stack {
	t.Helper()
	s := unitStack("access").parameters(map[string]string{"Secret": "****"})
	s.part = part
	var list []listed
	template, err := cfntemplate.Parse([]byte(deployed))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range template.Resources {
		id := ids[r.LogicalID]
		if id == "" {
			id = "id-" + r.LogicalID
		}
		list = append(list, listed{logicalID: r.LogicalID, physicalID: id, typ: r.Type})
	}
	s.listed = list
	if err := s.evaluate(unitParent(), deployed); err != nil {
		t.Fatal(err)
	}
	s.addResources(list)
	s.keepDeployed()
	if err := s.expectTemplate(unitParent(), []byte(expected)); err != nil {
		t.Fatal(err)
	}
	return s
}

const comparedTemplate = `
Parameters:
  Secret: {Type: String, NoEcho: true}
  Plain: {Type: String, Default: p}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties: {RoleName: role, AssumeRolePolicyDocument: {Statement: [{Effect: Allow, Principal: {AWS: "1"},
	Action: a}]}}
  Log: {Type: AWS::Logs::LogGroup, DeletionPolicy: Retain, Properties: {LogGroupName: log}}
Outputs:
  Name: {Value: !Ref Log}
  TemplateHash: {Value: one}
`

// TestTemplateComparison checks what is reported of a deployed template that is not the expected one.
func TestTemplateComparison(t *testing.T) {
	replace := func(pairs ...string) string {
		out := strings.NewReplacer(pairs...).Replace(comparedTemplate)
		if out == comparedTemplate {
			t.Fatalf("%q is not in the template", pairs)
		}
		return out
	}
	const shown = "grants-more: "
	for _, tc := range []struct {
		name, deployed string
		want           []string // directions and lines
	}{
		{"as expected", comparedTemplate, nil},
		{"another hash", replace("Value: one", "Value: two"), nil},
		{"resource removed",
			replace("  Log: {Type: AWS::Logs::LogGroup, DeletionPolicy: Retain, Properties: {LogGroupName: log}}\n",
				"", "!Ref Log", "id-Log"), []string{"changed: output Name: id-Log",
				"grants-less: Log: removed: AWS::Logs::LogGroup"}},
		{"resource added", replace("Resources:\n", "Resources:\n  Topic: {Type: AWS::SNS::Topic}\n"),
			[]string{"grants-more: Topic: added: AWS::SNS::Topic id-Topic"}},
		{"two resources added", replace("Resources:\n",
			"Resources:\n  A: {Type: AWS::CDK::Metadata}\n  B: {Type: AWS::SNS::Topic}\n"),
			[]string{"grants-more: B: added: AWS::SNS::Topic id-B"}},
		{"another type", replace("Type: AWS::Logs::LogGroup", "Type: AWS::SNS::Topic"),
			[]string{"grants-more: Log: replaced by: AWS::SNS::Topic id-Log"}},
		{"another name", replace("RoleName: role", "RoleName: theirs"),
			[]string{"grants-more: Role: replaced by: AWS::IAM::Role theirs"}},
		{"wider trust", replace(`AWS: "1"`, `AWS: "2"`),
			[]string{"grants-more: Role: trust changed grants more: added: Allow a on * for AWS:2",
				"grants-more: Role: trust changed grants less: removed: Allow a on * for AWS:1"}},
		{"a value that cannot be evaluated", replace("RoleName: role", "RoleName: role, Description: !Ref Secret"),
			[]string{"grants-more: Role: it has values that cannot be evaluated"}},
		{"deletion policy", replace("DeletionPolicy: Retain", "DeletionPolicy: Delete"),
			[]string{"changed: Log: deletion policy Delete"}},
		{"update replace policy", replace("DeletionPolicy: Retain", "DeletionPolicy: Retain, UpdateReplacePolicy: Retain"),
			[]string{"changed: Log: update replace policy Retain"}},
		{"parameter shown", replace("Secret: {Type: String, NoEcho: true}", "Secret: {Type: String, Default: x}"),
			[]string{shown + "parameter Secret: its value is shown to everybody who may describe the stack"}},
		{"parameter removed", replace("  Secret: {Type: String, NoEcho: true}\n", ""), nil},
		{"another parameter masked", replace("Plain: {Type: String, Default: p}", "Plain: {Type: String, NoEcho: true}"),
			nil},
		{"another output", replace("Value: !Ref Log", "Value: other"), []string{"changed: output Name: other"}},
		{"no output", replace("  Name: {Value: !Ref Log}\n", ""), []string{"changed: output Name:"}},
		{"output that shows a parameter", replace("Value: one", "Value: !Ref Secret"),
			[]string{shown + "output TemplateHash: shows the parameter Secret"}},
		{"output that shows another parameter", replace("Value: one", "Value: !Ref Plain"), nil},
		{"output that shows a parameter that was masked",
			replace("Value: one", "Value: !Ref Secret", "NoEcho: true", "Default: x"),
			[]string{shown + "parameter Secret: its value is shown to everybody who may describe the stack",
				shown + "output TemplateHash: shows the parameter Secret"}},
		{"metadata that shows a parameter", replace("DeletionPolicy: Retain,",
			"DeletionPolicy: Retain, Metadata: {a: !Ref Secret},"),
			[]string{shown + "Log: metadata shows the parameter Secret"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ids := map[string]string{"Role": "role"}
			if tc.name == "another name" {
				ids["Role"] = "theirs"
			}
			s := comparedStack(t, installation.Access, comparedTemplate, tc.deployed, ids)
			all := []*stack{unitStack("backup"), s}
			m := newModel(unitParent(), all)
			c := templateComparison{expected: m, deployed: newModel(unitParent(), []*stack{{resources: s.deployed}})}
			c.compare(s)
			var got []string
			for i, line := range c.lines {
				got = append(got, string(c.directions[i])+": "+line)
			}
			want := slices.Clone(tc.want)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
			found := m.compareTemplates(unitParent(), all)
			if len(found) != min(1, len(tc.want)) || m.deployed == nil {
				t.Errorf("got %d findings", len(found))
			}
			s.inProgress = true
			if found := m.compareTemplates(unitParent(), all); found != nil {
				t.Errorf("in progress: got %d findings", len(found))
			}
		})
	}
}

// TestManyTemplateChanges checks that a finding lists 20 lines of a template that differs, and counts the others.
func TestManyTemplateChanges(t *testing.T) {
	deployed := func(n int) string {
		out := "Resources:\n"
		for i := range n {
			out += fmt.Sprintf("  Added%02d: {Type: AWS::SNS::Topic}\n", i)
		}
		return out
	}
	for n, want := range map[int][2]int{19: {20, 0}, 20: {20, 1}} {
		s := comparedStack(t, installation.Access, "Resources: {Log: {Type: AWS::Logs::LogGroup}}", deployed(n), nil)
		same := comparedStack(t, installation.Inventory, comparedTemplate, comparedTemplate,
			map[string]string{"Role": "role"})
		all := []*stack{same, s}
		found := newModel(unitParent(), all).compareTemplates(unitParent(), all)
		if len(found) != 1 || len(found[0].Changes) != want[0] || found[0].ChangesOmitted != want[1] ||
			len(found[0].values) != n+1 || found[0].Subject != "access" {
			t.Errorf("%d resources: got %+v", n, found)
		}
	}
}

// TestParentTemplateComparison checks what is reported of the template of a parent: what it loses is monitoring.
func TestParentTemplateComparison(t *testing.T) {
	const template = `
Parameters: {Secret: {Type: String, NoEcho: true}}
Resources:
  Access: {Type: Custom::PermissionStack, Properties: {ServiceToken: t, DataPlaneAccountId: "1", ProtectedArns: a}}
  Function:
    Type: AWS::Lambda::Function
    Properties: {Handler: h, Timeout: 60, Code: {S3Key: k}, Architectures: [arm64], Environment: {Variables: {A: a}}}
  Permission: {Type: AWS::Lambda::Permission, Properties: {Action: a, Principal: p}}
  Policy:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [q]
      PolicyDocument: {Statement: [{Effect: Allow, Principal: "*", Action: sqs:SendMessage, Resource: "*"}]}
  Topic: {Type: AWS::SNS::Topic, Properties: {KmsMasterKeyId: k}}
`
	for _, tc := range []struct {
		name, from, to string
		direction      finding.Direction
		lines          []string
	}{
		{"as released", "", "", "", nil},
		{"where the code is", "S3Key: k", "S3Key: x", "", nil},
		{"processor", "[arm64]", "[x86_64]", "", nil},
		{"number in text", "Timeout: 60", `Timeout: "60"`, "", nil},
		{"timeout", "Timeout: 60", "Timeout: 1", finding.Monitoring, []string{"Function: Timeout → 1"}},
		{"handler", "Handler: h", "Handler: x", finding.GrantsMore, []string{"Function: Handler → x"}},
		{"handler removed", "Handler: h, ", "", finding.GrantsMore, []string{"Function: Handler → nothing"}},
		{"layers added", "Handler: h", "Handler: h, Layers: [l]", finding.GrantsMore, []string{`Function: Layers → ["l"]`}},
		{"variable", "A: a}", "A: x}", finding.Monitoring, []string{"Function: Environment → another value"}},
		{"variable that is not known", "A: a}", "A: !Ref Secret}", finding.GrantsMore,
			[]string{"Function: Environment → another value", "Function: it has values that cannot be evaluated"}},
		{"permission", "Principal: p", "Principal: x", finding.GrantsMore, []string{"Permission: Principal → x"}},
		{"who gets access", `DataPlaneAccountId: "1"`, `DataPlaneAccountId: "2"`, finding.GrantsMore,
			[]string{"Access: DataPlaneAccountId → 2"}},
		{"nobody gets access", `DataPlaneAccountId: "1"`, `DataPlaneAccountId: ""`, finding.Monitoring,
			[]string{"Access: DataPlaneAccountId →"}},
		{"protected resources", "ProtectedArns: a", "ProtectedArns: b", finding.GrantsMore,
			[]string{"Access: ProtectedArns → b"}},
		{"external id", "ServiceToken: t", "ServiceToken: t, ExternalId: an-id", finding.GrantsMore,
			[]string{"Access: ExternalId → another value"}},
		{"queue policy", "sqs:SendMessage", "sqs:*", finding.GrantsMore,
			[]string{"Policy: PolicyDocument grants more: widened: Allow sqs:* on * for *; " +
				"was: Allow sqs:SendMessage on * for *"}},
		{"queue policy in another form", "sqs:SendMessage", "SQS:SendMessage", "", nil},
		{"queue policy that is invalid",
			`{Statement: [{Effect: Allow, Principal: "*", Action: sqs:SendMessage, Resource: "*"}]}`,
			`"{"`, finding.Monitoring, []string{"Policy: PolicyDocument → {"}},
		{"topic", "KmsMasterKeyId: k", "KmsMasterKeyId: x", finding.Monitoring,
			[]string{"Topic: topic changed KmsMasterKeyId → x"}},
		{"resource removed", "  Topic: {Type: AWS::SNS::Topic, Properties: {KmsMasterKeyId: k}}\n", "", finding.Monitoring,
			[]string{"Topic: removed: AWS::SNS::Topic"}},
		{"another type with other properties", "Policy:\n    Type: AWS::SQS::QueuePolicy\n    Properties:\n      Queues: [q]",
			"Policy:\n    Type: AWS::SQS::Other\n    Properties:\n      Queues: [x]", finding.GrantsMore,
			[]string{"Policy: replaced by: AWS::SQS::Other id-Policy"}},
		{"queue policy in another form, of another queue", "sqs:SendMessage", "SQS:SendMessage|Queues: [q]|Queues: [x]",
			finding.Monitoring, []string{`Policy: Queues → ["x"]`}},
		{"queue policy, of another queue", "sqs:SendMessage", "sqs:*|Queues: [q]|Queues: [x]", finding.GrantsMore,
			[]string{"Policy: PolicyDocument grants more: widened: Allow sqs:* on * for *; " +
				"was: Allow sqs:SendMessage on * for *", `Policy: Queues → ["x"]`}},
		{"another type of the same name", "Policy:\n    Type: AWS::SQS::QueuePolicy", "Policy:\n    Type: AWS::SQS::Other",
			finding.GrantsMore, []string{"Policy: replaced by: AWS::SQS::Other id-Policy"}},
		{"queue policy and a timeout", "sqs:SendMessage", "sqs:*|Timeout: 60|Timeout: 1", finding.GrantsMore,
			[]string{"Function: Timeout → 1", "Policy: PolicyDocument grants more: widened: Allow sqs:* on * for *; " +
				"was: Allow sqs:SendMessage on * for *"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			to, more, _ := strings.Cut(tc.to, "|")
			deployed := strings.Replace(template, tc.from, to, 1)
			if a, b, ok := strings.Cut(more, "|"); ok {
				deployed = strings.Replace(deployed, a, b, 1)
			}
			s := comparedStack(t, "", template, deployed, nil)
			all := []*stack{s}
			found := newModel(unitParent(), all).compareTemplates(unitParent(), all)
			var lines []string
			direction := finding.Direction("")
			if len(found) == 1 {
				lines, direction = found[0].Changes, found[0].Direction
				if found[0].Subject != parentSubject {
					t.Errorf("got the subject %s", found[0].Subject)
				}
			}
			slices.Sort(lines)
			if !slices.Equal(lines, tc.lines) || direction != tc.direction {
				t.Errorf("got %s %q, want %s %q", direction, lines, tc.direction, tc.lines)
			}
		})
	}
}

// TestReference checks which values of a template refer to a masked parameter.
func TestReference(t *testing.T) {
	names := map[string]bool{"Secret": true, "Plain": false}
	for _, tc := range []struct {
		name, value, want string
	}{
		{"Ref", `{"a":[{"b":"c"},{"Ref":"Secret"}]}`, "Secret"}, {"another Ref", `{"a":{"Ref":"Plain"}}`, ""},
		{"another function", `{"a":{"Fn::GetAtt":"Secret"}}`, ""},
		{"Sub", `{"a":{"Fn::Sub":"x${Secret}y"}}`, "Secret"}, {"another Sub", `{"a":{"Fn::Sub":"x${Plain}${Secret.A}"}}`, ""},
		{"Sub with values", `{"a":{"Fn::Sub":["x${Secret}y",{"v":"w"}]}}`, "Secret"},
		{"Sub with values that refer to it", `{"a":{"Fn::Sub":["x${v}y",{"v":{"Ref":"Secret"}}]}}`, "Secret"},
		{"empty Sub", `{"a":{"Fn::Sub":[]}}`, ""}, {"text", `{"a":"${Secret}"}`, ""},
		{"text before Sub", `{"A":"x","Fn::Sub":"${Secret}"}`, "Secret"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := reference(jsonObject(tc.value), names); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestJoinDirections checks the direction of several differences.
func TestJoinDirections(t *testing.T) {
	more, less, other := finding.GrantsMore, finding.GrantsLess, finding.Changed
	for _, tc := range []struct {
		all  []finding.Direction
		want finding.Direction
	}{
		{[]finding.Direction{less, more, other}, more}, {[]finding.Direction{less, less}, less},
		{[]finding.Direction{less, other}, other}, {[]finding.Direction{other}, other},
	} {
		t.Run(fmt.Sprint(tc.all), func(t *testing.T) {
			if got := joinDirections(tc.all); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}
