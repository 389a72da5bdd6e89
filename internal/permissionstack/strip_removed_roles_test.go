package permissionstack

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestFarewell(t *testing.T) {
	old := []byte(`{"AWSTemplateFormatVersion":"2010-09-09","Resources":{
		"Stays":{"Type":"AWS::IAM::Role","Properties":{"RoleName":"a","ManagedPolicyArns":[{"Ref":"P"}]}},
		"Goes":{"Type":"AWS::IAM::Role","DependsOn":"P","Properties":{"RoleName":"b","Path":"/p/","AssumeRolePolicyDocument":{"Statement":[]},"ManagedPolicyArns":[{"Ref":"P"}],"Policies":[{"PolicyName":"x"}]}},
		"P":{"Type":"AWS::IAM::ManagedPolicy","Properties":{"PolicyDocument":{}}}},
		"Outputs":{"RoleArn":{"Value":{"Fn::GetAtt":["Goes","Arn"]}},"TemplateHash":{"Value":"old"}}}`)
	next := Template{body: []byte(`{"Resources":{"Stays":{"Type":"AWS::IAM::Role","Properties":{}}}}`)}

	got, needed, err := Farewell(old, next)
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
	goes := have.Resources["Goes"]["Properties"].(map[string]any)
	if len(goes["ManagedPolicyArns"].([]any)) != 0 || len(goes["Policies"].([]any)) != 0 || goes["RoleName"] != "b" || goes["Path"] != "/p/" {
		t.Errorf("the dropped role is %v", goes)
	}
	if trust, _ := json.Marshal(goes["AssumeRolePolicyDocument"]); !strings.Contains(string(trust), `"Deny"`) || strings.Contains(string(trust), `"Allow"`) {
		t.Errorf("it trusts %s", trust)
	}
	if stays := have.Resources["Stays"]["Properties"].(map[string]any); len(stays["ManagedPolicyArns"].([]any)) != 1 {
		t.Errorf("the role that stays is %v", stays)
	}
	if len(have.Resources) != 3 || have.Outputs["RoleArn"].Value == nil {
		t.Errorf("the template is %s", got.JSON())
	}
	if have.Outputs["TemplateHash"].Value != got.Hash() || !strings.HasPrefix(got.Hash(), "farewell-") {
		t.Errorf("hash %v, %s", have.Outputs["TemplateHash"], got.Hash())
	}

	if again, needed, err := Farewell(got.JSON(), next); needed || err != nil {
		t.Errorf("a second farewell: %s %v", again.JSON(), err)
	}
	if _, needed, err := Farewell(old, Template{body: old}); needed || err != nil {
		t.Errorf("nothing dropped: %v %v", needed, err)
	}
	for _, bad := range []string{"", "AWSTemplateFormatVersion: 2010-09-09", `{"Resources":[]}`, `{"Resources":{"X":{"Type":"AWS::IAM::Role"}}}`, `{"Resources":{"X":1}}`} {
		if _, _, err := Farewell([]byte(bad), next); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
