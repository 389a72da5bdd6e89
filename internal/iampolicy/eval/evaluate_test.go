package eval

import (
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

// TestEveryStatementIsEvaluated checks that a statement that does not apply does not end the evaluation.
func TestEveryStatementIsEvaluated(t *testing.T) {
	doc := parse(t,
		`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Effect":"Allow","Action":"iam:*","Resource":"*"},
		{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Effect":"Deny","Action":"iam:DeleteRole","Resource":"*"}]}`)
	for action, want := range map[string]Decision{"iam:GetRole": Allow, "iam:DeleteRole": ExplicitDeny,
		"s3:GetObject": Allow, "ec2:RunInstances": ImplicitDeny} {
		t.Run(action, func(t *testing.T) {
			if got := Documents([]iampolicy.Document{doc}, Request{Action: action, Resource: "*"}); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}
