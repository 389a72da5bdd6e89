package scope

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestCompare checks which changes of a scope let the access reach more or other resources.
func TestCompare(t *testing.T) {
	names := func(list ...string) Scope { return Scope{Buckets: list} }
	tags := func(list ...string) Scope { return Scope{Tags: list} }
	for _, tt := range []struct {
		name            string
		before, after   Scope
		wider, narrower bool
	}{
		{"none", Scope{}, Scope{}, false, false},
		{"the same", names("a", "b"), names("b", "a"), false, false},
		{"a first list", Scope{}, names("a"), false, true},
		{"no list any more", names("a"), Scope{}, true, false},
		{"one more", names("a"), names("a", "b"), true, false},
		{"one less", names("a", "b"), names("b"), false, true},
		{"another one", names("a"), names("b"), true, true},
		{"a pattern", names("a1", "a2"), names("a*"), true, false},
		{"a name of the pattern", names("a*"), names("a1", "a2"), false, true},
		{"a name that only begins like another", names("a"), names("ab"), true, true},
		{"another pattern", names("a*"), names("b*"), true, true},
		{"one kind more", names("a"), Scope{Buckets: []string{"a"}, Tables: []string{"t"}}, false, true},
		{"another kind", names("a"), Scope{Tables: []string{"t"}}, true, true},
		{"the same tags", tags("k=v"), tags("k=v"), false, false},
		{"a value more", tags("k=v"), tags("k=v", "k=w"), true, false},
		{"a value less", tags("k=v", "k=w"), tags("k=w"), false, true},
		{"a key more", tags("k=v"), tags("k=v", "l=v"), false, true},
		{"a key less", tags("k=v", "l=v"), tags("l=v"), true, false},
		{"another key", tags("k=v"), tags("l=v"), true, true},
		{"a tag and a bucket", Scope{Tags: []string{"k=v"}, Buckets: []string{"a"}},
			Scope{Tags: []string{"k=w"}, Buckets: []string{"a"}}, true, true},
		{"wider by a tag, narrower by a bucket", Scope{Tags: []string{"k=v"}},
			Scope{Tags: []string{"k=v", "k=w"}, Buckets: []string{"a"}}, true, true},
		{"narrower by a tag, wider by a bucket", Scope{Tags: []string{"k=v", "k=w"}, Buckets: []string{"a"}},
			Scope{Tags: []string{"k=v"}, Buckets: []string{"a", "b"}}, true, true},
		{"wider by a bucket alone", Scope{Buckets: []string{"a"}, VPCs: []string{"vpc-1"}},
			Scope{Buckets: []string{"a", "b"}, VPCs: []string{"vpc-1"}}, true, false},
		{"narrower by a bucket alone", Scope{Buckets: []string{"a", "b"}, VPCs: []string{"vpc-1"}},
			Scope{Buckets: []string{"a"}, VPCs: []string{"vpc-1"}}, false, true},
		{"wider by the first of two keys", tags("k=v", "l=v"), tags("k=v", "k=w", "l=v"), true, false},
		{"narrower by the first of two keys", tags("k=v", "k=w", "l=v"), tags("k=v", "l=v"), false, true},
		{"wider by the second of two keys", tags("k=v", "l=v"), tags("k=v", "l=v", "l=w"), true, false},
		{"narrower by the second of two keys", tags("k=v", "l=v", "l=w"), tags("k=v", "l=v"), false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wider, narrower := Compare(tt.before, tt.after)
			if wider != tt.wider || narrower != tt.narrower {
				t.Errorf("got wider %v, narrower %v; want %v, %v", wider, narrower, tt.wider, tt.narrower)
			}
		})
	}
}

// TestProblems checks that a list of 2,000 values is accepted and a longer one is not, whose values are then not listed
// one by one, and that the problems of every kind are reported.
func TestProblems(t *testing.T) {
	buckets := func(n int) (out []string) {
		for i := range n {
			out = append(out, fmt.Sprint("Bucket", i)) // not valid: a capital letter
		}
		return out
	}
	valid := Scope{
		Tags: []string{"backup=yes"}, Buckets: []string{"a*"}, Tables: []string{"T"}, Databases: []string{"d"},
		Keys: []string{"mrk-0123456789abcdef0123456789abcdef"}, Regions: []string{"eu-central-1"}, VPCs: []string{"vpc-1"},
	}
	if got := valid.Problems(); len(got) > 0 {
		t.Errorf("got %q, want no problem", got)
	}
	if got := len((Scope{Buckets: buckets(2000)}).Problems()); got != 2000 {
		t.Errorf("got %d problems of 2000 values, want one for each", got)
	}
	long := Scope{Buckets: buckets(2001), VPCs: []string{"vpc-x"}}
	want := []string{"there are 2001 buckets; at most 2000 are accepted", `VPC "vpc-x" is not valid`}
	if got := long.Problems(); !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestParsePattern checks which ARNs of a profile match every resource of a kind.
func TestParsePattern(t *testing.T) {
	for _, tt := range []struct {
		resource string
		want     Pattern // the zero Pattern: none
	}{
		{"arn:${Partition}:s3:::*", Pattern{Bucket, "arn:${Partition}:s3:::", ""}},
		{"arn:${Partition}:s3:::*/*", Pattern{Bucket, "arn:${Partition}:s3:::", "/*"}},
		{"arn:${Partition}:s3:::reports", Pattern{}},
		{"arn:${Partition}:s3:${Region}:${Account}:accesspoint/*", Pattern{}},
		{"arn:${Partition}:dynamodb:${Region}:${Account}:table/*/stream/*",
			Pattern{Table, "arn:${Partition}:dynamodb:${Region}:${Account}:table/", "/stream/*"}},
		{"arn:${Partition}:dynamodb:${Region}:${Account}:global-table/*", Pattern{}},
		{"arn:${Partition}:rds:${Region}:${Account}:cluster:*",
			Pattern{Database, "arn:${Partition}:rds:${Region}:${Account}:cluster:", ""}},
		{"arn:${Partition}:kms:*:${DataPlaneAccount}:key/*", Pattern{}},
		{"arn:${Partition}:kms:*:${ControlPlaneAccount}:key/*", Pattern{}},
		{"urn:${Partition}:kms:*:${Account}:key/*", Pattern{}},
		{"arn:${Partition}:s3", Pattern{}},
		{"*", Pattern{}},
	} {
		t.Run(tt.resource, func(t *testing.T) {
			got, ok := ParsePattern(tt.resource)
			if got != tt.want || ok != (tt.want != Pattern{}) {
				t.Errorf("got %+v, %v, want %+v", got, ok, tt.want)
			}
		})
	}
}

// TestName checks which ARNs are of a resource of a kind, and their names.
func TestName(t *testing.T) {
	for _, tt := range []struct{ arn, kind, name, other string }{
		{"arn:aws:s3:::reports", "bucket", "reports", "arn:aws:s3:::other"},
		{"arn:aws:s3:::reports/2026/x", "bucket", "reports", "arn:aws:s3:::other/2026/x"},
		{"arn:aws:s3:::/x", "bucket", "", "arn:aws:s3:::other/x"},
		{"arn:aws:s3:eu-west-1:1:accesspoint/x", "", "", ""},
		{"arn:aws:dynamodb:eu-west-1:1:table/t/index/i", "table", "t", "arn:aws:dynamodb:eu-west-1:1:table/other/index/i"},
		{"arn:aws:rds:eu-west-1:1:db:main", "db", "main", "arn:aws:rds:eu-west-1:1:db:other"},
		{"arn:aws:glue:::table/t", "", "", ""},
		{"arn:aws:ec2:eu-west-1:1:vpc/vpc-1", "vpc", "vpc-1", "arn:aws:ec2:eu-west-1:1:vpc/other"},
	} {
		t.Run(tt.arn, func(t *testing.T) {
			kind, name, with, ok := Name(tt.arn)
			if string(kind) != tt.kind || name != tt.name || ok != (tt.kind != "") || ok && with("other") != tt.other {
				t.Errorf("got %s, %q, %v, want %s, %q", kind, name, ok, tt.kind, tt.name)
			}
		})
	}
}

// TestIsProtected checks which resources the customer tags: of what is below a resource only the indexes of a table
// and the volumes of a file system.
func TestIsProtected(t *testing.T) {
	const prefix = "arn:${Partition}:"
	for _, tt := range []struct {
		resource string
		want     bool
	}{
		{"dynamodb:${Region}:${Account}:table/*", true},
		{"dynamodb:${Region}:${Account}:table/*/index/*", true},
		{"dynamodb:${Region}:${Account}:table/*/stream/*", false},
		{"dynamodb:${Region}:${Account}:backup/*", false},
		{"ec2:${Region}:${Account}:volume/*", true},
		{"ec2:${Region}:${DataPlaneAccount}:volume/*", false},
		{"ec2:${Region}:${Account}:snapshot/*", false},
		{"fsx:${Region}:${Account}:volume/*/*", true},
		{"rds:${Region}:${Account}:db:*", true},
		{"timestream:${Region}:${Account}:database/*", true},
		{"timestream:${Region}:${Account}:database/*/table/*", false},
		{"s3:::*", false},
		{"rds:db:*", false},
	} {
		t.Run(tt.resource, func(t *testing.T) {
			if got := IsProtected(prefix + tt.resource); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// TestText checks the forms in which a scope is written, and that they can be read again.
func TestText(t *testing.T) {
	s := Scope{Tags: []string{"k=v"}, Buckets: []string{"a", "b", "c"}, Tables: []string{"t1", "t2", "t3", "t4"}}
	const entries = "tag:k=v,bucket:a,bucket:b,bucket:c,table:t1,table:t2,table:t3,table:t4"
	if got := s.String(); got != entries {
		t.Errorf("got %s, want %s", got, entries)
	}
	if got, want := s.Summary(), "tag k=v; buckets a, b, c; tables t1, t2, t3 and 1 more"; got != want {
		t.Errorf("got the summary %q, want %q", got, want)
	}
	gap := Scope{Buckets: []string{"a"}, VPCs: []string{"vpc-1"}}
	if got, want := gap.Summary(), "bucket a; VPC vpc-1"; got != want {
		t.Errorf("got the summary %q, want %q", got, want)
	}
	if got, err := ParseEntries(strings.Split(" ,"+entries, ",")); err != nil || !got.Equal(s) {
		t.Errorf("read again: got %+v, %v, want %+v", got, err, s)
	}
	for _, entry := range []string{"bucket", "bucket:", "file:a", ":a"} {
		t.Run(entry, func(t *testing.T) {
			if got, err := ParseEntries([]string{"tag:k=v", entry}); err == nil {
				t.Errorf("got %+v, want an error", got)
			}
		})
	}
}
