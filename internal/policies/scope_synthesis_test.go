package policies_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"permstack/internal/iampolicy"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/scope"
)

// synthesizeInScope synthesizes a choice of clumio, narrowed to a scope.
func synthesizeInScope(text string, s scope.Scope, env policies.Environment) (policies.Set, error) {
	sel, err := choice.Parse(text)
	if err != nil {
		return policies.Set{}, err
	}
	sel.Scope = s
	return policies.Synthesize(sel, choice.Example(sel, env))
}

var home = policies.Environment{
	Partition: "aws", Account: "111111111111", Region: "eu-central-1", StackNames: []string{"stack"},
}

// statement returns the statement with a Sid of the first role.
func scopedStatement(t *testing.T, set policies.Set, sid string) iampolicy.Statement {
	t.Helper()
	for _, list := range [][]policies.Policy{set.Roles[0].Managed, set.Roles[0].Inline} {
		for _, p := range list {
			for _, st := range p.Document.Statement {
				if st.Sid == sid {
					return st
				}
			}
		}
	}
	t.Fatalf("no statement %s", sid)
	return iampolicy.Statement{}
}

func TestScopeNarrowsResources(t *testing.T) {
	other := home
	other.OtherAccounts = []string{"888899990000"}
	const (
		tables  = "arn:aws:dynamodb:eu-central-1:111111111111:table/"
		key     = "12345678-1234-1234-1234-123456789012"
		another = "arn:aws:kms:eu-central-1:888899990000:key/" + key
	)
	for _, tt := range []struct {
		name, choice, sid string
		scope             scope.Scope
		env               policies.Environment
		want              []string
	}{
		{"tables and what is below them", "clumio:dynamodb:backup", "BackUpTables",
			scope.Scope{Tables: []string{"orders", "inv-*"}}, home,
			[]string{tables + "inv-*", tables + "inv-*/*", tables + "orders", tables + "orders/*"}},
		{"streams", "clumio:dynamodb:backup", "ReadStreams", scope.Scope{Tables: []string{"orders"}}, home,
			[]string{tables + "orders/stream/*"}},
		{"a table by its ARN", "clumio:dynamodb:backup", "ReadStreams",
			scope.Scope{Tables: []string{tables + "orders"}}, home,
			[]string{tables + "orders/stream/*"}},
		{"a table by its ARN, in every Region of the statement", "clumio:dynamodb:restore", "RestoreTables",
			scope.Scope{Tables: []string{tables + "orders"}}, home, []string{tables + "orders", tables + "orders/*"}},
		{"buckets without objects", "clumio:s3:backup", "DescribeBuckets", scope.Scope{Buckets: []string{"reports"}}, home,
			[]string{"arn:aws:s3:::reports"}},
		{"objects", "clumio:s3:restore", "WriteObjects", scope.Scope{Buckets: []string{"reports"}}, home,
			[]string{"arn:aws:s3:::reports/*"}},
		{"the vendor's buckets are not narrowed", "clumio:s3:backup", "WriteToDataPlane",
			scope.Scope{Buckets: []string{"reports"}}, home,
			[]string{"arn:aws:s3:::*", "arn:aws:s3:*:444455556666:accesspoint/*"}},
		{"databases, and not their snapshots", "clumio:rds:backup", "CreateSnapshots",
			scope.Scope{Databases: []string{"main"}}, home,
			[]string{"arn:aws:rds:eu-central-1:111111111111:db:main", "arn:aws:rds:eu-central-1:111111111111:snapshot:*"}},
		{"a key", "clumio:ec2", "UseCustomerKeys", scope.Scope{Keys: []string{key}}, home,
			[]string{"arn:aws:kms:eu-central-1:111111111111:key/" + key}},
		{"a key of another account", "clumio:ec2", "UseCustomerKeys", scope.Scope{Keys: []string{another}}, other,
			[]string{another}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set, err := synthesizeInScope(tt.choice, tt.scope, tt.env)
			if err != nil {
				t.Fatal(err)
			}
			if got := scopedStatement(t, set, tt.sid).Resource; !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestScopeConditions(t *testing.T) {
	set, err := synthesizeInScope("clumio:ec2:backup", scope.Scope{
		Tags: []string{"backup=yes", "stage=prod", "stage=test"}, Regions: []string{"eu-central-1", "eu-west-1"},
	}, home)
	if err != nil {
		t.Fatal(err)
	}
	got := scopedStatement(t, set, "SnapshotAnyVolumeOrInstance").Condition["StringEquals"]
	if !slices.Equal(got["aws:ResourceTag/backup"], []string{"yes"}) ||
		!slices.Equal(got["aws:ResourceTag/stage"], []string{"prod", "test"}) {
		t.Errorf("tags: got %v", got)
	}
	deny := scopedStatement(t, set, "OnlyRegions")
	if deny.Effect != "Deny" || !slices.Contains(deny.NotAction, "iam:*") ||
		!slices.Equal(deny.Condition["StringNotEquals"]["aws:RequestedRegion"], []string{"eu-central-1", "eu-west-1"}) {
		t.Errorf("Regions: got %v", deny)
	}
	set, err = synthesizeInScope("clumio:ec2:restore", scope.Scope{VPCs: []string{"vpc-0a1b2c3d"}}, home)
	if err != nil {
		t.Fatal(err)
	}
	launch := scopedStatement(t, set, "LaunchRestoredInstance")
	if !slices.Equal(launch.Condition["ArnLike"]["ec2:Vpc"], []string{"arn:*:ec2:*:*:vpc/vpc-0a1b2c3d"}) ||
		slices.ContainsFunc(launch.Resource, func(r string) bool { return strings.Contains(r, ":instance/") }) {
		t.Errorf("networks: got %v", launch)
	}
	rest := scopedStatement(t, set, "LaunchRestoredInstanceOther")
	isSubnet := func(r string) bool { return strings.Contains(r, ":subnet/") }
	if rest.Condition != nil || slices.ContainsFunc(rest.Resource, isSubnet) {
		t.Errorf("the rest: got %v", rest)
	}
}

// TestScopeTagsAndRestores checks that what restores use, too, is not limited by tags, which restored resources lack:
// for good if the choice restores, and until the end of a restore window.
func TestScopeTagsAndRestores(t *testing.T) {
	byTag := scope.Scope{Tags: []string{"backup=yes"}}
	hasTag := func(st iampolicy.Statement) bool {
		return st.Condition["StringEquals"]["aws:ResourceTag/backup"] != nil
	}
	set, err := synthesizeInScope("clumio:rds:backup", byTag, home)
	if err != nil {
		t.Fatal(err)
	}
	if !hasTag(scopedStatement(t, set, "DescribeRDS")) {
		t.Error("backups alone: DescribeRDS is not narrowed")
	}
	if set, err = synthesizeInScope("clumio:rds:backup,restore", byTag, home); err != nil {
		t.Fatal(err)
	}
	if hasTag(scopedStatement(t, set, "DescribeRDS")) || !hasTag(scopedStatement(t, set, "CreateSnapshots")) {
		t.Error("with restores: want DescribeRDS as it was and CreateSnapshots narrowed")
	}
	sel, err := choice.Parse("clumio:rds:backup")
	if err != nil {
		t.Fatal(err)
	}
	sel.Scope, sel.RestoreUntil = byTag, time.Date(2026, 11, 27, 16, 0, 0, 0, time.UTC)
	if set, err = policies.Synthesize(sel, choice.Example(sel, home)); err != nil {
		t.Fatal(err)
	}
	until := scopedStatement(t, set, "DescribeRDSOther3")
	if !hasTag(scopedStatement(t, set, "DescribeRDS")) ||
		!slices.Equal(until.Condition["DateLessThan"]["aws:CurrentTime"], []string{"2026-11-27T16:00:00Z"}) {
		t.Errorf("with a window: got %v", until)
	}
}

func TestScopeInput(t *testing.T) {
	for _, tt := range []struct {
		name, choice string
		scope        scope.Scope
		want         string
	}{
		{"a bucket's name", "clumio:s3", scope.Scope{Buckets: []string{"Reports"}}, `bucket "Reports" is not valid`},
		{"a * inside", "clumio:s3", scope.Scope{Buckets: []string{"a*b"}}, "may end with *"},
		{"a * alone", "clumio:s3", scope.Scope{Buckets: []string{"*"}}, "may end with *"},
		{"a tag without a value", "clumio:ec2", scope.Scope{Tags: []string{"backup"}}, "want KEY=VALUE"},
		{"a reserved tag", "clumio:ec2", scope.Scope{Tags: []string{"aws:x=y"}}, "reserved by AWS"},
		{"a tag with a variable", "clumio:ec2", scope.Scope{Tags: []string{"a=${aws:username}"}}, "want KEY=VALUE"},
		{"an alias", "clumio:ec2", scope.Scope{Keys: []string{"alias/backup"}}, "an alias is not part"},
		{"a Region", "clumio:ec2", scope.Scope{Regions: []string{"eu-central-9"}}, "unknown Region"},
		{"another Region than the stack's", "clumio:ec2", scope.Scope{Regions: []string{"us-east-1"}},
			"does not have the Region eu-central-1"},
		{"a table of another account", "clumio:dynamodb",
			scope.Scope{Tables: []string{"arn:aws:dynamodb:eu-central-1:999999999999:table/t"}}, "is of account 999999999999"},
		{"a table of another partition", "clumio:dynamodb",
			scope.Scope{Tables: []string{"arn:aws-cn:dynamodb:eu-central-1:111111111111:table/t"}}, "is in partition aws-cn"},
		{"nothing to narrow", "clumio:ec2", scope.Scope{Buckets: []string{"reports"}}, "nothing of this selection"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := synthesizeInScope(tt.choice, tt.scope, home)
			var input *policies.InputError
			if !errors.As(err, &input) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an input error with %q", err, tt.want)
			}
		})
	}
}

// TestLongScopes checks that long lists are packed within IAM's limits, and that nothing of them is lost.
func TestLongScopes(t *testing.T) {
	names := func(n int) (out []string) {
		for i := range n {
			out = append(out, fmt.Sprintf("customer-%03d-data", i))
		}
		return out
	}
	for _, tt := range []struct {
		choice string
		scope  scope.Scope
		action string
		arn    func(name string) string
	}{
		{"clumio:s3", scope.Scope{Buckets: names(300)}, "s3:GetObject",
			func(name string) string { return "arn:aws:s3:::" + name + "/*" }},
		{"clumio:dynamodb:backup", scope.Scope{Tables: names(220)}, "dynamodb:GetRecords",
			func(name string) string { return "arn:aws:dynamodb:eu-central-1:111111111111:table/" + name + "/*" }},
	} {
		t.Run(tt.choice, func(t *testing.T) {
			set, err := synthesizeInScope(tt.choice, tt.scope, home)
			if err != nil {
				t.Fatal(err)
			}
			granted := map[string]bool{}
			for _, p := range set.Roles[0].Managed {
				for _, st := range p.Document.Statement {
					if slices.Contains(st.Action, tt.action) {
						for _, r := range st.Resource {
							granted[r] = true
						}
					}
				}
			}
			for _, name := range append(tt.scope.Buckets, tt.scope.Tables...) {
				if !granted[tt.arn(name)] {
					t.Errorf("%s is not granted on %s", tt.action, tt.arn(name))
				}
			}
		})
	}
	_, err := synthesizeInScope("clumio:s3", scope.Scope{Buckets: names(900)}, home)
	var limit *policies.LimitError
	if !errors.As(err, &limit) {
		t.Errorf("900 buckets: got %v, want a limit error", err)
	}
}

func TestScopeOrderMakesNoDifference(t *testing.T) {
	a, errA := synthesizeInScope("clumio:s3", scope.Scope{Buckets: []string{"b", "abc", "b"}}, home)
	b, errB := synthesizeInScope("clumio:s3", scope.Scope{Buckets: []string{"abc", " b "}}, home)
	if errA != nil || errB != nil || !reflect.DeepEqual(a, b) {
		t.Errorf("different sets, or %v, %v", errA, errB)
	}
}
