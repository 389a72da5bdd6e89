package properties

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"permstack/internal/installation"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

func decodeJSON(t *testing.T, text string) (Properties, error) {
	t.Helper()
	var raw map[string]any
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		t.Fatal(err)
	}
	return Decode(raw)
}

func TestDecode(t *testing.T) {
	want := Properties{
		Profile: "clumio", Assets: []string{"ec2", "s3"}, Operations: []string{"backup"},
		SupportRole: true, ControlPlaneRoleARN: "arn:a", SupportControlPlaneRoleARN: "arn:b",
		DataPlaneAccountID: "012345678901", ExternalID: "e", ConnectionID: "c", Path: "/p/",
		PermissionsBoundaryARN: "arn:c", CatalogVersion: "1.0.0",
		Tags: []policies.Tag{{Key: "a", Value: "b=c"}, {Key: "d", Value: ""}},
	}
	const rest = `"ServiceToken":"arn:x","ServiceTimeout":"900","Profile":" clumio ","ControlPlaneRoleArn":"arn:a",
		"SupportControlPlaneRoleArn":"arn:b","DataPlaneAccountId":"012345678901","ExternalId":"e","ConnectionId":"c",
		"Path":"/p/","PermissionsBoundaryArn":"arn:c","CatalogVersion":"1.0.0","AWSBackupInventory":"false",`
	for name, text := range map[string]string{
		"lists": `{` + rest + `"Assets":["ec2"," s3 ",""],"Operations":["backup"],"SupportRole":"true",` +
			`"Tags":[{"Key":"a","Value":"b=c"},{"Key":"d","Value":""}]}`,
		"strings": `{` + rest + `"Assets":"ec2, s3,,","Operations":" backup","SupportRole":"True","Tags":"a=b=c, d="}`,
		"pairs":   `{` + rest + `"Assets":["ec2","s3"],"Operations":"backup","SupportRole":true,"Tags":["a=b=c","d="]}`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decodeJSON(t, text)
			if err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		})
	}
	empty, err := decodeJSON(t, `{"Assets":"","Tags":"","SupportRole":"","Path":null,"ExternalId":" - "}`)
	if diff := cmp.Diff(Properties{}, empty); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestSelectionAndEnvironment(t *testing.T) {
	p := Properties{Profile: "clumio", Assets: []string{"ec2"}, SupportRole: true, AWSBackupInventory: true}
	want := policies.Selection{
		Profile: "clumio",
		Assets:  []schema.Asset{"ec2"},
		Options: []schema.Option{"support-role", "aws-backup-inventory"},
	}
	if diff := cmp.Diff(want, p.Selection()); diff != "" {
		t.Error(diff)
	}
	p = Properties{Profile: "cpm", Preset: "enterprise", Options: []string{"release=4.2", "trust=server-role"}}
	want = policies.Selection{
		Profile: "cpm",
		Preset:  "enterprise",
		Options: []schema.Option{"release=4.2", "trust=server-role"},
	}
	if diff := cmp.Diff(want, p.Selection()); diff != "" {
		t.Error(diff)
	}
	p, err := decodeJSON(t,
		`{"Profile":"cpm","Preset":"minimal","Options":"release=4.2, kms-user=admin","OtherAccountIds":"444455556666"}`)
	if err != nil {
		t.Fatal(err)
	}
	if sel := p.Selection(); sel.Preset != "minimal" || len(sel.Options) != 2 || sel.Options[1] != "kms-user=admin" {
		t.Errorf("got %+v", sel)
	}
	parent, err := installation.ParseParent("arn:aws-us-gov:cloudformation:us-gov-west-1:123456789012:stack/n/u")
	if err != nil {
		t.Fatal(err)
	}
	env := p.Environment(parent)
	if len(env.OtherAccounts) != 1 || env.OtherAccounts[0] != "444455556666" {
		t.Errorf("other accounts %v", env.OtherAccounts)
	}
	if env.Partition != "aws-us-gov" || env.Region != "us-gov-west-1" || env.Account != "123456789012" {
		t.Errorf("got %+v", env)
	}
	if diff := cmp.Diff([]string{"n-u-permstack-inventory", "n-u-permstack-access"}, env.StackNames); diff != "" {
		t.Error(diff)
	}
}

// TestProblems checks that all problems are reported at once, without any value of
// a property.
func TestProblems(t *testing.T) {
	_, err := decodeJSON(
		t,
		`{"Asset":"ec2","ExternalId":{"secret":1},"SupportRole":"maybe","Assets":[1],"Operations":7,`+
			`"Tags":[{"Key":"k"}],"Path":["/"]}`,
	)
	checkError(t, err, `unknown property "Asset": want one of AWSBackupInventory, Assets, CatalogVersion, ConnectionId`,
		"property ExternalId: want a string, got an object", "property SupportRole: want true or false",
		"property Assets: entry 1: want a string, got a number", "property Operations: want a list of strings",
		"property Tags: entry 1: Value: want a string, got nothing", "property Path: want a string, got a list")
	if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "ServiceToken") {
		t.Errorf("got %v", err)
	}
	for tags, words := range map[string]string{
		`"novalue"`:                            "entry 1: want key=value",
		`"a=1,A=2"`:                            `key "A" appears more than once`,
		`"aws:x=1"`:                            "reserved",
		`"Permstack:parent=x"`:                 "reserved",
		`"=x"`:                                 "1 to 128",
		`"a=b;c"`:                              "letters, digits",
		`[{"Key":"a","Value":"b","C":1}]`:      `unknown property "C"`,
		`[{"Key":"a","Value":"b"},"c=d"]`:      "entry 2: want an object",
		`{"a":"b"}`:                            "or a list of objects",
		`"` + strings.Repeat("k", 129) + `=v"`: "1 to 128",
		`"k=` + strings.Repeat("v", 257) + `"`: "at most 256",
		`"` + manyTags(46) + `"`:               "at most 45",
	} {
		t.Run(tags, func(t *testing.T) {
			_, err := decodeJSON(t, `{"Tags":`+tags+`}`)
			checkError(t, err, "property Tags", words)
		})
	}
}

func manyTags(n int) string {
	var out []string
	for i := range n {
		out = append(out, "k"+strings.Repeat("x", i)+"=v")
	}
	return strings.Join(out, ",")
}

// FuzzDecode checks that no input causes a panic, that an error is one
// line, and that accepted values are trimmed and lists have no empty entries.
func FuzzDecode(f *testing.F) {
	f.Add(`{"Assets":"ec2,s3","Tags":"a=b","SupportRole":"true"}`)
	f.Add(`{"Assets":["ec2"],"Tags":[{"Key":"a","Value":"b"}],"Unknown":{}}`)
	f.Add(`{"Tags":[null],"Assets":[[]],"Path":1.5}`)
	f.Fuzz(func(t *testing.T, text string) {
		var raw map[string]any
		if json.Unmarshal([]byte(text), &raw) != nil {
			return
		}
		p, err := Decode(raw)
		if err != nil {
			if err.Error() == "" {
				t.Error("the error has no text")
			}
			return
		}
		for _, s := range append(append([]string{}, p.Assets...), p.Operations...) {
			if s == "" || strings.TrimSpace(s) != s || strings.Contains(s, ",") && !strings.Contains(text, "[") {
				t.Errorf("entry %q", s)
			}
		}
		for _, tag := range p.Tags {
			if tag.Key == "" {
				t.Error("a tag without a key")
			}
		}
	})
}

// checkError checks that an error contains some words.
func checkError(t *testing.T, err error, words ...string) {
	t.Helper()
	for _, w := range words {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("got error %v, want one with %q", err, w)
		}
	}
}
