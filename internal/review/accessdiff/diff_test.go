package accessdiff

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/permissionstack"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/schema"
	"permstack/internal/review/explain"
	"permstack/internal/review/policyjson"
	"permstack/internal/terminal"
)

func synthesize(t *testing.T, chosen string) policies.Set {
	t.Helper()
	sel, err := choice.Parse(chosen)
	if err != nil {
		t.Fatal(err)
	}
	set, err := policies.Synthesize(sel, choice.Example(sel, policies.Environment{ConnectionID: "c-1"}))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func role(statements ...iampolicy.Statement) *AccessSet {
	s := newAccessSet("test")
	s.Roles["Role"] = Role{Policies: []iampolicy.Document{{Version: iampolicy.Version, Statement: statements}}}
	return s
}

func allow(action, resource string, tag ...string) iampolicy.Statement {
	st := iampolicy.Statement{Effect: "Allow", Action: strings.Split(action, ","), Resource: iampolicy.Values{resource}}
	for _, value := range tag {
		st.Condition = iampolicy.Conditions{"StringEquals": {"aws:ResourceTag/t": {value}}}
	}
	return st
}

// TestKinds checks the kind of each change.
func TestKinds(t *testing.T) {
	const any = "arn:${AWS::Partition}:ec2:${AWS::Region}::snapshot/*"
	const one = "arn:${AWS::Partition}:ec2:${AWS::Region}::snapshot/a"
	deny := allow("ec2:DeleteSnapshot", any)
	deny.Effect = "Deny"
	for name, c := range map[string]struct {
		from, to *AccessSet
		want     string
	}{
		"same access, other text": {role(allow("ec2:A,ec2:B", any)), role(allow("EC2:b", any), allow("ec2:a", any)), ""},
		"new":                     {role(allow("ec2:A", any)), role(allow("ec2:A", any), allow("ec2:B", any)), "new ec2:B"},
		"lost":                    {role(allow("ec2:A,ec2:B", any)), role(allow("ec2:A", any)), "lost ec2:B"},
		"wider resource":          {role(allow("ec2:A", one)), role(allow("ec2:A", any)), "widened ec2:A"},
		"narrower condition":      {role(allow("ec2:A", any)), role(allow("ec2:A", any, "x")), "narrowed ec2:A"},
		"another condition":       {role(allow("ec2:A", any, "y")), role(allow("ec2:A", any, "x")), "changed ec2:A"},
		"covered by wildcard":     {role(allow("ec2:*", any)), role(allow("ec2:*", any), allow("ec2:A", any)), ""},
		"wildcard shrinks":        {role(allow("ec2:*", any)), role(allow("ec2:A", any)), "narrowed ec2:*"},
		"wildcard grows":          {role(allow("ec2:A", any)), role(allow("ec2:*", any)), "widened ec2:*"},
		"denied": {role(allow("ec2:DeleteSnapshot", any)), role(allow("ec2:DeleteSnapshot", any), deny),
			"narrowed ec2:DeleteSnapshot"},
		"another role": {newAccessSet("test"), role(allow("ec2:A", any)), "new ec2:A"},
	} {
		t.Run(name, func(t *testing.T) {
			d := Compare(c.from, c.to, explain.Describer{})
			var got []string
			for _, change := range d.Changes {
				got = append(got, string(change.Kind)+" "+strings.Join(change.Actions, " "))
			}
			if text := strings.Join(got, "; "); text != c.want {
				t.Errorf("got %q, want %q", text, c.want)
			}
			if grows := slices.ContainsFunc(d.Changes, func(c Change) bool { return c.Kind.IsGrowth() }); grows != d.Grows {
				t.Errorf("Grows is %v, want %v", d.Grows, grows)
			}
		})
	}
}

func TestBoundaryAttachmentAndRules(t *testing.T) {
	from, to := newAccessSet("a"), newAccessSet("b")
	from.Roles["R"] = Role{Boundary: "arn:b"}
	to.Roles["R"] = Role{ExternalPolicies: []string{"arn:aws:iam::aws:policy/AdministratorAccess"}}
	from.Rules["Same"] = Rule{Pattern: map[string]any{"source": []string{"b", "a"}}}
	to.Rules["Same"] = Rule{Pattern: map[string]any{"source": []any{"a", "b"}}}
	to.Rules["More"] = Rule{Pattern: map[string]any{"source": []any{"a"}}}
	var got []string
	for _, c := range Compare(from, to, explain.Describer{}).Changes {
		got = append(got, string(c.Kind)+" "+c.What)
	}
	slices.Sort(got)
	if text := strings.Join(got, ", "); text != "new attachment, new rule, widened boundary" {
		t.Error(text)
	}
}

// TestFormatsAreEqual checks that a choice, its template, its permission stacks and
// its policies as JSON grant the same, for every profile and every asset.
func TestFormatsAreEqual(t *testing.T) {
	for _, name := range policies.ProfileNames() {
		profile, _ := policies.Profile(name)
		choices := []string{name}
		for _, a := range profile.Assets {
			choices = append(choices, name+":"+string(a.Asset))
		}
		for _, choice := range choices {
			set := synthesize(t, choice)
			sets := map[string]*AccessSet{"choice": FromSet("choice", set)}
			whole, err := permissionstack.Combined(set)
			if err != nil {
				t.Fatal(err)
			}
			doc, err := policyjson.FromSet(set, policyjson.Place{})
			if err != nil {
				t.Fatal(err)
			}
			text, err := doc.JSON()
			if err != nil {
				t.Fatal(err)
			}
			stacks, err := permissionstack.Stacks(set)
			if err != nil {
				t.Fatal(err)
			}
			var bodies [][]byte
			for _, s := range stacks {
				bodies = append(bodies, s.Template.JSON())
			}
			for form, files := range map[string][][]byte{"template": {whole.JSON()}, "policies": {text}, "stacks": bodies} {
				if sets[form], err = Parse(form, files...); err != nil {
					t.Fatalf("%s as %s: %v", choice, form, err)
				}
			}
			for form, set := range sets {
				if d := Compare(sets["choice"], set, explain.Describer{}); len(d.Changes) > 0 {
					t.Errorf("%s: as %s: %+v", choice, form, d.Changes[0])
				}
			}
		}
	}
}

// TestAccountAndRegionAreNoDifference checks that a set with an account and a Region
// equals one with pseudo parameters, even if the vendor's role is in that account.
func TestAccountAndRegionAreNoDifference(t *testing.T) {
	for _, name := range policies.ProfileNames() {
		profile, _ := policies.Profile(name)
		sel := choice.Everything(profile)
		for _, region := range []string{"eu-central-1", "us-gov-west-1"} {
			env := choice.Example(sel, policies.Environment{Region: region, Account: "111122223333", StackNames: []string{"s"}})
			fixed, err := policies.Synthesize(sel, env)
			if err != nil {
				t.Fatal(err)
			}
			env.Region, env.Account = "", ""
			portable, err := policies.Synthesize(sel, env)
			if err != nil {
				t.Fatal(err)
			}
			a, b := FromSet("a", fixed), FromSet("b", portable)
			for _, d := range []Diff{Compare(a, b, explain.Describer{}), Compare(b, a, explain.Describer{})} {
				if len(d.Changes) > 0 {
					t.Errorf("%s in %s: %d changes: %+v", name, region, len(d.Changes), d.Changes[0])
				}
			}
		}
	}
}

// TestExternalIDIsNotShown checks that another external ID is a change, and that
// neither value is shown.
func TestExternalIDIsNotShown(t *testing.T) {
	access := func(id string) *AccessSet {
		sel := policies.Selection{Profile: "clumio", Assets: []schema.Asset{"ec2"}}
		set, err := policies.Synthesize(sel, policies.Environment{
			ExternalID: id, ControlPlaneRoleARN: "arn:aws:iam::111122223333:role/C",
		})
		if err != nil {
			t.Fatal(err)
		}
		return FromSet("x", set)
	}
	d := Compare(access("secret-one"), access("secret-two"), explain.Describer{})
	if len(d.Changes) != 1 || d.Changes[0].What != "trust" {
		t.Fatalf("%+v", d.Changes)
	}
	var b bytes.Buffer
	d.Write(terminal.Screen{W: &b, Width: 80})
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	if shown := b.String() + string(text); strings.Contains(shown, "secret-") {
		t.Errorf("the external ID is shown: %s", shown)
	}
}

// TestGrows checks that more assets are growth, and that the reverse is not.
func TestGrows(t *testing.T) {
	small, large := FromSet("small", synthesize(t, "clumio:ec2:backup")), FromSet("large", synthesize(t, "clumio:ec2,s3"))
	if d := Compare(small, large, explain.Describer{}); !d.Grows {
		t.Error("more assets do not grow")
	}
	back := Compare(large, small, explain.Describer{})
	if back.Grows {
		t.Errorf("fewer assets grow: %+v", back.Changes[0])
	}
	var b bytes.Buffer
	back.Write(terminal.Screen{W: &b, Width: 60})
	for _, want := range []string{"lost", "narrowed", "access does not grow"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the text lacks %q", want)
		}
	}
}

// TestReleases checks the changes between two releases of a profile.
func TestReleases(t *testing.T) {
	before := policies.Releases
	policies.Releases = []string{"1", "2"}
	defer func() { policies.Releases = before }()
	any := []string{"arn:${Partition}:ec2:${Region}::snapshot/*"}
	tagged := schema.Conditions{"StringEquals": {"aws:ResourceTag/t": {"x"}}}
	profile := schema.Profile{
		Name: "history", Vendor: "Test", Assets: []schema.AssetInfo{{Asset: "a"}}, Operations: []schema.Operation{"backup"},
		Roles: []schema.Role{{
			Entity: "Role", Trust: []schema.Trust{{Sid: "T", Service: "ec2.amazonaws.com"}}, Policies: []schema.Policy{{
				Entity: "Policy", Kind: schema.Inline, Statements: []schema.Statement{
					{Sid: "Same", Actions: []string{"ec2:CreateSnapshot"}, Resources: any},
					{Sid: "Added", Actions: []string{"ec2:DeregisterImage"}, Resources: any, In: schema.Span{From: "2"}},
					{Sid: "Removed", Actions: []string{"ec2:RegisterImage"}, Resources: any, In: schema.Span{Until: "2"}},
					{Sid: "Delete", Actions: []string{"ec2:DeleteSnapshot"}, Resources: any, In: schema.Span{Until: "2"}},
					{Sid: "Delete", Actions: []string{"ec2:DeleteSnapshot"}, Resources: any, When: tagged, In: schema.Span{From: "2"}},
					{Sid: "Grows", Actions: []string{"ec2:CreateTags", "ec2:DeleteTags"}, Resources: any,
						ActionsIn: map[string]schema.Span{"ec2:DeleteTags": {From: "2"}}},
				},
			}}}},
	}
	access := func(release string) *AccessSet {
		sel := policies.Selection{Assets: []schema.Asset{"a"}, CatalogVersion: release}
		set, err := policies.SynthesizeProfile(profile, sel, policies.Environment{})
		if err != nil {
			t.Fatal(err)
		}
		return FromSet(release, set)
	}
	var got []string
	for _, c := range Compare(access("1"), access("2"), explain.Describer{}).Changes {
		got = append(got, string(c.Kind)+" "+strings.Join(c.Actions, ","))
	}
	const want = "new ec2:DeleteTags,ec2:DeregisterImage; narrowed ec2:DeleteSnapshot; lost ec2:RegisterImage"
	if text := strings.Join(got, "; "); text != want {
		t.Errorf("got %q, want %q", text, want)
	}
}

func TestNotAPermissionFile(t *testing.T) {
	for _, text := range []string{"", "{}", "nonsense: [", `{"Resources":{"B":{"Type":"AWS::S3::Bucket"}}}`} {
		t.Run(text, func(t *testing.T) {
			if _, err := Parse("file", []byte(text)); err == nil {
				t.Errorf("%q is accepted", text)
			}
		})
	}
}

func TestInfer(t *testing.T) {
	set := FromSet("x", synthesize(t, "clumio"))
	env := set.Infer(policies.Environment{})
	if env.ControlPlaneRoleARN != "arn:aws:iam::111122223333:role/ControlPlane" || env.ExternalID != "EXTERNAL-ID" ||
		env.DataPlaneAccountID != "444455556666" ||
		env.SupportControlPlaneRoleARN != "arn:aws:iam::111122223333:role/SupportControlPlane" {
		t.Errorf("%+v", env)
	}
}
