package main_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestLinked checks that the function links only the clients of the services that it calls, and
// neither the drift detector nor a YAML parser: every client and every package adds to a cold
// start.
func TestLinked(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	const service = "github.com/aws/aws-sdk-go-v2/service/"
	clients := []string{} // in the order of the alphabet
	for _, path := range strings.Fields(string(out)) {
		if name, ok := strings.CutPrefix(path, service); ok && !strings.Contains(name, "/") {
			clients = append(clients, name)
		}
		for _, heavy := range []string{"permstack/internal/drift/", "permstack/internal/cfn/cfntemplate",
			"go.yaml.in/yaml/"} {
			if strings.HasPrefix(path, heavy) {
				t.Errorf("the function links %s", path)
			}
		}
	}
	// livestate reads event rules, too, for others.
	slices.Sort(clients)
	if want := []string{"cloudformation", "eventbridge", "iam", "sns"}; !slices.Equal(clients, want) {
		t.Errorf("the function links clients of %q, want %q", clients, want)
	}
}
