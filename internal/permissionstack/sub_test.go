package permissionstack_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"permstack/internal/permissionstack"
)

var subVariable = regexp.MustCompile(`\$\{(!?)([^}]*)\}`)

// resolve evaluates a value as CloudFormation does.
func resolve(t *testing.T, v any) string {
	t.Helper()
	if s, ok := v.(string); ok {
		return s
	}
	function, _ := v.(map[string]any)
	text, isText := function["Fn::Sub"].(string)
	values := map[string]any{}
	if list, ok := function["Fn::Sub"].([]any); ok && len(list) == 2 {
		text, isText = list[0].(string)
		values, _ = list[1].(map[string]any)
	}
	if !isText {
		t.Fatalf("got value %v, want a string or Fn::Sub", v)
	}
	return subVariable.ReplaceAllStringFunc(text, func(m string) string {
		part := subVariable.FindStringSubmatch(m)
		if literal, ok := values[part[2]].(string); ok && part[1] == "" {
			return literal
		}
		if part[1] == "!" {
			if !documentedLiteral.MatchString(part[2]) {
				t.Errorf("Fn::Sub has the literal %s, which AWS documents for names only", m)
			}
			return "${" + part[2] + "}"
		}
		value, known := pseudoValues[part[2]]
		if !known {
			t.Fatalf("Fn::Sub has no value for %s in %s", m, text)
		}
		return value
	})
}

// documentedLiteral matches what AWS documents after "${!".
var documentedLiteral = regexp.MustCompile(`^[A-Za-z0-9:/_.-]+$`)

var pseudoValues = map[string]string{
	"AWS::Region": "us-east-1", "AWS::AccountId": "123456789012", "AWS::Partition": "aws",
	"AWS::URLSuffix": "amazonaws.com",
	"AWS::StackName": "s", "AWS::StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/s/u",
}

// FuzzStrings requires that CloudFormation evaluates a string to the string of the
// set with the pseudo parameters resolved and everything else, policy variables in
// particular, unchanged.
func FuzzStrings(f *testing.F) {
	f.Add("arn:${AWS::Partition}:s3:::b-${AWS::AccountId}/${aws:PrincipalAccount}/*")
	f.Add("${aws:username} & <b> \"quoted\" \\ ü \u2028")
	f.Add("${AWS::Region}${AWS::Region}${AWS::Nothing}")
	f.Add("$${AWS::Region}$${aws:x}")
	f.Add("${!Literal} ${AWS::URLSuffix}")
	f.Add("arn:${AWS::Partition}:ec2:::snapshot/${*} ${?} ${$} ${*}")
	f.Add("${AWS::Region} ${aws:PrincipalTag/team, 'none'} ${")
	f.Add("${AWS::Region} } ${}")
	f.Add("${0${AWS::Region}0")
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return // not a string of a policy
		}
		set := sample()
		set.Roles[0].Managed[0].Document.Statement[0].Resource[0] = text
		template, err := permissionstack.Combined(set)
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Resources struct {
				ClumioEC2BackupPolicy struct {
					Properties struct {
						PolicyDocument struct {
							Statement []struct{ Resource any }
						}
					}
				}
			}
		}
		if err := json.Unmarshal(template.JSON(), &doc); err != nil {
			t.Fatal(err)
		}
		want := text
		for name, value := range pseudoValues {
			want = strings.ReplaceAll(want, "${"+name+"}", value)
		}
		policy := doc.Resources.ClumioEC2BackupPolicy.Properties.PolicyDocument
		if got := resolve(t, policy.Statement[0].Resource); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	})
}
