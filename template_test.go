package permstack_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"permstack"
	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/iampolicy"
	"permstack/internal/policies"
)

const (
	account = "123456789012"
	region  = "us-east-1"
	uuid    = "6f1d7d1e-4b8a-4a53-9d7a-0c2a1b3d4e5f"
)

// arns resolves Ref and Fn::GetAtt of the template's own resources.
type arns struct{}

// vendorCeiling is the boundary that the parent stack creates for the backup service's roles.
const vendorCeiling = "arn:aws:iam::" + account + ":policy/permstack/us-east-1/main/installer/parent-VendorCeiling-1A2B"

func (arns) Ref(id string) (any, error) {
	switch id {
	case "VendorCeiling":
		return vendorCeiling, nil
	case "AlertTopic":
		return "arn:aws:sns:us-east-1:" + account + ":permstack-alerts-" + uuid, nil
	}
	return id, nil
}

func (arns) GetAtt(id, attribute string) (any, error) {
	switch id {
	case "StackRole", "ProvisionerRole", "DriftRole":
		return "arn:aws:iam::" + account + ":role/permstack/us-east-1/main/installer/parent-" + id + "-1A2B", nil
	case "Provisioner":
		return "arn:aws:lambda:us-east-1:" + account + ":function:parent-Provisioner-1A2B", nil
	case "ProvisionerLogGroup":
		return "arn:aws:logs:us-east-1:" + account + ":log-group:parent-log:*", nil
	case "DriftFailures", "DriftEvents":
		return "arn:aws:sqs:us-east-1:" + account + ":parent-" + id + "-1A2B", nil
	}
	return id + "." + attribute, nil
}

// resolveTemplate evaluates template.yaml for valid parameters, changed by more.
// templates are the templates that parsed has parsed, by their text.
var templates sync.Map

// parsed returns a template of the project, which is parsed once for all tests.
func parsed(text []byte) (*cfntemplate.Template, error) {
	parse, _ := templates.LoadOrStore(string(text), sync.OnceValues(func() (*cfntemplate.Template, error) {
		return cfntemplate.Parse(text)
	}))
	return parse.(func() (*cfntemplate.Template, error))()
}

func resolveTemplate(t *testing.T, stack string, more map[string]string) (*cfntemplate.Resolved, error) {
	t.Helper()
	template, err := parsed(permstack.Template)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{
		"ControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Control", "ExternalId": "example",
	}
	maps.Copy(values, more)
	return template.ResolveParameters(cfntemplate.Environment{
		Parameters: values,
		Pseudo: cfntemplate.Pseudo{
			AccountID: account, Region: region, StackName: stack,
			StackID: fmt.Sprintf("arn:aws:cloudformation:%s:%s:stack/%s/%s", region, account, stack, uuid),
		},
	})
}

func properties(t *testing.T, b *cfntemplate.Resolved, id string) map[string]any {
	t.Helper()
	p, err := b.Properties(id, arns{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// document converts a property to a policy document.
func document(t *testing.T, value any) iampolicy.Document {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var doc iampolicy.Document
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return doc
}

// documents returns the policies of one of the template's roles.
func documents(t *testing.T, b *cfntemplate.Resolved, id string) []iampolicy.Document {
	t.Helper()
	var docs []iampolicy.Document
	list, _ := properties(t, b, id)["Policies"].([]any)
	for _, p := range list {
		docs = append(docs, document(t, p.(map[string]any)["PolicyDocument"]))
	}
	for _, r := range b.Active() {
		if policyRoles[r.LogicalID] == id {
			docs = append(docs, document(t, properties(t, b, r.LogicalID)["PolicyDocument"]))
		}
	}
	return docs
}

// TestDefaultsFollowTheCatalogue compares the defaults with those of package policies.
func TestDefaultsFollowTheCatalogue(t *testing.T) {
	template, err := parsed(permstack.Template)
	if err != nil {
		t.Fatal(err)
	}
	wants := map[string]string{
		"CatalogVersion": policies.Releases[len(policies.Releases)-1],
		"RolePath":       policies.DefaultPath,
		"ConnectionId":   policies.DefaultConnectionID,
		"Profile":        "clumio",
	}
	for name, want := range wants {
		t.Run(name, func(t *testing.T) {
			p := template.Parameter(name)
			if p == nil || p.Default != want {
				t.Errorf("default of %s: want %q", name, want)
			}
		})
	}
	if got := template.Parameter("CatalogVersion").AllowedValues; !slices.Equal(got, policies.Releases) {
		t.Errorf("CatalogVersion: got values %v, want %v", got, policies.Releases)
	}
	if got := template.Parameter("Profile").AllowedValues; !slices.Equal(got, policies.TemplateProfileNames()) {
		t.Errorf("Profile: got values %v, want %v", got, policies.TemplateProfileNames())
	}
}

// cpm returns the parameters of a choice of cpm with an instance role, and one more.
func cpm(name, value string) map[string]string {
	return map[string]string{
		"Profile": "cpm", "Preset": "minimal", "ControlPlaneRoleArn": "", name: value,
	}
}

// TestHyphenIsNoExternalID checks that a prompt which accepts no empty line can leave the external id out.
func TestHyphenIsNoExternalID(t *testing.T) {
	for _, value := range []string{"", "-"} {
		if _, err := resolveTemplate(t, "parent", cpm("ExternalId", value)); err != nil {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func TestInvalidChoices(t *testing.T) {
	tests := map[string]struct {
		values map[string]string
		want   string
	}{
		"nothing to protect":  {map[string]string{"ProtectEC2": "no"}, "at least one kind of asset"},
		"nowhere to send S3":  {map[string]string{"ProtectS3": "yes"}, "DataPlaneAccountId is required"},
		"nowhere to send RDS": {map[string]string{"ProtectRDS": "yes"}, "DataPlaneAccountId is required"},
		"support by nobody":   {map[string]string{"SupportRole": "yes"}, "SupportControlPlaneRoleArn is required"},
		"support not chosen": {map[string]string{"SupportControlPlaneRoleArn": "arn:aws:iam::111122223333:role/S"},
			"not chosen"},
		"no role": {map[string]string{"ControlPlaneRoleArn": "arn:aws:iam::111122223333:user/U"},
			"must be the ARN of an IAM role"},
		"short external id":  {map[string]string{"ExternalId": "x"}, "2 to 1,224"},
		"path without slash": {map[string]string{"RolePath": "backup"}, "must begin and end with a slash"},
		"path with wildcard": {map[string]string{"RolePath": "/*/"}, "must begin and end with a slash"},
		"tag without value":  {map[string]string{"ResourceTags": "team"}, "key=value"},
		"six tags":           {map[string]string{"ResourceTags": "a=1,b=2,c=3,d=4,e=5,f=6"}, "at most five tags"},
		"unknown answer":     {map[string]string{"ProtectEC2": "maybe"}, "ProtectEC2"},
		"unknown release":    {map[string]string{"CatalogVersion": "0"}, "CatalogVersion"},
		"no role at all":     {map[string]string{"ControlPlaneRoleArn": ""}, "ControlPlaneRoleArn is required"},
		"no external id":     {map[string]string{"ExternalId": ""}, "ExternalId is required"},
		"hyphen for no id":   {map[string]string{"ExternalId": "-"}, "ExternalId is required"},
		"id for an instance": {cpm("ExternalId", "example"), "ExternalId is not used"},
		"cpm's operation":    {map[string]string{"Operations": "backup,recovery"}, "Operations: valid for the backup service clumio: backup, restore."},
		"cpm's asset":        {map[string]string{"ProtectEFS": "yes"}, "only no is valid for the backup service clumio"},
		"cpm's setting":      {map[string]string{"Options": "release=4.2"}, "Options: valid for the backup service clumio"},
		"cpm's preset":       {map[string]string{"Preset": "minimal"}, "Preset: valid for the backup service clumio"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := resolveTemplate(t, "parent", tc.values)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got error %v, want one that contains %q", err, tc.want)
			}
		})
	}
}

// TestCustomerInputsReachEveryRole checks boundary, path and tags of every role.
func TestCustomerInputsReachEveryRole(t *testing.T) {
	boundary, installer := "arn:aws:iam::123456789012:policy/Boundary", "arn:aws:iam::123456789012:policy/Installer"
	b, err := resolveTemplate(t, "parent", map[string]string{
		"RolePath": "/team/backup/", "PermissionsBoundaryArn": boundary, "InstallerPermissionsBoundaryArn": installer,
		"ResourceTags": "team=storage,empty=,cost center=4 2",
	})
	if err != nil {
		t.Fatal(err)
	}
	tags := []any{
		map[string]any{"Key": "team", "Value": "storage"}, map[string]any{"Key": "empty", "Value": ""},
		map[string]any{"Key": "cost center", "Value": "4 2"},
	}
	roles := 0
	for _, r := range b.Active() {
		p := properties(t, b, r.LogicalID)
		switch r.Type {
		case "AWS::IAM::Role":
			roles++
			if p["PermissionsBoundary"] != installer {
				t.Errorf("%s has the boundary %v", r.LogicalID, p["PermissionsBoundary"])
			}
			if path, _ := p["Path"].(string); !strings.HasPrefix(path, "/team/backup/") {
				t.Errorf("%s has the path %v", r.LogicalID, p["Path"])
			}
			if fmt.Sprint(p["Tags"]) != fmt.Sprint(tags) {
				t.Errorf("%s has the tags %v", r.LogicalID, p["Tags"])
			}
		case "Custom::PermissionStack":
			if p["Path"] != "/team/backup/" || p["PermissionsBoundaryArn"] != boundary ||
				p["Tags"] != "team=storage,empty=,cost center=4 2" {
				t.Errorf("custom resource: got properties %v", p)
			}
		}
	}
	if roles != 3 {
		t.Errorf("got %d roles, want 3", roles)
	}
	without, err := resolveTemplate(t, "parent", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"StackRole", "ProvisionerRole", "DriftRole"} {
		t.Run(id, func(t *testing.T) {
			p := properties(t, without, id)
			if _, set := p["PermissionsBoundary"]; set {
				t.Error("got a boundary, want none")
			}
			if list, _ := p["Tags"].([]any); len(list) != 0 {
				t.Errorf("got tags %v, want none", list)
			}
		})
	}
}
