package eval

import (
	"testing"

	"permstack/internal/iampolicy"
)

// TestConditionEdges: where an operator begins and ends to be met.
func TestConditionEdges(t *testing.T) {
	context := map[string][]string{
		"x:ten": {
			"10",
		}, "x:day": {"2026-01-02T00:00:00Z"}, "x:word": {"a?c"}, "x:star": {"a*"}, "x:list": {"a", "b"}, "x:none": {},
		"x:arn": {
			"arn:aws:sns:r:1:t",
		}, "x:nothing": {""}, "x:ip": {"10.1.2.3"}, "x:name": {"me"}, "x:month": {"2026-01"}, "x:year": {"2026"},
		"x:dollar": {"a$b"}, "x:nan": {"NaN"}, "x:bytes": {"YQ=="},
	}
	for condition, want := range map[string]bool{
		// Numbers and dates that are equal.
		`{"NumericLessThan":{"x:ten":"10"}}`:                false,
		`{"NumericLessThanEquals":{"x:ten":"10"}}`:          true,
		`{"NumericGreaterThan":{"x:ten":"10"}}`:             false,
		`{"NumericGreaterThanEquals":{"x:ten":"10"}}`:       true,
		`{"NumericGreaterThanEquals":{"x:ten":"11"}}`:       false,
		`{"DateLessThan":{"x:day":"2026-01-02"}}`:           false,
		`{"DateLessThanEquals":{"x:day":"2026-01-02"}}`:     true,
		`{"DateGreaterThan":{"x:day":"2026-01-02"}}`:        false,
		`{"DateGreaterThanEquals":{"x:day":"2026-01-02"}}`:  true,
		`{"DateEquals":{"x:day":"2026-01-02T01:00+01:00"}}`: true,
		`{"DateEquals":{"x:month":"2026-01-01"}}`:           true,
		`{"DateEquals":{"x:year":"2026-01-01T00:00:00Z"}}`:  true,
		// What is no number, no date and no address meets nothing.
		`{"NumericLessThan":{"x:word":"99"}}`:       false,
		`{"NumericLessThan":{"x:ten":"many"}}`:      false,
		`{"NumericGreaterThan":{"x:ten":"many"}}`:   false,
		`{"NumericGreaterThan":{"x:word":"-1"}}`:    false,
		`{"NumericNotEquals":{"x:nan":"1"}}`:        true,
		`{"NumericEquals":{"x:nan":"NaN"}}`:         false,
		`{"DateLessThan":{"x:word":"2026-01-02"}}`:  false,
		`{"DateGreaterThan":{"x:day":"yesterday"}}`: false,
		`{"DateLessThan":{"x:word":"yesterday"}}`:   false,
		`{"DateEquals":{"x:word":"a?c"}}`:           false,
		`{"IpAddress":{"x:word":"10.0.0.0/8"}}`:     false,
		`{"IpAddress":{"x:word":"a?c"}}`:            false,
		`{"IpAddress":{"x:ip":"10.1.2.3"}}`:         true,
		`{"IpAddress":{"x:ip":"10.1.2.4"}}`:         false,
		`{"IpAddress":{"x:ip":"nowhere"}}`:          false,
		`{"BinaryEquals":{"x:bytes":"YQ=="}}`:       true,
		`{"BinaryEquals":{"x:bytes":"Yg=="}}`:       false,
		// A key that is there without a value, and one that is not there.
		`{"Null":{"x:none":"true"}}`:                     true,
		`{"Null":{"x:none":"false"}}`:                    false,
		`{"Null":{"x:absent":"true"}}`:                   true,
		`{"Null":{"x:nothing":"true"}}`:                  false,
		`{"StringEquals":{"x:none":"a"}}`:                false,
		`{"StringNotEquals":{"x:none":"a"}}`:             true,
		`{"ForAllValues:StringEquals":{"x:none":"a"}}`:   true,
		`{"ForAnyValue:StringEquals":{"x:none":"a"}}`:    false,
		`{"ForAnyValue:StringNotEquals":{"x:none":"a"}}`: false,
		// Several values: one that matches does, and a negated operator wants none.
		`{"StringEquals":{"x:list":"b"}}`:                    true,
		`{"StringNotEquals":{"x:list":"b"}}`:                 false,
		`{"StringNotEquals":{"x:list":"a"}}`:                 false,
		`{"ForAllValues:StringEquals":{"x:list":"b"}}`:       false,
		`{"ForAllValues:StringEquals":{"x:list":["b","a"]}}`: true,
		`{"ForAllValues:StringNotEquals":{"x:list":"c"}}`:    true,
		// Wildcards are letters to StringEquals.
		`{"StringEquals":{"x:word":"a?c"}}`:    true,
		`{"StringEquals":{"x:word":"abc"}}`:    false,
		`{"StringLike":{"x:word":"a??c"}}`:     false,
		`{"StringLike":{"x:word":"a?c?"}}`:     false,
		`{"StringLike":{"x:word":"a${?}c"}}`:   true,
		`{"StringLike":{"x:name":"m${?}"}}`:    false,
		`{"StringLike":{"x:star":"a${*}"}}`:    true,
		`{"StringLike":{"x:word":"a${*}"}}`:    false,
		`{"StringLike":{"x:dollar":"a${$}b"}}`: true,
		`{"StringLike":{"x:dollar":"a$b"}}`:    true,
		`{"StringLike":{"x:dollar":"a$*"}}`:    true,
		`{"StringLike":{"x:word":"a$*"}}`:      false,
		// Variables: a default in quotes, none, and a brace that is missing.
		`{"StringEquals":{"x:name":"${x:absent, 'me'}"}}`:  true,
		`{"StringEquals":{"x:name":"${x:name, 'you'}"}}`:   true,
		`{"StringEquals":{"x:name":"${x:absent, me}"}}`:    false,
		`{"StringEquals":{"x:name":"${x:absent, 'me}"}}`:   false,
		`{"StringEquals":{"x:name":"${x:absent, me'}"}}`:   false,
		`{"StringEquals":{"x:name":"${x:absent, ''}"}}`:    false,
		`{"StringEquals":{"x:nothing":"${x:absent, ''}"}}`: true,
		`{"StringEquals":{"x:nothing":"${x:absent, '}"}}`:  false,
		`{"StringEquals":{"x:nothing":"${x:absent}"}}`:     false,
		`{"StringEquals":{"x:name":"${x:list}"}}`:          false,
		`{"StringEquals":{"x:name":["${x:absent}","me"]}}`: true,
		`{"StringEquals":{"x:name":"${x:name"}}`:           false,
		`{"StringLike":{"x:name":"*${x:absent"}}`:          false,
		// An ARN has six parts, or is anything.
		`{"ArnLike":{"x:arn":"*"}}`:                     true,
		`{"ArnLike":{"x:arn":"arn:aws:sns:*"}}`:         false,
		`{"ArnLike":{"x:nothing":""}}`:                  false,
		`{"ArnLike":{"x:name":"me"}}`:                   false,
		`{"ArnLike":{"x:arn":"arn:aws:sns:*:*:*"}}`:     true,
		`{"ArnLike":{"x:arn":"arn:aws:*:1:t:*"}}`:       false,
		`{"ArnLike":{"x:name":"arn:aws:sns:*:*:*"}}`:    false,
		`{"ArnNotLike":{"x:name":"arn:aws:sns:*:*:*"}}`: true,
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

// TestResourceEdges: wildcards end with their part, and the last part takes the rest.
func TestResourceEdges(t *testing.T) {
	for _, tt := range []struct {
		version, pattern, resource string
		want                       bool
	}{
		{"2012-10-17", "arn:aws:sns:*", "arn:aws:sns:r:1:t", true},
		{"2012-10-17", "arn:aws:sns:r:1:t", "arn:aws:sns:r", false},
		{"2012-10-17", "arn:aws:sns:*:t", "arn:aws:sns:r:1:t", false},
		{"2012-10-17", "arn:aws:rds:r:1:db:*", "arn:aws:rds:r:1:db:x", true},
		{"2012-10-17", "arn:aws:rds:r:1:db:x:y", "arn:aws:rds:r:1:db:x:y", true},
		{"2012-10-17", "arn:aws:rds:r:1:*:y", "arn:aws:rds:r:1:db:x:y", true},
		{"2012-10-17", "arn:aws:rds:r:1:d?:x", "arn:aws:rds:r:1:db:x", true},
		{"2012-10-17", "arn:aws:s3:::${x:me}/*", "arn:aws:s3:::me/key", true},
		{"2012-10-17", "arn:aws:s3:::${x:absent}/*", "arn:aws:s3:::me/key", false},
		{"2012-10-17", "arn:aws:s3:::${x:absent}*", "arn:aws:s3:::", false},
		{"2008-10-17", "arn:aws:s3:::${x:me}/*", "arn:aws:s3:::me/key", false},
		{"2008-10-17", "arn:aws:s3:::${x:me}", "arn:aws:s3:::${x:me}", true},
		{"2012-10-17", "arn:aws:s3:::a?", "arn:aws:s3:::a", false},
		{"2012-10-17", "arn:aws:s3:::a?", "arn:aws:s3:::aé", true},
	} {
		t.Run(tt.version+" "+tt.pattern+" on "+tt.resource, func(t *testing.T) {
			doc := parse(t,
				`{"Version":"`+tt.version+`","Statement":{"Effect":"Allow","Action":"*","Resource":"`+tt.pattern+`"}}`)
			request := Request{Action: "s3:GetObject", Resource: tt.resource, Context: map[string][]string{"x:me": {"me"}}}
			got := Documents([]iampolicy.Document{doc}, request) == Allow
			if got != tt.want {
				t.Errorf("%s, %s on %s: got %v, want %v", tt.version, tt.pattern, tt.resource, got, tt.want)
			}
		})
	}
}

// TestPrincipalEdges: who is named, who is not, and who is named by what he is not.
func TestPrincipalEdges(t *testing.T) {
	session := Principal{
		Account: "111122223333",
		ARN:     "arn:aws:sts::111122223333:assumed-role/vendor/s",
		RoleARN: "arn:aws:iam::111122223333:role/vendor",
	}
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
				t.Errorf("%s by %v: got %v", tt.element, tt.who, got)
			}
		})
	}
}

// TestEveryStatementIsEvaluated checks that a statement that does not apply does not end the evaluation.
func TestEveryStatementIsEvaluated(t *testing.T) {
	doc := parse(t,
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Effect":"Allow","Action":"iam:*","Resource":"*"},
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
