package fakeawstest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/fakeaws/simclock"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/notify"
)

func TestMain(m *testing.M) { fakeawstest.Main(m) }

// TestScenario uses each helper once, in the order of most tests.
func TestScenario(t *testing.T) {
	policytest.RequireSlow(t, "it waits as long as AWS")
	aws := fakeawstest.Start(t, fakeawstest.Options{})
	account := aws.In("123456789012", "eu-central-1")
	stack := account.Launch(fakeawstest.Launch{Tags: map[string]string{"team": "storage"}})
	if got := stack.Messages(); len(got) != 1 || got[0].Status != notify.Granted || got[0].Email == "" {
		t.Errorf("messages after the launch: got %+v, want one with status %s", got, notify.Granted)
	}
	if result := stack.CheckDrift(); result.Status != notify.InSync {
		t.Errorf("drift check: got %+v, want status %s", result, notify.InSync)
	}

	stack.AttachPolicy(stack.RoleName(), fakeawstest.AdministratorAccess)
	if !slices.Contains(stack.AttachedPolicies(stack.RoleName()), fakeawstest.AdministratorAccess) {
		t.Error("the policy is not attached")
	}
	stack.RequireMessages("GRANTS MORE: 1 new")
	stack.DetachPolicy(stack.RoleName(), fakeawstest.AdministratorAccess)

	restore := aws.FailCalls("Publish", "InternalError")
	if result := stack.Invoke("Drift", "{}"); result.FunctionError == "" {
		t.Errorf("drift check without sns:Publish: got %s, want an error", result.Payload)
	}
	restore()
	stack.RequireMessages("RESOLVED: 1, all in sync")

	before := account.Role(stack.RoleName()).ID
	stack.Update(map[string]string{"ProtectS3": "yes"})
	if got := account.Role(stack.RoleName()).ID; got != before {
		t.Errorf("role id after an update: got %s, want %s", got, before)
	}
	if strings.Contains(aws.Log.String(), fakeawstest.ExternalID) || !strings.Contains(aws.Log.String(), stack.StackID) {
		t.Errorf("the functions' log contains the external id, or not the parent's id:\n%s", aws.Log)
	}
	stack.Delete()
	account.RequireEmpty()
}

func TestCreateRefused(t *testing.T) {
	account := fakeawstest.Start(t, fakeawstest.Options{}).In("123456789012", "us-east-1")
	_, err := account.Create(fakeawstest.Launch{Parameters: map[string]string{"ProtectEC2": "no"}})
	if err == nil || !strings.Contains(err.Error(), "at least one kind of asset") {
		t.Errorf("got error %v, want the assertion of the template's rule", err)
	}
	account.RequireEmpty()
}

func TestClock(t *testing.T) {
	begin := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	clock := simclock.New(begin)
	if err := clock.Sleep(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Minute)
	if got, want := clock.Now(), begin.Add(61*time.Minute); !got.Equal(want) {
		t.Errorf("got %s, want %s", got, want)
	}
	aws := fakeawstest.Start(t, fakeawstest.Options{Clock: clock.Now})
	stack := aws.In("123456789012", "us-east-1").Launch(fakeawstest.Launch{
		Name: "own-template", Template: []byte("Resources: {Topic: {Type: AWS::SNS::Topic}}"),
	})
	if got := *stack.Describe().CreationTime; !got.Equal(clock.Now()) {
		t.Errorf("creation time: got %s, want %s", got, clock.Now())
	}
}
