package interop

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"permstack/internal/iampolicy/policytest"
)

// rehearsalEndpoint is the endpoint in docs/stacksets.md. The test uses a free port instead.
const rehearsalEndpoint = "127.0.0.1:4566"

// codeBlock is a block of code of a document.
var codeBlock = regexp.MustCompile("(?ms)^```\n(.*?)^```$")

// TestStackSetsDocument runs every command of docs/stacksets.md in its order, as one bash script with the AWS CLI, in a
// checkout without build output and on `permstack local`.
func TestStackSetsDocument(t *testing.T) {
	t.Parallel()
	tool(t, "PERMSTACK_AWS_CLI")
	requirePrograms(t, "git", "bash", "curl")
	policytest.RequireSlow(t, "it publishes a release and launches a StackSet")
	dir := checkout(t)
	document, err := os.ReadFile(filepath.Join(dir, "docs", "stacksets.md"))
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, m := range codeBlock.FindAllStringSubmatch(string(document), -1) {
		blocks = append(blocks, m[1])
	}
	if want := "go run ./cmd/permstack local --listen " + rehearsalEndpoint + "\n"; len(blocks) < 2 || blocks[0] != want {
		t.Fatalf("the first block of docs/stacksets.md is not %q", want)
	}
	endpoint := startLocal(t, buildCommand(t)) // the first block, on a free port
	script := "set -euo pipefail\n" + strings.ReplaceAll(strings.Join(blocks[1:], "\n"),
		"http://"+rehearsalEndpoint, endpoint)
	requireFilesExist(t, dir, string(document), script)

	aws := startAWSCLI(t, endpoint)
	commands, socket := aws.installAWSCommand()
	env := []string{"PATH=" + commands + string(os.PathListSeparator) + os.Getenv("PATH"), "AWS_PAGER=", socket}
	folder, err := filepath.Abs("python")
	if err != nil {
		t.Fatal(err)
	}
	env = append(env, "PYTHONPATH="+folder)
	for _, name := range []string{"HOME", "TMPDIR", "LANG"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	env = goEnvironment(env)
	const build = "./build.sh publish "
	if !strings.Contains(script, build) {
		t.Fatalf("docs/stacksets.md has no command %q", build)
	}
	script = strings.Replace(script, build, strings.Join(releaseProgram(t, dir, env), " ")+" publish ", 1)
	out := runIn(t, dir, env, "bash", "-c", "set -x\n"+script)
	t.Log(tail(out))
	for what, text := range map[string]string{
		"the stacks of the first roll-out":      "eu-central-1\tCURRENT",
		"the alert of the hub":                  ":permstack-hub-",
		"the subject of the alert":              `"subject":"permstack: GRANTS MORE: `, // not in a command
		"the update that every account refuses": "the update failed",
		"the accounts that were not reached":    "Cancelled since failure tolerance has exceeded",
	} {
		if !strings.Contains(out, text) {
			t.Errorf("%s: the output does not contain %q", what, text)
		}
	}
	requireNoStacks(t, aws)
}

// requireFilesExist requires that each path in code of the document exists in the checkout, or that a command makes it.
func requireFilesExist(t *testing.T, dir, document, script string) {
	t.Helper()
	made := map[string]string{ // path, and the command that makes it
		"dist/release": "./build.sh publish", "dist/release/clumio-stackset.yaml": "./build.sh publish",
		"dist/release/org-hub.yaml": "./build.sh publish",
	}
	path := regexp.MustCompile("`((?:dist|templates|docs|internal|cmd)/[^` ]+)`")
	for _, m := range path.FindAllStringSubmatch(document, -1) {
		if command, ok := made[m[1]]; ok {
			if !strings.Contains(script, command) {
				t.Errorf("docs/stacksets.md: no command makes %s", m[1])
			}
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, m[1])); err != nil {
			t.Errorf("docs/stacksets.md names %s, which does not exist", m[1])
		}
	}
}

// requireNoStacks requires that no account of the Organization has a stack.
func requireNoStacks(t *testing.T, aws *awsCLI) {
	t.Helper()
	var accounts struct {
		Accounts []struct {
			ID string `json:"Id"`
		}
	}
	aws.at("999999999999", "us-east-1").run(&accounts, "organizations", "list-accounts")
	if len(accounts.Accounts) != 4 {
		t.Errorf("got accounts %v, want 4", accounts.Accounts)
	}
	for _, a := range accounts.Accounts {
		for _, region := range []string{"us-east-1", "eu-central-1"} {
			var out struct{ Stacks []stack }
			aws.at(a.ID, region).run(&out, "cloudformation", "describe-stacks")
			if len(out.Stacks) > 0 {
				t.Errorf("account %s, %s: got stacks %v, want none", a.ID, region, out.Stacks)
			}
		}
	}
	response, err := http.Get(aws.endpoint + "/_permstack/messages") // #nosec G107 -- the test's own server
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var messages []struct{ Topic, Subject string }
	if err := json.NewDecoder(response.Body).Decode(&messages); err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		if strings.Contains(m.Topic, ":permstack-hub-") && strings.Contains(m.Subject, "GRANTS MORE") {
			return
		}
	}
	t.Errorf("no alert reached the hub's topic: %v", messages)
}
