package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"permstack/internal/fakeaws/cloudformation"
)

func TestExtract(t *testing.T) {
	const older = `{"typeName":"AWS::X::Y","properties":{"Name":{}}}`
	const newer = `{"typeName":"AWS::X::Y","properties":{"Name":{},"Arn":{}},"required":["Name"],
		"createOnlyProperties":["/properties/Name"],"readOnlyProperties":["/properties/Arn"],
		"writeOnlyProperties":["/properties/Code/ZipFile"],
		"handlers":{"create":{"permissions":["x:TagY","x:CreateY"]},"list":{"permissions":["x:ListY"]}}}`
	source := fstest.MapFS{
		"a/one.json": {Data: []byte(older)}, "b.json": {Data: []byte(newer)}, "c.json": {Data: []byte(older)},
		"other.json": {Data: []byte(`{"typeName":"AWS::X::Z"}`)}, "list.json": {Data: []byte(`["AWS::X::Y"]`)},
	}
	got, err := extract(source, []string{"AWS::X::Y"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]cloudformation.TypeSchema{"AWS::X::Y": {
		Properties: []string{"Arn", "Name"}, Required: []string{"Name"}, CreateOnly: []string{"Name"},
		ReadOnly: []string{"Arn"}, WriteOnly: []string{"Code/ZipFile"},
		Handlers: map[string][]string{"create": {"x:CreateY", "x:TagY"}},
	}}
	if diff := cmp.Diff(want, got.Types); diff != "" {
		t.Errorf("schemas (-want +got):\n%s", diff)
	}
	if _, err := extract(source, []string{"AWS::X::None"}); err == nil ||
		!strings.Contains(err.Error(), "there is no schema of AWS::X::None") {
		t.Errorf("a type without schema: got error %v", err)
	}
}

// TestFixture extracts the schemas of the installed cfn-lint, if there is one, and
// compares them with the fixture of the same date.
func TestFixture(t *testing.T) {
	lint := os.Getenv("PERMSTACK_CFN_LINT")
	found, err := filepath.Glob(filepath.Join(filepath.Dir(lint), "..", "lib", "python3*", "site-packages", "cfnlint",
		"data", "schemas"))
	if lint == "" || err != nil || len(found) != 1 {
		t.Skip("skipped: PERMSTACK_CFN_LINT names no cfn-lint (./build.sh test installs it and sets this)")
	}
	version, err := os.ReadFile(filepath.Join(found[0], "version.json"))
	if err != nil {
		t.Fatal(err)
	}
	have := cloudformation.Schemas()
	if !strings.Contains(string(version), `"`+have.Date+"T") {
		t.Fatalf("the fixture is of %s, the installed cfn-lint of %s: run this command again", have.Date, version)
	}
	got, err := extract(os.DirFS(filepath.Join(found[0], "resources")), cloudformation.Types())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(have.Types, got.Types, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("schemas.json differs from cfn-lint's schemas (-fixture +cfn-lint):\n%s", diff)
	}
}
