package compare

import "testing"

func TestConditions(t *testing.T) {
	for _, tt := range []struct {
		name       string
		want, have string // Condition elements
		direction  Direction
	}{
		{"empty", ``, `{}`, Same},
		{"empty operator", ``, `{"StringEquals":{}}`, Same},
		{"dropped", `{"StringEquals":{"k":"a"}}`, ``, GrantsMore},
		{"one of two dropped", `{"StringEquals":{"k":"a","l":"b"}}`, `{"StringEquals":{"l":"b"}}`, GrantsMore},
		{"order", `{"StringEquals":{"k":["a","b"],"l":"c"}}`, `{"StringEquals":{"l":"c","k":["b","a","b"]}}`, Same},
		{"case of operator and key", `{"StringEquals":{"aws:SourceArn":"a"}}`, `{"stringequals":{"AWS:sourcearn":["a"]}}`,
			Same},
		{"case of values", `{"StringEquals":{"k":"a"}}`, `{"StringEquals":{"k":"A"}}`, Changed},
		{"other key", `{"StringEquals":{"k":"a"}}`, `{"StringEquals":{"l":"a"}}`, Changed},
		{"value added", `{"StringEquals":{"k":"a"}}`, `{"StringEquals":{"k":["a","b"]}}`, GrantsMore},
		{"value exchanged", `{"StringEquals":{"k":"a"}}`, `{"StringEquals":{"k":"b"}}`, Changed},
		{"negated value added", `{"StringNotEquals":{"k":"a"}}`, `{"StringNotEquals":{"k":["a","b"]}}`, GrantsLess},
		{"negated values apart", `{"StringNotEquals":{"k":["a","b"]}}`,
			`{"StringNotEquals":{"k":"a"},"StringNotLike":{"k":"b"}}`, Same},
		{"negation", `{"StringNotEquals":{"k":"a"}}`, `{"StringEquals":{"k":"a"}}`, Changed},
		{"exact to pattern", `{"StringEquals":{"k":"abc"}}`, `{"StringLike":{"k":"a*"}}`, GrantsMore},
		{"exact star", `{"StringEquals":{"k":"a*"}}`, `{"StringLike":{"k":"a*"}}`, GrantsMore},
		{"exact and pattern alike", `{"StringEquals":{"k":"abc"}}`, `{"StringLike":{"k":"abc"}}`, Same},
		{"pattern widened", `{"StringLike":{"k":"a?c*"}}`, `{"StringLike":{"k":"a*c*"}}`, GrantsMore},
		{"ignoring case", `{"StringEquals":{"k":"abc"}}`, `{"StringEqualsIgnoreCase":{"k":"ABC"}}`, GrantsMore},
		{"ignoring case alike", `{"StringEqualsIgnoreCase":{"k":"abc"}}`, `{"StringEqualsIgnoreCase":{"k":"ABC"}}`, Same},
		{"ignoring case, in capitals", `{"StringEquals":{"k":"ABC"}}`, `{"StringEqualsIgnoreCase":{"k":"ABC"}}`, GrantsMore},
		{"ignoring case, another text", `{"StringEquals":{"k":"abc"}}`, `{"StringEqualsIgnoreCase":{"k":"abd"}}`, Changed},
		{"ignoring case with a variable", `{"StringEquals":{"k":"a${v}"}}`, `{"StringEqualsIgnoreCase":{"k":"A${v}"}}`,
			GrantsMore},
		{"ignoring case to any", `{"StringEqualsIgnoreCase":{"k":"abc"}}`, `{"StringLike":{"k":"*"}}`, GrantsMore},
		{"not like to not equals", `{"StringNotLike":{"k":"a*"}}`, `{"StringNotEquals":{"k":"abc"}}`, GrantsMore},
		{"if exists", `{"StringEquals":{"k":"a"}}`, `{"StringEqualsIfExists":{"k":"a"}}`, GrantsMore},
		{"if exists and fewer values", `{"StringEquals":{"k":["a","b"]}}`, `{"StringEqualsIfExists":{"k":"a"}}`, Changed},
		{"negated if exists", `{"StringNotEquals":{"k":"a"}}`, `{"StringNotEqualsIfExists":{"k":"a"}}`, Same},
		{"true", `{"Bool":{"k":true}}`, `{"Bool":{"k":"True"}}`, Same},
		{"false", `{"Bool":{"k":"true"}}`, `{"Bool":{"k":"false"}}`, Changed},
		{"bool if exists", `{"Bool":{"k":"true"}}`, `{"BoolIfExists":{"k":"true"}}`, GrantsMore},
		{"for all", `{"ForAllValues:StringEquals":{"k":["a"]}}`, `{"forallvalues:StringLike":{"k":["a","b"]}}`, GrantsMore},
		{"for all, negated", `{"ForAllValues:StringNotEquals":{"k":["a"]}}`,
			`{"ForAllValues:StringNotEquals":{"k":["a","b"]}}`, GrantsLess},
		{"for any", `{"ForAnyValue:StringEquals":{"k":["a"]}}`, `{"ForAnyValue:StringEquals":{"k":["a","b"]}}`, GrantsMore},
		{"for any, negated", `{"ForAnyValue:StringNotEquals":{"k":["a"]}}`,
			`{"ForAnyValue:StringNotEquals":{"k":["a","b"]}}`, GrantsLess},
		{"for all to for any", `{"ForAllValues:StringEquals":{"k":["a"]}}`, `{"ForAnyValue:StringEquals":{"k":["a"]}}`,
			Changed},
		{"for any to plain", `{"ForAnyValue:StringEquals":{"k":["a"]}}`, `{"StringEquals":{"k":["a"]}}`, Changed},
		{"for any dropped", `{"ForAnyValue:StringEquals":{"k":["a"]}}`, ``, GrantsMore},
		{"null", `{"Null":{"k":"true"}}`, `{"Null":{"k":false}}`, Changed},
		{"null either way", `{"Null":{"k":["true","false"]}}`, ``, Same},
		{"present", `{"StringEquals":{"k":"a"}}`, `{"Null":{"k":"false"}}`, GrantsMore},
		{"for any is present", `{"ForAnyValue:StringEquals":{"k":"a"}}`, `{"Null":{"k":"false"}}`, GrantsMore},
		{"if exists is not present", `{"StringEqualsIfExists":{"k":"a"}}`, `{"Null":{"k":"false"}}`, Changed},
		{"negated is not present", `{"StringNotEquals":{"k":"a"}}`, `{"Null":{"k":"false"}}`, Changed},
		{"absent", `{"Null":{"k":"true"}}`, `{"StringNotEquals":{"k":"a"}}`, GrantsMore},
		{"absent is not if exists", `{"Null":{"k":"true"}}`, `{"StringEqualsIfExists":{"k":"a"}}`, Changed},
		{"absent to any value", `{"Null":{"k":"true"}}`, `{"StringEquals":{"k":"a"}}`, Changed},
		{"absent to for all", `{"Null":{"k":"true"}}`, `{"ForAllValues:StringEquals":{"k":"a"}}`, GrantsMore},
		{"for any, negated values apart", `{"ForAnyValue:StringNotEquals":{"k":["a","b"]}}`,
			`{"ForAnyValue:StringNotEquals":{"k":"a"},"ForAnyValue:StringNotLike":{"k":"b"}}`, GrantsMore},
		{"for any if exists", `{"ForAnyValue:StringEquals":{"k":"a"}}`,
			`{"ForAnyValue:StringEqualsIfExists":{"k":["a","b"]}}`, GrantsMore},
		{"for any if exists is like itself", `{"ForAnyValue:StringEqualsIfExists":{"k":"a"}}`,
			`{"StringEqualsIfExists":{"k":"a"}}`, Changed},
		{"ignoring case to pattern", `{"StringEqualsIgnoreCase":{"k":"abc"}}`, `{"StringLike":{"k":"a*"}}`, Changed},
		{"ignoring case to pattern in capitals", `{"StringEqualsIgnoreCase":{"k":"abc"}}`, `{"StringLike":{"k":"A*"}}`,
			Changed},
		{"variable is of any length, among wildcards", `{"StringLike":{"k":"${aws:username}b*"}}`,
			`{"StringLike":{"k":"?*b*"}}`, Changed},
		{"null of nothing", `{"Null":{"k":[]}}`, `{"Null":{"k":"true"}}`, Changed},
		{"null of something else", `{"Null":{"k":"perhaps"}}`, `{"Null":{"k":"true"}}`, Changed},
		{"arn equals is arn like", `{"ArnEquals":{"k":"arn:aws:iam::*:role/a*"}}`,
			`{"ArnLike":{"k":"arn:aws:iam::*:role/a*"}}`, Same},
		{"arn widened", `{"ArnLike":{"k":"arn:aws:iam::1:role/a"}}`, `{"ArnLike":{"k":"arn:aws:iam::*:role/*"}}`, GrantsMore},
		{"arn to any", `{"ArnLike":{"k":"arn:aws:iam::1:role/a"}}`, `{"ArnLike":{"k":"*"}}`, GrantsMore},
		{"arn to string", `{"ArnLike":{"k":"arn:aws:iam::*:role/a*"}}`, `{"StringLike":{"k":"arn:aws:iam::*:role/a*"}}`,
			GrantsMore},
		{"string to arn", `{"StringEquals":{"k":"arn:aws:iam::1:role/a"}}`, `{"ArnLike":{"k":"arn:aws:iam::*:role/a*"}}`,
			GrantsMore},
		{"arn to what is not an arn", `{"ArnLike":{"k":"arn:aws:iam::1:role/a"}}`, `{"ArnLike":{"k":"arn:aws:*"}}`, Changed},
		{"arn alike", `{"ArnEquals":{"k":"arn:aws:iam::1:role/a"}}`, `{"StringEquals":{"k":"arn:aws:iam::1:role/a"}}`, Same},
		{"arn to the text of its pattern", `{"ArnEquals":{"k":"arn:aws:iam::1:role/*"}}`,
			`{"StringEquals":{"k":"arn:aws:iam::1:role/*"}}`, GrantsLess},
		{"arn with a variable", `{"ArnEquals":{"k":"arn:aws:iam::1:role/${v}"}}`,
			`{"StringEquals":{"k":"arn:aws:iam::1:role/${v}"}}`, Changed},
		{"string that is no arn", `{"StringEquals":{"k":"a"}}`, `{"ArnLike":{"k":"*"}}`, Changed},
		{"string to another arn", `{"StringEquals":{"k":"arn:aws:iam::1:role/b"}}`,
			`{"ArnLike":{"k":"arn:aws:iam::*:role/a*"}}`, Changed},
		{"not an arn", `{"ArnLike":{"k":"arn:aws:iam"}}`, `{"ArnLike":{"k":"arn:aws:*"}}`, Changed},
		{"numbers alike", `{"NumericEquals":{"k":"1"}}`, `{"NumericEquals":{"k":1.0}}`, Same},
		{"number raised", `{"NumericLessThan":{"k":"5"}}`, `{"NumericLessThan":{"k":10}}`, GrantsMore},
		{"number included", `{"NumericLessThan":{"k":"5"}}`, `{"NumericLessThanEquals":{"k":"5"}}`, GrantsMore},
		{"number to range", `{"NumericEquals":{"k":"5"}}`, `{"NumericGreaterThanEquals":{"k":"5"}}`, GrantsMore},
		{"number to at most it", `{"NumericEquals":{"k":"5"}}`, `{"NumericLessThanEquals":{"k":"5"}}`, GrantsMore},
		{"number other way", `{"NumericLessThan":{"k":"5"}}`, `{"NumericGreaterThan":{"k":"3"}}`, Changed},
		{"numbers beyond the range", `{"NumericLessThan":{"k":["5","3"]}}`, `{"NumericLessThan":{"k":"5"}}`, Same},
		{"numbers below zero", `{"NumericLessThan":{"k":"-0.5"}}`, `{"NumericLessThan":{"k":"-0.25"}}`, GrantsMore},
		{"not a number", `{"NumericLessThan":{"k":"five"}}`, `{"NumericLessThan":{"k":"10"}}`, Changed},
		{"number negated", `{"NumericNotEquals":{"k":"5"}}`, `{"NumericNotEquals":{"k":["5","6"]}}`, GrantsLess},
		{"dates alike", `{"DateLessThan":{"k":"2026-01-01"}}`, `{"DateLessThan":{"k":"2026-01-01T01:00:00+01:00"}}`, Same},
		{"date later", `{"DateLessThan":{"k":"2026-01-01T00:00:00Z"}}`, `{"DateLessThan":{"k":"2027-01-01T00:00:00Z"}}`,
			GrantsMore},
		{"date by seconds", `{"DateLessThan":{"k":"1767225600"}}`, `{"DateLessThan":{"k":"2026-01-01T00:00:00Z"}}`, Same},
		{"date by the microsecond", `{"DateLessThan":{"k":"2026-01-01T00:00:00.000001Z"}}`,
			`{"DateLessThan":{"k":"2026-01-01T00:00:00.000002Z"}}`, GrantsMore},
		{"date of doubt", `{"DateLessThan":{"k":"2026"}}`, `{"DateLessThan":{"k":"2027-01-01T00:00:00Z"}}`, Changed},
		{"network alike", `{"IpAddress":{"k":"10.1.2.3/8"}}`, `{"IpAddress":{"k":"10.0.0.0/8"}}`, Same},
		{"address and network", `{"IpAddress":{"k":"10.0.0.1"}}`, `{"IpAddress":{"k":"10.0.0.1/32"}}`, Same},
		{"network widened", `{"IpAddress":{"k":"10.1.0.0/16"}}`, `{"IpAddress":{"k":"10.0.0.0/8"}}`, GrantsMore},
		{"network halved", `{"IpAddress":{"k":"10.0.0.0/8"}}`, `{"IpAddress":{"k":["10.0.0.0/9","10.128.0.0/9"]}}`, Same},
		{"addresses apart", `{"IpAddress":{"k":"10.0.0.0/31"}}`, `{"IpAddress":{"k":["10.0.0.0","10.0.0.1"]}}`, Same},
		{"not networks", `{"IpAddress":{"k":"ten"}}`, `{"IpAddress":{"k":"eleven"}}`, Changed},
		{"IPv4 written as IPv6", `{"IpAddress":{"k":"::ffff:10.0.0.0/105"}}`, `{"IpAddress":{"k":"::ffff:10.0.0.0/104"}}`,
			Changed},
		{"network more than halved", `{"IpAddress":{"k":"10.0.0.0/8"}}`,
			`{"IpAddress":{"k":["10.0.0.0/9","10.128.0.0/10"]}}`, GrantsLess},
		{"v6", `{"IpAddress":{"k":"2001:db8::/32"}}`, `{"IpAddress":{"k":["2001:db8::/32","10.0.0.0/8"]}}`, GrantsMore},
		{"not network", `{"NotIpAddress":{"k":"10.1.0.0/16"}}`, `{"NotIpAddress":{"k":"10.0.0.0/8"}}`, GrantsLess},
		{"binary", `{"BinaryEquals":{"k":"QQ=="}}`, `{"BinaryEquals":{"k":["QQ==","Qg=="]}}`, GrantsMore},
		{"unknown operator", `{"Resembles":{"k":"a"}}`, `{"resembles":{"k":"a"}}`, Same},
		{"unknown operator, other values", `{"Resembles":{"k":"a"}}`, `{"Resembles":{"k":["a","b"]}}`, Changed},
		{"other unknown operator", `{"Resembles":{"k":"a"}}`, `{"Differs":{"k":"a"}}`, Changed},
		{"unknown operator to present", `{"Resembles":{"k":"a"}}`, `{"Null":{"k":"false"}}`, Changed},
		{"absent to an unknown operator", `{"Null":{"k":"true"}}`, `{"ForAllValues:Resembles":{"k":"a"}}`, Changed},
		{"unknown operator dropped", `{"Resembles":{"k":"a"}}`, ``, GrantsMore},
		{"variable", `{"StringEquals":{"k":"${aws:username}"}}`, `{"StringEquals":{"k":["${AWS:username}","b"]}}`,
			GrantsMore},
		{"variable to any", `{"StringEquals":{"k":"x-${aws:username}"}}`, `{"StringLike":{"k":"x-*"}}`, GrantsMore},
		{"variable is of any length", `{"StringEquals":{"k":"${aws:username}"}}`, `{"StringLike":{"k":"?*"}}`, Changed},
		{"variable refused", `{"StringNotEquals":{"k":"${aws:username}"}}`, `{"StringNotLike":{"k":"*"}}`, Changed},
		{"default", `{"StringEquals":{"k":"${aws:PrincipalTag/t, 'a'}"}}`,
			`{"StringEquals":{"k":"${aws:PrincipalTag/t,'b'}"}}`, Changed},
		{"same default of another variable", `{"StringEquals":{"k":"${aws:PrincipalTag/t, 'a'}"}}`,
			`{"StringEquals":{"k":"${aws:PrincipalTag/u, 'a'}"}}`, Changed},
		{"loosened and tightened", `{"StringEquals":{"k":"a"}}`, `{"StringEquals":{"l":"b"}}`, Changed},
		{"no values", `{"StringEquals":{"k":[]}}`, `{"StringEquals":{"k":"a"}}`, GrantsMore},
		{"nothing refused", `{"StringNotEquals":{"k":[]}}`, ``, Same},
	} {
		t.Run(tt.name, func(t *testing.T) {
			statement := func(effect, condition string) string {
				if condition == "" {
					return `{"Effect":"` + effect + `","Action":"s3:GetObject","Resource":"*"}`
				}
				return `{"Effect":"` + effect + `","Action":"s3:GetObject","Resource":"*","Condition":` + condition + `}`
			}
			check(t, doc(t, statement("Allow", tt.want)), doc(t, statement("Allow", tt.have)), tt.direction)
			turned := map[Direction]Direction{Same: Same, GrantsMore: GrantsLess, GrantsLess: GrantsMore,
				Changed: Changed}[tt.direction]
			check(t, doc(t, getAny, statement("Deny", tt.want)), doc(t, getAny, statement("Deny", tt.have)), turned)
		})
	}
}

func TestConditionsAcrossStatements(t *testing.T) {
	one := doc(t,
		`{"Effect":"Allow","Action":["a:A","a:B"],"Resource":"*","Condition":{"StringEquals":{"k":["a","b"],"l":["c","d"]}}}`)
	two := doc(t,
		`{"Effect":"Allow","Action":"a:A","Resource":"*","Condition":{"StringEquals":{"k":"a","l":["c","d"]}}}`,
		`{"Effect":"Allow","Action":"a:A","Resource":"*","Condition":{"StringEquals":{"k":"b","l":"c"}}}`,
		`{"Effect":"Allow","Action":"a:A","Resource":"*","Condition":{"StringEquals":{"k":"b","l":"d"}}}`,
		`{"Effect":"Allow","Action":"a:B","Resource":"*","Condition":{"StringEquals":{"k":["a","b"],"l":["c","d"]}}}`,
	)
	check(t, one, two, Same)
	two.Statement = two.Statement[1:]
	check(t, one, two, GrantsLess)
	two.Statement[0].Condition = nil
	check(t, one, two, GrantsMore)

	all := func(values string) string {
		return `{"Effect":"Allow","Action":"a:A","Resource":"*","Condition":{"ForAllValues:StringEquals":{"k":` + values +
			`}}}`
	}
	check(t, doc(t, all(`["a","b"]`)), doc(t, all(`"a"`), all(`"b"`)), GrantsLess)
}
