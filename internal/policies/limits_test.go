package policies_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/policies"
	"permstack/internal/policies/lint"
)

var regions = lint.Regions

const uuid = lint.LongConnection

// TestEveryCombinationFitsIAM synthesizes all selections in all partitions with the longest names, and checks the
// sizes independently of the package.
func TestEveryCombinationFitsIAM(t *testing.T) {
	for _, region := range regions {
		env := environment(region)
		env.ConnectionID = uuid
		n := 0
		for sel := range selections() {
			n++
			set := synthesize(t, sel, env)
			for _, e := range lint.Limits(set) {
				t.Errorf("%s %v: %s", region, sel, e.Message)
			}
		}
		if n != selectionCount {
			t.Errorf("%d selections, want %d", n, selectionCount)
		}
	}
}

// TestSameInputSameSet checks that the set does not depend on the order of the input.
func TestSameInputSameSet(t *testing.T) {
	sel := everything()
	first := synthesize(t, sel, environment("eu-central-1"))
	for range 20 {
		sel.Assets = slices.Clone(sel.Assets)
		slices.Reverse(sel.Assets)
		if again := synthesize(t, sel, environment("eu-central-1")); !reflect.DeepEqual(first, again) {
			t.Fatal("another set for the same input")
		}
	}
}

// TestOpenEnvironment checks that empty values become pseudo parameters; with these replaced by
// values the set is the one of the complete environment.
func TestOpenEnvironment(t *testing.T) {
	closed := environment("eu-central-1")
	open := closed
	open.Partition, open.Account, open.Region, open.StackNames = "", "", "", nil
	fill := strings.NewReplacer("${AWS::Partition}", "aws", "${AWS::AccountId}", closed.Account,
		"${AWS::Region}", "eu-central-1", "${AWS::URLSuffix}", "amazonaws.com", "${AWS::StackName}", "parent-access")
	a, b := synthesize(t, everything(), closed), synthesize(t, everything(), open)
	for i := range a.Roles {
		for j := range a.Roles[i].Managed {
			have, want := text(t, b.Roles[i].Managed[j].Document), text(t, a.Roles[i].Managed[j].Document)
			if !strings.Contains(have, "${AWS::") && strings.Contains(want, closed.Account) {
				t.Errorf("%s: nothing is left open", b.Roles[i].Managed[j].Name)
			}
			if fill.Replace(have) != want {
				t.Errorf("%s: open and closed differ", a.Roles[i].Managed[j].Name)
			}
		}
		if fill.Replace(b.Roles[i].Name) != a.Roles[i].Name ||
			fill.Replace(text(t, b.Roles[i].Trust)) != text(t, a.Roles[i].Trust) {
			t.Errorf("role %s: open and closed differ", a.Roles[i].Name)
		}
	}
}

func text(t *testing.T, d iampolicy.Document) string {
	t.Helper()
	data, err := d.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestNames checks that no two Regions or connections share a name, and names that would be too
// long keep entity and Region.
func TestNames(t *testing.T) {
	seen := map[string]string{}
	for _, region := range []string{"us-east-1", "us-east-2"} {
		for _, connection := range []string{"a", "b", "prod-1", uuid, strings.ToUpper(uuid), strings.Repeat("x", 64)} {
			env := environment(region)
			env.ConnectionID = connection
			for _, r := range synthesize(t, everything(), env).Roles {
				if other, taken := seen[r.Name]; taken {
					t.Errorf("%s/%s and %s share %s", region, connection, other, r.Name)
				}
				seen[r.Name] = region + "/" + connection
				if !strings.HasPrefix(r.Name, r.Entity+"-"+region+"-") {
					t.Errorf("%s: want entity and Region first", r.Name)
				}
			}
		}
	}
}

// TestLongPath checks that the longest path that leaves IAM space for the Region and the connection fits, or is
// refused with the policy that it makes too long.
func TestLongPath(t *testing.T) {
	env := environment("us-gov-west-1")
	env.Path = "/" + strings.Repeat("a", 419) + "/"
	env.ConnectionID = uuid
	set, err := policies.Synthesize(everything(), env)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range set.Roles[0].Managed {
		if p.Document.Size() > policies.MaxManagedPolicy {
			t.Errorf("policy %s: %d characters", p.Name, p.Document.Size())
		}
	}
}

func BenchmarkSynthesizeEverything(b *testing.B) {
	sel, env := everything(), environment("eu-central-1")
	for b.Loop() {
		if _, err := policies.Synthesize(sel, env); err != nil {
			b.Fatal(err)
		}
	}
}
