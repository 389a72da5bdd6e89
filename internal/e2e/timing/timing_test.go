// Package timing measures on a simulated clock how long a launch, an update and a
// deletion take on AWS, how long after a change a message is sent, and which calls the functions make. It holds the
// sections of docs/performance.md and docs/drift.md about them.
//
//	go test ./internal/e2e/timing -update
//	go test ./internal/e2e/timing -run TestTimes -v -timeline    # what each operation waits for
package timing

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack"
	"permstack/internal/e2e/docsection"
	engine "permstack/internal/fakeaws/cloudformation"
	"permstack/internal/permissionstack"
	"permstack/internal/policies"
)

var (
	update    = flag.Bool("update", false, "write the sections of docs/performance.md and docs/drift.md")
	timelines = flag.Bool("timeline", false, "print when CloudFormation begins and ends each resource of TestTimes")
)

const document = "../../../docs/performance.md"

// choice is a launch, and an update of it.
type choice struct {
	name            string
	launch, changed map[string]string // parameters; changed: those of the update
	update          string            // what changes
}

var choices = []choice{
	{
		name: "Clumio, EC2 (the default)", update: "S3 is added",
		launch: clumio(nil), changed: clumio(map[string]string{"ProtectS3": "yes"}),
	},
	{
		name: "Clumio, every asset, support role", update: "RDS is removed",
		launch: clumio(everyAsset), changed: clumio(everyAsset, map[string]string{"ProtectRDS": "no"}),
	},
	{
		name: "cpm, EC2", update: "S3 is added",
		launch: cpm(nil), changed: cpm(map[string]string{"ProtectS3": "yes"}),
	},
}

var everyAsset = map[string]string{
	"ProtectEC2MSSQL": "yes", "ProtectRDS": "yes", "ProtectDynamoDB": "yes", "ProtectS3": "yes",
	"ProtectIcebergOnGlue": "yes", "ProtectIcebergOnS3Tables": "yes",
	"SupportRole": "yes", "SupportControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Support",
}

func clumio(more ...map[string]string) map[string]string {
	return merged(append([]map[string]string{{
		"ControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Control", "ExternalId": "an-external-id",
		"ConnectionId": "c-1", "DataPlaneAccountId": "444455556666",
	}}, more...))
}

func cpm(more ...map[string]string) map[string]string {
	return merged(append([]map[string]string{{
		"Profile": "cpm", "Operations": "", "ControlPlaneRoleArn": "", "ExternalId": "", "ConnectionId": "c-1",
	}}, more...))
}

func merged(all []map[string]string) map[string]string {
	out := map[string]string{}
	for _, values := range all {
		for k, v := range values {
			out[k] = v
		}
	}
	return out
}

// times are how long one operation takes.
type times struct {
	permstack time.Duration
	single    time.Duration // one hand-written stack with the same permissions
	bound     time.Duration // the slower permission stack, and what the parent must do before and after
}

// result is the times of one choice.
type result struct {
	choice                 choice
	launch, update, remove times
	monitoring             time.Duration // the launch waits for the monitoring, beyond the function
	trust                  time.Duration // after both permission stacks are complete
}

// run launches, updates and deletes a choice.
func run(t *testing.T, c choice) (r result) {
	synctest.Test(t, func(t *testing.T) {
		r.choice = c
		a := newAccount(t)
		var began time.Time
		printTimeline := func(operation string, stacks ...string) {
			if *timelines {
				t.Logf("%s, %s:\n%s", c.name, operation, a.timeline(began, stacks...))
			}
		}
		began = time.Now()
		r.launch.permstack = a.create(parentName, permstack.Template, c.launch)
		all := append(a.permissionStacks(), parentName)
		printTimeline("launch", all...)
		launched := unbounded(*a.set)
		custom := func(status types.ResourceStatus) time.Duration {
			return a.since(parentName, "PermissionStack", status)
		}
		customBegan := custom("CREATE_IN_PROGRESS")
		inCustom := custom("CREATE_COMPLETE") - customBegan
		r.launch.bound = r.launch.permstack - inCustom - (customBegan - functionTime)
		r.monitoring = customBegan - functionTime
		r.trust = inCustom

		began = time.Now()
		r.update.permstack = a.update(parentName, permstack.Template, c.changed, nil)
		printTimeline("update", all...)
		inUpdate := custom("UPDATE_COMPLETE") - custom("UPDATE_IN_PROGRESS")
		r.update.bound = r.update.permstack - inUpdate
		changed := unbounded(*a.set)

		// The parent's remaining resources are deleted after the permission stacks.
		id := a.id(parentName)
		for i, name := range all {
			all[i] = a.id(name)
		}
		began = time.Now()
		r.remove.permstack = a.remove(parentName)
		printTimeline("delete", all...)
		inRemove := a.since(id, "PermissionStack", "DELETE_COMPLETE") - a.since(id, "PermissionStack", "DELETE_IN_PROGRESS")
		r.remove.bound = r.remove.permstack - inRemove

		launch, update, remove := a.alone(stacks(t, launched), stacks(t, changed))
		r.trust -= launch
		r.launch.bound += launch
		r.update.bound += update
		r.remove.bound += remove
		single := []permissionstack.Stack{{Part: "single", Template: combined(t, launched)}}
		next := []permissionstack.Stack{{Part: "single", Template: combined(t, changed)}}
		r.launch.single, r.update.single, r.remove.single = a.alone(single, next)
	})
	return r
}

// functionTime is when the function is complete if nothing but its role, and the
// stack role that this names, is created before.
var functionTime = engine.AWSWaits("AWS::CloudFormation::Stack", "create").Configure +
	2*engine.AWSWaits("AWS::IAM::Role", "create").Configure +
	engine.AWSWaits("AWS::Lambda::Function", "create").Configure +
	engine.AWSWaits("AWS::Lambda::Function", "create").Check

// alone returns how long the slowest of some stacks takes to create, to update and to
// delete.
func (a *account) alone(before, after []permissionstack.Stack) (create, update, remove time.Duration) {
	a.t.Helper()
	for _, s := range before {
		create = max(create, a.create(string(s.Part), s.Template.JSON(), secrets(s)))
	}
	existing := map[string]bool{}
	for _, s := range before {
		existing[string(s.Part)] = true
	}
	for _, s := range after {
		name := string(s.Part)
		if !existing[name] {
			update = max(update, a.create(name, s.Template.JSON(), secrets(s)))
		} else if string(s.Template.JSON()) != a.template(name) {
			update = max(update, a.update(name, s.Template.JSON(), secrets(s), nil))
		}
		existing[name] = true
	}
	for name := range existing {
		remove = max(remove, a.remove(name))
	}
	return create, update, remove
}

// secrets returns the parameters of a permission stack.
func secrets(s permissionstack.Stack) map[string]string {
	if !strings.Contains(string(s.Template.JSON()), `"NoEcho"`) {
		return nil
	}
	return map[string]string{"ExternalId": "e2e-0f8c9b7a41d2"}
}

// unbounded returns a set whose roles have no boundary, which the parent's stack creates.
func unbounded(set policies.Set) policies.Set {
	set.Roles = slices.Clone(set.Roles)
	for i := range set.Roles {
		set.Roles[i].PermissionsBoundary = ""
	}
	return set
}

func stacks(t *testing.T, set policies.Set) []permissionstack.Stack {
	t.Helper()
	out, err := permissionstack.Stacks(set)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func combined(t *testing.T, set policies.Set) permissionstack.Template {
	t.Helper()
	out, err := permissionstack.Combined(set)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestTimes compares the times with their bounds, and with the document.
func TestTimes(t *testing.T) {
	var results []result
	for _, c := range choices {
		t.Run(c.name, func(t *testing.T) {
			r := run(t, c)
			results = append(results, r)
			t.Logf("launch %+v, update %+v, delete %+v, monitoring %v, trust %v",
				r.launch, r.update, r.remove, r.monitoring, r.trust)
			// Beyond the bound a launch waits for the rule of the drift check, and sets the trust
			// policies in one more update of the roles.
			role := engine.AWSWaits("AWS::IAM::Role", "update").Configure
			if limit := 20 * time.Second; r.monitoring > limit {
				t.Errorf("the launch waits %v for the monitoring, want at most %v", r.monitoring, limit)
			}
			if limit := role + 10*time.Second; r.trust > limit {
				t.Errorf("the launch takes %v after the slower stack, want at most %v", r.trust, limit)
			}
			for name, limit := range map[string]struct {
				times
				factor float64
			}{"update": {r.update, 1.10}, "deletion": {r.remove, 1.12}} {
				// Small times are mostly waits that end with a poll of the function.
				got := ratio(limit.permstack, limit.bound)
				if got > limit.factor && limit.permstack-limit.bound > 5*time.Second {
					t.Errorf("%s: %v is %.2f times the bound %v, want at most %.2f", name, limit.permstack, got, limit.bound,
						limit.factor)
				}
			}
		})
	}
	if t.Failed() || len(results) < len(choices) {
		return // a row was run alone
	}
	checkDocument(t, table(results))
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

// table returns the results as Markdown.
func table(results []result) string {
	var b strings.Builder
	b.WriteString("| choice | operation | permstack | bound | beyond the bound | one hand-written stack |\n")
	b.WriteString("|---|---|---|---|---|---|\n")
	for _, r := range results {
		for _, row := range []struct {
			name string
			times
		}{{"launch", r.launch}, {"update: " + r.choice.update, r.update}, {"delete", r.remove}} {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %.0f %% | %s |\n", r.choice.name, row.name, minutes(row.permstack),
				minutes(row.bound), 100*(ratio(row.permstack, row.bound)-1), minutes(row.single))
		}
	}
	return b.String()
}

// minutes formats a duration as "m:ss".
func minutes(d time.Duration) string {
	s := int(d.Round(time.Second) / time.Second)
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// checkDocument compares the table of docs/performance.md with the measured one, or writes it.
func checkDocument(t *testing.T, want string) {
	t.Helper()
	checkSection(t, document, "times", want)
}

// checkSection compares a section of a document, or writes it.
func checkSection(t *testing.T, document, name, want string) {
	t.Helper()
	docsection.Check(t, document, name, "go test ./internal/e2e/timing -update", want, *update)
}
