package interop

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"permstack/internal/cfn/yamlfmt"
	"permstack/internal/fakeaws/fakeawstest"
)

func TestMain(m *testing.M) { fakeawstest.Main(m) }

// TestCDK includes the launch template with the AWS CDK's CfnInclude, requires
// that the synthesized template has the same values, and launches it.
func TestCDK(t *testing.T) {
	t.Parallel()
	requirePrograms(t, "node")
	modules := os.Getenv("PERMSTACK_CDK")
	if modules == "" {
		t.Skip("skipped: PERMSTACK_CDK names no folder with node_modules (./build.sh test installs it and sets this)")
	}
	if _, err := os.Stat(filepath.Join(modules, "node_modules", "aws-cdk-lib")); err != nil {
		t.Skipf("skipped: PERMSTACK_CDK: %v", err)
	}
	env := environment("http://127.0.0.1:1", "111111111111", "us-east-1")
	stdout, stderr, err := runProgram(t, env, "node", "interop/cdk.mjs", modules, "templates/launch-stack.yaml")
	if err != nil {
		t.Fatalf("cdk.mjs: %v\n%s", err, tail(stderr))
	}
	included := []byte(stdout)
	original, err := os.ReadFile(filepath.Join(root, "templates", "launch-stack.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(templateValues(t, original), templateValues(t, included)); diff != "" {
		t.Errorf("(-launch-stack.yaml +CDK):\n%s", diff)
	}

	account := fakeawstest.Start(t, fakeawstest.Options{}).In("111111111111", "us-east-1")
	stack := account.Launch(fakeawstest.Launch{Template: included, Parameters: fakeawstest.DefaultParameters()})
	want := ":role/permstack/us-east-1/main/ClumioIAMRole-us-east-1-"
	if role := stack.Outputs["RoleArn"]; !strings.Contains(role, want) {
		t.Errorf("output RoleArn: got %q, want the vendor's role", role)
	}
	// A rule that lost its function would accept this.
	_, err = account.Create(fakeawstest.Launch{Name: "refused", Template: included, Parameters: map[string]string{
		"ControlPlaneRoleArn": fakeawstest.ControlPlaneARN, "ExternalId": fakeawstest.ExternalID, "ProtectEC2": "no",
	}})
	if err == nil || !strings.Contains(err.Error(), "at least one kind of asset") {
		t.Errorf("no asset: got error %v, want the assertion of the rule", err)
	}
	stack.Delete()
	account.RequireEmpty()
}

// templateValues returns a template as plain values, functions in their long
// form. The comparison is by value: the order of keys has no meaning.
func templateValues(t *testing.T, template []byte) map[string]any {
	t.Helper()
	var values map[string]any
	node, err := yamlfmt.Parse(template)
	if err == nil {
		err = node.Decode(&values)
	}
	if err != nil {
		t.Fatal(err)
	}
	return values
}
