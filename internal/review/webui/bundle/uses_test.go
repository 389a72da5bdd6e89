package bundle

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"permstack/internal/review/webui"
)

// set sets the choice in the address and waits until the page shows it.
func (b *browser) set(address string) {
	b.t.Helper()
	b.eval(fmt.Sprintf(`location.hash = %q`, address), nil)
	b.eval(`new Promise((done) => requestAnimationFrame(() => setTimeout(done)))`, nil)
}

// text returns the text of an element.
func (b *browser) text(selector string) (s string) {
	b.t.Helper()
	b.eval(fmt.Sprintf(`document.querySelector(%q)?.textContent ?? ""`, selector), &s)
	return s
}

// TestProblemsAtFields checks that a half-typed value is reported at its field and empties nothing, and that the
// report is removed when the value is complete.
func TestProblemsAtFields(t *testing.T) {
	b := sharedPage(t, "clumio:ec2,s3")
	before := b.text("#template")
	for field, values := range map[string][2]string{
		"account": {"1234", "123456789012"}, "region": {"eu-", "eu-central-1"},
		"dataPlaneAccount": {"44", "444455556666"},
		"controlPlaneRole": {"arn:aws:iam", "arn:aws:iam::111122223333:role/Control"},
		"externalId":       {"x", "e2e-0f8c9b7a41d2"},
	} {
		t.Run(field, func(t *testing.T) {
			b.t = t
			b.setValue(field, values[0], "change")
			var invalid string
			b.eval(`document.getElementById("`+field+`").getAttribute("aria-invalid") ?? ""`, &invalid)
			if b.text("#problem-"+field) == "" || invalid != "true" {
				t.Errorf("%q: no problem at the field; problems: %s", values[0], b.text("#problems"))
			}
			if b.text("#template") == "" || b.text("#grants .grant") == "" {
				t.Error("a half-typed value empties the page")
			}
			b.setValue(field, values[1], "change")
			if p := b.text("#problem-" + field); p != "" {
				t.Errorf("%q: got the problem %q", values[1], p)
			}
		})
	}
	b.t = t
	if b.text("#template") == before {
		t.Error("the values are not in the template")
	}
}

// TestTiles checks that each tile shows the statements that it counts.
func TestTiles(t *testing.T) {
	b := sharedPage(t, "cpm:::enterprise")
	var tiles int
	b.eval(`document.querySelectorAll("#matters .tile").length`, &tiles)
	for i := range tiles - 1 { // the last one leads to the risks
		var want, got int
		b.eval(fmt.Sprintf(`Number(document.querySelectorAll("#matters .tile b")[%d].textContent)`, i), &want)
		b.eval(fmt.Sprintf(`document.querySelectorAll("#matters .tile")[%d].click()`, i), nil)
		b.eval(`document.querySelectorAll("#grants .grant").length`, &got)
		if got != want || want == 0 {
			t.Errorf("tile %d: got %d statements, want %d and more than none", i, got, want)
		}
	}
	b.eval(`document.getElementById("clear").click()`, nil)
	want := fmt.Sprint(len(webui.Request{Choice: "cpm:::enterprise"}.Evaluate().Grants))
	if text := b.text("#found"); !strings.HasPrefix(text, want) {
		t.Errorf("after all are shown: got %q", text)
	}
}

// TestStatementCode checks that each card has the statement as it is in the policies.
func TestStatementCode(t *testing.T) {
	b := sharedPage(t, "clumio:ec2:backup")
	b.eval(`document.querySelectorAll("#grants .code").forEach((d) => { d.open = true; })`, nil)
	b.eval(`new Promise((done) => setTimeout(done, 300))`, nil)
	var texts []string
	b.eval(`[...document.querySelectorAll("#grants .code pre")].map((e) => e.textContent)`, &texts)
	want := webui.Request{Choice: "clumio:ec2:backup"}.Evaluate()
	if len(texts) != len(want.Grants) {
		t.Fatalf("got %d statements with JSON, want %d", len(texts), len(want.Grants))
	}
	var review any
	if err := json.Unmarshal([]byte(want.Review), &review); err != nil {
		t.Fatal(err)
	}
	all, err := json.Marshal(review)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		var one any
		if err := json.Unmarshal([]byte(text), &one); err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(one)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(all), string(data)) {
			t.Errorf("no such statement in the policies: %s", text)
		}
	}
}

// TestComparison compares two choices, swaps them, and checks that the link has both.
func TestComparison(t *testing.T) {
	b := sharedPage(t, "clumio:s3:backup")
	b.eval(`document.getElementById("compare").click()`, nil)
	b.eval(`document.querySelectorAll("#operations input")[1].click()`, nil)
	var address string
	b.eval(`decodeURIComponent(location.hash)`, &address)
	if address != "#clumio:s3|clumio:s3:backup" || !strings.Contains(b.text("#adds"), "s3:DeleteObject") {
		t.Errorf("address %q: added %q", address, b.text("#adds"))
	}
	b.eval(`document.getElementById("swap").click()`, nil)
	if !strings.Contains(b.text("#removes"), "s3:DeleteObject") || b.text("#adds") != "nothing" {
		t.Errorf("swapped: added %q, removed %q", b.text("#adds"), b.text("#removes"))
	}
	b.eval(`document.getElementById("end-compare").click()`, nil)
	b.eval(`decodeURIComponent(location.hash)`, &address)
	if address != "#clumio:s3:backup" {
		t.Errorf("after the comparison: address %q", address)
	}
	b.set("clumio:ec2|clumio:ec2:backup") // a link that somebody sent
	if !strings.Contains(b.text("#adds"), "ec2:") {
		t.Errorf("from a link: added %q", b.text("#adds"))
	}
	// The link that skips to the permissions does not change the choice.
	b.eval(`document.getElementById("skip").click()`, nil)
	b.eval(`new Promise((done) => requestAnimationFrame(() => setTimeout(done)))`, nil)
	b.eval(`decodeURIComponent(location.hash)`, &address)
	if address != "#clumio:ec2|clumio:ec2:backup" {
		t.Errorf("after the skip link: address %q", address)
	}
}

// TestCSV downloads the statements as CSV.
func TestCSV(t *testing.T) {
	b := sharedPage(t, "clumio:ec2")
	var text string
	b.eval(`(() => {
		let blob;
		const create = URL.createObjectURL;
		URL.createObjectURL = (b) => { blob = b; return create(b); };
		document.getElementById("get-csv").click();
		URL.createObjectURL = create;
		return blob.text();
	})()`, &text)
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := webui.Request{Choice: "clumio:ec2"}.Evaluate()
	if len(rows) != len(want.Grants)+1 || rows[1][2] != want.Grants[0].Sid || rows[1][9] != want.Grants[0].Why {
		t.Errorf("got %d rows, the first %q", len(rows), rows[min(1, len(rows)-1)])
	}
}

// TestReport downloads the report of the risks: it has every finding and loads nothing.
func TestReport(t *testing.T) {
	b := sharedPage(t, "clumio:ec2")
	var text string
	b.eval(`new Promise((done) => {
		const create = URL.createObjectURL;
		URL.createObjectURL = (blob) => { URL.createObjectURL = create; done(blob.text()); return create(blob); };
		document.getElementById("get-report").click();
	})`, &text)
	want := webui.Handle(`{"type":"report","choice":"clumio:ec2"}`)
	var report struct{ HTML string }
	if err := json.Unmarshal([]byte(want), &report); err != nil {
		t.Fatal(err)
	}
	if text != report.HTML || !strings.Contains(text, "default-src 'none'") {
		t.Errorf("the downloaded report differs from that of the engine:\n%.500s", text)
	}
}

// TestNarrowedChoice narrows a choice in the form, opens its link again, and enters a value that is not valid.
func TestNarrowedChoice(t *testing.T) {
	b := sharedPage(t, "clumio:dynamodb:backup")
	b.setValue("only-table", "orders, inv-*", "change")
	b.setValue("only-tag", "backup=yes", "change")
	b.setValue("until", "2099-01-01T00:00:00Z", "change")
	const narrowing = "&only=tag:backup=yes,table:orders,table:inv-*&until=2099-01-01T00:00:00Z"
	want := webui.Request{Choice: "clumio:dynamodb:backup", Narrowing: narrowing}.Evaluate()
	if len(want.Problems) > 0 || b.text("#template") != want.Template {
		t.Errorf("the template is not that of the narrowed choice (%v; %s)", want.Problems, b.text("#problems"))
	}
	if got := b.text("#narrowed"); !strings.Contains(got, "table:orders") {
		t.Errorf("what it is narrowed to: got %q", got)
	}
	if got := b.text("#not-narrowed"); !strings.Contains(got, "dynamodb:ListTables") {
		t.Errorf("what cannot be narrowed: got %q", got)
	}
	got := b.text("#version")
	if !strings.Contains(got, "--table 'orders'") || !strings.Contains(got, "--restore-until 2099") {
		t.Errorf("the command line: got %q", got)
	}
	b.set("clumio:dynamodb:backup")
	if strings.Contains(b.text("#template"), "table/orders") {
		t.Errorf("a link without narrowing keeps it: %q", b.text("#narrowed"))
	}
	b.set("clumio:dynamodb:backup" + narrowing)
	if b.text("#template") != want.Template {
		t.Error("the link of a narrowed choice shows another one")
	}
	b.setValue("only-table", "not a table", "change")
	if got := b.text("#problem-only-table"); !strings.Contains(got, "is not valid") {
		t.Errorf("the problem at the field: got %q; problems: %s", got, b.text("#problems"))
	}
}
