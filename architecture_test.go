package permstack_test

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// ownPackages begins the import paths of the packages below internal.
const ownPackages = "permstack/internal/"

// TestArchitecture checks the table of packages in docs/architecture.md: every package below internal/ is in it, and
// none links what the last column excludes.
func TestArchitecture(t *testing.T) {
	deps := packageDeps(t)
	data, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	quoted := regexp.MustCompile("`(internal/[a-z0-9/]+)`")
	described := map[string]bool{}
	for _, line := range strings.Split(string(data), "\n") {
		columns := strings.Split(line, "|")
		if len(columns) != 5 || !strings.HasPrefix(strings.TrimSpace(columns[1]), "`internal/") {
			continue
		}
		var excluded []string
		for _, m := range quoted.FindAllStringSubmatch(columns[3], -1) {
			excluded = append(excluded, ownPackages+strings.TrimPrefix(m[1], "internal/"))
		}
		sdk := strings.Contains(columns[3], "AWS SDK")
		for _, m := range quoted.FindAllStringSubmatch(columns[1], -1) {
			name := ownPackages + strings.TrimPrefix(m[1], "internal/")
			described[name] = true
			linked, ok := deps[name]
			if !ok {
				t.Errorf("docs/architecture.md: there is no package %s", m[1])
			}
			for _, d := range linked {
				if slices.Contains(excluded, d) || sdk && strings.HasPrefix(d, "github.com/aws/aws-sdk-go-v2/service/") {
					t.Errorf("%s links %s, which docs/architecture.md excludes", m[1], d)
				}
			}
		}
	}
	for name, linked := range deps {
		for _, d := range linked {
			if strings.HasPrefix(name, "permstack/functions/") && strings.HasPrefix(d, "github.com/hashicorp/") {
				t.Errorf("%s links %s: the functions read no Terraform configuration", name, d)
			}
		}
		if own, ok := strings.CutPrefix(name, ownPackages); ok && !described[name] {
			t.Errorf("docs/architecture.md does not describe internal/%s", own)
		}
	}
}

// packageDeps returns what each package of this module links, itself excluded.
func packageDeps(t *testing.T) map[string][]string {
	t.Helper()
	const format = `{{.ImportPath}}{{range .Deps}} {{.}}{{end}}`
	list := exec.Command("go", "list", "-f", format, "./...")
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("list packages: %v", err)
	}
	deps := map[string][]string{}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		words := strings.Fields(line)
		deps[words[0]] = words[1:]
	}
	return deps
}
