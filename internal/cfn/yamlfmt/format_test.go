package yamlfmt_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"permstack/internal/cfn/yamlfmt"
)

func format(t *testing.T, template string) string {
	t.Helper()
	root, err := yamlfmt.Parse([]byte(template))
	if err != nil {
		t.Fatal(err)
	}
	out, err := yamlfmt.Format(root)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func ExampleFormat() {
	root, err := yamlfmt.Parse([]byte(`{
		"Conditions": {"C": {"Fn::Not": [{"Fn::Equals": [{"Ref": "P"}, "yes"]}]}},
		"Resources": {
			"A": {"Type": "AWS::SNS::Topic"},
			"B": {"Type": "AWS::SNS::TopicPolicy", "Properties": {"Topics": [{"Ref": "A"}], "X": {"Fn::If": ["C", 1, 2]}}}
		}
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := yamlfmt.Format(root)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(out))
	// Output:
	// Conditions:
	//   C:
	//     Fn::Not:
	//       - Fn::Equals: [!Ref P, "yes"]
	//
	// Resources:
	//   A:
	//     Type: AWS::SNS::Topic
	//
	//   B:
	//     Type: AWS::SNS::TopicPolicy
	//     Properties:
	//       Topics: [!Ref A]
	//       X: !If [C, 1, 2]
}

// TestFormatFunctions formats functions in every form, and the result again.
func TestFormatFunctions(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"short attribute":       {"!GetAtt A.B.C", "!GetAtt A.B.C"},
		"long attribute":        {"{Fn::GetAtt: [A, B.C]}", "!GetAtt A.B.C"},
		"attribute as a string": {"{Fn::GetAtt: A.B}", "!GetAtt A.B"},
		"attribute by function": {"{Fn::GetAtt: [A, {Ref: P}]}", "!GetAtt [A, !Ref P]"},
		"nested tags":           {"{Fn::Base64: {Fn::Sub: x}}", "{\"Fn::Base64\": !Sub x}"},
		"unknown function":      {"!Length [a]", "{\"Fn::Length\": [a]}"},
		"condition":             {"!Condition C", "{Condition: C}"},
		"string like a number":  {"!Sub '1'", "!Sub \"1\""},
		"literal of Sub":        {`!Sub "${!x}"`, `!Sub "${!x}"`},
	} {
		t.Run(name, func(t *testing.T) {
			got := format(t, "Outputs:\n  O:\n    Value: "+tc.in+"\n")
			want := format(t, "Outputs:\n  O:\n    Value: "+tc.want+"\n")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if strings.HasPrefix(tc.want, "!") && !strings.Contains(got, "Value: "+tc.want+"\n") {
				t.Errorf("got\n%swant %s", got, tc.want)
			}
			if again := format(t, got); again != got {
				t.Errorf("formatted again:\n%s", cmp.Diff(got, again))
			}
		})
	}
}

func TestFormatComments(t *testing.T) {
	in := "# first\nA: b\n\nResources:\n  # reason\n  R:\n    Type: T # type\n    P:\n      # of x\n      - x\n      - z\n"
	if got := format(t, in); got != in {
		t.Errorf("(-want +got):\n%s", cmp.Diff(in, got))
	}
}

func TestParseErrors(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"empty":     {"", "not a mapping"},
		"a list":    {"[a]", "not a mapping"},
		"an anchor": {"a: &x b\nc: *x\n", "line 1: anchors"},
		"not YAML":  {"a: [", "parse template"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := yamlfmt.Parse([]byte(tc.in)); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got error %v, want one that contains %q", err, tc.want)
			}
		})
	}
}
