package compare

import (
	"fmt"
	"slices"
	"testing"

	"permstack/internal/iampolicy"
)

// TestOtherGrants checks which grants of the other side a widened grant lists: those that it includes, and at most
// otherGrants.
func TestOtherGrants(t *testing.T) {
	statement := func(principal, action, resource string) string {
		return fmt.Sprintf(`{"Effect":"Allow","Principal":%s,"Action":"%s","Resource":"%s"}`, principal, action, resource)
	}
	const ec2, account = `{"Service":"ec2.amazonaws.com"}`, `{"AWS":"111122223333"}`
	var many []string
	for i := range otherGrants + 2 {
		many = append(many, statement(`"*"`, "s3:GetObject", fmt.Sprint("b", i)))
	}
	for _, tt := range []struct {
		name   string
		want   []string
		have   string
		others []string
	}{
		{"of the same action", []string{statement(`"*"`, "s3:GetObject", "b/x"), statement(`"*"`, "s3:PutObject", "b/x")},
			statement(`"*"`, "s3:GetObject", "b/*"), []string{"Allow s3:GetObject on b/x for *"}},
		{"of an action within a wildcard",
			[]string{statement(`"*"`, "s3:GetObject", "b/x"), statement(`"*"`, "s3:PutObject", "b/x")},
			statement(`"*"`, "s3:Get*", "*"), []string{"Allow s3:GetObject on b/x for *"}},
		{"of an action that is not excluded",
			[]string{statement(`"*"`, "s3:GetObject", "b/x"), statement(`"*"`, "iam:GetRole", "b/x")},
			`{"Effect":"Allow","Principal":"*","NotAction":"iam:*","Resource":"*"}`,
			[]string{"Allow s3:GetObject on b/x for *"}},
		{"of a principal", []string{statement(account, "s3:GetObject", "b/x"), statement(ec2, "s3:GetObject", "b/x")},
			statement(`{"AWS":"*"}`, "s3:GetObject", "b/x"), []string{"Allow s3:GetObject on b/x for AWS:111122223333"}},
		{"of a resource", []string{statement(`"*"`, "s3:GetObject", "b/x"), statement(`"*"`, "s3:GetObject", "c/x")},
			statement(`"*"`, "s3:GetObject", "b/*"), []string{"Allow s3:GetObject on b/x for *"}},
		{"no more than the limit", many, statement(`"*"`, "s3:GetObject", "*"), []string{
			"Allow s3:GetObject on b0 for *", "Allow s3:GetObject on b1 for *", "Allow s3:GetObject on b2 for *",
			"Allow s3:GetObject on b3 for *", "Allow s3:GetObject on b4 for *"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, c := range Compare(docs(doc(t, tt.want...)), docs(doc(t, tt.have))).Changes {
				if c.Direction != GrantsMore {
					continue
				}
				if c.Kind != Widened {
					t.Errorf("got %v, want a widened grant", c)
				}
				for _, o := range c.Other {
					got = append(got, o.String())
				}
			}
			if !slices.Equal(got, tt.others) {
				t.Errorf("other grants: %q, want %q", got, tt.others)
			}
		})
	}
}

// TestChangesByPrincipal has a change of two principals together, and one of a third that has a part of it already.
func TestChangesByPrincipal(t *testing.T) {
	want := doc(t, `{"Effect":"Allow","Principal":{"AWS":"333333333333"},"Action":"s3:GetObject","Resource":"b"}`)
	have := doc(t, `{"Effect":"Allow","Principal":{"AWS":["111111111111","222222222222","333333333333"]},`+
		`"Action":"s3:GetObject","Resource":["b","c"]}`)
	var got []string
	for _, c := range Compare(docs(want), docs(have)).Changes {
		got = append(got, c.String())
	}
	expected := []string{
		"grants more: added: Allow s3:GetObject on b, c for AWS:111111111111, AWS:222222222222",
		"grants more: widened: Allow s3:GetObject on c for AWS:333333333333; " +
			"was: Allow s3:GetObject on b for AWS:333333333333",
	}
	if !slices.Equal(got, expected) {
		t.Errorf("got %q\nwant %q", got, expected)
	}
}

// TestSeparatorsInTexts has texts with the control characters that separate the parts of the comparison's keys: a text
// that contains one must not look like two texts.
func TestSeparatorsInTexts(t *testing.T) {
	statement := func(rest string) string { return `{"Effect":"Deny",` + rest + `}` }
	for _, tt := range []struct{ name, want, have string }{
		{"value", `"Action":"*","Resource":"*","Condition":{"BinaryEquals":{"k":["a","b"]}}`,
			`"Action":"*","Resource":"*","Condition":{"BinaryEquals":{"k":"a\u0002b"}}`},
		{"key of a condition", `"Action":"*","Resource":"*","Condition":{"BinaryEquals":{"k":"a"}}`,
			`"Action":"*","Resource":"*","Condition":{"BinaryEquals":{"k\u000203\u0002a":[]}}`},
		{"unknown operator", `"Action":"*","Resource":"*","Condition":{"x":{"k":"a"}}`,
			`"Action":"*","Resource":"*","Condition":{"x\u0002a":{"k":[]}}`},
		{"resource", `"Action":"*","Resource":["a","b"]`, `"Action":"*","Resource":"a\u0005b"`},
		{"excluded resource", `"Action":"*","NotResource":["a","b"]`, `"Action":"*","NotResource":"a\u0003b"`},
		{"exclusion as a resource", `"Action":"*","NotResource":"a"`, `"Action":"*","Resource":"\u0003a\u0003"`},
		{"principal", `"Principal":{"AWS":["a","b"]},"Action":"*"`, `"Principal":{"AWS":"a\u0005AWS\u0000b"},"Action":"*"`},
		{"number that looks like an interval",
			`"Action":"*","Resource":"*","Condition":{"NumericLessThan":{"k":"5"}}`,
			`"Action":"*","Resource":"*","Condition":{"NumericLessThan":{"k":"all..5000,0-"}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if Equal(doc(t, statement(tt.want)), doc(t, statement(tt.have))) {
				t.Error("the documents count as equal")
			}
		})
	}
}

func TestDirectionText(t *testing.T) {
	for d, text := range map[Direction]string{
		Same: "same", GrantsMore: "grants more", GrantsLess: "grants less", Changed: "changed",
	} {
		var back Direction
		if err := back.UnmarshalText([]byte(text)); err != nil || back != d || d.String() != text {
			t.Errorf("%q is %v (%v), and %d is %q", text, back, err, int(d), d)
		}
	}
	for d, text := range map[Direction]string{Same - 1: "Direction(-1)", Changed + 1: "Direction(4)"} {
		if d.String() != text {
			t.Errorf("String of %d = %q", int(d), d)
		}
	}
	if err := new(Direction).UnmarshalText([]byte("less")); err == nil {
		t.Error("an unknown direction was accepted")
	}
}

func policies(d iampolicy.Document) map[string]iampolicy.Document {
	return map[string]iampolicy.Document{"p": d}
}

// TestActionsAmongMany checks that what is covered does not hide what comes after it, whatever the order.
func TestActionsAmongMany(t *testing.T) {
	var shared []string
	for i := range 20 {
		shared = append(shared, fmt.Sprintf(`{"Effect":"Allow","Action":["a:Shared%d"],"Resource":"*"}`, i))
	}
	have := slices.Clone(shared)
	for i := range 20 {
		have = append(have, fmt.Sprintf(`{"Effect":"Allow","Action":["b:Covered%d"],"Resource":"*"}`, i))
	}
	have = append(have, `{"Effect":"Allow","Action":["b:*","c:X","c:Y"],"Resource":"*"}`)
	got := Actions(policies(doc(t, shared...)), policies(doc(t, have...)))
	if len(got) != 1 || !slices.Equal(got[0].Added, []string{"b:*", "c:X", "c:Y"}) {
		t.Errorf("got %v", got)
	}
	wider := Actions(policies(doc(t, `{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`)),
		policies(doc(t, `{"Effect":"Allow","NotAction":"iam:Get*","Resource":"*"}`)))
	if len(wider) != 1 || !slices.Equal(wider[0].Added, []string{"everything but iam:Get*"}) || wider[0].Removed != nil {
		t.Errorf("got %v", wider)
	}
}
