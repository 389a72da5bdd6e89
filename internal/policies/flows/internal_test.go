package flows

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
	"permstack/internal/policies/scope"
)

var testEnvironment = policies.Environment{Partition: "aws", Account: "111111111111", Region: "eu-central-1"}

// testSet returns a set of one role with statements.
func testSet(statements ...iampolicy.Statement) policies.Set {
	return policies.Set{Roles: []policies.Role{{Entity: "Role", Managed: []policies.Policy{
		{Document: iampolicy.Document{Statement: statements}},
	}}}}
}

func statement(effect, action string, when iampolicy.Conditions) iampolicy.Statement {
	return iampolicy.Statement{
		Effect: effect, Action: iampolicy.Values{action}, Resource: iampolicy.Values{"*"}, Condition: when,
	}
}

// TestCheckBoundary checks that only calls that a boundary certainly refuses are returned: conditions on global keys
// that a flow does not have count in its favour.
func TestCheckBoundary(t *testing.T) {
	const volume = "arn:${Partition}:ec2:${Region}:${Account}:volume/vol-1"
	flow := schema.Flow{Name: "f", Calls: []schema.Call{
		{Actions: []string{"ec2:CreateVolume"}, Resources: []string{volume}, Denied: true},
		{Actions: []string{"s3:GetObject"}, Resources: []string{volume}}, // the set does not allow it
		{
			Actions: []string{"ec2:DeleteVolume"}, Resources: []string{volume},
			Context: map[string][]string{"ec2:Owner": {"amazon"}},
		},
	}}
	set := testSet(statement("Allow", "ec2:*", nil))
	equals := func(pairs ...string) iampolicy.Conditions {
		c := iampolicy.Conditions{"StringEquals": {}}
		for i := 0; i < len(pairs); i += 2 {
			c["StringEquals"][pairs[i]] = iampolicy.Values{pairs[i+1]}
		}
		return c
	}
	allow := statement("Allow", "ec2:*", nil)
	for _, tt := range []struct {
		name     string
		boundary []iampolicy.Statement
		refused  bool
	}{
		{"everything allowed", []iampolicy.Statement{statement("Allow", "*", nil)}, false},
		{"another service", []iampolicy.Statement{statement("Allow", "s3:*", nil)}, true},
		{"a denial", []iampolicy.Statement{allow, statement("Deny", "ec2:DeleteVolume", nil)}, true},
		{"an unknown global key", []iampolicy.Statement{statement("Allow", "ec2:*", equals("aws:SourceIp", "x"))}, false},
		{"and a key with another value", []iampolicy.Statement{statement("Allow", "ec2:*",
			equals("aws:SourceIp", "x", "aws:SourceVpc", "x", "aws:UserAgent", "x", "ec2:Owner", "self"))}, true},
		{"and keys with their values", []iampolicy.Statement{statement("Allow", "ec2:*",
			equals("aws:SourceIp", "x", "ec2:Owner", "amazon", "aws:PrincipalAccount", "111111111111"))}, false},
		{"a known global key", []iampolicy.Statement{
			statement("Allow", "ec2:*", equals("AWS:RequestedRegion", "eu-west-1")),
		}, true},
		{"a tag of the resource", []iampolicy.Statement{statement("Allow", "ec2:*", equals("aws:ResourceTag/k", "v"))}, true},
		{"a tag of the request", []iampolicy.Statement{statement("Allow", "ec2:*", equals("aws:RequestTag/k", "v"))}, true},
		{"the keys of tags", []iampolicy.Statement{statement("Allow", "ec2:*", equals("aws:TagKeys", "v"))}, true},
		{"a missing key of the service", []iampolicy.Statement{statement("Allow", "ec2:*", equals("ec2:Region", "v"))}, true},
		{"a denial by an unknown key", []iampolicy.Statement{
			allow, statement("Deny", "ec2:*", iampolicy.Conditions{"StringNotEquals": {"aws:SourceVpc": {"v"}}}),
		}, false},
		{"and another denial", []iampolicy.Statement{
			allow, statement("Deny", "ec2:*", iampolicy.Conditions{"StringNotEquals": {"aws:SourceVpc": {"v"}}}),
			statement("Deny", "ec2:DeleteVolume", equals("ec2:Owner", "amazon")),
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range 10 { // conditions have no order
				got := CheckBoundary(set, []schema.Flow{flow}, testEnvironment, iampolicy.Document{Statement: tt.boundary})
				if refused := len(got) == 1 && got[0].Action == "ec2:DeleteVolume"; refused != tt.refused || len(got) > 1 {
					t.Fatalf("got %v, want refused %v", got, tt.refused)
				}
			}
		})
	}
}

// TestBeyond checks which actions a boundary allows that no policy grants.
func TestBeyond(t *testing.T) {
	set := testSet(statement("Allow", "ec2:DeleteVolume", nil), statement("Deny", "ec2:AttachVolume", nil))
	conditional := statement("Deny", "ec2:CreateVolume", iampolicy.Conditions{"Bool": {"aws:SecureTransport": {"false"}}})
	special := statement("Deny", "ec2:DetachVolume", nil)
	special.Resource = iampolicy.Values{"arn:aws:ec2:*:*:volume/vol-1"}
	boundary := iampolicy.Document{Statement: []iampolicy.Statement{
		statement("Allow", "ec2:*Volume", nil), conditional, special,
		statement("Deny", "ec2:EnableVolume*", nil), statement("Deny", "ec2:ImportVolume", nil),
		statement("Deny", "ec2:ModifyVolume", nil),
	}}
	want := []string{"ec2:AttachVolume", "ec2:CreateVolume", "ec2:DetachVolume"}
	got := Beyond(boundary, set)
	got = slices.DeleteFunc(got, func(a string) bool { return strings.Contains(a, "Copy") })
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	except := iampolicy.Statement{Effect: "Allow", Resource: iampolicy.Values{"*"}}
	for _, a := range actions.All() {
		if a.Name != "ec2:CreateVolume" && a.Name != "ec2:DeleteVolume" {
			except.NotAction = append(except.NotAction, a.Name)
		}
	}
	got = Beyond(iampolicy.Document{Statement: []iampolicy.Statement{except}}, set)
	if want := []string{"ec2:CreateVolume"}; !slices.Equal(got, want) {
		t.Errorf("with NotAction: got %q, want %q", got, want)
	}
}

func TestFailureText(t *testing.T) {
	f := Failure{Flow: "f", Call: "c", Role: "R", Action: "a:B", Resource: "r", Source: "s"}
	if got, want := f.String(), "f: c: a:B on r by R must be allowed and is refused (s)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestOpened checks which flows an environment opens.
func TestOpened(t *testing.T) {
	accounts, organization := policies.Environment{OtherAccounts: []string{"2"}}, policies.Environment{Organization: true}
	for _, tt := range []struct {
		sharing                      schema.Sharing
		none, accounts, organization bool
	}{
		{"", true, true, true}, {schema.OtherAccounts, false, true, false}, {schema.Organization, false, false, true},
		{schema.AnySharing, false, true, true},
	} {
		f := schema.Flow{Sharing: tt.sharing}
		got := []bool{opened(f, policies.Environment{}), opened(f, accounts), opened(f, organization)}
		if want := []bool{tt.none, tt.accounts, tt.organization}; !slices.Equal(got, want) {
			t.Errorf("%q: got %v, want %v", tt.sharing, got, want)
		}
	}
}

// TestRequests checks the role and the variables of requests.
func TestRequests(t *testing.T) {
	flow := schema.Flow{Name: "f", Calls: []schema.Call{{
		Actions: []string{"kms:Decrypt"}, Resources: []string{"${DataPlaneAccount} ${OtherAccount} ${roles:Second}"},
	}}}
	set := testSet()
	set.Roles = append(set.Roles, policies.Role{Entity: "Second", Path: "/p/", Name: "S"})
	given := testEnvironment
	given.DataPlaneAccountID, given.OtherAccounts = "333333333333", []string{"444444444444"}
	ofSecond := flow
	ofSecond.Role = "Second"
	for _, tt := range []struct {
		name           string
		set            policies.Set
		flow           schema.Flow
		env            policies.Environment
		role, resource string
	}{
		{"defaults", set, flow, testEnvironment, "Role", "111111111111 888899990000 arn:aws:iam::111111111111:role/p/S"},
		{"values", set, ofSecond, given, "Second", "333333333333 444444444444 arn:aws:iam::111111111111:role/p/S"},
		{"no role", policies.Set{}, flow, given, "", "333333333333 444444444444 ${roles:Second}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Requests(tt.set, []schema.Flow{tt.flow}, tt.env)
			if len(got) != 1 || got[0].Role != tt.role || got[0].Resource != tt.resource {
				t.Errorf("got %+v, want role %s, resource %s", got, tt.role, tt.resource)
			}
		})
	}
}

// TestSelections checks that every asset, operation, option, value and preset is chosen alone and left out once.
func TestSelections(t *testing.T) {
	profile := schema.Profile{
		Name: "p", Assets: []schema.AssetInfo{{Asset: "a"}, {Asset: "b"}}, Operations: []schema.Operation{"o", "q"},
		Options:  []schema.OptionInfo{{Option: "x"}, {Option: "y"}},
		Settings: []schema.Setting{{Name: "s", Values: []schema.OptionInfo{{Option: "s=1"}, {Option: "s=2"}}}},
		Presets:  []schema.Preset{{Name: "marked", Marked: true}, {Name: "small"}},
	}
	shown := func(profile schema.Profile, random int) (out []string) {
		for sel := range Selections(profile, "1", random) {
			out = append(out, fmt.Sprint(sel.Assets, sel.Operations, sel.Options, " ", sel.Preset))
		}
		return out
	}
	want := []string{
		"[a b] [o q] [x y] ", "[a b] [o q] [] ",
		"[a] [o q] [] ", "[a] [o q] [x y] ", "[a] [o] [] ", "[a] [q] [] ", "[b] [o q] [x y] ",
		"[b] [o q] [] ", "[b] [o q] [x y] ", "[b] [o] [] ", "[b] [q] [] ", "[a] [o q] [x y] ",
		"[a b] [o] [] ", "[a b] [q] [] ", "[a b] [q] [] ", "[a b] [o] [] ",
		"[a b] [o q] [x] ", "[a b] [o q] [y] ", "[a b] [o q] [s=1] ", "[a b] [o q] [s=2] ", "[] [] [] small",
	}
	got := shown(profile, 0)
	slices.Sort(got)
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("selections (-want +got):\n%s", d)
	}
	random := 0
	for sel := range Selections(profile, "1", 200) {
		random++
		if sel.Preset == "" && (len(sel.Assets) == 0 || len(sel.Operations) == 0) {
			t.Fatalf("%+v has no asset or no operation", sel)
		}
	}
	if random != len(want)+200 {
		t.Errorf("got %d selections, want %d", random, len(want)+200)
	}
	for range Selections(profile, "1", 200) {
		break // a loop may end before the last one
	}
	single := profile
	single.Assets, single.Operations = profile.Assets[:1], profile.Operations[:1]
	for _, text := range shown(single, 0) {
		if strings.HasPrefix(text, "[] ") && !strings.HasSuffix(text, "small") || strings.Contains(text, "[a] [] ") {
			t.Errorf("one asset and one operation: %s", text)
		}
	}
}

// TestConcrete checks the example values with which a scope is evaluated: those that its ARNs and Regions have.
func TestConcrete(t *testing.T) {
	table := func(account string) string { return "arn:aws:dynamodb:eu-west-2:" + account + ":table/t" }
	own := scope.Scope{Tables: []string{"name", table("999999999999")}}
	for _, tt := range []struct {
		name                   string
		env                    policies.Environment
		scope                  scope.Scope
		region, account, stack string
	}{
		{"nothing", policies.Environment{}, scope.Scope{}, "eu-central-1", "111111111111", "stack"},
		{"everything", policies.Environment{Region: "us-east-1", Account: "222222222222", StackNames: []string{"s"}}, own,
			"us-east-1", "222222222222", "s"},
		{"a Region", policies.Environment{}, scope.Scope{Regions: []string{"us-west-2", "us-east-1"}}, "us-west-2",
			"111111111111", "stack"},
		{"an ARN", policies.Environment{}, own, "eu-west-2", "999999999999", "stack"},
		{"an ARN and a Region", policies.Environment{}, scope.Scope{Tables: own.Tables, Regions: []string{"us-west-2"}},
			"us-west-2", "999999999999", "stack"},
		{"an ARN of another account", policies.Environment{OtherAccounts: []string{"999999999999"}}, own, "eu-west-2",
			"111111111111", "stack"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := concrete(tt.env, tt.scope)
			if got.Region != tt.region || got.Account != tt.account || !slices.Equal(got.StackNames, []string{tt.stack}) {
				t.Errorf("got %s, %s, %q, want %s, %s, %s", got.Region, got.Account, got.StackNames, tt.region, tt.account,
					tt.stack)
			}
		})
	}
}

// TestScopeErrorText checks that a message names at most three flows, each once.
func TestScopeErrorText(t *testing.T) {
	failures := func(names ...string) (out []Failure) {
		for _, n := range names {
			out = append(out, Failure{Flow: n, Action: "a:B", Resource: "r"})
		}
		return out
	}
	for _, tt := range []struct {
		failures []Failure
		want     string
	}{
		{failures("f", "f"), "promises: f; for example"},
		{failures("f", "g", "h"), "promises: f; g; h; for example"},
		{failures("f", "g", "h", "i", "j"), "promises: f; g; h and 2 more; for example a:B on r would be refused"},
	} {
		if got := (&ScopeError{Failures: tt.failures}).Error(); !strings.Contains(got, tt.want) {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

// TestCheckScopeOnce checks that a call that fails is one failure, however many resources of the scope it fails for.
func TestCheckScopeOnce(t *testing.T) {
	profile := schema.Profile{
		Name: "once", Assets: []schema.AssetInfo{{Asset: "a"}}, Operations: []schema.Operation{"o"},
		Roles: []schema.Role{{Entity: "Role", Policies: []schema.Policy{{Entity: "Policy", Kind: schema.Managed,
			Statements: []schema.Statement{{
				Sid: "S", Actions: []string{"s3:GetObject"}, Resources: []string{"arn:${Partition}:s3:::*/*"},
			}},
		}}}},
	}
	list := []schema.Flow{{Name: "f", Calls: []schema.Call{
		{Actions: []string{"s3:DeleteObject"}, Resources: []string{"arn:${Partition}:s3:::b/o"}},
	}}}
	sel := policies.Selection{Assets: []schema.Asset{"a"}, Scope: scope.Scope{Buckets: []string{"b", "c"}}}
	err := CheckScope(profile, list, sel, policies.Environment{})
	var broken *ScopeError
	if !errors.As(err, &broken) || len(broken.Failures) != 1 {
		t.Errorf("got %v, want one failure", err)
	}
}

// TestClosureOpensEachWay checks that a flow over resources of the organization is evaluated with these opened.
func TestClosureOpensEachWay(t *testing.T) {
	const key = "arn:${Partition}:kms:${Region}:${Account}:key/*"
	profile := schema.Profile{
		Name: "each", Assets: []schema.AssetInfo{{Asset: "a"}}, Operations: []schema.Operation{"o"},
		Roles: []schema.Role{{Entity: "Role", Policies: []schema.Policy{{Entity: "Policy", Kind: schema.Managed,
			Statements: []schema.Statement{{
				Sid: "S", Actions: []string{"kms:Decrypt"}, Resources: []string{key}, Shared: []string{key},
			}},
		}}}},
	}
	flow := func(name string, sharing schema.Sharing) schema.Flow {
		return schema.Flow{Name: name, Sharing: sharing, Calls: []schema.Call{
			{Actions: []string{"kms:Encrypt"}, Resources: []string{"arn:${Partition}:kms:${Region}:${OtherAccount}:key/k"}},
		}}
	}
	got, err := Closure(profile, []schema.Flow{
		flow("accounts", schema.OtherAccounts), flow("organization", schema.Organization),
	}, "", 0)
	var failed []string
	for _, f := range got {
		failed = append(failed, f.Flow+" "+f.Opened)
	}
	want := []string{"accounts --other-account", "organization --organization"}
	if err != nil || !slices.Equal(failed, want) {
		t.Errorf("got %q, %v, want %q", failed, err, want)
	}
}
