package cfntemplate

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var pseudo = Pseudo{
	AccountID: "111122223333", Region: "eu-central-1",
	StackID: "arn:aws:cloudformation:eu-central-1:111122223333:stack/s/1", StackName: "s",
	NotificationARNs: []string{"arn:n"},
}

// names answers Ref with "<id>-ref" and Fn::GetAtt with "<id>.<attribute>".
type names struct{}

func (names) Ref(id string) (any, error)          { return id + "-ref", nil }
func (names) GetAtt(id, attr string) (any, error) { return id + "." + attr, nil }

const shared = `
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  Name: {Type: String, Default: backup}
  List: {Type: CommaDelimitedList, Default: "a, b,c"}
  Count: {Type: Number, Default: 3}
Mappings:
  Map: {eu-central-1: {Zone: z, Many: [x, y]}}
Conditions:
  Yes: !Equals [!Ref Name, backup]
  No: !Not [!Condition Yes]
  Both: !And [!Condition Yes, !Or [{Condition: No}, !Equals [true, "true"]]]
Resources:
  Other: {Type: T}
  Gone: {Type: T, Condition: No}
  R:
    Type: T
    Properties:
      P: `

func TestFunctions(t *testing.T) {
	tests := []struct {
		in   string
		want any
	}{
		{`!Ref Name`, "backup"},
		{`!Ref List`, []any{"a", "b", "c"}},
		{`!Ref Count`, "3"},
		{`!Ref Other`, "Other-ref"},
		{`!GetAtt Other.Arn`, "Other.Arn"},
		{`!GetAtt Other.Outputs.X`, "Other.Outputs.X"},
		{`{"Fn::GetAtt": [Other, Arn]}`, "Other.Arn"},
		{`{"Fn::GetAtt": Other.Arn}`, "Other.Arn"},
		{`!Ref AWS::Partition`, "aws"},
		{`!Ref AWS::NotificationARNs`, []any{"arn:n"}},
		{
			`!Sub "${Name}/${Other}/${Other.Arn}/${!Name}/${AWS::Region}/$5"`,
			"backup/Other-ref/Other.Arn/${Name}/eu-central-1/$5",
		},
		{`!Sub ["${V}-${Name}", {V: !Ref Count}]`, "3-backup"},
		{`!Join ["-", [a, !Ref Name, 1]]`, "a-backup-1"},
		{`!Join ["+", !Ref List]`, "a+b+c"},
		{`!Select [1, !Ref List]`, "b"},
		{`!Split ["/", "a/b"]`, []any{"a", "b"}},
		{`!FindInMap [Map, !Ref AWS::Region, Many]`, []any{"x", "y"}},
		{`!Base64 hi`, "aGk="},
		{`!If [Yes, 1, 2]`, int64(1)},
		{`!If [No, !Ref Gone, still]`, "still"},
		{`!If [Both, yes, no]`, "yes"},
		{`[a, !Ref "AWS::NoValue", b]`, []any{"a", "b"}},
		{`{a: !If [No, 1, !Ref "AWS::NoValue"], b: 2}`, map[string]any{"b": int64(2)}},
		{
			`{Version: 2012-10-17, Octal: 0123, T: true, F: 1.5}`,
			map[string]any{"Version": "2012-10-17", "Octal": "0123", "T": true, "F": 1.5},
		},
		{
			`{Condition: {StringEquals: {a: b}}, Effect: Allow}`,
			map[string]any{"Condition": map[string]any{"StringEquals": map[string]any{"a": "b"}}, "Effect": "Allow"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			tpl, err := Parse([]byte(shared + tt.in))
			if err != nil {
				t.Fatal(err)
			}
			b, err := tpl.ResolveParameters(Environment{Pseudo: pseudo})
			if err != nil {
				t.Fatal(err)
			}
			got, err := b.Properties("R", names{})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got["P"]); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", ``, "template is empty"},
		{"no resources", `Description: x`, "At least one Resources member"},
		{"duplicate key", "Resources:\n  A: {Type: T}\n  A: {Type: T}\n", `duplicate key "A" (line 3)`},
		{
			"duplicate key in JSON",
			"{\"Resources\": {\n\"A\": {\"Type\": \"T\",\n\"Type\": \"T\"}}}",
			`duplicate key "Type" (line 3)`,
		},
		{"unknown section", "Resources: {A: {Type: T}}\nFoo: {}\n", "Invalid template property or properties [Foo] (line 2)"},
		{"transform", "Transform: AWS::Include\n", "Transform AWS::Include is not supported"},
		{"several transforms", "Transform: [AWS::Serverless-2016-10-31, Own]\n", "is not supported"},
		{
			"SAM's own type",
			"Transform: AWS::Serverless-2016-10-31\nResources: {A: {Type: 'AWS::Serverless::Api'}}\n",
			"resource A of type AWS::Serverless::Api needs the transform",
		},
		{
			"unknown function",
			"Resources:\n  A:\n    Type: T\n    Properties:\n      X: !Nope y\n",
			"unknown function Fn::Nope (line 5)",
		},
		{"ForEach", "Resources: {A: {Type: T, Properties: {X: {'Fn::ForEach': []}}}}", "AWS::LanguageExtensions"},
		{
			"unknown Ref",
			"Resources: {A: {Type: T, Properties: {X: !Ref B}}}",
			"Unresolved resource dependencies [B] in the Resources block of the template",
		},
		{
			"unknown GetAtt",
			"Resources: {A: {Type: T, Properties: {X: !GetAtt B.Arn}}}",
			"Fn::GetAtt references undefined resource B",
		},
		{
			"unknown name in Sub",
			"Resources: {A: {Type: T, Properties: {X: !Sub 'a${B}'}}}",
			"Unresolved resource dependencies [B]",
		},
		{"blank in Sub", "Resources: {A: {Type: T, Properties: {X: !Sub '${ B }'}}}", "variable names in Fn::Sub"},
		{"unknown condition", "Resources: {A: {Type: T, Condition: C}}", "Unresolved condition dependency C"},
		{"DependsOn", "Resources: {A: {Type: T, DependsOn: B}}", "Unresolved resource dependencies [B]"},
		{
			"condition function in a value",
			"Resources: {A: {Type: T, Properties: {X: !Equals [a, b]}}}",
			"Fn::Equals cannot be used here",
		},
		{
			"SSM parameter",
			"Parameters: {P: {Type: 'AWS::SSM::Parameter::Value<String>'}}",
			"AWS::SSM::Parameter::Value<String> is not supported",
		},
		{"CreationPolicy", "Resources: {A: {Type: T, CreationPolicy: {}}}", "CreationPolicy of resource A is not supported"},
		{"alias", "Resources: {A: &a {Type: T}, B: *a}", "aliases are not supported"},
		{
			"null",
			"Resources: {A: {Type: T, Properties: {X: }}}",
			"[/Resources/A/Properties/X] 'null' values are not allowed in templates",
		},
		{"bad name", "Resources: {A-b: {Type: T}}", "Resource name A-b is non alphanumeric"},
		{"two documents", "Resources: {A: {Type: T}}\n---\nb: c\n", "one document"},
		{"broken JSON", "{\"Resources\": \n}", "JSON not well-formed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.in))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("Parse: %v; want %q", err, tt.want)
			}
			if e := new(Error); !errors.As(err, &e) {
				t.Errorf("%T is not *Error", err)
			}
		})
	}
}

func TestParameters(t *testing.T) {
	const template = `
Parameters:
  S: {Type: String, Default: ab, MinLength: 2, MaxLength: 4, AllowedPattern: "[a-z]*"}
  E: {Type: String, Default: x, AllowedValues: [x, y]}
  N: {Type: Number, Default: 5, MinValue: 1, MaxValue: 10}
  L: {Type: CommaDelimitedList, Default: "", AllowedPattern: "[0-9]{12}", ConstraintDescription: must be account ids}
  M: {Type: String}
Rules:
  Together:
    RuleCondition: !Equals [!Ref E, y]
    Assertions:
      - Assert: {"Fn::Contains": [[ab, cd], !Ref S]}
        AssertDescription: y goes with ab or cd
      - Assert: {"Fn::EachMemberIn": [!Ref L, ["000000000001"]]}
Resources: {A: {Type: T}}
`
	tests := []struct {
		name  string
		given map[string]string
		want  string
	}{
		{"good", map[string]string{"M": "m", "L": "123456789012, 123456789013"}, ""},
		{"missing", nil, "Parameters: [M] must have values"},
		{"unknown", map[string]string{"M": "", "Z": "", "Y": ""}, "Parameters: [Y, Z] do not exist in the template"},
		{"short", map[string]string{"M": "", "S": "a"}, "Parameter 'S' must contain at least 2 characters"},
		{"long", map[string]string{"M": "", "S": "abcde"}, "Parameter 'S' must contain at most 4 characters"},
		{"pattern", map[string]string{"M": "", "S": "ab1"}, "Parameter 'S' must match pattern [a-z]*"},
		{"values", map[string]string{"M": "", "E": "z"}, "Parameter 'E' must be one of AllowedValues"},
		{"no number", map[string]string{"M": "", "N": "z"}, "Parameter 'N' must be a number."},
		{"small", map[string]string{"M": "", "N": "0"}, "Parameter 'N' must be a number not less than 1"},
		{"great", map[string]string{"M": "", "N": "11"}, "Parameter 'N' must be a number not greater than 10"},
		{"described", map[string]string{"M": "", "L": "1"}, "Parameter L failed to satisfy constraint: must be account ids"},
		{"too long", map[string]string{"M": strings.Repeat("x", 4097)}, "4097 bytes"},
		{"rule", map[string]string{"M": "", "E": "y", "S": "zz"}, "rule Together failed: y goes with ab or cd"},
		{"second assertion", map[string]string{"M": "", "E": "y", "L": "000000000002"}, "rule Together failed"},
	}
	tpl, err := Parse([]byte(template))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tpl.ResolveParameters(Environment{Parameters: tt.given, Pseudo: pseudo})
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Fatalf("Bind: %v; want %q", err, tt.want)
			}
		})
	}
}

func TestOrder(t *testing.T) {
	tests := []struct{ name, in, want, err string }{
		{"as written", "A: {Type: T}\n  B: {Type: T}", "A B", ""},
		{
			"by need",
			"A: {Type: T, DependsOn: [C]}\n  B: {Type: T, Properties: {X: !Sub '${A.Arn}'}}\n  C: {Type: T}",
			"C A B",
			"",
		},
		{
			"circle",
			"A: {Type: T, Properties: {X: !Ref B}}\n  B: {Type: T, DependsOn: C}\n  C: {Type: T, Properties: {X: [!GetAtt A.Arn]}}",
			"",
			"Circular dependency between resources: [A, B, C]",
		},
		{"self", "A: {Type: T, Properties: {X: !Ref A}}", "", "[A]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tpl, err := Parse([]byte("Resources:\n  " + tt.in))
			if err != nil {
				t.Fatal(err)
			}
			b, err := tpl.ResolveParameters(Environment{Pseudo: pseudo})
			if err != nil {
				t.Fatal(err)
			}
			order, err := b.Order()
			var got []string
			for _, r := range order {
				got = append(got, r.LogicalID)
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("order %q, want %q", s, tt.want)
			}
			if tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) || tt.err == "" && err != nil {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}

func TestOutputs(t *testing.T) {
	tpl, err := Parse([]byte(`{"Conditions": {"No": {"Fn::Equals": ["a", "b"]}}, "Resources": {"A": {"Type": "T"}},
		"Outputs": {"X": {"Value": {"Ref": "A"}, "Description": "d", "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-x"}}}, "Y": {"Condition": "No", "Value": 1}}}`))
	if err != nil {
		t.Fatal(err)
	}
	b, err := tpl.ResolveParameters(Environment{Pseudo: pseudo})
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.Outputs(names{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]OutputValue{{Name: "X", Value: "A-ref", Description: "d", ExportName: "s-x"}}, got); d != "" {
		t.Error(d)
	}
}

func TestConditionCircle(t *testing.T) {
	tpl, err := Parse([]byte("Conditions: {A: !Not [!Condition B], B: !Not [!Condition A]}\nResources: {R: {Type: T}}"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = tpl.ResolveParameters(Environment{}); err == nil || !strings.Contains(err.Error(), "A -> B -> A") {
		t.Fatal(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(shared + "!Sub ['${A}', {A: !Ref Name}]"))
	f.Add([]byte(`{"Resources": {"A": {"Type": "T", "Properties": {"X": {"Fn::If": ["C", 1, {"Ref": "A"}]}}}}}`))
	f.Add([]byte("Resources: {A: {Type: T, Properties: !GetAtt [A]}}"))
	f.Add([]byte("Rules: {R: {Assertions: [{Assert: !Not [x]}]}}\nResources: {A: {Type: T}}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		tpl, err := Parse(body)
		if err != nil {
			return
		}
		b, err := tpl.ResolveParameters(Environment{Pseudo: pseudo})
		if err != nil {
			return
		}
		b.Order()
		for _, r := range b.Active() {
			b.Properties(r.LogicalID, names{})
		}
		b.Outputs(names{})
	})
}

func TestDeployed(t *testing.T) {
	parsed, err := Parse([]byte(`
Parameters: {Secret: {Type: String, NoEcho: true, AllowedPattern: "[a-z]+"}, Size: {Type: String, Default: small}}
Rules: {Never: {Assertions: [{Assert: !Equals [a, b]}]}}
Resources: {R: {Type: "AWS::X::Y", Properties: {A: !Ref Secret, B: !Ref Size}}}`))
	if err != nil {
		t.Fatal(err)
	}
	given := map[string]string{"Secret": "****", "Gone": "x"}
	if _, err := parsed.ResolveParameters(Environment{Parameters: given}); err == nil {
		t.Error("values that break every rule were taken for a new stack")
	}
	bound, err := parsed.ResolveParameters(Environment{Parameters: given, Deployed: true})
	if err != nil {
		t.Fatal(err)
	}
	got, err := bound.Properties("R", nil)
	if err != nil || got["A"] != "****" || got["B"] != "small" {
		t.Errorf("properties %v %v", got, err)
	}
}
