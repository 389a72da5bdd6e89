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
	function, ok := v.(map[string]any)
	text, isSub := function["Fn::Sub"].(string)
	if !ok || !isSub {
		t.Fatalf("value %v", v)
	}
	return subVariable.ReplaceAllStringFunc(text, func(m string) string {
		part := subVariable.FindStringSubmatch(m)
		if part[1] == "!" {
			return "${" + part[2] + "}"
		}
		value, known := pseudoValues[part[2]]
		if !known {
			t.Fatalf("Fn::Sub would look for %s in %s", m, text)
		}
		return value
	})
}

var pseudoValues = map[string]string{"AWS::Region": "us-east-1", "AWS::AccountId": "123456789012", "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com", "AWS::StackName": "s", "AWS::StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/s/u"}

// FuzzStrings: what stands in the set stands in the stack, with the pseudo
// parameters resolved and everything else, policy variables above all, as it is.
func FuzzStrings(f *testing.F) {
	f.Add("arn:${AWS::Partition}:s3:::b-${AWS::AccountId}/${aws:PrincipalAccount}/*")
	f.Add("${aws:username} & <b> \"quoted\" \\ ü \u2028")
	f.Add("${AWS::Region}${AWS::Region}${AWS::Nothing}")
	f.Add("$${AWS::Region}$${aws:x}")
	f.Add("${!Literal} ${AWS::URLSuffix}")
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) || strings.Count(text, "${") != len(subVariable.FindAllString(text, -1)) {
			return // no string of a policy: unclosed, or not text
		}
		set := sample()
		set.Roles[0].Managed[0].Document.Statement[0].Resource[0] = text
		template, err := permissionstack.Whole(set)
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
		if got := resolve(t, doc.Resources.ClumioEC2BackupPolicy.Properties.PolicyDocument.Statement[0].Resource); got != want {
			t.Errorf("%q became %q", text, got)
		}
	})
}
