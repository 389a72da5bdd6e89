package compare

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
)

func parse(t testing.TB, text string) iampolicy.Document {
	t.Helper()
	doc, err := iampolicy.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return doc
}

// doc makes a document of statements, in the present version.
func doc(t testing.TB, statements ...string) iampolicy.Document {
	t.Helper()
	return parse(t, `{"Version":"2012-10-17","Statement":[`+strings.Join(statements, ",")+`]}`)
}

func docs(d ...iampolicy.Document) []iampolicy.Document { return d }

// check compares both ways.
func check(t *testing.T, want, have iampolicy.Document, direction Direction, opts ...Option) {
	t.Helper()
	back := map[Direction]Direction{Same: Same, GrantsMore: GrantsLess, GrantsLess: GrantsMore,
		Changed: Changed}[direction]
	if got := Compare(docs(want), docs(have), opts...); got.Direction != direction {
		t.Errorf("got %v, want %v: %v", got.Direction, direction, got.Changes)
	}
	if got := Compare(docs(have), docs(want), opts...); got.Direction != back {
		t.Errorf("back: got %v, want %v: %v", got.Direction, back, got.Changes)
	}
	if got := Equal(want, have); got != (direction == Same) && len(opts) == 0 {
		t.Errorf("Equal = %v", got)
	}
	for _, d := range []iampolicy.Document{want, have} {
		if got := Compare(docs(d), docs(d), opts...); got.Direction != Same || got.Changes != nil {
			t.Errorf("not the same as itself: %v", got)
		}
	}
}

const (
	get    = `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`
	getAny = `{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`
	put    = `{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::b/*"}`
	both   = `{"Effect":"Allow","Action":["s3:PutObject","s3:GetObject"],"Resource":"arn:aws:s3:::b/*"}`
	admin  = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	noPut  = `{"Effect":"Deny","Action":"s3:PutObject","Resource":"*"}`
)

func TestStatements(t *testing.T) {
	for _, tt := range []struct {
		name       string
		want, have []string
		direction  Direction
	}{
		{"order", []string{get, put}, []string{put, get}, Same},
		{"split", []string{both}, []string{put, get}, Same},
		{"duplicates", []string{get},
			[]string{get, get,
				`{"Sid":"Twice","Effect":"Allow","Action":["s3:GetObject","s3:GetObject"],"Resource":["arn:aws:s3:::b/*","arn:aws:s3:::b/*"]}`},
			Same},
		{"case of actions", []string{get},
			[]string{`{"Effect":"Allow","Action":"S3:getobject","Resource":"arn:aws:s3:::b/*"}`}, Same},
		{"case of resources", []string{get},
			[]string{`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::B/*"}`}, Changed},
		{"Sid", []string{get},
			[]string{`{"Sid":"Get","Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`}, Same},
		{"redundant wildcards", []string{get},
			[]string{`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/**"}`}, Same},
		{"covered by a wildcard", []string{`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`},
			[]string{`{"Effect":"Allow","Action":["s3:*","s3:GetObject"],"Resource":"*"}`}, Same},
		{"covered by another statement", []string{admin}, []string{admin, get, both}, Same},
		{"covered by another resource", []string{getAny},
			[]string{`{"Effect":"Allow","Action":"s3:GetObject","Resource":["*","arn:aws:s3:::b/*"]}`}, Same},
		{"*:*", []string{admin}, []string{`{"Effect":"Allow","Action":"*:*","Resource":"*"}`}, Same},
		{"nothing", nil, nil, Same},
		{"something", nil, []string{get}, GrantsMore},
		{"action added", []string{get}, []string{both}, GrantsMore},
		{"administrator", []string{get, both}, []string{get, both, admin}, GrantsMore},
		{"action widened", []string{get}, []string{`{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::b/*"}`},
			GrantsMore},
		{"resource widened", []string{get}, []string{getAny}, GrantsMore},
		{"resource widened in its middle",
			[]string{`{"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::111122223333:role/a"}`},
			[]string{`{"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::*:role/a"}`}, GrantsMore},
		{"resource added", []string{get},
			[]string{`{"Effect":"Allow","Action":"s3:GetObject","Resource":["arn:aws:s3:::b/*","arn:aws:s3:::c/*"]}`},
			GrantsMore},
		{"resource exchanged", []string{get},
			[]string{`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::c/*"}`}, Changed},
		{"tightened and loosened", []string{get, put}, []string{getAny}, Changed},
		{"merged with more", []string{`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b"}`,
			`{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::c"}`},
			[]string{`{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":["arn:aws:s3:::b","arn:aws:s3:::c"]}`}, GrantsMore},
		{"deny added", []string{both}, []string{both, noPut}, GrantsLess},
		{"deny narrowed", []string{both, noPut},
			[]string{both, `{"Effect":"Deny","Action":"s3:PutObject","Resource":"arn:aws:s3:::c/*"}`}, GrantsMore},
		{"deny of nothing allowed still overrules", []string{get}, []string{get, noPut}, GrantsLess},
		{"allowed but denied", []string{get, noPut}, []string{both, noPut}, Same},
		{"allow and deny both wider", []string{get},
			[]string{both, `{"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/private/*"}`}, Changed},
		{"effect turned", []string{get},
			[]string{`{"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`}, GrantsLess},
		{"NotAction shorter", []string{`{"Effect":"Allow","NotAction":["iam:*","sts:*"],"Resource":"*"}`},
			[]string{`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`}, GrantsMore},
		{"NotAction wider exception", []string{`{"Effect":"Allow","NotAction":["iam:*"],"Resource":"*"}`},
			[]string{`{"Effect":"Allow","NotAction":"iam:Get*","Resource":"*"}`}, GrantsMore},
		{"NotAction in a Deny", []string{`{"Effect":"Deny","NotAction":["iam:*","sts:*"],"Resource":"*"}`},
			[]string{`{"Effect":"Deny","NotAction":"iam:*","Resource":"*"}`}, GrantsLess},
		{"NotAction and what it leaves out", []string{admin},
			[]string{`{"Effect":"Allow","NotAction":["iam:*","sts:*"],"Resource":"*"}`,
				`{"Effect":"Allow","Action":["iam:*","sts:*"],"Resource":"*"}`},
			Same},
		{"NotAction and an action within", []string{`{"Effect":"Allow","NotAction":["iam:*"],"Resource":"*"}`},
			[]string{`{"Effect":"Allow","NotAction":["iam:*"],"Resource":"*"}`, get}, Same},
		{"NotAction to administrator", []string{`{"Effect":"Allow","NotAction":["iam:*"],"Resource":"*"}`}, []string{admin},
			GrantsMore},
		{"NotAction to actions", []string{`{"Effect":"Allow","NotAction":["iam:*"],"Resource":"*"}`},
			[]string{`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`}, GrantsLess},
		{"guard rail by NotAction",
			[]string{`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`, `{"Effect":"Deny","NotAction":"s3:*","Resource":"*"}`},
			[]string{admin, `{"Effect":"Deny","NotAction":"s3:*","Resource":"*"}`}, Same},
		{"NotResource", []string{`{"Effect":"Allow","Action":"s3:*","NotResource":["arn:aws:s3:::a","arn:aws:s3:::b"]}`},
			[]string{`{"Effect":"Allow","Action":"s3:*","NotResource":["arn:aws:s3:::a"]}`}, GrantsMore},
		{"NotResource and what it leaves out", []string{`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`},
			[]string{`{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::a"}`,
				`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::a"}`},
			Same},
		{"NotResource with a variable",
			[]string{`{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::${aws:username}"}`},
			[]string{`{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::${aws:username}"}`, get}, GrantsMore},
		{"NotResource with a variable, and something else",
			[]string{`{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::${aws:username}"}`},
			[]string{`{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::${aws:username}"}`,
				`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:ec2:::x"}`},
			GrantsMore},
		{"NotResource with a variable, and that", []string{`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`},
			[]string{`{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::${aws:username}"}`,
				`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${aws:username}"}`},
			GrantsLess},
		{"variable within a wildcard",
			[]string{`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${aws:username}/*"}`},
			[]string{get}, GrantsMore},
		{"case of variables",
			[]string{`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${aws:username}/*"}`},
			[]string{`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${ AWS:UserName }/*"}`}, Same},
		{"other variable",
			[]string{`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${aws:username}/*"}`},
			[]string{`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${aws:userid}/*"}`}, Changed},
		{"escaped star", []string{`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${*}"}`},
			[]string{get}, GrantsMore},
		{"no resources", []string{get}, []string{get, `{"Effect":"Allow","Action":"s3:PutObject","Resource":[]}`}, Changed},
		{"every resource but none", []string{get},
			[]string{get, `{"Effect":"Allow","Action":"s3:GetObject","NotResource":[]}`}, Changed},
		{"action beside a wildcard", []string{`{"Effect":"Allow","Action":["s3:*","sts:GetSession"],"Resource":"*"}`},
			[]string{`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`,
				`{"Effect":"Allow","Action":"sts:GetSession","Resource":"*"}`}, Same},
		{"NotAction, and one of the two that it leaves out",
			[]string{`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`},
			[]string{`{"Effect":"Allow","NotAction":["iam:*","sts:*"],"Resource":"*"}`,
				`{"Effect":"Allow","Action":"sts:*","Resource":"*"}`}, Same},
		{"NotAction, and the part of a wildcard that it leaves out",
			[]string{`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`},
			[]string{`{"Effect":"Allow","NotAction":["ec2:*","s3:GetObject"],"Resource":"*"}`,
				`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`}, GrantsMore},
		{"NotAction leaves out a part of a wildcard", []string{`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`},
			[]string{`{"Effect":"Allow","NotAction":["ec2:*","s3:GetObject"],"Resource":"*"}`}, Changed},
		{"NotResource where a variable may be the exception",
			[]string{`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${aws:username}"}`},
			[]string{`{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::b"}`}, Changed},
		{"NotResource with a variable within another exception",
			[]string{`{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::*"}`},
			[]string{`{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::${aws:username}"}`}, Changed},
		{"variable that is not closed", []string{`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${a"}`},
			[]string{`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${b"}`}, Changed},
		{"two unknown effects", []string{`{"Effect":"Permit","Action":"*","Resource":"*"}`,
			`{"Effect":"Grant","Action":"*","Resource":"*"}`},
			[]string{`{"Effect":"Grant","Action":"*","Resource":"*"}`, `{"Effect":"Permit","Action":"*","Resource":"*"}`}, Same},
		{"unknown effect", []string{get}, []string{get, `{"Effect":"Permit","Action":"*","Resource":"*"}`}, Changed},
		{"unknown effect on both sides", []string{`{"Sid":"A","Effect":"Permit","Action":"*","Resource":"*"}`},
			[]string{`{"Effect":"Permit","Action":"*","Resource":"*"}`}, Same},
	} {
		t.Run(tt.name, func(t *testing.T) { check(t, doc(t, tt.want...), doc(t, tt.have...), tt.direction) })
	}
}

func TestDocumentsCountTogether(t *testing.T) {
	one, two := doc(t, get, put), doc(t, put)
	if d := Compare(docs(one), docs(two, doc(t, get))); d.Direction != Same {
		t.Errorf("got %v", d)
	}
	if d := Compare(docs(one, two), docs(two)); d.Direction != GrantsLess {
		t.Errorf("got %v", d)
	}
	if d := Compare(nil, docs(two)); d.Direction != GrantsMore {
		t.Errorf("got %v", d)
	}
}

func TestVersion(t *testing.T) {
	const plain = `"Statement":` + get + `}`
	check(t, parse(t, `{"Version":"2012-10-17",`+plain), parse(t, `{`+plain), Same)
	check(t, parse(t, `{"Version":"2008-10-17","Id":"x",`+plain), parse(t, `{`+plain), Same)
	const variable = `"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${aws:username}"}}`
	check(t, parse(t, `{"Version":"2012-10-17",`+variable), parse(t, `{`+variable), Changed)
	const condition = `"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/a":"${aws:username}"}}}}`
	check(t, parse(t, `{"Version":"2012-10-17",`+condition), parse(t, `{`+condition), Changed)
}

func TestPrincipals(t *testing.T) {
	const role, session, root = `"arn:aws:iam::111122223333:role/p/vendor"`,
		`"arn:aws:sts::111122223333:assumed-role/vendor/s"`, `"arn:aws:iam::111122223333:root"`
	trust := func(element, principal, effect string) string {
		return `{"Effect":"` + effect + `","` + element + `":` + principal + `,"Action":"sts:AssumeRole"}`
	}
	for _, tt := range []struct {
		name        string
		want, have  string
		allow, deny Direction // of an Allow and a Deny, owner unknown
		elsewhere   Direction // of an Allow, owner in another account
	}{
		{"account", `{"AWS":"111122223333"}`, `{"AWS":[` + root + `]}`, Same, Same, Same},
		{"account in another partition", `{"AWS":"111122223333"}`, `{"AWS":"arn:aws-us-gov:iam::111122223333:root"}`, Same,
			Same, Same},
		{"other account", `{"AWS":"111122223333"}`, `{"AWS":"444455556666"}`, Changed, Changed, Changed},
		{"account added", `{"AWS":"111122223333"}`, `{"AWS":["111122223333","444455556666"]}`, GrantsMore, GrantsLess,
			GrantsMore},
		{"role to account", `{"AWS":` + role + `}`, `{"AWS":` + root + `}`, Changed, GrantsLess, GrantsMore},
		{"account to account and role", `{"AWS":` + root + `}`, `{"AWS":[` + root + `,` + role + `]}`, GrantsMore, Same,
			Same},
		{"session to role", `{"AWS":` + session + `}`, `{"AWS":` + role + `}`, Changed, GrantsLess, Changed},
		{"session to account", `{"AWS":` + session + `}`, `{"AWS":` + root + `}`, Changed, GrantsLess, GrantsMore},
		{"session to another role", `{"AWS":` + session + `}`, `{"AWS":"arn:aws:iam::111122223333:role/other"}`, Changed,
			Changed, Changed},
		{"session to a user of the role's name", `{"AWS":` + session + `}`, `{"AWS":"arn:aws:iam::111122223333:user/vendor"}`,
			Changed, Changed, Changed},
		{"root of another service", `{"AWS":"111122223333"}`, `{"AWS":"arn:aws:sts::111122223333:root"}`, Changed,
			GrantsMore, GrantsLess},
		{"account of another length", `{"AWS":"1111"}`, `{"AWS":"arn:aws:iam::1111:root"}`, Changed, Changed, Changed},
		{"not an ARN", `{"AWS":"111122223333"}`, `{"AWS":"urn:aws:iam::111122223333:root"}`, Changed, Changed, Changed},
		{"beginning of an ARN", `{"AWS":"111122223333"}`, `{"AWS":"arn:aws"}`, Changed, Changed, Changed},
		{"case of names", `{"AWS":` + role + `}`, `{"AWS":"arn:aws:iam::111122223333:role/p/Vendor"}`, Changed, Changed,
			Changed},
		{"everyone", `{"AWS":` + role + `}`, `"*"`, GrantsMore, GrantsLess, GrantsMore},
		{"every AWS identity", `{"AWS":` + role + `}`, `{"AWS":"*"}`, GrantsMore, GrantsLess, GrantsMore},
		{"services are not AWS identities", `{"AWS":"*"}`, `"*"`, GrantsMore, GrantsLess, GrantsMore},
		{"service", `{"Service":"ec2.amazonaws.com"}`, `{"Service":["ec2.amazonaws.com","lambda.amazonaws.com"]}`,
			GrantsMore, GrantsLess, GrantsMore},
		{"kinds", `{"Service":"ec2.amazonaws.com"}`, `{"Federated":"ec2.amazonaws.com"}`, Changed, Changed, Changed},
		{"service to everyone", `{"Service":"ec2.amazonaws.com"}`, `"*"`, GrantsMore, GrantsLess, GrantsMore},
		{"star among others", `{"AWS":"*"}`, `{"AWS":["*",` + role + `,"111122223333"]}`, Same, Same, Same},
		{"nobody", `{}`, `{"AWS":[]}`, Same, Same, Same},
		{"somebody", `{}`, `{"AWS":` + role + `}`, GrantsMore, GrantsLess, GrantsMore},
	} {
		t.Run(tt.name, func(t *testing.T) {
			check(t, doc(t, trust("Principal", tt.want, "Allow")), doc(t, trust("Principal", tt.have, "Allow")), tt.allow)
			check(t, doc(t, trust("Principal", tt.want, "Deny")), doc(t, trust("Principal", tt.have, "Deny")), tt.deny)
			check(t, doc(t, trust("Principal", tt.want, "Allow")), doc(t, trust("Principal", tt.have, "Allow")),
				tt.elsewhere, InAccount("999988887777"))
		})
	}
	t.Run("not", func(t *testing.T) {
		one := doc(t, trust("NotPrincipal", `{"AWS":`+root+`}`, "Deny"))
		two := doc(t, trust("NotPrincipal", `{"AWS":["111122223333",`+role+`]}`, "Deny"))
		check(t, one, two, GrantsMore)
		check(t, one, doc(t, trust("Principal", `"*"`, "Deny")), GrantsLess)
		check(t, one, doc(t, trust("Principal", `{"AWS":"444455556666"}`, "Deny")), Changed)
	})
	t.Run("own account", func(t *testing.T) {
		check(t, doc(t, trust("Principal", `{"AWS":`+role+`}`, "Allow")),
			doc(t, trust("Principal", `{"AWS":`+root+`}`, "Allow")), Changed, InAccount("111122223333"))
	})
	t.Run("identity policies name none", func(t *testing.T) {
		check(t, doc(t, `{"Effect":"Allow","Action":"sts:AssumeRole"}`), doc(t, trust("Principal", `"*"`, "Allow")), Changed)
	})
}

func TestChanges(t *testing.T) {
	want := doc(t, both,
		`{"Effect":"Allow","Action":["ec2:DeleteSnapshot","ec2:DeleteVolume"],"Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/by":"backup"}}}`,
		noPut)
	have := doc(t, get, `{"Effect":"Allow","Action":["ec2:DeleteSnapshot","ec2:DeleteVolume"],"Resource":"*"}`,
		`{"Effect":"Allow","Action":["iam:PassRole","iam:CreateUser"],"Resource":"arn:aws:iam::*:*"}`)
	d := Compare(docs(want), docs(have))
	var lines []string
	for _, c := range d.Changes {
		lines = append(lines, c.String())
	}
	const expected = `grants more: added: Allow iam:CreateUser, iam:PassRole on arn:aws:iam::*:*
grants more: widened: Allow ec2:DeleteSnapshot, ec2:DeleteVolume on *; was: Allow ec2:DeleteSnapshot, ec2:DeleteVolume on * if aws:ResourceTag/by StringEquals backup
grants more: removed: Deny s3:PutObject on *`
	if got := strings.Join(lines, "\n"); got != expected {
		t.Errorf("got:\n%s\nwant:\n%s", got, expected)
	}
	if d.Direction != GrantsMore {
		t.Errorf("s3:PutObject was denied, so it is not lost: %v", d.Direction)
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var back Difference
	if err := json.Unmarshal(text, &back); err != nil || back.Direction != d.Direction ||
		len(back.Changes) != len(d.Changes) {
		t.Errorf("%v: %s", err, text)
	}
	part := `{"direction":"grants more","kind":"removed","effect":"Deny","actions":["s3:PutObject"],"resources":["*"]}`
	if !strings.Contains(string(text), part) {
		t.Errorf("got %s, want %s in it", text, part)
	}
}

func TestOnlyWhatIsNewIsReported(t *testing.T) {
	more := doc(t, `{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:DeleteObject"],`+
		`"Resource":["arn:aws:s3:::b/*","arn:aws:s3:::b/x"]}`)
	d := Compare(docs(doc(t, both)), docs(more))
	if len(d.Changes) != 1 ||
		d.Changes[0].Grant.String() != "Allow s3:DeleteObject on arn:aws:s3:::b/*, arn:aws:s3:::b/x" {
		t.Errorf("got %v", d.Changes)
	}
}

func TestActions(t *testing.T) {
	got := Actions(
		map[string]iampolicy.Document{"a": doc(t, get, noPut), "gone": doc(t, get), "same": doc(t, admin)},
		map[string]iampolicy.Document{
			"a":    doc(t, put, `{"Effect":"Allow","NotAction":["iam:*"],"Resource":"*"}`),
			"new":  doc(t, put, `{"Effect":"Allow","Action":["s3:Put*","ec2:RunInstances"],"Resource":"*"}`),
			"same": doc(t, admin, both),
		},
	)
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	const want = `[{"policy":"a","added":["everything but iam:*"],"freed":["s3:PutObject"]},{"policy":"gone","removed":["s3:GetObject"]},{"policy":"new","added":["ec2:RunInstances","s3:Put*"]}]`
	if string(text) != want {
		t.Errorf("got %s\nwant %s", text, want)
	}
}

func TestJoin(t *testing.T) {
	for _, tt := range []struct{ a, b, want Direction }{
		{Same, GrantsMore, GrantsMore}, {GrantsLess, Same, GrantsLess}, {GrantsMore, GrantsLess, Changed},
		{GrantsMore, GrantsMore, GrantsMore}, {Changed, Same, Changed}, {GrantsLess, Changed, Changed},
	} {
		t.Run(fmt.Sprint(tt.a, " and ", tt.b), func(t *testing.T) {
			if got := tt.a.Join(tt.b); got != tt.want {
				t.Errorf("%v and %v: got %v", tt.a, tt.b, got)
			}
		})
	}
}
