package question_test

import (
	"strings"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/review/explain"
	"permstack/internal/review/question"
)

// TestDocuments asks about policies that no profile has: with wildcards, NotAction, NotResource and denials.
func TestDocuments(t *testing.T) {
	const (
		everything = `{"Effect":"Allow","Action":"*","Resource":"*"}`
		objects    = `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::invoices/*"}`
		notIAM     = `{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`
		keepAll    = `{"Effect":"Deny","Action":"s3:DeleteObject*","Resource":"*"}`
		keepSome   = `{"Effect":"Deny","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::invoices/*"}`
		notByMFA   = `{"Effect":"Deny","Action":"s3:DeleteObject","Resource":"*",
			"Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`
		notSecret = `{"Effect":"Allow","Action":"s3:GetObject","NotResource":"arn:aws:s3:::secret/*"}`
	)
	for _, c := range []struct{ name, statements, text, want string }{
		{"a verb, of every action", everything, "delete", granted},
		{"a verb and a noun, of every action", everything, "delete databases", granted},
		{"a verb, of actions of a service", objects, "delete", granted},
		{"an effect, of actions of a service", objects, "share", granted},
		{"a verb, of another service", objects, "run", nothing},
		{"a verb, of every action but some", notIAM, "delete", granted},
		{"an action among NotAction", notIAM, "iam:CreateUser", nothing},
		{"a resource of the actions in NotAction", notIAM, "arn:aws:iam::123456789012:user/u", nothing},
		{"a resource of other actions", notIAM, "vol-0123456789abcdef0", granted},
		{"denied on all resources", everything + "," + keepAll, "s3:DeleteObject", nothing},
		{"denied on the resource", everything + "," + keepSome, "s3://invoices/a", granted},
		{"denied on some resources", everything + "," + keepSome, "s3:DeleteObject", granted},
		{"denied under a condition", everything + "," + notByMFA, "s3:DeleteObject", granted},
		{"an action that is not denied", everything + "," + keepAll, "s3:GetObject", granted},
		{"a resource among NotResource", notSecret, "s3://secret/a", nothing},
		{"a resource that is not", notSecret, "s3://invoices/a", granted},
		{"an action with NotResource", notSecret, "s3:GetObject", granted},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc, err := iampolicy.Parse([]byte(`{"Version":"2012-10-17","Statement":[` + c.statements + `]}`))
			if err != nil {
				t.Fatal(err)
			}
			s := source(t, "clumio")
			s.Grants = explain.FromDocuments([]explain.Document{{Role: "R", Policy: "P", Document: doc}}, nil,
				explain.Describer{})
			s.All, s.Others = s.Grants, nil
			a := question.Find(c.text, s)
			got := granted
			switch {
			case !a.Known():
				got = unknown
			case !a.Found():
				got = nothing
			}
			if got != c.want {
				t.Errorf("%s (%s), want %s", got, a.Problem, c.want)
			}
			if strings.HasPrefix(c.name, "denied") && len(a.Denied) == 0 {
				t.Error("the answer has no denial")
			}
		})
	}
}
