package policies

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"permstack/internal/policies/schema"
	"permstack/internal/policies/scope"
)

const anyTable = "arn:${Partition}:dynamodb:${Region}:${Account}:table/*"

// TestNarrowedStatement checks what a statement becomes with a scope: for the actions and resources with which AWS
// sends the key a narrowed statement, and others for the rest.
func TestNarrowedStatement(t *testing.T) {
	both := scope.Scope{Tags: []string{"k=v"}, VPCs: []string{"vpc-1"}}
	statement := func(actions []string, resources ...string) schema.Statement {
		return schema.Statement{Sid: "S", Actions: actions, Resources: resources}
	}
	narrow := func(st schema.Statement, list ...schema.Narrowing) schema.Statement { st.Narrow = list; return st }
	actions := []string{"ec2:ModifyVolume", "ec2:CreateTags"}
	by := func(kind string, actions []string, resources ...string) schema.Narrowing {
		return schema.Narrowing{Kind: kind, Actions: actions, Resources: resources}
	}
	table := func(account string) string { return "arn:aws:dynamodb:eu-west-1:" + account + ":table/t" }
	shared := statement([]string{"dynamodb:GetItem"}, anyTable)
	shared.Shared = shared.Resources
	denied := narrow(statement(actions, anyVolume), by("tag", nil))
	denied.Deny = true
	const tagged = "map[StringEquals:map[aws:ResourceTag/k:[v]]]"
	const inVPC = "map[ArnLike:map[ec2:Vpc:[arn:*:ec2:*:*:vpc/vpc-1]]]"
	for _, tt := range []struct {
		name  string
		scope scope.Scope
		st    schema.Statement
		want  []string // Sid, actions, resources, conditions
	}{
		{"nothing of the scope", scope.Scope{Buckets: []string{"b"}}, narrow(statement(actions, anyVolume), by("tag", nil)),
			[]string{fmt.Sprint("S ", actions, " [", anyVolume, "] map[]")}},
		{"a denial", both, denied, []string{fmt.Sprint("S ", actions, " [", anyVolume, "] map[]")}},
		{"all of it", both, narrow(statement(actions, anyVolume), by("tag", nil)),
			[]string{fmt.Sprint("S ", actions, " [", anyVolume, "] ", tagged)}},
		{"the second kind alone", scope.Scope{VPCs: []string{"vpc-1"}},
			narrow(statement(actions, anyInstance), by("tag", nil), by("vpc", nil)),
			[]string{fmt.Sprint("S ", actions, " [", anyInstance, "] ", inVPC)}},
		{"one action", both, narrow(statement(actions, anyVolume), by("tag", actions[:1])), []string{
			fmt.Sprint("S ", actions[:1], " [", anyVolume, "] ", tagged),
			fmt.Sprint("SOther ", actions[1:], " [", anyVolume, "] map[]"),
		}},
		{"one resource", both, narrow(statement(actions, anyVolume, anySnapshot), by("tag", nil, anyVolume)), []string{
			fmt.Sprint("S ", actions, " [", anyVolume, "] ", tagged),
			fmt.Sprint("SOther ", actions, " [", anySnapshot, "] map[]"),
		}},
		{"one of each", both, narrow(statement(actions, anyVolume, anySnapshot), by("tag", actions[:1], anyVolume)), []string{
			fmt.Sprint("S ", actions[:1], " [", anyVolume, "] ", tagged),
			fmt.Sprint("SOther ", actions[:1], " [", anySnapshot, "] map[]"),
			fmt.Sprint("SOther2 ", actions[1:], " [", anyVolume, " ", anySnapshot, "] map[]"),
		}},
		{"an action that the release lacks", both, narrow(statement(actions[1:], anyVolume), by("tag", actions[:1])),
			[]string{fmt.Sprint("S ", actions[1:], " [", anyVolume, "] map[]")}},
		{"a resource that it lacks", both, narrow(statement(actions, anySnapshot), by("tag", nil, anyVolume)),
			[]string{fmt.Sprint("S ", actions, " [", anySnapshot, "] map[]")}},
		{"a table of another account, shared", scope.Scope{Tables: []string{table("888888888888")}}, shared,
			[]string{"S [dynamodb:GetItem] [] map[]"}},
		{"no table of this Region", scope.Scope{Tables: []string{"arn:aws:dynamodb:eu-west-2:111111111111:table/t"}},
			statement([]string{"dynamodb:GetItem"}, anyTable), nil},
		{"no table of this Region, and others", scope.Scope{
			Tables: []string{"arn:aws:dynamodb:eu-west-2:111111111111:table/t"}, Tags: []string{"k=v"},
		}, narrow(statement([]string{"dynamodb:GetItem"}, anyTable, anyVolume), by("tag", nil, anyTable)),
			[]string{fmt.Sprint("SOther [dynamodb:GetItem] [", anyVolume, "] map[]")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := Environment{
				Partition: "aws", Region: "eu-west-1", Account: "111111111111", OtherAccounts: []string{"888888888888"},
			}
			n := newNarrower(schema.Profile{}, choice{}, Selection{Scope: tt.scope}, env)
			var got []string
			for _, st := range n.statement(tt.st) {
				when := map[string]map[string][]string(st.When)
				got = append(got, fmt.Sprint(st.Sid, " ", st.Actions, " ", st.Resources, " ", when))
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("statements (-want +got):\n%s", d)
			}
		})
	}
}

// TestIsIn checks which patterns of a profile match the resources of an account and a Region, also where these are left
// to CloudFormation.
func TestIsIn(t *testing.T) {
	const own, other, third = "111111111111", "888888888888", "999999999999"
	pattern := func(region, account string) scope.Pattern {
		return scope.Pattern{Kind: scope.Table, Frame: "arn:${Partition}:dynamodb:" + region + ":" + account + ":table/"}
	}
	here := pattern("${Region}", "${Account}")
	closed := Environment{Region: "eu-west-1", Account: own, OtherAccounts: []string{other}}
	open := Environment{OtherAccounts: []string{other}}
	organization := Environment{Region: "eu-west-1", Account: own, Organization: true}
	for _, tt := range []struct {
		name            string
		env             Environment
		pattern         scope.Pattern
		region, account string
		shared          bool
		want            bool
	}{
		{"this one", closed, here, "eu-west-1", own, false, true},
		{"another Region", closed, here, "eu-west-2", own, false, false},
		{"every Region", closed, pattern("*", "${Account}"), "eu-west-2", own, false, true},
		{"another account", closed, here, "eu-west-1", other, false, false},
		{"another account, shared", closed, here, "eu-west-1", other, true, true},
		{"this account, shared", closed, here, "eu-west-1", own, true, false},
		{"other accounts", closed, pattern("${Region}", "${OtherAccount}"), "eu-west-1", other, false, true},
		{"other accounts, and this one", closed, pattern("${Region}", "${OtherAccount}"), "eu-west-1", own, false, false},
		{"a third account", closed, here, "eu-west-1", third, false, false},
		{"any Region and account", open, here, "eu-west-2", third, false, true},
		{"any account, but not the other one", open, here, "eu-west-2", other, false, false},
		{"an account of the organization", organization, here, "eu-west-1", third, true, true},
		{"an account of the organization, for this one", organization, here, "eu-west-1", third, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := newNarrower(schema.Profile{}, choice{}, Selection{}, tt.env)
			if got := n.isIn(tt.pattern, tt.region, tt.account, tt.shared); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// TestActsAt checks which actions act on a named resource, and which on what is below it.
func TestActsAt(t *testing.T) {
	table, _ := scope.ParsePattern(anyTable)
	bucket, _ := scope.ParsePattern("arn:${Partition}:s3:::*")
	for _, tt := range []struct {
		action    string
		pattern   scope.Pattern
		at, below bool
	}{
		{"dynamodb:DeleteTable", table, true, false},
		{"dynamodb:GetRecords", table, false, true},
		{"dynamodb:Query", table, true, true},
		{"dynamodb:DescribeGlobalTable", table, false, false},
		{"glue:GetTable", table, false, false},
		{"s3:ListBucket", bucket, true, false},
		{"s3:GetObject", bucket, false, true},
		{"acme:Unknown", bucket, true, true},
	} {
		t.Run(tt.action, func(t *testing.T) {
			at, below := actsAt([]string{tt.action}, tt.pattern, false), actsAt([]string{tt.action}, tt.pattern, true)
			if at != tt.at || below != tt.below {
				t.Errorf("got at %v, below %v; want %v, %v", at, below, tt.at, tt.below)
			}
		})
	}
}

// TestActingOn checks which actions act on resources of a profile. Patterns of actions, and references to what the set
// creates, are not examined.
func TestActingOn(t *testing.T) {
	list := []string{"ec2:ModifyVolume", "ec2:DeleteSnapshot", "ec2:Modify*", "iam:PassRole"}
	for resource, want := range map[string][]string{
		anyVolume:                     {"ec2:ModifyVolume", "ec2:Modify*"},
		anySnapshot:                   {"ec2:DeleteSnapshot", "ec2:Modify*"},
		"${roles:AcmeRole}":           list,
		"arn:aws:ec2:*:*:volume/${*}": {"ec2:ModifyVolume", "ec2:Modify*"},
	} {
		t.Run(resource, func(t *testing.T) {
			if got := actingOn(list, []string{resource}); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestIsRegional(t *testing.T) {
	for action, want := range map[string]bool{
		"ec2:DescribeVolumes": true, "iam:PassRole": false, "s3:GetBucketLocation": false, "s3:GetBucketLocationX": true,
		"s3:GetObject": true, "s3:GetMultiRegionAccessPoint": false, "s3:*": true,
	} {
		t.Run(action, func(t *testing.T) {
			if got := isRegional(action); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}
