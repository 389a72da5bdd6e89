package bundle

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestAccessible checks the page with axe-core: every rule of WCAG 2.2 A and AA and
// the best practices, in light and dark mode, on a phone and on a wide screen, with
// all details open.
func TestAccessible(t *testing.T) {
	name := os.Getenv("PERMSTACK_AXE")
	if name == "" {
		t.Skip("skipped: PERMSTACK_AXE is not set (./build.sh test installs axe-core and sets it)")
	}
	axe, err := os.ReadFile(name)
	if err != nil {
		t.Skipf("skipped: %v", err)
	}
	path := file(t)
	for _, c := range []struct {
		width int
		dark  bool
		rules string // "" for all; the colors are all that the dark page has of its own
	}{{360, false, ""}, {1280, false, ""}, {1280, true, "color-contrast"}} {
		t.Run(fmt.Sprintf("%d pixels, dark %t", c.width, c.dark), func(t *testing.T) {
			b := openPage(t, path, c.width, 900, c.dark)
			b.eval(`document.querySelectorAll("details").forEach((d) => { d.open = true; })`, nil)
			b.eval(string(axe)+";0", nil)
			var findings []struct {
				ID, Impact, Help string
				Nodes            []struct{ HTML string }
			}
			options := "{}"
			if c.rules != "" {
				options = `{runOnly: ["` + c.rules + `"]}`
			}
			b.eval(`axe.run(`+options+`).then((r) => r.violations)`, &findings)
			for _, f := range findings {
				var where []string
				for _, n := range f.Nodes[:min(3, len(f.Nodes))] {
					where = append(where, n.HTML)
				}
				t.Errorf("%s: %s: %s: %.300s", f.Impact, f.ID, f.Help, strings.Join(where, " | "))
			}
		})
	}
}
