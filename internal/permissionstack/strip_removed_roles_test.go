package permissionstack

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestStripRemovedRoles(t *testing.T) {
	old := []byte(`{"AWSTemplateFormatVersion":"2010-09-09","Resources":{
		"Kept":{"Type":"AWS::IAM::Role","Properties":{"RoleName":"a","ManagedPolicyArns":[{"Ref":"P"}]}},
		"Removed":{"Type":"AWS::IAM::Role","DependsOn":"P","Properties":{
			"RoleName":"b","Path":"/p/","AssumeRolePolicyDocument":{"Statement":[]},
			"ManagedPolicyArns":[{"Ref":"P"}],"Policies":[{"PolicyName":"x"}]}},
		"P":{"Type":"AWS::IAM::ManagedPolicy","Properties":{"PolicyDocument":{}}}},
		"Outputs":{"RoleArn":{"Value":{"Fn::GetAtt":["Removed","Arn"]}},"TemplateHash":{"Value":"old"}}}`)
	next := Template{body: []byte(`{"Resources":{"Kept":{"Type":"AWS::IAM::Role","Properties":{}}}}`)}

	got, needed, err := StripRemovedRoles(old, next)
	if err != nil || !needed {
		t.Fatal(needed, err)
	}
	var have struct {
		Resources map[string]map[string]any
		Outputs   map[string]struct{ Value any }
	}
	if err := json.Unmarshal(got.JSON(), &have); err != nil {
		t.Fatal(err)
	}
	removed := have.Resources["Removed"]["Properties"].(map[string]any)
	if len(removed["ManagedPolicyArns"].([]any)) != 0 || len(removed["Policies"].([]any)) != 0 ||
		removed["RoleName"] != "b" ||
		removed["Path"] != "/p/" {
		t.Errorf("removed role: got %v, want no policies and its name and path", removed)
	}
	if trust, _ := json.Marshal(removed["AssumeRolePolicyDocument"]); !strings.Contains(string(trust), `"Deny"`) ||
		strings.Contains(string(trust), `"Allow"`) {
		t.Errorf("trust policy of the removed role: got %s, want only Deny", trust)
	}
	if kept := have.Resources["Kept"]["Properties"].(map[string]any); len(kept["ManagedPolicyArns"].([]any)) != 1 {
		t.Errorf("kept role: got %v, want it unchanged", kept)
	}
	if len(have.Resources) != 3 || have.Outputs["RoleArn"].Value == nil {
		t.Errorf("got template %s, want three resources and the output RoleArn", got.JSON())
	}
	if have.Outputs["TemplateHash"].Value != got.Hash() || !strings.HasPrefix(got.Hash(), "stripped-") {
		t.Errorf("hash: got output %v, want %s with the prefix stripped-", have.Outputs["TemplateHash"], got.Hash())
	}

	if again, needed, err := StripRemovedRoles(got.JSON(), next); needed || err != nil {
		t.Errorf("stripped again: got %s, %v, want no change", again.JSON(), err)
	}
	if _, needed, err := StripRemovedRoles(old, Template{body: old}); needed || err != nil {
		t.Errorf("no role removed: got %t, %v, want false", needed, err)
	}
	for _, bad := range []string{
		"", "AWSTemplateFormatVersion: 2010-09-09", `{"Resources":[]}`, `{"Resources":{"X":{"Type":"AWS::IAM::Role"}}}`,
		`{"Resources":{"X":1}}`,
	} {
		t.Run(bad, func(t *testing.T) {
			if _, _, err := StripRemovedRoles([]byte(bad), next); err == nil {
				t.Error("got no error")
			}
		})
	}
}
