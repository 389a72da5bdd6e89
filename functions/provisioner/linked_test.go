package main_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestLinked: every client and every package costs a cold start its share. The
// function links the clients of the services that it calls, and not what finds
// drift or reads templates.
func TestLinked(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	const service = "github.com/aws/aws-sdk-go-v2/service/"
	clients := []string{}
	for _, path := range strings.Fields(string(out)) {
		if name, ok := strings.CutPrefix(path, service); ok && !strings.Contains(name, "/") {
			clients = append(clients, name)
		}
		for _, heavy := range []string{"permstack/internal/drift", "permstack/internal/cfntemplate", "permstack/internal/policydoc/compare", "go.yaml.in/yaml/v3"} {
			if path == heavy {
				t.Errorf("it links %s", path)
			}
		}
	}
	if want := []string{"cloudformation", "sns"}; !slices.Equal(clients, want) {
		t.Errorf("it links clients of %q, want %q", clients, want)
	}
}
