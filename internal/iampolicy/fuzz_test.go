package iampolicy_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
)

// FuzzParse checks that what is parsed as a policy is written as one, parses as the same again, and
// means the same; nothing in it breaks out of its place.
func FuzzParse(f *testing.F) {
	f.Add(
		[]byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`),
		"s3:GetObject",
		"arn:aws:s3:::a",
	)
	f.Add(
		[]byte(
			`{"Statement":[{"Effect":"Deny","NotAction":["a:b"],"NotResource":"${aws:username}","Condition":{"Bool":{"x":true,"y":[1,false]}}}]}`,
		),
		"a:b",
		"*",
	)
	f.Add(
		[]byte(`{"Statement":[{"Effect":"Allow","Principal":"*","Action":"\u0000\",\"Effect\":\"","Sid":"\u2028"}]}`),
		"a",
		"",
	)
	f.Add(
		[]byte(`{"Statement":[{"Effect":"Allow","Principal":{"AWS":["1"," "]},"NotPrincipal":{},"Action":[]}]}`),
		"",
		":::::",
	)
	f.Fuzz(func(t *testing.T, text []byte, action, resource string) {
		doc, err := iampolicy.Parse(text)
		if err != nil {
			return
		}
		written, err := doc.JSON()
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(written) {
			t.Fatalf("%q is written as %q", text, written)
		}
		again, err := iampolicy.Parse(written)
		if err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		twice, err := again.JSON()
		if err != nil || !bytes.Equal(written, twice) {
			t.Fatalf("%s\nread and written again:\n%s", written, twice)
		}
		request := eval.Request{Action: action, Resource: resource, Principal: eval.Principal{Account: "1"}}
		if a, b := decide(doc, request), decide(again, request); a != b {
			t.Errorf("%s: %v, read again %v", written, a, b)
		}
	})
}

func decide(d iampolicy.Document, r eval.Request) eval.Decision {
	return eval.Documents([]iampolicy.Document{d}, r)
}
