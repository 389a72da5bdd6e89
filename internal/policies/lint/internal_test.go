package lint

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/policies"
	"permstack/internal/policies/profilefile"
	"permstack/internal/policies/schema"
)

// TestHasSpans checks that a profile in which anything begins or ends with a release differs between releases.
func TestHasSpans(t *testing.T) {
	late := schema.Span{From: policies.Releases[len(policies.Releases)-1]}
	profile := func(asset, option, statement, trust, topic, rule schema.Span) schema.Profile {
		return schema.Profile{
			Assets:  []schema.AssetInfo{{Asset: "a", In: asset}},
			Options: []schema.OptionInfo{{Option: "o", In: option}},
			Roles: []schema.Role{{
				Entity: "Role", Trust: []schema.Trust{{Sid: "T", In: trust}},
				Policies: []schema.Policy{{Statements: []schema.Statement{{Sid: "S", In: statement}}}},
			}},
			Topics: []schema.Topic{{Entity: "Topic", Statements: []schema.TopicStatement{{Sid: "T", In: topic}}}},
			Rules:  []schema.Rule{{Entity: "Rule", In: rule}},
		}
	}
	always := schema.Span{}
	for _, tt := range []struct {
		name    string
		profile schema.Profile
		want    bool
	}{
		{"nothing", profile(always, always, always, always, always, always), false},
		{"an asset", profile(late, always, always, always, always, always), true},
		{"an option", profile(always, late, always, always, always, always), true},
		{"a statement", profile(always, always, late, always, always, always), true},
		{"a trust statement", profile(always, always, always, late, always, always), true},
		{"a statement of a topic", profile(always, always, always, always, late, always), true},
		{"a rule", profile(always, always, always, always, always, late), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := hasSpans(tt.profile); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestOverlapOfSpans(t *testing.T) {
	first, last := policies.Releases[0], policies.Releases[len(policies.Releases)-1]
	for _, tt := range []struct {
		a, b schema.Span
		want bool
	}{
		{schema.Span{}, schema.Span{}, true},
		{schema.Span{}, schema.Span{From: last}, true},
		{schema.Span{Until: last}, schema.Span{From: last}, false},
		{schema.Span{From: first}, schema.Span{Until: last}, true},
	} {
		t.Run(fmt.Sprint(tt.a, tt.b), func(t *testing.T) {
			if got := overlap(tt.a, tt.b); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// TestLimits checks the limits of a set against IAM's quotas and EventBridge's: at the limit nothing is reported.
func TestLimits(t *testing.T) {
	document := func(characters int) iampolicy.Document {
		d := iampolicy.Document{Version: iampolicy.Version, Statement: []iampolicy.Statement{{
			Effect: "Allow", Action: iampolicy.Values{"a:B"}, Resource: iampolicy.Values{""},
		}}}
		d.Statement[0].Resource[0] = strings.Repeat("x", characters-d.Size())
		return d
	}
	policy := func(characters int) policies.Policy {
		return policies.Policy{Entity: "P", Document: document(characters)}
	}
	role := func(r policies.Role) policies.Set { r.Entity = "R"; return policies.Set{Roles: []policies.Role{r}} }
	for _, tt := range []struct {
		name  string
		limit int
		set   func(n int) policies.Set
		want  string
	}{
		{"inline policies", 10240, func(n int) policies.Set {
			return role(policies.Role{Inline: []policies.Policy{policy(n - 4000), policy(4000)}})
		}, "role R: 10241 characters of inline policies, at most 10240"},
		{"managed policies", 10, func(n int) policies.Set { return role(policies.Role{Managed: make([]policies.Policy, n)}) },
			"role R: 11 managed policies, at most 10"},
		{"trust policy", 2048, func(n int) policies.Set { return role(policies.Role{Trust: document(n)}) },
			"role R: 2049 characters of the trust policy, at most 2048"},
		{"name of a role", 64, func(n int) policies.Set { return role(policies.Role{Name: strings.Repeat("n", n)}) },
			"role R: 65 characters of the name, at most 64"},
		{"managed policy", 6144, func(n int) policies.Set {
			return role(policies.Role{Managed: []policies.Policy{policy(n)}})
		}, "policy P: 6145 characters, at most 6144"},
		{"name of a rule", 64, func(n int) policies.Set {
			return policies.Set{Rules: []policies.Rule{{Entity: "E", Name: strings.Repeat("n", n)}}}
		}, "rule E: 65 characters of the name, at most 64"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Limits(tt.set(tt.limit)); len(got) > 0 {
				t.Errorf("at the limit: got %v", got)
			}
			if got := Limits(tt.set(tt.limit + 1)); len(got) != 1 || got[0].Message != tt.want {
				t.Errorf("above the limit: got %v, want %s", got, tt.want)
			}
		})
	}
}

// TestExcesses checks that the error of a synthesis is reported if the set exceeds no limit in this Region, and once.
func TestExcesses(t *testing.T) {
	limit := &policies.LimitError{Problems: []string{"too long"}}
	excess := []Excess{{Entity: "R", Kind: "role", Message: "role R: too long"}}
	for _, tt := range []struct {
		name  string
		list  []Excess
		limit *policies.LimitError
		want  string
	}{
		{"none", nil, nil, ""},
		{"one", excess, nil, excess[0].Message + ", if the choice is x"},
		{"one, and an error", excess, limit, excess[0].Message + ", if the choice is x"},
		{"an error", nil, limit, limit.Error() + ", if the choice is x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, seen := checker{}, map[string]bool{}
			for range 2 {
				c.excesses(tt.list, tt.limit, "x", seen)
			}
			var got []string
			for _, p := range c.problems {
				got = append(got, p.Message)
			}
			if text := strings.Join(got, "; "); text != tt.want {
				t.Errorf("got %s, want %s", text, tt.want)
			}
		})
	}
}

func TestLargest(t *testing.T) {
	profile := schema.Profile{
		Name: "p", Assets: []schema.AssetInfo{{Asset: "a"}}, Options: []schema.OptionInfo{{Option: "o"}},
		Settings: []schema.Setting{{Default: "s=2", Values: []schema.OptionInfo{{Option: "s=1"}, {Option: "s=2"}}}},
	}
	var got []string
	for _, sel := range largest(profile, "1") {
		got = append(got, fmt.Sprint(sel.Assets, sel.Options, sel.CatalogVersion))
	}
	if want := []string{"[a] [o]1", "[a] [o s=1]1"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestShortened(t *testing.T) {
	for _, tt := range []struct{ types, want []string }{
		{[]string{"d", "c", "b", "a", "a"}, []string{"a", "b", "c", "d"}},
		{[]string{"e", "d", "c", "b", "a"}, []string{"a", "b", "c", "d", "and 1 more"}},
		{[]string{"f", "e", "d", "c", "b", "a"}, []string{"a", "b", "c", "d", "and 2 more"}},
	} {
		t.Run(strings.Join(tt.types, ""), func(t *testing.T) {
			if got := shortened(slices.Clone(tt.types)); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestShape(t *testing.T) {
	for resource, want := range map[string]string{
		"${roles:AcmeRole}": "arn:${Partition}:iam::${Account}:role/x", "roles:AcmeRole": "roles:AcmeRole",
		"${stacks}": "arn:${Partition}:cloudformation:${Region}:${Account}:stack/x/x", "${Account}": "${Account}",
		"arn:aws:s3:::b": "arn:aws:s3:::b",
	} {
		t.Run(resource, func(t *testing.T) {
			if got := shape(resource); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// TestStatementFindings checks rules for single statements: each of its actions, resources and keys is examined.
func TestStatementFindings(t *testing.T) {
	const object, volume = "arn:${Partition}:s3:::*/*", "arn:${Partition}:ec2:${Region}:${Account}:volume/*"
	own := map[string][]string{"s3:ResourceAccount": {"${Account}"}}
	for _, tt := range []struct {
		name string
		st   schema.Statement
		want []string // beginnings of messages
	}{
		{"two unknown actions", schema.Statement{
			Actions: []string{"ec2:CreateVolumez", "ec2:ModifyVolumez"}, Resources: []string{volume},
		}, []string{"AWS has no action ec2:CreateVolumez", "AWS has no action ec2:ModifyVolumez"}},
		{"an unknown and another one", schema.Statement{
			Actions: []string{"ec2:CreateVolumez", "ec2:DescribeVolumes"}, Resources: []string{volume},
		}, []string{"AWS has no action ec2:CreateVolumez", "ec2:DescribeVolumes has no resource-level permissions"}},
		{"every action", schema.Statement{Deny: true, Actions: []string{"*"}, Resources: []string{"*"}},
			[]string{`"*": want an action such as`}},
		{"a variable", schema.Statement{Deny: true, Actions: []string{"ec2:${x}"}, Resources: []string{"*"}},
			[]string{`"ec2:${x}": want an action such as`}},
		{"a key that some calls send", schema.Statement{
			Actions: []string{"s3:PutObject", "s3:DeleteObject"}, Resources: []string{object},
			When: schema.Conditions{"StringEquals": own, "StringEqualsIfExists": {"s3:x-amz-acl": {"private"}}},
		}, nil},
		{"with another operator", schema.Statement{
			Actions: []string{"s3:PutObject", "s3:DeleteObject"}, Resources: []string{object},
			When: schema.Conditions{"StringEquals": {"s3:ResourceAccount": {"${Account}"}, "s3:x-amz-acl": {"private"}}},
		}, []string{"AWS does not send s3:x-amz-acl with s3:DeleteObject"}},
		{"a key that no action sends", schema.Statement{
			Actions: []string{"s3:DeleteObject"}, Resources: []string{object},
			When: schema.Conditions{"StringEquals": own, "StringEqualsIfExists": {"s3:x-amz-acl": {"private"}}},
		}, []string{"AWS does not send s3:x-amz-acl with s3:DeleteObject"}},
		{"what follows a reference", schema.Statement{
			Actions: []string{"iam:GetRole"}, Resources: []string{"${roles:R}", "arn:aws:iam::${Account}:role/x"},
		}, []string{"arn:aws:iam::${Account}:role/x: want ${Partition}"}},
		{"what follows a text that is no ARN", schema.Statement{
			Actions: []string{"iam:GetRole"}, Resources: []string{"arn:x", "arn:aws:iam::${Account}:role/x"},
		}, []string{"no action of the statement applies to arn:x", "arn:x: want an ARN",
			"arn:aws:iam::${Account}:role/x: want ${Partition}"}},
		{"other accounts in a pattern", schema.Statement{
			Actions: []string{"s3:GetObject"}, Resources: []string{object},
			When: schema.Conditions{"StringLike": {"s3:ResourceAccount": {"${OtherAccount}"}, "s3:AccessGrantsInstanceArn": {
				"arn:aws:s3:*:${OtherAccount}:*",
			}}},
		}, []string{`"arn:aws:s3:*:${OtherAccount}:*" matches more than the listed accounts`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, f := range Statement(schema.Profile{Vendor: "Acme"}, tt.st) {
				got = append(got, f.Message)
			}
			if !slices.EqualFunc(got, tt.want, strings.HasPrefix) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestVariables checks which variables are defined: those of every profile, the profile's own, its entities, and IAM's.
func TestVariables(t *testing.T) {
	c := checker{loaded: profilefile.Loaded{Profile: schema.Profile{
		Terms: []schema.Term{{Name: "Bucket"}, {Name: "Table"}},
		Roles: []schema.Role{
			{Entity: "AcmeRole", Policies: []schema.Policy{{Entity: "AcmePolicy"}, {Entity: "OtherPolicy"}}}, {Entity: "Other"},
		},
		Topics: []schema.Topic{{Entity: "AcmeTopic"}, {Entity: "OtherTopic"}},
		Rules:  []schema.Rule{{Entity: "AcmeRule"}, {Entity: "OtherRule"}},
	}}}
	for text, want := range map[string]string{
		"${Account} ${roles:*} ${stacks} ${Bucket} ${Table}": "", "${*}": "", "${aws:username}": "", "plain": "",
		"${roles:AcmeRole} ${roles:Other} ${policies:AcmePolicy} ${policies:OtherPolicy}": "",
		"${topics:AcmeTopic} ${topics:OtherTopic} ${rules:AcmeRule} ${rules:OtherRule}":   "",
		"${*} ${Nope}": "${Nope}", "${aws:username} ${roles:Nope}": "${roles:Nope}",
		"${policies:AcmeRole}": "${policies:AcmeRole}",
		"${topics:AcmeRule}":   "${topics:AcmeRule}", "${rules:AcmeTopic}": "${rules:AcmeTopic}", "${Bucke}": "${Bucke}",
	} {
		t.Run(text, func(t *testing.T) {
			c.problems = nil
			c.variables(profilefile.Position{}, "x", text)
			var got []string
			for _, p := range c.problems {
				name, _, _ := strings.Cut(strings.TrimPrefix(p.Message, "x: "), " is not defined")
				got = append(got, name)
			}
			if names := strings.Join(got, " "); names != want {
				t.Errorf("got %s, want %s", names, want)
			}
		})
	}
}
