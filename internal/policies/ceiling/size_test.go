package ceiling

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy/actions"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// TestSize checks the size of a ceiling by the text that CloudFormation makes of it, in which all lists are lists, with
// the longest Region and connection.
func TestSize(t *testing.T) {
	last := policies.Releases[len(policies.Releases)-1]
	c := Ceiling{
		Actions: []Group{{Actions: []string{"a:B"}}, {When: When{Uses: uses("a")}, Actions: []string{"a:C"}},
			{When: When{Releases: []string{last}}, Actions: []string{"a:Last"}},
			{When: When{Releases: policies.Releases[:1]}, Actions: []string{"a:D"}}},
		Statements: []Statement{
			{When: When{Releases: policies.Releases[:1]}, Actions: []string{"a:X"}, Resources: []Part{{When{}, "x"}}},
			{Actions: []string{"a:E"}, Resources: []Part{{When{}, "${AWS::Region}"}, {When{}, "${ConnectionId}"}}},
		},
	}
	text := func(list, statements string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["a:B","a:C",` + list +
			`],"Resource":["*"]},` + statements + `{"Effect":"Allow","Action":["a:E"],"Resource":["us-isof-south-1","` +
			strings.Repeat("c", 64) + `"]}]}`
	}
	first := text(`"a:D"`, `{"Effect":"Allow","Action":["a:X"],"Resource":["x"]},`)
	// The lists with several values are counted with two characters more.
	if got, want := c.size(), len(first)+2*len("[]"); got != want {
		t.Errorf("got %d characters, want %d as in\n%s", got, want, first)
	}
	d := c.Document(func(w When) bool { return len(w.Releases) == 0 || slices.Contains(w.Releases, last) })
	if len(d.Statement) != 2 || !slices.Equal(d.Statement[0].Action, []string{"a:B", "a:C", "a:Last"}) ||
		d.Statement[1].Condition != nil {
		t.Errorf("the document of the newest release: got %+v", d.Statement)
	}
	c.Statements[1].Operator, c.Statements[1].Key, c.Statements[1].Values = "StringEquals", "k", []Part{{When{}, "v"}}
	d = c.Document(func(w When) bool { return len(w.Releases) == 0 })
	if got := d.Statement[1].Condition["StringEquals"]["k"]; !slices.Equal(got, []string{"v"}) {
		t.Errorf("got the condition %v", d.Statement[1].Condition)
	}
}

// TestNew checks that a ceiling has the narrowest patterns with which it fits a managed policy, 6,144 characters.
func TestNew(t *testing.T) {
	for _, name := range policies.ProfileNames() {
		profile, _ := policies.Profile(name)
		got, err := New(profile)
		if err != nil {
			t.Fatal(err)
		}
		sizes := []int{}
		for _, w := range []width{beginnings, parts, reads, joint, kinds} {
			c := newCeiling(profile, w)
			sizes = append(sizes, c.size())
			if c.size() <= 6144 {
				if !reflect.DeepEqual(c, got) {
					t.Errorf("%s: got another ceiling than that of width %d", name, w)
				}
				break
			}
		}
		if !slices.IsSortedFunc(sizes, func(a, b int) int { return b - a }) {
			t.Errorf("%s: got %d characters, want fewer with each width", name, sizes)
		}
	}
	sized := func(filler int) schema.Profile {
		return schema.Profile{
			Name: "sized", Assets: []schema.AssetInfo{{Asset: "a"}}, Operations: []schema.Operation{"o"},
			Roles: []schema.Role{{Entity: "SizedRole", Policies: []schema.Policy{{Statements: []schema.Statement{{
				Actions: []string{"iam:DeleteRole"}, Resources: []string{strings.Repeat("x", filler)},
			}}}}}},
		}
	}
	filler := 6144 - newCeiling(sized(1), beginnings).size() + 1
	if c, err := New(sized(filler)); err != nil || c.size() != 6144 {
		t.Errorf("at the limit: %d characters, %v", c.size(), err)
	}
	_, err := New(sized(filler + 1))
	if err == nil || !strings.Contains(err.Error(), "has 6145 characters, and IAM allows 6144") {
		t.Errorf("above the limit: got error %v", err)
	}
}

// TestNewCeiling checks which actions keep their resources and conditions.
func TestNewCeiling(t *testing.T) {
	forAWS := schema.Conditions{"Bool": {"kms:GrantIsForAWSResource": {"true"}}}
	statement := func(when schema.Conditions, resource string, actions ...string) schema.Statement {
		return schema.Statement{Actions: actions, Resources: []string{resource}, When: when}
	}
	profile := schema.Profile{
		Name: "kept", Assets: []schema.AssetInfo{{Asset: "a"}}, Operations: []schema.Operation{"o"},
		Roles: []schema.Role{{Entity: "KeptRole", Policies: []schema.Policy{{Statements: []schema.Statement{
			statement(nil, "r1", "iam:PassRole", "s3:PutObject", "iam:DeleteRole"), statement(forAWS, "r2", "kms:CreateGrant"),
			statement(nil, "r3", "kms:CreateGrant"), statement(forAWS, "r4", "kms:PutKeyPolicy"),
			statement(nil, "r5", "iam:GetRole", "iam:ListRoles"),
		}}}}},
	}
	c := newCeiling(profile, beginnings)
	d := c.Document(func(When) bool { return true })
	if got, want := strings.Join(d.Statement[0].Action, " "), "iam:GetRole iam:List* s3:PutObject"; got != want {
		t.Errorf("on every resource: got %s, want %s", got, want)
	}
	var got []string
	for _, st := range d.Statement[1:] {
		got = append(got, strings.Join(st.Action, "+")+" "+strings.Join(st.Resource, "+"))
	}
	slices.Sort(got)
	want := []string{"iam:DeleteRole+iam:PassRole r1", "kms:CreateGrant *", "kms:CreateGrant r3", "kms:PutKeyPolicy r4"}
	if !slices.Equal(got, want) {
		t.Errorf("with their resources: got %q, want %q", got, want)
	}
}

// TestWidths checks what patterns may match: actions that every choice has and, from the width joint on, those that
// every choice with the group has. Groups and resources are then joined, too.
func TestWidths(t *testing.T) {
	a, b, always := uses("a"), uses("b"), []schema.Use(nil)
	statement := func(use []schema.Use, resource string, actions ...string) schema.Statement {
		return schema.Statement{For: use, Actions: actions, Resources: []string{resource}}
	}
	data := []string{
		"kms:GenerateDataKey", "kms:GenerateDataKeyPair", "kms:GenerateDataKeyPairWithoutPlaintext",
		"kms:GenerateDataKeyWithoutPlaintext",
	}
	generating := []schema.Statement{
		statement(always, "r", "kms:GenerateMac", "kms:GenerateRandom"), statement(a, "r", data...),
	}
	verifying := []schema.Statement{
		statement(a, "r", "kms:VerifyMac", "zz:PutXx", "zz:GetXx"), statement(b, "r", "zz:SetXx", "zz:DelXx"),
		statement([]schema.Use{{Asset: "a", Operation: "o"}}, "r", "kms:GenerateMac"),
		statement(always, "r*", "iam:DeleteRole"), statement(a, "r1", "iam:DeleteRole"),
	}
	for _, tt := range []struct {
		width             width
		list              []schema.Statement
		groups, resources string
	}{
		{beginnings, generating, "[] kms:GenerateMac kms:GenerateRandom; [{a  }] kms:Generate*", ""},
		{reads, verifying, "[{a  }] kms:VerifyMac zz:*Xx; [{a o }] kms:GenerateMac; [{b  }] zz:*Xx", "r* r1"},
		{joint, verifying, "[{a  } {b  }] zz:*Xx; [{a  }] kms:VerifyMac; [{a o }] kms:*Mac", "r*"},
	} {
		t.Run(fmt.Sprint(tt.width), func(t *testing.T) {
			c := newCeiling(schema.Profile{
				Name: "widths", Assets: []schema.AssetInfo{{Asset: "a"}, {Asset: "b"}}, Operations: []schema.Operation{"o"},
				Roles: []schema.Role{{Entity: "WidthsRole", Policies: []schema.Policy{{Statements: tt.list}}}},
			}, tt.width)
			var groups, resources []string
			for _, g := range c.Actions {
				groups = append(groups, fmt.Sprint(g.When.Uses, " ", strings.Join(g.Actions, " ")))
			}
			slices.Sort(groups)
			for _, s := range c.Statements {
				for _, r := range s.Resources {
					resources = append(resources, r.Value)
				}
			}
			if got := strings.Join(groups, "; "); got != tt.groups {
				t.Errorf("got %s, want %s", got, tt.groups)
			}
			if got := strings.Join(resources, " "); got != tt.resources {
				t.Errorf("got the resources %s, want %s", got, tt.resources)
			}
		})
	}
}

// TestCeilingAddsLittle checks, for each profile, width and choice, that the ceiling allows no more on every
// resource than what the choice grants and what is harmless or, with the last width, changes what the choice deletes.
func TestCeilingAddsLittle(t *testing.T) {
	newest := policies.Releases[len(policies.Releases)-1:]
	for _, name := range policies.ProfileNames() {
		profile, _ := policies.Profile(name)
		grants := policies.MaximumGrants(profile, newest[0])
		var options []schema.Option
		for _, o := range profile.Options {
			options = append(options, o.Option)
		}
		for _, w := range []width{beginnings, parts, reads, joint, kinds} {
			c := newCeiling(profile, w)
			for _, asset := range profile.Assets {
				for _, operation := range profile.Operations {
					choice := When{Uses: []schema.Use{{Asset: asset.Asset, Operation: operation}}, Releases: newest}
					granted := map[string]bool{}
					for _, g := range grants {
						if (When{Uses: known(g.For, options)}).covers(choice) { // values of settings are taken as selected
							for _, pattern := range g.Statement.Action {
								for _, a := range actions.Matching(pattern) {
									granted[a.Name] = true
								}
							}
						}
					}
					also := changes(granted)
					d := c.Document(func(when When) bool { return when.covers(choice) })
					for _, pattern := range d.Statement[0].Action {
						for _, a := range actions.Matching(pattern) {
							little := harmless(a) && (w >= reads || !slices.Contains(sensitive, a.Name)) || w == kinds && also[a.Name]
							if !granted[a.Name] && !little {
								t.Errorf("%s, width %d, %s %s: %s allows %s", name, w, asset.Asset, operation, pattern, a.Name)
							}
						}
					}
				}
			}
		}
	}
}
