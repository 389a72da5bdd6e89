package bundle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"permstack/internal/iampolicy/policytest"
	"permstack/internal/policies"
	"permstack/internal/review/webui"
)

// built builds the page once for all tests.
var built = sync.OnceValues(func() ([]byte, error) { return Build(Options{}) })

func file(t *testing.T) string {
	t.Helper()
	policytest.RequireSlow(t, "it compiles the page")
	text, err := built()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "index.html")
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAssembleIsReproducible(t *testing.T) {
	a, err := Assemble([]byte("engine"), []byte("first"), "runtime()", Options{TemplateURL: `https://x/?a="b"`})
	if err != nil {
		t.Fatal(err)
	}
	b, err := Assemble([]byte("engine"), []byte("first"), "runtime()", Options{TemplateURL: `https://x/?a="b"`})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Error("the same parts have different output")
	}
	if bytes.Contains(a, []byte("{{")) {
		t.Error("a placeholder was not replaced")
	}
	if !bytes.Contains(a, []byte(`https://x/?a=&#34;b&#34;`)) {
		t.Error("the URL is not escaped")
	}
	if _, err := Assemble(nil, nil, "</script>", Options{}); err == nil {
		t.Error("a script that contains </script> is accepted")
	}
}

// choices returns the choices to compare: of each profile everything, one asset with
// each operation, two assets, every preset and every option.
func choices() []string {
	var out []string
	for _, name := range policies.ProfileNames() {
		p, _ := policies.Profile(name)
		out = append(out, name)
		operations := []string{""}
		for _, o := range p.Operations {
			operations = append(operations, string(o))
		}
		for i, a := range p.Assets {
			for _, o := range operations {
				out = append(out, strings.TrimRight(name+":"+string(a.Asset)+":"+o, ":"))
			}
			for _, b := range p.Assets[i+1:] {
				out = append(out, name+":"+string(a.Asset)+","+string(b.Asset))
			}
		}
		for _, preset := range p.Presets {
			out = append(out, name+":::"+preset.Name)
		}
		for _, o := range p.Options {
			out = append(out, name+":"+string(p.Assets[0].Asset)+"::"+string(o.Option))
		}
	}
	return out
}

// TestWebAssembly checks that the responses of the page's WebAssembly are byte-equal
// to those of the package webui, for one in thirty choices and at least one of every form and profile.
func TestWebAssembly(t *testing.T) {
	b := sharedPage(t, "")
	sample := policytest.NewStratified(30)
	t.Log(sample)
	for _, choice := range choices() {
		if !sample.Includes(form(choice), choice) {
			continue
		}
		request, err := json.Marshal(webui.Request{Choice: choice, Region: "eu-central-1", ConnectionID: "c-1"})
		if err != nil {
			t.Fatal(err)
		}
		quoted, err := json.Marshal(string(request))
		if err != nil {
			t.Fatal(err)
		}
		var got string
		b.eval("permstack("+string(quoted)+")", &got)
		if want := webui.Handle(string(request)); got != want {
			t.Fatalf("%s: the responses differ", choice)
		}
	}
}

// form returns the profile of a choice, how many assets it names, and what else it names: operations, options.
func form(choice string) string {
	parts := strings.Split(choice, ":")
	if len(parts) == 1 {
		return choice
	}
	out := fmt.Sprintf("%s, %d assets", parts[0], strings.Count(parts[1], ",")+1)
	for _, p := range parts[1:] {
		out += fmt.Sprintf(" %t", p != "")
	}
	return out
}

// TestPage uses the page with mouse and keyboard.
func TestPage(t *testing.T) {
	path := file(t)
	b := openPage(t, path, 1280, 900, false)
	b.screenshot("page-wide")
	text := func(id string) (s string) {
		b.eval(`document.getElementById("`+id+`").textContent`, &s)
		return s
	}
	shows := func(choice string) {
		t.Helper()
		want := webui.Request{Choice: choice}.Evaluate()
		if len(want.Problems) > 0 {
			t.Fatalf("%s: %v", choice, want.Problems)
		}
		if text("template") != want.Template || text("review") != want.Review {
			t.Errorf("the files on the page are not those of %s", choice)
		}
		var cards int
		b.eval(`document.querySelectorAll("#grants .grant").length`, &cards)
		if cards != len(want.Grants) {
			t.Errorf("%s: got %d statements, want %d", choice, cards, len(want.Grants))
		}
		var findings int
		b.eval(`document.querySelectorAll("#findings .grant").length`, &findings)
		if findings != len(want.Findings) {
			t.Errorf("%s: got %d findings, want %d", choice, findings, len(want.Findings))
		}
		var prerequisites []string
		b.eval(`[...document.querySelectorAll("#prerequisite-list li")].map((e) => e.firstChild.textContent)`, &prerequisites)
		if len(prerequisites) != len(want.Prerequisites) {
			t.Errorf("%s: got %d prerequisites, want %d", choice, len(prerequisites), len(want.Prerequisites))
		}
	}
	first := policies.ProfileNames()[0]
	p, _ := policies.Profile(first)
	all := make([]string, len(p.Assets))
	for i, a := range p.Assets {
		all[i] = string(a.Asset)
	}
	shows(first + ":" + strings.Join(all, ","))

	// Deselect an asset.
	b.eval(`document.querySelector("#assets input").click()`, nil)
	shows(first + ":" + strings.Join(all[1:], ","))
	// Select it with the keyboard.
	b.eval(`document.querySelector("#assets input").focus()`, nil)
	b.press(" ", 32)
	shows(first + ":" + strings.Join(all, ","))

	// Each profile, with only its first asset and operation, and its presets.
	for _, name := range policies.ProfileNames() {
		p, _ := policies.Profile(name)
		b.setValue("profile", name, "change")
		// The page answers the last click only; each answer to the others would take as long as a preset's.
		b.eval(`(() => {
			const boxes = (id) => [...document.querySelectorAll("#" + id + " input")];
			const others = ["assets", "operations"].flatMap((id) => boxes(id).slice(1));
			for (const c of others.slice(1)) c.checked = false;
			others[0].click();
		})()`, nil)
		shows(name + ":" + string(p.Assets[0].Asset) + ":" + string(p.Operations[0]))
		for _, preset := range p.Presets {
			b.setValue("preset", preset.Name, "change")
			shows(name + ":::" + preset.Name)
		}
	}

	// Search.
	b.eval(`location.hash = "clumio:ec2:backup"`, nil)
	b.eval(`new Promise((done) => requestAnimationFrame(() => setTimeout(done)))`, nil)
	shows("clumio:ec2:backup")
	b.setValue("search", "deletesnapshot", "input")
	if found := text("grants"); !strings.Contains(found, "Vendor = Clumio") || !strings.Contains(text("found"), "1 of ") {
		t.Errorf("search: got %q", text("found"))
	}
	b.screenshot("page-search")

	// The search applies to every choice until it is cleared.
	b.setValue("search", "", "input")
	shows("clumio:ec2:backup")

	// A fragment that is not percent-encoded text does not stop the page.
	b.eval(`location.hash = "%"`, nil)
	b.eval(`new Promise((done) => requestAnimationFrame(() => setTimeout(done)))`, nil)
	b.eval(`location.hash = "clumio:ec2:backup"`, nil)
	b.eval(`new Promise((done) => requestAnimationFrame(() => setTimeout(done)))`, nil)
	shows("clumio:ec2:backup")

	// An empty choice is reported as a problem.
	b.eval(`document.querySelectorAll("#assets input:checked").forEach((c) => c.click())`, nil)
	if !strings.Contains(text("problems"), "at least one asset and one operation") {
		t.Error("an empty choice is not reported as a problem")
	}

	// The link requires a Region and a template.
	b.eval(`location.hash = "clumio:ec2,s3:backup"`, nil)
	b.eval(`new Promise((done) => requestAnimationFrame(() => setTimeout(done)))`, nil)
	b.setValue("region", "eu-west-1", "change")
	b.setValue("templateURL",
		"https://releases-eu-west-1.s3.eu-west-1.amazonaws.com/permstack/v1/clumio.yaml", "change")
	var link string
	b.eval(`document.getElementById("launch").href`, &link)
	for _, want := range []string{
		"https://eu-west-1.console.aws.amazon.com/cloudformation/", "param_ProtectEC2=yes", "param_ProtectS3=yes",
		"param_ProtectRDS=no", "param_AllowBackup=yes", "param_AllowRestore=no",
	} {
		if !strings.Contains(link, want) {
			t.Errorf("the link %q lacks %s", link, want)
		}
	}

	for _, u := range b.requests {
		if !strings.HasPrefix(u, "file://"+path) && u != "about:blank" {
			t.Errorf("the page requests %.100s", u)
		}
	}
	if len(b.errors) > 0 {
		t.Errorf("errors in the console: %s", strings.Join(b.errors, "; "))
	}
}

// TestWidths checks that nothing is wider than the screen, from a phone to a wide
// screen, in light and dark mode.
func TestWidths(t *testing.T) {
	b := sharedPage(t, "")
	for name, c := range map[string]struct {
		width int
		dark  bool
	}{"phone": {360, false}, "phone-dark": {390, true}, "tablet": {820, false}, "wide-dark": {1600, true}} {
		t.Run(name, func(t *testing.T) {
			b.t = t
			b.screen(c.width, 900, c.dark)
			var width int
			b.eval(`document.documentElement.scrollWidth`, &width)
			if width > c.width {
				t.Errorf("%s: the page is %d pixels wide, the screen %d", name, width, c.width)
			}
			b.screenshot(name)
			b.eval(`document.getElementById("grants").scrollIntoView({behavior: "instant"})`, nil)
			b.screenshot(name + "-grants")
		})
	}
}

// TestPicture writes the README's screenshot of the page to the directory
// PERMSTACK_SCREENSHOTS.
func TestPicture(t *testing.T) {
	if os.Getenv("PERMSTACK_SCREENSHOTS") == "" {
		t.Skip("skipped: PERMSTACK_SCREENSHOTS is not set")
	}
	b := openPage(t, file(t), 1200, 1290, false)
	b.eval(`location.hash = "clumio:ec2:backup"`, nil)
	b.eval(`new Promise((done) => requestAnimationFrame(() => setTimeout(done)))`, nil)
	b.setValue("search", "delete", "input")
	b.screenshot("page")
}
