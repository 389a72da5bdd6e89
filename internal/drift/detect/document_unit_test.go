package detect

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"permstack/internal/notify/finding"
)

// TestParseDocument checks the forms in which templates and AWS have documents.
func TestParseDocument(t *testing.T) {
	for _, tc := range []struct {
		name             string
		value            any
		statements       int
		invalid, unknown bool
		empty            bool
	}{
		{"nothing", nil, 0, false, false, true},
		{"text", allowing("s3:*"), 1, false, false, false},
		{"object", jsonObject(allowing("s3:*")), 1, false, false, false},
		{"blank text", " ", 0, false, false, false},
		{"invalid", "{", 0, true, false, false},
		{"not representable", func() {}, 0, true, false, true},
		{"unknown", `{"Statement":"` + unknown + `"}`, 0, false, true, false},
		{"unknown in an object", map[string]any{"Statement": unknown}, 0, false, true, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := parseDocument(tc.value)
			if len(d.Statement) != tc.statements || (d.err != nil) != tc.invalid || d.unknown != tc.unknown ||
				(d.text == "") != tc.empty {
				t.Errorf("got %+v", d)
			}
		})
	}
	valid, empty := parseDocument(allowing("s3:*")), document{}
	if got := parsed(valid, empty, parseDocument("{"), valid); len(got) != 2 {
		t.Errorf("got %d documents, want the two that can be parsed", len(got))
	}
}

// TestDocumentValue checks what a finding states of a document.
func TestDocumentValue(t *testing.T) {
	d := parseDocument(`{"Statement":[{"Effect":"Allow","Principal":{"Service":["b"],"AWS":["a"]},"Action":"s3:*",` +
		`"Resource":"r"},{"Effect":"Deny","NotPrincipal":"*","NotAction":"s3:*","NotResource":"r",` +
		`"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`)
	got := d.value().Document
	want := &finding.Document{Statements: []finding.Statement{
		{Effect: "Allow", Actions: []string{"s3:*"}, Resources: []string{"r"}, Principals: []string{"a", "b"}},
		{Effect: "Deny", NotActions: []string{"s3:*"}, NotResources: []string{"r"}, NotPrincipals: []string{"*"},
			Conditional: true},
	}}
	if fmt.Sprintf("%+v", *got) != fmt.Sprintf("%+v", *want) {
		t.Errorf("got  %+v\nwant %+v", *got, *want)
	}
	if got := parseDocument("{").value().Document; !got.Invalid || got.Statements != nil {
		t.Errorf("got %+v", got)
	}
}

// TestExternalIDs checks that the values of the key are found, in whatever case it is written.
func TestExternalIDs(t *testing.T) {
	d := parseDocument(`{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{` +
		`"StringEquals":{"STS:externalid":["a","b"],"aws:PrincipalOrgID":"o"}}}]}`)
	if got := d.externalIDs(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %q", got)
	}
}

// TestCompareDocuments checks the effect of a change: any gain counts as more, and 21 changes are listed, or 20 and how
// many are left out.
func TestCompareDocuments(t *testing.T) {
	many := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(
				`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket%03d/*"}`, i))
		}
		return `{"Statement":[` + strings.Join(list, ",") + `]}`
	}
	for _, tc := range []struct {
		name             string
		expected, actual string
		direction        finding.Direction
		same, gain, loss bool
		changes, omitted int
	}{
		{"same", allowing("s3:GetObject"), allowing("s3:getobject"), finding.Changed, true, false, false, 0, 0},
		{"more", allowing("s3:GetObject"), allowing("s3:GetObject", "s3:PutObject"), finding.GrantsMore, false, true, false,
			1, 0},
		{"less", allowing("s3:GetObject", "s3:PutObject"), allowing("s3:GetObject"), finding.GrantsLess, false, false, true,
			1, 0},
		{"both", allowing("s3:GetObject"), allowing("s3:PutObject"), finding.GrantsMore, false, true, true, 2, 0},
		{"20 changes", allowing("s3:GetBucketAcl"), many(19), finding.GrantsMore, false, true, true, 20, 0},
		{"21 changes", allowing("s3:GetBucketAcl"), many(20), finding.GrantsMore, false, true, true, 21, 0},
		{"22 changes", allowing("s3:GetBucketAcl"), many(21), finding.GrantsMore, false, true, true, 20, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := compareDocuments(unitAccount, parsed(parseDocument(tc.expected)), parsed(parseDocument(tc.actual)))
			if e.direction != tc.direction || e.same != tc.same || e.gain != tc.gain || e.loss != tc.loss ||
				len(e.changes) != tc.changes || e.omitted != tc.omitted {
				t.Errorf("got %s, same %v, gain %v, loss %v, %d changes and %d omitted", e.direction, e.same, e.gain, e.loss,
					len(e.changes), e.omitted)
			}
		})
	}
}

// TestJoinEffects checks the effect of one change on several roles.
func TestJoinEffects(t *testing.T) {
	lines := func(prefix string, n int) []string {
		var out []string
		for i := range n {
			out = append(out, fmt.Sprint(prefix, i))
		}
		return out
	}
	same := effect{direction: finding.Changed, same: true}
	more := effect{direction: finding.GrantsMore, changes: []string{"a"}}
	less := effect{direction: finding.GrantsLess, changes: []string{"a", "b"}, omitted: 1}
	for _, tc := range []struct {
		name      string
		all       []effect
		direction finding.Direction
		same      bool
		changes   []string
		omitted   int
	}{
		{"none", nil, finding.Changed, true, nil, 0},
		{"same", []effect{same, same}, finding.Changed, true, nil, 0},
		{"one", []effect{same, less, same}, finding.GrantsLess, false, []string{"a", "b"}, 1},
		{"more and less", []effect{less, more}, finding.GrantsMore, false, []string{"a", "b"}, 1},
		{"less and more", []effect{more, less}, finding.GrantsMore, false, []string{"a", "b"}, 1},
		{"both less", []effect{less, less}, finding.GrantsLess, false, []string{"a", "b"}, 1},
		{"too many", []effect{{direction: finding.GrantsLess, changes: lines("x", 20)},
			{direction: finding.GrantsLess, changes: lines("y", 3)}}, finding.GrantsLess, false,
			append(lines("x", 20), "y0"), 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := joinEffects(tc.all)
			if e.direction != tc.direction || e.same != tc.same || !slices.Equal(e.changes, tc.changes) ||
				e.omitted != tc.omitted {
				t.Errorf("got %+v", e)
			}
		})
	}
}

// TestMeaning checks that the text of a document's meaning does not depend on its form.
func TestMeaning(t *testing.T) {
	one, other := parseDocument(allowing("s3:GetObject")), parseDocument(" "+allowing("s3:GetObject"))
	if a, b := one.meaning(unitAccount), other.meaning(unitAccount); a != b || !strings.Contains(a, "s3:GetObject") ||
		!strings.HasSuffix(a, "\n") {
		t.Errorf("got %q and %q", a, b)
	}
	for _, text := range []string{"{", unknown} {
		if got := parseDocument(text).meaning(unitAccount); got != text {
			t.Errorf("got %q, want %q", got, text)
		}
	}
	if got := (document{Document: one.Document, text: "t", err: errBroken}).meaning(unitAccount); got != "t" {
		t.Errorf("got %q", got)
	}
}

// TestDocumentDraft checks which documents are findings: not in another form, and if one of two cannot be parsed,
// unless it is the same text.
func TestDocumentDraft(t *testing.T) {
	for _, tc := range []struct {
		name, expected, actual string
		want                   []string
	}{
		{"equal", allowing("s3:GetObject"), allowing("s3:GetObject"), nil},
		{"another form", allowing("s3:GetObject"), allowing("s3:getobject"), nil},
		{"more", allowing("s3:GetObject"), allowing("s3:*"),
			[]string{"R policy-changed [s] grants-more: document → document"}},
		{"invalid", allowing("s3:GetObject"), "{", []string{
			"R policy-changed [s] changed: document → document (document-invalid)"}},
		{"expected is invalid", "{", allowing("s3:GetObject"), []string{
			"R policy-changed [s] changed: document → document (document-invalid)"}},
		{"the same invalid text", "{", "{", nil},
		{"two invalid texts", "{", "{{", []string{"R policy-changed [s] changed: document → document (document-invalid)"}},
		{"removed", allowing("s3:GetObject"), "", []string{"R policy-changed [s] grants-less: document → document"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := unitStack("backup")
			r := s.add(typeManagedPolicy, "R", "r", `{}`)
			expected, actual := parseDocument(tc.expected), parseDocument(tc.actual)
			var got []draft
			d, differs := unitModel(s).documentDraft(r, finding.PolicyChanged, "p", "s", expected, actual)
			if differs {
				got = append(got, d)
				if want := []string{expected.meaning(unitAccount), actual.meaning(unitAccount)}; !slices.Equal(d.values, want) {
					t.Errorf("got the values %q, want %q", d.values, want)
				}
			}
			checkDrafts(t, got, tc.want...)
		})
	}
}
