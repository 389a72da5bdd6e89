package bundle

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"permstack/internal/iampolicy/policytest"
)

// reduce keeps two elements of each kind beside each other and removes the others. Elements are of one kind if they
// have the same tags, classes and attributes, without the attributes' values, down to the last of their children. With
// two, the rules about names that must differ still compare something.
const reduce = `(() => {
	const outline = (e) => {
		const kinds = new Map();
		const children = [...e.children].map((c) => {
			const kind = outline(c);
			const n = (kinds.get(kind) || 0) + 1;
			kinds.set(kind, n);
			if (n > 2) c.remove();
			return n > 2 ? "" : kind;
		});
		const attributes = e.getAttributeNames().map((n) => n === "class" ? n + "=" + e.className : n);
		return "<" + [e.tagName, ...attributes].join(" ") + ">" + children.join("") + "</>";
	};
	outline(document.body);
})()`

// TestAccessible checks the page with axe-core: every rule of WCAG 2.2 A and AA and
// the best practices, in light and dark mode, on a phone and on a wide screen, with
// all details open. Unless it is a full run, the page has few elements of each kind: see reduce.
func TestAccessible(t *testing.T) {
	name := os.Getenv("PERMSTACK_AXE")
	if name == "" {
		t.Skip("skipped: PERMSTACK_AXE is not set (./build.sh test installs axe-core and sets it)")
	}
	axe, err := os.ReadFile(name)
	if err != nil {
		t.Skipf("skipped: %v", err)
	}
	b := openPage(t, file(t), 360, 900, false)
	if !policytest.Full() {
		var before, after int
		b.eval(`document.querySelectorAll("*").length`, &before)
		b.eval(reduce, nil)
		b.eval(`document.querySelectorAll("*").length`, &after)
		t.Logf("%d of %d elements", after, before)
	}
	b.eval(`document.querySelectorAll("details").forEach((d) => { d.open = true; })`, nil)
	b.eval(string(axe)+";0", nil)
	for _, c := range []struct {
		width int
		dark  bool
		rules string // "" for all; the colors are all that the dark page has of its own
	}{{360, false, ""}, {1280, false, ""}, {1280, true, "color-contrast"}} {
		t.Run(fmt.Sprintf("%d pixels, dark %t", c.width, c.dark), func(t *testing.T) {
			b.t = t
			b.screen(c.width, 900, c.dark)
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
