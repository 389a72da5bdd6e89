package policies

import (
	"testing"

	"permstack/internal/policies/schema"
)

// TestIncludesResource checks that a pattern includes what it matches as text, and that a reference
// to all entities includes every one of them.
func TestIncludesResource(t *testing.T) {
	for _, c := range []struct {
		pattern, resource string
		want              bool
	}{
		{"*", "arn:${Partition}:kms:${Region}:${Account}:key/*", true},
		{"arn:${Partition}:kms:*:${Account}:key/*", "arn:${Partition}:kms:${Region}:${Account}:key/*", true},
		{"arn:${Partition}:kms:${Region}:${Account}:key/*", "arn:${Partition}:kms:*:${Account}:key/*", false},
		{"arn:${Partition}:kms:*:${Account}:key/*", "arn:${Partition}:kms:*:${DataPlaneAccount}:key/*", false},
		{"arn:${Partition}:s3:::*", "arn:${Partition}:s3:::*/*", true},
		{"arn:${Partition}:s3:::*/*", "arn:${Partition}:s3:::*", false},
		{"arn:${Partition}:ec2:${Region}::snapshot/${*}", "arn:${Partition}:ec2:${Region}::snapshot/*", false},
		{"arn:${Partition}:ec2:${Region}::snapshot/*", "arn:${Partition}:ec2:${Region}::snapshot/${*}", true},
		{"${roles:*}", "${roles:ClumioIAMRole}", true},
		{"${roles:ClumioIAMRole}", "${roles:*}", false},
		{"${policies:*}", "${roles:ClumioIAMRole}", false},
		{"${stacks}", "${stacks}", true},
		{"a*b", "ab", true},
		{"arn:*:snapshot/${*}", "arn:aws:snapshot/${*}", true},
		{"arn:*:snapshot/${*}", "arn:aws:snapshot/${*}x", false},
	} {
		t.Run(c.pattern+" "+c.resource, func(t *testing.T) {
			if got := includesResource(c.pattern, c.resource); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// TestIncludes checks that a statement includes another one with the same conditions, or if it has
// none, on resources that it has too.
func TestIncludes(t *testing.T) {
	tagged := schema.Conditions{"StringEquals": {"aws:ResourceTag/Vendor": {"Clumio"}}}
	other := schema.Conditions{"StringEquals": {"aws:ResourceTag/Vendor": {"Other"}}}
	statement := func(when schema.Conditions, resources ...string) schema.Statement {
		return schema.Statement{Resources: resources, When: when}
	}
	for name, c := range map[string]struct {
		a, b schema.Statement
		want bool
	}{
		"no condition":       {statement(nil, "arn:a:*"), statement(tagged, "arn:a:b"), true},
		"same condition":     {statement(tagged, "arn:a:*"), statement(tagged, "arn:a:b"), true},
		"another condition":  {statement(other, "arn:a:*"), statement(tagged, "arn:a:b"), false},
		"a condition more":   {statement(tagged, "arn:a:*"), statement(nil, "arn:a:b"), false},
		"one resource lacks": {statement(nil, "arn:a:b"), statement(nil, "arn:a:b", "arn:a:c"), false},
		"resources together": {statement(nil, "arn:a:b", "arn:a:c"), statement(nil, "arn:a:c", "arn:a:b"), true},
		"a deny grants none": {schema.Statement{Deny: true, Resources: []string{"*"}}, statement(nil, "arn:a:b"), false},
		"sharing is no other": {
			statement(nil, "arn:a:b"), schema.Statement{Resources: []string{"arn:a:b"}, Shared: []string{"arn:a:b"}}, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := includes(&c.a, &c.b); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
