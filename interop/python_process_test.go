package interop

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// pythonProcess is a program by others, written in Python, that runs its commands in one process instead of starting
// again for each: a script of this folder reads commands as JSON and writes the replies.
type pythonProcess struct {
	in  *json.Encoder
	out *json.Decoder
}

// startPython runs a script with the Python of a tool's virtual environment until the test ends. name is what messages
// call the tool.
func startPython(t *testing.T, name, tool, dir string, env []string, script string, args ...string) pythonProcess {
	t.Helper()
	script, err := filepath.Abs(script)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(filepath.Dir(tool), "python"), append([]string{script}, args...)...)
	cmd.Dir, cmd.Env = dir, env
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the process of %s: %v\n%s", name, err, stderr.String())
		}
	})
	return pythonProcess{in: json.NewEncoder(stdin), out: json.NewDecoder(stdout)}
}

// do sends a command and reads its reply.
func (p pythonProcess) do(command, reply any) error {
	if err := p.in.Encode(command); err != nil {
		return err
	}
	return p.out.Decode(reply)
}
