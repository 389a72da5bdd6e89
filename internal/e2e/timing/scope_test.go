package timing

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"permstack"
	"permstack/internal/awsapi/livestate"
	"permstack/internal/fakeaws/protocol"
	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
	"permstack/internal/iampolicy/policytest"

	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// newScopeScenario launches a choice of backups that is narrowed to tables.
func newScopeScenario(t *testing.T, tables []string) *windowScenario {
	a := newAccount(t)
	cfg := a.cloud.Config(accountID, region)
	s := &windowScenario{account: a, t: t, iam: iam.NewFromConfig(cfg), live: livestate.NewReader(cfg)}
	s.create(parentName, permstack.Template, clumio(map[string]string{
		"ProtectEC2": "no", "ProtectDynamoDB": "yes", "Operations": "backup", "OnlyTables": strings.Join(tables, ","),
	}))
	s.messages()
	return s
}

// mayRead reports whether the deployed policies of the role, with its boundary, allow a backup to read a table's
// stream and its settings now.
func (s *windowScenario) mayRead(role, table string) bool {
	r, found := s.cloud.IAM().Lookup(accountID, role)
	if !found {
		return false
	}
	var docs []iampolicy.Document
	for _, text := range r.Policies {
		docs = append(docs, s.parse(text))
	}
	limit := s.parse(r.Boundary)
	arn := "arn:aws:dynamodb:" + region + ":" + accountID + ":table/" + table
	for _, request := range []eval.Request{
		{Action: "dynamodb:DescribeTimeToLive", Resource: arn},
		{Action: "dynamodb:GetRecords", Resource: arn + "/stream/1"},
	} {
		request.Context = map[string][]string{"aws:RequestedRegion": {region}}
		if eval.Role(docs, &limit, request).Decision != eval.Allow {
			return false
		}
	}
	return true
}

func (s *windowScenario) update(values map[string]string, want string) {
	s.t.Helper()
	if err := s.change(values); err != nil {
		s.t.Fatal(err)
	}
	s.complete(want)
}

// TestScopeUpdates narrows, widens, replaces and lifts a scope: each is an ordinary update, announced as more or less
// access, and no drift; a scope that cannot work is refused, and everything is as before.
func TestScopeUpdates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScopeScenario(t, []string{"orders", "invoices"})
		role := s.role()
		require := func(want map[string]bool) {
			t.Helper()
			for table, allowed := range want {
				if got := s.mayRead(role, table); got != allowed {
					t.Errorf("table %s: allowed %v, want %v", table, got, allowed)
				}
			}
		}
		require(map[string]bool{"orders": true, "invoices": true, "salaries": false})
		s.requireDrift()

		s.update(map[string]string{"OnlyTables": "orders"}, "UPDATE_COMPLETE")
		require(map[string]bool{"orders": true, "invoices": false})
		s.requireMessages("access to fewer resources (grants-less)")

		s.update(map[string]string{"OnlyMore": "table:inv-*"}, "UPDATE_COMPLETE")
		require(map[string]bool{"orders": true, "inv-1": true, "invoices": false})
		s.requireMessages("access to more resources (grants-more)")

		s.update(map[string]string{"OnlyTables": "customers", "OnlyRegions": region}, "UPDATE_COMPLETE")
		require(map[string]bool{"orders": false, "customers": true})
		s.requireMessages("access to other resources (grants-more)")
		s.requireDrift()

		for _, refused := range []map[string]string{
			{"OnlyTables": "not a table"},
			{"OnlyBuckets": "reports"},
			{"OnlyMore": "tables:orders"},
			{"OnlyRegions": "eu-central-1"},
			{"OnlyTables": longList("table", 400), "OnlyMore": entries("more", 250)}, // too long
		} {
			s.update(refused, "UPDATE_ROLLBACK_COMPLETE")
			require(map[string]bool{"orders": false, "customers": true})
			s.requireDrift()
			s.requireMessages()
		}
		s.update(map[string]string{"OnlyTables": "", "OnlyMore": "", "OnlyRegions": ""}, "UPDATE_COMPLETE")
		require(map[string]bool{"orders": true, "salaries": true})
		s.requireMessages("access to more resources (grants-more)")
	})
}

func longList(prefix string, n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s-%03d", prefix, i)
	}
	return strings.Join(names, ",")
}

func entries(prefix string, n int) string {
	return "table:" + strings.ReplaceAll(longList(prefix, n), ",", ",table:")
}

// TestScopeWithoutInterval evaluates at every call of an update from one long list to another, which moves tables from
// policy to policy, what the role may do: a table that is in both scopes is never refused, and a table that is in
// neither is never allowed.
func TestScopeWithoutInterval(t *testing.T) {
	policytest.RequireSlow(t, "it simulates hours")
	synctest.Test(t, func(t *testing.T) {
		first, second := strings.Split(longList("table", 60), ","), strings.Split(longList("data", 30), ",")
		s := newScopeScenario(t, append(first, "zebra"))
		role := s.role()
		calls, refused, narrowed := 0, map[string]int{}, true
		s.cloud.SetIntercept(func(c *protocol.Call) error {
			calls++
			for _, table := range []string{"table-000", "table-059", "zebra"} {
				if !s.mayRead(role, table) {
					refused[table]++
				}
			}
			if narrowed && s.mayRead(role, "outside") {
				t.Error("a table that is in no scope is allowed")
			}
			return nil
		})
		s.update(map[string]string{"OnlyMore": "table:" + strings.Join(second, ",table:")}, "UPDATE_COMPLETE")
		s.update(map[string]string{"OnlyMore": "", "OnlyTables": "table-000,table-059,zebra"}, "UPDATE_COMPLETE")
		narrowed = false
		s.update(map[string]string{"OnlyTables": ""}, "UPDATE_COMPLETE")
		s.cloud.SetIntercept(nil)
		if calls == 0 || len(refused) > 0 {
			t.Errorf("of %d moments, these tables of both scopes were refused in some: %v", calls, refused)
		}
	})
}
