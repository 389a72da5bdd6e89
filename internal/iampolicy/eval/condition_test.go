package eval

import (
	"testing"

	"permstack/internal/iampolicy"
)

// testConditions checks in a request context whether each condition is met.
func testConditions(t *testing.T, context map[string][]string, conditions map[string]bool) {
	t.Helper()
	for condition, want := range conditions {
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

func TestConditions(t *testing.T) {
	context := map[string][]string{
		"aws:RequestTag/team": {"Backup"}, "aws:TagKeys": {"team", "cost"},
		"iam:PassedToService": {"cloudformation.amazonaws.com"},
		"iam:PolicyARN":       {"arn:aws:iam::111122223333:policy/permstack/a"},
		"x:n":                 {"10"}, "x:t": {"2026-01-02T03:04:05Z"}, "x:b": {"true"}, "x:ip": {"10.1.2.3"}, "x:empty": {},
		"x:stars": {"**"},
	}
	testConditions(t, context, map[string]bool{
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
	})
}

// TestConditionBoundaries has values at which an operator begins or ceases to match, and values of another type.
func TestConditionBoundaries(t *testing.T) {
	context := map[string][]string{
		"x:ten": {"10"}, "x:day": {"2026-01-02T00:00:00Z"}, "x:word": {"a?c"}, "x:star": {"a*"}, "x:list": {"a", "b"},
		"x:none": {}, "x:arn": {"arn:aws:sns:r:1:t"}, "x:nothing": {""},
		"x:ip": {"10.1.2.3"}, "x:name": {"me"}, "x:month": {"2026-01"}, "x:year": {"2026"},
		"x:dollar": {"a$b"}, "x:nan": {"NaN"}, "x:bytes": {"YQ=="},
	}
	testConditions(t, context, map[string]bool{
		// Equal numbers and dates.
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
		// A value that is not a number, date or address never matches.
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
		// A key without a value, and a key that does not exist.
		`{"Null":{"x:none":"true"}}`:                     true,
		`{"Null":{"x:none":"false"}}`:                    false,
		`{"Null":{"x:absent":"true"}}`:                   true,
		`{"Null":{"x:nothing":"true"}}`:                  false,
		`{"StringEquals":{"x:none":"a"}}`:                false,
		`{"StringNotEquals":{"x:none":"a"}}`:             true,
		`{"ForAllValues:StringEquals":{"x:none":"a"}}`:   true,
		`{"ForAnyValue:StringEquals":{"x:none":"a"}}`:    false,
		`{"ForAnyValue:StringNotEquals":{"x:none":"a"}}`: false,
		// Of several values one has to match; with a negated operator none may.
		`{"StringEquals":{"x:list":"b"}}`:                    true,
		`{"StringNotEquals":{"x:list":"b"}}`:                 false,
		`{"StringNotEquals":{"x:list":"a"}}`:                 false,
		`{"ForAllValues:StringEquals":{"x:list":"b"}}`:       false,
		`{"ForAllValues:StringEquals":{"x:list":["b","a"]}}`: true,
		`{"ForAllValues:StringNotEquals":{"x:list":"c"}}`:    true,
		// StringEquals takes wildcards literally.
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
		// A pattern of ARNs has six parts, or is "*".
		`{"ArnLike":{"x:arn":"*"}}`:                     true,
		`{"ArnLike":{"x:arn":"arn:aws:sns:*"}}`:         false,
		`{"ArnLike":{"x:nothing":""}}`:                  false,
		`{"ArnLike":{"x:name":"me"}}`:                   false,
		`{"ArnLike":{"x:arn":"arn:aws:sns:*:*:*"}}`:     true,
		`{"ArnLike":{"x:arn":"arn:aws:*:1:t:*"}}`:       false,
		`{"ArnLike":{"x:name":"arn:aws:sns:*:*:*"}}`:    false,
		`{"ArnNotLike":{"x:name":"arn:aws:sns:*:*:*"}}`: true,
	})
}
