package interop

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"permstack/internal/cfn/yamlfmt"
	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/iampolicy/policytest"
)

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "aws" {
		os.Exit(forwardAWSCommand())
	}
	fakeawstest.Main(m, func() error { return os.RemoveAll(built.dir) })
}

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
	env := append(environment("http://127.0.0.1:1", "111111111111", "us-east-1"), cdkValidation()...)
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

// TestCDKExample runs the example of docs/terraform.md with the AWS CDK and launches what it synthesizes.
func TestCDKExample(t *testing.T) {
	t.Parallel()
	requirePrograms(t, "node")
	modules := os.Getenv("PERMSTACK_CDK")
	if modules == "" {
		t.Skip("skipped: PERMSTACK_CDK names no folder with node_modules (./build.sh test installs it and sets this)")
	}
	if _, err := os.Stat(filepath.Join(modules, "node_modules", "constructs")); err != nil {
		t.Skipf("skipped: PERMSTACK_CDK: %v", err)
	}
	dir := t.TempDir()
	for _, name := range []string{"app.mjs", "permstack.mjs"} {
		copyFile(t, filepath.Join(root, "examples", "cdk", name), filepath.Join(dir, name))
	}
	if err := os.Symlink(filepath.Join(modules, "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	template, err := filepath.Abs(filepath.Join(root, "templates", "clumio.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "cdk.out")
	env := append(environment("http://127.0.0.1:1", "111111111111", "us-east-1"), "CDK_OUTDIR="+out, "TEMPLATE="+template)
	env = append(env, cdkValidation()...)
	runIn(t, dir, env, "node", "app.mjs")
	synthesized, err := os.ReadFile(filepath.Join(out, "permstack-clumio.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	account := fakeawstest.Start(t, fakeawstest.Options{}).In("111111111111", "us-east-1")
	stack := account.Launch(fakeawstest.Launch{
		Template: synthesized, Parameters: map[string]string{"ExternalId": fakeawstest.ExternalID},
	})
	want := ":role/permstack/us-east-1/c-1/ClumioIAMRole-us-east-1-"
	role := stack.Outputs["RoleToEnterAtClumio"]
	if !strings.Contains(role, want) || role != stack.Outputs["ClumioIAMRoleArn"] {
		t.Errorf("output RoleToEnterAtClumio: got %q, want the vendor's role", role)
	}
	stack.Delete()
	account.RequireEmpty()
}

// cdkValidation turns the CDK's own validation of templates off except in a full run: it takes ten times as long as the
// synthesis, and the templates are validated by cfn-lint.
func cdkValidation() []string {
	if policytest.Full() {
		return nil
	}
	return []string{"CDK_VALIDATION=false"}
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
