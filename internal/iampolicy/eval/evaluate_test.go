package eval

import (
	"regexp"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
)

func parse(t testing.TB, text string) iampolicy.Document {
	t.Helper()
	doc, err := iampolicy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestDocuments(t *testing.T) {
	const role = "arn:aws:iam::111122223333:role/permstack/backup-eu-west-1"
	for _, tt := range []struct {
		name      string
		statement string
		request   Request
		want      Decision
	}{
		{"action without case", `{"Effect":"Allow","Action":"IAM:createrole","Resource":"*"}`,
			Request{Action: "iam:CreateRole", Resource: role}, Allow},
		{"action wildcard", `{"Effect":"Allow","Action":"iam:Create*","Resource":"*"}`,
			Request{Action: "iam:CreateRole", Resource: role}, Allow},
		{"other action", `{"Effect":"Allow","Action":"iam:Get*","Resource":"*"}`,
			Request{Action: "iam:CreateRole", Resource: role}, ImplicitDeny},
		{"not action", `{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`,
			Request{Action: "sns:Publish", Resource: "*"}, Allow},
		{"not action hit", `{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`,
			Request{Action: "iam:GetRole", Resource: role}, ImplicitDeny},
		{"deny", `{"Effect":"Deny","Action":"*","Resource":"*"}`, Request{Action: "iam:GetRole", Resource: role},
			ExplicitDeny},
		{"resource path", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::*:role/permstack/*"}`,
			Request{Action: "iam:GetRole", Resource: role}, Allow},
		{"resource has case", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::*:role/PermStack/*"}`,
			Request{Action: "iam:GetRole", Resource: role}, ImplicitDeny},
		{"wildcard stays in its part",
			`{"Effect":"Allow","Action":"*","Resource":"arn:aws:*:role/permstack/backup-eu-west-1"}`,
			Request{Action: "iam:GetRole", Resource: role}, ImplicitDeny},
		{"short form", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:iam*"}`,
			Request{Action: "iam:GetRole", Resource: role}, Allow},
		{"resource may hold colons", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:logs:*:*:log-group:*"}`,
			Request{Action: "logs:PutLogEvents", Resource: "arn:aws:logs:eu-west-1:1:log-group:a:log-stream:b"}, Allow},
		{"no resource known", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::*:role/*"}`,
			Request{Action: "iam:ListRoles", Resource: "*"}, ImplicitDeny},
		{"not resource", `{"Effect":"Deny","Action":"*","NotResource":"arn:aws:iam::*:role/permstack/*"}`,
			Request{Action: "iam:GetRole", Resource: role}, ImplicitDeny},
		{"variable", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::${aws:PrincipalAccount}:role/*"}`,
			Request{Action: "iam:GetRole", Resource: role,
				Context: map[string][]string{"AWS:principalaccount": {"111122223333"}}},
			Allow},
		{"variable without value",
			`{"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::${aws:PrincipalAccount}:role/*"}`,
			Request{Action: "iam:GetRole", Resource: role}, ImplicitDeny},
		{"variable is literal", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::*:role/${aws:PrincipalTag/team}"}`,
			Request{Action: "iam:GetRole", Resource: role, Context: map[string][]string{"aws:PrincipalTag/team": {"*"}}},
			ImplicitDeny},
		{"variable default",
			`{"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::*:role/${aws:PrincipalTag/path, 'permstack'}/*"}`,
			Request{Action: "iam:GetRole", Resource: role}, Allow},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc := parse(t, `{"Version":"2012-10-17","Statement":[`+tt.statement+`]}`)
			if got := Documents([]iampolicy.Document{doc}, tt.request); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestVariablesNeedTheNewVersion(t *testing.T) {
	doc := parse(t,
		`{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::${aws:PrincipalAccount}:role/a"}]}`)
	r := Request{
		Action:   "iam:GetRole",
		Resource: "arn:aws:iam::1:role/a",
		Context:  map[string][]string{"aws:PrincipalAccount": {"1"}},
	}
	if got := Documents([]iampolicy.Document{doc}, r); got != ImplicitDeny {
		t.Errorf("got %v", got)
	}
}

func TestConditions(t *testing.T) {
	context := map[string][]string{
		"aws:RequestTag/team": {
			"Backup",
		}, "aws:TagKeys": {"team", "cost"}, "iam:PassedToService": {"cloudformation.amazonaws.com"},
		"iam:PolicyARN": {
			"arn:aws:iam::111122223333:policy/permstack/a",
		}, "x:n": {"10"}, "x:t": {"2026-01-02T03:04:05Z"}, "x:b": {"true"}, "x:ip": {"10.1.2.3"}, "x:empty": {},
		"x:stars": {"**"},
	}
	for condition, want := range map[string]bool{
		`{"StringEquals":{"aws:requesttag/team":"Backup"}}`:                                     true,
		`{"StringEquals":{"aws:RequestTag/team":"backup"}}`:                                     false,
		`{"StringEqualsIgnoreCase":{"aws:RequestTag/team":"backup"}}`:                           true,
		`{"StringEquals":{"aws:RequestTag/team":["a","Backup"]}}`:                               true,
		`{"StringEquals":{"aws:RequestTag/team":"Back*"}}`:                                      false,
		`{"StringLike":{"aws:RequestTag/team":"Back*"}}`:                                        true,
		`{"StringLike":{"aws:RequestTag/team":"B??kup"}}`:                                       true,
		`{"StringNotEquals":{"aws:RequestTag/team":["a","Backup"]}}`:                            false,
		`{"StringNotEquals":{"aws:RequestTag/none":"a"}}`:                                       true,
		`{"StringNotLike":{"aws:RequestTag/team":"a*"}}`:                                        true,
		`{"StringEquals":{"aws:RequestTag/none":"a"}}`:                                          false,
		`{"StringEqualsIfExists":{"aws:RequestTag/none":"a"}}`:                                  true,
		`{"StringEqualsIfExists":{"aws:RequestTag/team":"a"}}`:                                  false,
		`{"Null":{"aws:RequestTag/none":"true"}}`:                                               true,
		`{"Null":{"aws:RequestTag/team":"true"}}`:                                               false,
		`{"Null":{"aws:RequestTag/team":false}}`:                                                true,
		`{"Null":{"x:empty":"true"}}`:                                                           true,
		`{"ForAllValues:StringEquals":{"aws:TagKeys":["team","cost","more"]}}`:                  true,
		`{"ForAllValues:StringEquals":{"aws:TagKeys":["team"]}}`:                                false,
		`{"ForAllValues:StringEquals":{"aws:None":["team"]}}`:                                   true,
		`{"ForAnyValue:StringEquals":{"aws:TagKeys":["cost"]}}`:                                 true,
		`{"ForAnyValue:StringEquals":{"aws:TagKeys":["else"]}}`:                                 false,
		`{"ForAnyValue:StringEqualsIfExists":{"aws:None":["team"]}}`:                            false,
		`{"ForAllValues:StringEqualsIfExists":{"aws:None":["team"]}}`:                           true,
		`{"StringEquals":{"x:stars":"**"}}`:                                                     true,
		`{"StringEquals":{"x:stars":"*"}}`:                                                      false,
		`{"StringLike":{"x:stars":"**"}}`:                                                       true,
		`{"ArnLike":{"iam:PolicyARN":"**"}}`:                                                    true,
		`{"ForAnyValue:StringEquals":{"aws:None":["team"]}}`:                                    false,
		`{"ForAnyValue:StringNotEquals":{"aws:TagKeys":["team"]}}`:                              true,
		`{"ForAllValues:StringNotEquals":{"aws:TagKeys":["team"]}}`:                             false,
		`{"ArnLike":{"iam:PolicyARN":"arn:aws:iam::*:policy/permstack/*"}}`:                     true,
		`{"ArnEquals":{"iam:PolicyARN":"arn:aws:iam::*:policy/permstack/*"}}`:                   true,
		`{"ArnNotEquals":{"iam:PolicyARN":"arn:aws:iam::*:policy/other/*"}}`:                    true,
		`{"ArnNotLike":{"iam:PolicyARN":"arn:aws:iam::*:policy/permstack/*"}}`:                  false,
		`{"ArnLike":{"iam:PolicyARN":"arn:aws:*/a"}}`:                                           false,
		`{"NumericLessThan":{"x:n":"11"}}`:                                                      true,
		`{"NumericGreaterThanEquals":{"x:n":10}}`:                                               true,
		`{"NumericNotEquals":{"x:n":10}}`:                                                       false,
		`{"NumericEquals":{"aws:RequestTag/team":"1"}}`:                                         false,
		`{"DateGreaterThan":{"x:t":"2026-01-01"}}`:                                              true,
		`{"DateLessThan":{"x:t":"2026-01-01T00:00:00Z"}}`:                                       false,
		`{"DateLessThan":{"x:t":"1767330000"}}`:                                                 true,
		`{"Bool":{"x:b":true}}`:                                                                 true,
		`{"Bool":{"x:b":"false"}}`:                                                              false,
		`{"BoolIfExists":{"x:none":"false"}}`:                                                   true,
		`{"IpAddress":{"x:ip":"10.0.0.0/8"}}`:                                                   true,
		`{"NotIpAddress":{"x:ip":"10.1.2.3"}}`:                                                  false,
		`{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"},"Null":{"x:none":"true"}}`: false,
		`{"StringEquals":{"iam:PassedToService":"cloudformation.amazonaws.com","x:b":"true"}}`:  true,
		`{"Unheard":{"x:b":"true"}}`:                                                            false,
		`{"StringEquals":{"aws:RequestTag/team":"${x:none}"}}`:                                  false,
		`{"StringEquals":{"aws:RequestTag/team":"${aws:RequestTag/team}"}}`:                     true,
		`{"StringLike":{"aws:RequestTag/team":"${*}"}}`:                                         false,
	} {
		t.Run(condition, func(t *testing.T) {
			doc := parse(t,
				`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":`+condition+`}}`)
			got := Documents([]iampolicy.Document{doc}, Request{Action: "iam:GetRole", Resource: "*", Context: context}) == Allow
			if got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func TestRole(t *testing.T) {
	all := parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	none := parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`)
	deny := parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"iam:*","Resource":"*"}]}`)
	for _, tt := range []struct {
		name     string
		identity []iampolicy.Document
		boundary *iampolicy.Document
		want     Decision
		why      string
	}{
		{"allowed", []iampolicy.Document{none, all}, nil, Allow, ""},
		{"allowed within the boundary", []iampolicy.Document{all}, &all, Allow, ""},
		{"nothing", nil, nil, ImplicitDeny, "because no identity-based policy allows the iam:GetRole action"},
		{"boundary alone grants nothing", nil, &all, ImplicitDeny,
			"because no identity-based policy allows the iam:GetRole action"},
		{"outside the boundary", []iampolicy.Document{all}, &none, ImplicitDeny,
			"because no permissions boundary allows the iam:GetRole action"},
		{"denied", []iampolicy.Document{all, deny}, nil, ExplicitDeny, "with an explicit deny in an identity-based policy"},
		{"denied by the boundary", []iampolicy.Document{all}, &deny, ExplicitDeny,
			"with an explicit deny in a permissions boundary"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Role(tt.identity, tt.boundary, Request{Action: "iam:GetRole", Resource: "*"})
			if got != (Result{tt.want, tt.why}) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestTrust(t *testing.T) {
	session := Principal{
		Account: "111122223333",
		ARN:     "arn:aws:sts::111122223333:assumed-role/vendor/s",
		RoleARN: "arn:aws:iam::111122223333:role/vendor",
	}
	for _, tt := range []struct {
		principal string
		who       Principal
		want      Decision
		match     Match
	}{
		{`"*"`, session, Allow, Everyone},
		{`{"AWS":"*"}`, session, Allow, Everyone},
		{`{"AWS":"111122223333"}`, session, Allow, Account},
		{`{"AWS":"arn:aws:iam::111122223333:root"}`, session, Allow, Account},
		{`{"AWS":["arn:aws:iam::111122223333:root","arn:aws:iam::111122223333:role/vendor"]}`, session, Allow, Exact},
		{`{"AWS":"arn:aws:sts::111122223333:assumed-role/vendor/s"}`, session, Allow, Exact},
		{`{"AWS":"arn:aws:iam::444455556666:root"}`, session, ImplicitDeny, NoMatch},
		{`{"Service":"ec2.amazonaws.com"}`, session, ImplicitDeny, NoMatch},
		{`{"Service":"ec2.amazonaws.com"}`, Principal{Service: "ec2.amazonaws.com"}, Allow, Exact},
		{`{"AWS":"111122223333"}`, Principal{Service: "ec2.amazonaws.com"}, ImplicitDeny, NoMatch},
	} {
		t.Run(tt.principal, func(t *testing.T) {
			doc := parse(t,
				`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":`+tt.principal+`,"Action":"sts:AssumeRole"}]}`)
			if got, match := Trust(doc, Request{Principal: tt.who, Action: "sts:AssumeRole"}); got != tt.want ||
				match != tt.match {
				t.Errorf("got %v, %v", got, match)
			}
		})
	}
}

// FuzzWildcard compares the matcher with an equivalent regular expression.
func FuzzWildcard(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("**a**", "bab")
	f.Add("iam:*Role*", "iam:CreateRole")
	f.Add("$?é*", "$éé")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if !isValid(pattern) || !isValid(text) || len(pattern) > 200 || len(text) > 2000 {
			t.Skip()
		}
		quoted := regexp.QuoteMeta(pattern)
		quoted = strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(quoted)
		want := regexp.MustCompile(`(?s)\A` + quoted + `\z`).MatchString(text)
		if got := Wildcard(pattern, text); got != want {
			t.Errorf("Wildcard(%q, %q) = %v, want %v", pattern, text, got, want)
		}
	})
}

// FuzzMatchARN checks that no pattern breaks the ARN matcher, and that any ARN
// matches itself.
func FuzzMatchARN(f *testing.F) {
	f.Add("arn:aws:iam::*:role/${aws:PrincipalAccount}", "arn:aws:iam::1:role/a", "1")
	f.Add("${", ":::::", "")
	f.Fuzz(func(t *testing.T, pattern, arn, value string) {
		context := map[string][]string{"aws:principalaccount": {value}}
		if tokens, ok := expand(pattern, context, true); ok {
			matchARN(tokens, arn)
		}
		if !strings.ContainsAny(arn, "*?") {
			if tokens, _ := expand(arn, nil, false); !matchARN(tokens, arn) {
				t.Errorf("%q does not match itself", arn)
			}
		}
	})
}

func isValid(s string) bool { return strings.ToValidUTF8(s, "") == s }

func TestLongPatternIsQuick(t *testing.T) {
	if Wildcard(strings.Repeat("a*", 2000)+"b", strings.Repeat("a", 20000)) {
		t.Error("it does not match")
	}
}
