package eval

import "testing"

// session is a session of the role vendor.
var session = Principal{
	Account: "111122223333",
	ARN:     "arn:aws:sts::111122223333:assumed-role/vendor/s",
	RoleARN: "arn:aws:iam::111122223333:role/vendor",
}

func TestTrust(t *testing.T) {
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

// TestPrincipalElements has elements that name a principal, do not name it, or exclude it by NotPrincipal.
func TestPrincipalElements(t *testing.T) {
	user := Principal{Account: "111122223333", ARN: "arn:aws:iam::111122223333:user/u"}
	service := Principal{Service: "ec2.amazonaws.com"}
	for _, tt := range []struct {
		element string
		who     Principal
		want    Decision
	}{
		{`"NotPrincipal":{"AWS":"arn:aws:iam::111122223333:role/vendor"}`, session, ImplicitDeny},
		{`"NotPrincipal":{"AWS":"arn:aws:iam::111122223333:role/vendor"}`, user, Allow},
		{`"NotPrincipal":{"AWS":"*"}`, user, ImplicitDeny},
		{`"Principal":{"AWS":""}`, user, ImplicitDeny},
		{`"Principal":{"AWS":"arn:aws:iam::111122223333:role/other"}`, session, ImplicitDeny},
		{`"Principal":{"AWS":"arn:aws:iam::111122223333:user/u"}`, user, Allow},
		{`"Principal":{"AWS":"x:iam::111122223333:root"}`, user, ImplicitDeny},
		{`"Principal":{"AWS":"arn:aws:iam::111122223333:root/x"}`, user, ImplicitDeny},
		{`"Principal":{"AWS":"arn:aws:iam:::root"}`, Principal{ARN: "x"}, ImplicitDeny},
		{`"Principal":{"AWS":"*"}`, service, ImplicitDeny},
		{`"Principal":{"Service":["sns.amazonaws.com","ec2.amazonaws.com"]}`, service, Allow},
	} {
		t.Run(tt.element, func(t *testing.T) {
			doc := parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",`+tt.element+`,"Action":"sts:AssumeRole"}]}`)
			if got, _ := Trust(doc, Request{Principal: tt.who, Action: "sts:AssumeRole"}); got != tt.want {
				t.Errorf("principal %v: got %v, want %v", tt.who, got, tt.want)
			}
		})
	}
}
