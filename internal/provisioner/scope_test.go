package provisioner

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"

	"permstack/internal/iampolicy"
	"permstack/internal/installation"
	"permstack/internal/permissionstack/properties"
	"permstack/internal/policies"
)

// grant returns a policy that allows an action, of about the given size.
func grant(name, action string, bytes int) policies.Policy {
	return policies.Policy{Entity: name, Name: name, Path: "/permstack/", Document: iampolicy.Document{
		Version: iampolicy.Version, Statement: []iampolicy.Statement{{
			Effect: "Allow", Action: iampolicy.Values{action},
			Resource: iampolicy.Values{"arn:aws:s3:::" + name + strings.Repeat("x", bytes)},
		}},
	}}
}

// movesWithScope returns a catalogue whose policies have the name of the bucket in the scope: with another bucket, the
// access of the first policy moves to another policy. Each set has inline or managed policies of the given size. The
// policies without a scope are too large.
func movesWithScope(inline, managed, bytes int) func(policies.Selection, policies.Environment) (policies.Set, error) {
	return func(sel policies.Selection, env policies.Environment) (policies.Set, error) {
		set, err := synthesize(sel, env)
		if err != nil {
			return set, err
		}
		set.Scope = sel.Scope
		bucket := strings.Join(sel.Scope.Buckets, "")
		for i := range inline + managed {
			action := "s3:GetObject"
			if i > 0 {
				action = fmt.Sprint("s3:", bucket, i)
			}
			role := &set.Roles[0]
			if p := grant(fmt.Sprint(bucket, i), action, bytes); i < inline {
				role.Inline = append(role.Inline, p)
			} else {
				role.Managed = append(role.Managed, p)
			}
		}
		if bucket == "" {
			return set, &policies.LimitError{Problems: []string{"a policy"}}
		}
		return set, nil
	}
}

// scopedProperties returns properties with buckets as scope.
func scopedProperties(buckets string) map[string]any {
	return testProperties("Assets", "s3", "OnlyBuckets", buckets,
		"ControlPlaneRoleArn", "arn:aws:iam::111122223333:role/vendor", "DataPlaneAccountId", "111122223333")
}

func testParent(t *testing.T) installation.Parent {
	t.Helper()
	parent, err := installation.ParseParent(parentID)
	if err != nil {
		t.Fatal(err)
	}
	return parent
}

// tooManyBuckets is a scope that does not fit the policies.
var tooManyBuckets = func() string {
	var out []string
	for i := range 400 {
		out = append(out, fmt.Sprintf("a-bucket-with-a-long-name-%03d", i))
	}
	return strings.Join(out, ",")
}()

// TestScopeTransition checks that an update to another scope deploys the policies of both first if access moves
// between policies and both fit, and that it ends if that fails.
func TestScopeTransition(t *testing.T) {
	up := "UpdateStack " + access
	for name, tc := range map[string]struct {
		before, deployed       string // the scope of the old properties; another one that is deployed
		inline, managed, bytes int
		fails                  bool
		writes                 []string
		first                  []string // the buckets whose policies the first update deploys
		log                    string
	}{
		"together": {
			before: "one", inline: 1, writes: []string{up, up}, first: []string{"one", "two"}, log: logTransition,
		},
		"it fails": {
			before: "one", inline: 1, fails: true, writes: []string{up}, first: []string{"one", "two"},
			log: logTransition,
		},
		"too large for a template together": {
			before: "one", managed: 5, bytes: 5800, writes: []string{up, up, up}, first: []string{"one"},
			log: logTransition,
		},
		"no way fits": {
			before: "one", inline: 1, bytes: 7000, writes: []string{up}, first: []string{"two"}, log: logNoTransition,
		},
		"the same scope": {before: "two", inline: 1},
		"the old scope was not deployed": {
			before: tooManyBuckets, deployed: "one", inline: 1, writes: []string{up}, first: []string{"two"},
		},
		"the old policies were too large": {
			before: "", deployed: "one", inline: 1, writes: []string{up}, first: []string{"two"},
		},
		"the old properties were invalid": {
			before: "Not a bucket", deployed: "one", inline: 1, writes: []string{up}, first: []string{"two"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			var log bytes.Buffer
			run := func(e cfn.Event) error {
				p := &Provisioner{
					Client: waitingFor(e, f), StackRoleARN: stackRole, Sleep: f.sleep,
					Synthesize: movesWithScope(tc.inline, tc.managed, tc.bytes),
				}
				_, err := p.Handle(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), e)
				return err
			}
			if err := run(event(cfn.RequestCreate, scopedProperties(cmp.Or(tc.deployed, tc.before)))); err != nil {
				t.Fatal(err)
			}
			f.writes, f.inputs = nil, nil
			log.Reset()
			if tc.fails {
				f.fails[up] = "no"
			}
			if err := run(update(scopedProperties(tc.before), scopedProperties("two"))); (err != nil) != tc.fails {
				t.Errorf("got error %v", err)
			}
			wrote(t, f, tc.writes...)
			for _, bucket := range []string{"one", "two"} {
				if updates := bodies(f); len(updates) > 0 &&
					strings.Contains(updates[0], `"arn:aws:s3:::`+bucket) != slices.Contains(tc.first, bucket) {
					t.Errorf("the policies of bucket %s: want them first only with %v", bucket, tc.first)
				}
			}
			for _, message := range []string{logTransition, logNoTransition} {
				if got := strings.Contains(log.String(), message); got != (message == tc.log) {
					t.Errorf("logged %q: %v", message, got)
				}
			}
		})
	}
}

// TestScopeRefused checks that a scope is refused that does not fit the policies or with which a promised operation
// cannot work, and no other.
func TestScopeRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		properties map[string]any
		words      []string // nil: accepted
	}{
		"fits":     {scopedProperties("one"), nil},
		"no scope": {testProperties(), nil},
		"too long": {scopedProperties(tooManyBuckets), []string{"400", "Nothing was changed"}},
		"breaks an operation": {
			map[string]any{
				"ServiceToken": "arn:x", "Profile": "cpm", "Assets": "ec2", "Operations": "backup, vpc-capture",
				"OnlyVpcs": "vpc-0a1b2c3d",
			},
			[]string{"Networks: rebuild through CloudFormation", "Nothing was changed"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := &operation{Provisioner: &Provisioner{}, parent: testParent(t)}
			p, err := properties.Decode(tc.properties)
			if err != nil {
				t.Fatal(err)
			}
			err = o.checkScope(p)
			if tc.words == nil && err != nil {
				t.Error(err)
			}
			says(t, err, tc.words...)
		})
	}
}

// TestScopeTooLongForPolicies checks that the error of policies that are too large names how much of the scope would
// fit, if the scope is the cause.
func TestScopeTooLongForPolicies(t *testing.T) {
	limit, other := &policies.LimitError{Problems: []string{"a policy"}}, errors.New("another error")
	for name, tc := range map[string]struct {
		err     error
		buckets string
		changed bool
	}{
		"the scope is too long":         {limit, tooManyBuckets, true},
		"something else is too large":   {limit, "one", false},
		"there is no scope":             {limit, "", false},
		"another error of such a scope": {other, tooManyBuckets, false},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := properties.Decode(scopedProperties(tc.buckets))
			if err != nil {
				t.Fatal(err)
			}
			got := tooLong(tc.err, p, testParent(t))
			if tc.changed {
				says(t, got, "400", "Nothing was changed")
			} else if got != tc.err {
				t.Errorf("got error %v, want %v", got, tc.err)
			}
		})
	}
}
