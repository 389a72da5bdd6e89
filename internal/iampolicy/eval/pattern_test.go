package eval

import (
	"regexp"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
)

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

// FuzzMatchesName compares the matcher of actions with one that has no early decision.
func FuzzMatchesName(f *testing.F) {
	for _, c := range [][2]string{
		{"iam:CreateRole", "IAM:createrole"}, {"iam:CreateRole", "iam:CreateRoles"}, {"iam:CreateRoles", "iam:CreateRole"},
		{"iam:*Role", "iam:createROLE"}, {"iam:Get*", "iam:Get"}, {"iam:Ge?", "iam:Ge"}, {"iam:G*", "s3:GetObject"},
		{"*", ""}, {"", ""}, {"", "a"}, {"\u212a*", "k:a"}, {"k", "\u212a"}, {"é*", "ÉA"}, {"[", "{"}, {"@", "`"},
	} {
		f.Add(c[0], c[1])
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if got, want := matchesName(pattern, name), matchesUnicodeName(pattern, name); got != want {
			t.Errorf("matchesName(%q, %q) = %v, want %v", pattern, name, got, want)
		}
	})
}

// FuzzDiffersEarly checks that a resource that differs early from a pattern is not matched by it.
func FuzzDiffersEarly(f *testing.F) {
	for _, c := range [][2]string{
		{"arn:aws:s3:::a", "arn:aws:s3:::a"}, {"arn:aws:s3:::a", "arn:aws:s3:::ab"}, {"arn:aws:s3:::ab", "arn:aws:s3:::a"},
		{"arn:aws:s3:::*", "arn:aws:s3:::"}, {"arn:aws:s3:::?", "arn:aws:s3:::é"},
		{"arn:aws:iam::1:role/$", "arn:aws:iam::1:"},
	} {
		f.Add(c[0], c[1])
	}
	f.Fuzz(func(t *testing.T, pattern, resource string) {
		tokens, ok := expand(pattern, nil, true)
		if ok && matchARN(tokens, resource) && differsEarly(pattern, resource) {
			t.Errorf("%q matches %q, but is reported to differ", pattern, resource)
		}
		literal, _, _ := strings.Cut(strings.NewReplacer("?", "*", "$", "*").Replace(pattern), "*")
		if !strings.HasPrefix(resource, literal) && !differsEarly(pattern, resource) {
			t.Errorf("%q differs from %q, but is not reported to", pattern, resource)
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

// TestResources checks that a wildcard ends with its part of the ARN, that the last part takes the rest, and
// variables.
func TestResources(t *testing.T) {
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
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
