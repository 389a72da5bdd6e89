package action

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"permstack/internal/iampolicy/policytest"

	"go.yaml.in/yaml/v3"
)

// workspace is a git repository with a base and changed files, and the program.
type workspace struct {
	t              *testing.T
	dir, base, bin string
}

const policy = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ACTIONS, "Resource": "*"}]}`

func newWorkspace(t *testing.T) workspace {
	t.Helper()
	for _, name := range []string{"bash", "git", "tar"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("skipped: %s is not installed", name)
		}
	}
	policytest.RequireSlow(t, "it builds the command line")
	w := workspace{t: t, dir: t.TempDir(), bin: filepath.Join(t.TempDir(), "permstack")}
	if out, err := exec.Command("go", "build", "-o", w.bin, "permstack/cmd/permstack").CombinedOutput(); err != nil {
		t.Fatalf("build permstack: %v\n%s", err, out)
	}
	w.write("access.json", `["s3:GetObject"]`)
	w.git("init", "--quiet")
	w.git("add", ".")
	w.git("-c", "user.name=n", "-c", "user.email=n@example.com", "commit", "--quiet", "--message", "base")
	w.base = w.git("rev-parse", "HEAD")
	return w
}

func (w workspace) write(name, actions string) {
	w.t.Helper()
	text := strings.Replace(policy, "ACTIONS", actions, 1)
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

func (w workspace) git(args ...string) string {
	w.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = w.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// run runs the script and returns its status, what it prints, the comment and the outputs.
func (w workspace) run(env ...string) (status int, printed, comment, outputs string) {
	w.t.Helper()
	script, err := filepath.Abs("diff.sh")
	if err != nil {
		w.t.Fatal(err)
	}
	files := w.t.TempDir()
	cmd := exec.Command("bash", script)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), append([]string{
		"PERMSTACK=" + w.bin, "BASE_SHA=" + w.base, "COMMENT_FILE=" + filepath.Join(files, "comment.md"),
		"GITHUB_OUTPUT=" + filepath.Join(files, "outputs"), "GITHUB_STEP_SUMMARY=" + filepath.Join(files, "summary"),
		"INPUT_SARIF=permstack.sarif",
	}, env...)...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		w.t.Fatal(err)
	}
	text, _ := os.ReadFile(filepath.Join(files, "comment.md"))
	values, _ := os.ReadFile(filepath.Join(files, "outputs"))
	return cmd.ProcessState.ExitCode(), string(out), string(text), string(values)
}

// TestDiff runs the script for a pull request: access that grows, that is lost, a file that is new, choices, and wrong
// inputs.
func TestDiff(t *testing.T) {
	w := newWorkspace(t)
	for _, c := range []struct {
		name, actions string
		env           []string
		status        int
		want, outputs string // in what is printed, in the outputs
	}{
		{"grows", `["s3:GetObject", "s3:DeleteObject"]`, []string{"INPUT_FILE=access.json"}, 1,
			"s3:DeleteObject", "grows=true"},
		{"reported only", `["s3:GetObject", "s3:DeleteObject"]`, []string{"INPUT_FILE=access.json", "INPUT_FAIL=false"}, 0,
			"access grows", "grows=true"},
		{"narrowed", `["s3:GetObject"], "Condition": {"Bool": {"aws:SecureTransport": "true"}}`,
			[]string{"INPUT_FILE=access.json"}, 0, "access does not grow", "grows=false"},
		{"the same", `["s3:GetObject"]`, []string{"INPUT_FILE=access.json"}, 0, "No change", "grows=false"},
		{"not JSON", `[`, []string{"INPUT_FILE=access.json"}, 2, "", ""},
		{"choices", "[]", []string{"INPUT_FROM=clumio:ec2:backup", "INPUT_TO=clumio:ec2"}, 1, "ClumioIAMRole", "grows=true"},
		{"no file", "[]", []string{"INPUT_FILE=none.json"}, 2, "none.json does not exist", ""},
		{"both", "[]", []string{"INPUT_FILE=access.json", "INPUT_TO=clumio"}, 2, "give file, or from and to", ""},
		{"neither", "[]", nil, 2, "give file, or from and to", ""},
		{"a flag", "[]", []string{"INPUT_FROM=--stack", "INPUT_TO=clumio"}, 2, "neither a file nor a choice", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := w
			w.t = t
			w.write("access.json", c.actions)
			status, printed, comment, outputs := w.run(c.env...)
			if status != c.status || !strings.Contains(printed, c.want) || !strings.Contains(outputs, c.outputs) {
				t.Errorf("status %d, want %d with %q and the output %q:\n%s\n%s", status, c.status, c.want, c.outputs, printed,
					outputs)
			}
			if strings.Contains(comment, os.TempDir()) {
				t.Errorf("the comment has the path of a copy: %s", comment)
			}
		})
	}
	t.Run("new file", func(t *testing.T) {
		w := w
		w.t = t
		w.write("more.json", `["s3:PutObject"]`)
		if status, printed, _, _ := w.run("INPUT_FILE=more.json"); status != 1 || !strings.Contains(printed, "s3:PutObject") {
			t.Errorf("status %d, want 1: %s", status, printed)
		}
		data, err := os.ReadFile(filepath.Join(w.dir, "permstack.sarif"))
		if err != nil {
			t.Fatal(err)
		}
		var log struct {
			Runs []struct{ Results []struct{ RuleID string } }
		}
		if err := json.Unmarshal(data, &log); err != nil || len(log.Runs) != 1 || len(log.Runs[0].Results) == 0 {
			t.Errorf("SARIF: %v: %s", err, data)
		}
	})
}

// TestAction checks action.yml: the script exists, every input is used, and no value of an event is text of a script.
func TestAction(t *testing.T) {
	data, err := os.ReadFile("../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var action struct {
		Inputs map[string]any
		Runs   struct {
			Using string
			Steps []struct{ Run, Shell, Uses string }
		}
	}
	if err := yaml.Unmarshal(data, &action); err != nil {
		t.Fatal(err)
	}
	for name := range action.Inputs {
		if !strings.Contains(string(data), "inputs."+name) {
			t.Errorf("input %s is not used", name)
		}
	}
	scripts := 0
	for _, s := range action.Runs.Steps {
		if strings.Contains(s.Run, "${{") {
			t.Errorf("an expression is text of the script %q", s.Run)
		}
		if s.Run != "" {
			scripts++
			if s.Shell != "bash" {
				t.Errorf("the step %q has the shell %q", s.Run, s.Shell)
			}
		}
	}
	if action.Runs.Using != "composite" || scripts == 0 {
		t.Errorf("got %q with %d scripts", action.Runs.Using, scripts)
	}
}
