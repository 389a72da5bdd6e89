package interop

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"permstack/internal/iampolicy/policytest"
)

// TestSAM takes a clean checkout through sam validate, build, deploy, an update and delete, and then through
// sam deploy --guided, with the real SAM CLI against the embedded AWS.
func TestSAM(t *testing.T) {
	t.Parallel()
	program := tool(t, "PERMSTACK_SAM")
	requirePrograms(t, "make", "git")
	endpoint := startLocal(t, buildCommand(t), "--foreign-code")
	dir := checkout(t)
	env := append(goEnvironment(environment(endpoint, "444444444444", "eu-west-1")),
		"SAM_CLI_TELEMETRY=0", "__SAM_CLI_APP_DIR="+t.TempDir(), "SAM_CLI_POLL_DELAY=1")
	if !policytest.Full() { // compiling every package for a second processor takes minutes
		env = append(env, "FUNCTION_GOARCH="+runtime.GOARCH)
	}

	sam := startSAM(t, program, dir, env)
	validate := []string{"validate"}
	if policytest.Full() { // most of a minute; TestCfnLint lints the templates, too
		validate = append(validate, "--lint")
	}
	sam.run(validate...)
	sam.run("build")
	deploy := func(parameters ...string) string {
		args := []string{
			"deploy", "--stack-name", "backup", "--resolve-s3", "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset",
			"--parameter-overrides", "ControlPlaneRoleArn=arn:aws:iam::111122223333:role/Control", "ExternalId=example",
			"ConnectionId=sam", "DataPlaneAccountId=444455556666",
		}
		return sam.run(append(args, parameters...)...)
	}
	// The SAM CLI breaks long values into lines.
	if out := deploy(); !strings.Contains(strings.Join(strings.Fields(out), ""),
		"role/permstack/eu-west-1/sam/ClumioIAMRole-eu-west-1-sam") {
		t.Errorf("sam deploy does not print the role:\n%s", tail(out))
	}
	if policytest.Full() { // deployGuided deploys again, too
		if out := deploy("ProtectS3=yes"); !strings.Contains(out, "Successfully created/updated stack") {
			t.Errorf("sam deploy again:\n%s", tail(out))
		}
	}
	sam.run("delete", "--stack-name", "backup", "--no-prompts", "--region", "eu-west-1")

	deployGuided(t, dir, sam)
	if policytest.Full() {
		deployGuidedWithoutExternalID(t, dir, sam)
	}

	c := startAWSCLI(t, endpoint).at("444444444444", "eu-west-1")
	c.run(nil, "cloudformation", "delete-stack", "--stack-name", "nothing")
	var out struct{ Stacks []struct{ StackName string } }
	c.run(&out, "cloudformation", "describe-stacks")
	if len(out.Stacks) != 1 || out.Stacks[0].StackName != "aws-sam-cli-managed-default" {
		t.Errorf("sam delete leaves %v; want only the SAM CLI's own stack", out.Stacks)
	}
}

// deployGuided answers the prompts of sam deploy --guided as docs/sam.md says, deploys again with the file that it
// writes, and deletes the stack.
func deployGuided(t *testing.T, dir string, sam *samCLI) {
	t.Helper()
	const externalID = "guided-secret"
	guided(t, sam, "ClumioIAMRole-eu-west-1-guided", map[string]string{
		"Stack Name": "guided", "Parameter ControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Control",
		"Parameter ExternalId": externalID, "Parameter ConnectionId": "guided",
	})
	file := filepath.Join(dir, "samconfig.toml")
	config, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(config), externalID) {
		t.Errorf("samconfig.toml contains the external ID:\n%s", config)
	}

	changed := strings.Replace(string(config), `ProtectS3=\"no\"`,
		`ProtectS3=\"yes\" DataPlaneAccountId=\"444455556666\"`, 1)
	changed = strings.Replace(changed, ` DataPlaneAccountId=\"\"`, "", 1)
	if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := sam.run("deploy"); !strings.Contains(out, "Successfully created/updated stack") {
		t.Errorf("sam deploy with the written samconfig.toml:\n%s", tail(out))
	}
	sam.run("delete", "--no-prompts")
}

// deployGuidedWithoutExternalID answers the prompt for the external ID, which accepts no empty line, with a hyphen, and
// deploys again with the file that does not have it.
func deployGuidedWithoutExternalID(t *testing.T, dir string, sam *samCLI) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, "samconfig.toml")); err != nil {
		t.Fatal(err)
	}
	guided(t, sam, "CPMRole-eu-west-1-instance", map[string]string{
		"Stack Name": "instance", "Parameter Profile": "cpm", "Parameter Preset": "minimal",
		"Parameter ExternalId": "-", "Parameter ConnectionId": "instance",
	})
	sam.run("deploy", "--no-fail-on-empty-changeset")
	sam.run("delete", "--no-prompts")
}

// guided runs sam deploy --guided with some answers and requires that it prints the name of a role.
func guided(t *testing.T, sam *samCLI, role string, answers map[string]string) {
	t.Helper()
	answers["Do you want to sign your code?"] = "n"
	out := sam.answer(answers, "deploy", "--guided")
	plain := regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(out, "")
	// The SAM CLI breaks long values into lines.
	if !strings.Contains(strings.Join(strings.Fields(plain), ""), role) {
		t.Errorf("sam deploy --guided does not print the role %s:\n%s", role, tail(out))
	}
}
