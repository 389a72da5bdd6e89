package monitor_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"permstack/internal/drift/monitor"
	"permstack/internal/fakeaws"
	"permstack/internal/fakeaws/protocol"
	"permstack/internal/notify"
)

// newRole creates a role that may use SSM, and returns its ARN.
func newRole(t *testing.T, cloud *fakeaws.Cloud, name string) string {
	t.Helper()
	n := iam.NewFromConfig(cloud.Config("123456789012", "eu-central-1"))
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",` +
		`"Principal":{"AWS":"arn:aws:iam::123456789012:root"}}]}`
	allow := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ssm:*","Resource":"*"}]}`
	created, err := n.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{
		RoleName: &name, PolicyName: &name, PolicyDocument: &allow,
	}); err != nil {
		t.Fatal(err)
	}
	return *created.Role.Arn
}

// TestSessionsOfOneRole checks that the state of an earlier session of the function's role is used: Lambda names the
// sessions of a function after it, and two functions may have one role. The first version is CloudFormation's.
func TestSessionsOfOneRole(t *testing.T) {
	cloud, _, s := newStore(t, "")
	stack, check := newRole(t, cloud, "stack"), newRole(t, cloud, "check")
	first := notify.FirstState
	byStack := ssm.NewFromConfig(cloud.ConfigAs("123456789012", "eu-central-1", stack))
	if _, err := byStack.PutParameter(t.Context(), &ssm.PutParameterInput{
		Name: &s.Parameter, Value: &first, Type: "String",
	}); err != nil {
		t.Fatal(err)
	}
	for i, session := range []string{"one", "one", "another"} {
		credentials := cloud.SessionCredentials("123456789012", check, session)
		s.Client = ssm.NewFromConfig(cloud.ConfigWith("eu-central-1", credentials))
		state, err := s.Begin(t.Context(), session, monday, monday.Add(time.Minute))
		if err != nil || len(state.Known) != min(i, 1) {
			t.Fatalf("run %d: got %d findings, error %v", i, len(state.Known), err)
		}
		_, state = notify.Compare(onlyFinding, state, monday, 7)
		if err := s.End(t.Context(), state); err != nil {
			t.Fatal(err)
		}
	}
}

// TestErrorsOfLostRace checks that the error of a run that lost the race for the lease says so, and what failed when
// it restored the state.
func TestErrorsOfLostRace(t *testing.T) {
	for _, tc := range []struct{ name, denied, want string }{
		{"restored", "", "another run is in progress: it wrote parameter state at the same time"},
		{"history denied", "GetParameterHistory", "another run is in progress: it wrote parameter state at the same time, " +
			"and list versions of parameter state: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cloud, client, s := newStore(t, notify.FirstState)
			other := &monitor.Store{Client: client, Parameter: s.Parameter, ParentStackID: parent}
			nested := false
			cloud.SetIntercept(func(c *protocol.Call) error {
				if c.Action == "PutParameter" && !nested {
					nested = true
					if _, err := other.Begin(t.Context(), "first", monday, monday.Add(time.Minute)); err != nil {
						t.Errorf("the first: %v", err)
					}
				}
				if c.Action == tc.denied {
					return protocol.Errorf("AccessDeniedException", "denied")
				}
				return nil
			})
			_, err := s.Begin(t.Context(), "second", monday, monday.Add(time.Minute))
			if !errors.Is(err, monitor.ErrBusy) || !strings.HasPrefix(err.Error(), tc.want) ||
				tc.denied == "" && err.Error() != tc.want || strings.Contains(err.Error(), "denied") != (tc.denied != "") {
				t.Errorf("got error %v, want %s", err, tc.want)
			}
		})
	}
}

// TestLeaseNotReleased checks that the error names both failures if the history cannot be read and the lease cannot be
// released either.
func TestLeaseNotReleased(t *testing.T) {
	cloud, _, s := newStore(t, notify.FirstState)
	state, err := s.Begin(t.Context(), "one", monday, monday.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.End(t.Context(), state); err != nil {
		t.Fatal(err)
	}
	failing := false
	cloud.SetIntercept(func(c *protocol.Call) error {
		failing = failing || c.Action == "GetParameterHistory"
		if failing {
			return protocol.Errorf("AccessDeniedException", "%s denied", c.Action)
		}
		return nil
	})
	_, err = s.Begin(t.Context(), "two", monday, monday.Add(time.Minute))
	if err == nil || !strings.Contains(err.Error(), "GetParameterHistory denied") ||
		!strings.Contains(err.Error(), "PutParameter denied") {
		t.Errorf("got error %v, want both failures", err)
	}
}
