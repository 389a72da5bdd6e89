package usage_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/review/usage"
	"permstack/internal/terminal"
)

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

const role = "ClumioIAMRole"

// input returns the input of a choice; the data of every role is that of services.
func input(t *testing.T, text string, services ...usage.ServiceData) usage.Input {
	t.Helper()
	sel, err := choice.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	env := choice.Example(sel, policies.Environment{
		Partition: "aws", Account: "123456789012", Region: "us-east-1", ConnectionID: "c-1",
	})
	set, err := policies.Synthesize(sel, env)
	if err != nil {
		t.Fatal(err)
	}
	profile, _ := policies.Profile(sel.Profile)
	in := usage.Input{
		Stack: "backup", Profile: profile, Selection: sel, Environment: env, Set: set, Days: 90, Now: now,
		ARNs: map[string]string{}, Data: map[string]usage.RoleData{},
	}
	for _, r := range set.Roles {
		in.ARNs[r.Entity] = "arn:aws:iam::123456789012:role/" + r.Name
		in.Data[r.Entity] = usage.RoleData{Services: services}
	}
	return in
}

func evaluate(t *testing.T, in usage.Input) usage.Report {
	t.Helper()
	r, err := usage.Evaluate(in)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Actions) != r.Used+r.Unused+r.NoData || len(r.Actions) == 0 {
		t.Errorf("%d actions: %d used, %d unused, %d without data", len(r.Actions), r.Used, r.Unused, r.NoData)
	}
	return r
}

func action(t *testing.T, r usage.Report, name string) usage.Action {
	t.Helper()
	for _, a := range r.Actions {
		if a.Role == role && strings.EqualFold(a.Action, name) {
			return a
		}
	}
	t.Fatalf("no action %s", name)
	return usage.Action{}
}

// TestStatus checks the status of one action by what IAM's data has about it and its service.
func TestStatus(t *testing.T) {
	day := 24 * time.Hour
	at := func(age time.Duration) time.Time { return now.Add(-age) }
	ec2 := func(service time.Time, actions ...usage.ActionData) []usage.ServiceData {
		return []usage.ServiceData{{Namespace: "ec2", Last: service, Actions: actions}}
	}
	for _, c := range []struct {
		name     string
		action   string
		services []usage.ServiceData
		status   usage.Status
		evidence usage.Evidence
	}{
		{"called today", "ec2:CreateSnapshot", ec2(at(0), usage.ActionData{Name: "CreateSnapshot", Last: at(0)}),
			usage.Used, usage.ByAction},
		{"called at the limit", "ec2:CreateSnapshot",
			ec2(at(0), usage.ActionData{Name: "CreateSnapshot", Last: at(90 * day)}), usage.Used, usage.ByAction},
		{"called before the limit", "ec2:CreateSnapshot",
			ec2(at(0), usage.ActionData{Name: "CreateSnapshot", Last: at(90*day + time.Second)}),
			usage.Unused, usage.ByAction},
		{"tracked and never called", "ec2:CreateSnapshot", ec2(at(0), usage.ActionData{Name: "CreateSnapshot"}),
			usage.Unused, usage.ByAction},
		{"name with the service", "ec2:CreateSnapshot",
			ec2(at(0), usage.ActionData{Name: "ec2:createsnapshot", Last: at(day)}), usage.Used, usage.ByAction},
		{"not tracked, service in use", "ec2:CreateSnapshot",
			ec2(at(day), usage.ActionData{Name: "CreateTags", Last: at(day)}), usage.NoData, ""},
		{"service never called", "ec2:CreateSnapshot", ec2(time.Time{}), usage.Unused, usage.ByService},
		{"service last called before the limit", "ec2:CreateSnapshot", ec2(at(91 * day)), usage.Unused, usage.ByService},
		{"service not reported", "ec2:CreateSnapshot", nil, usage.NoData, ""},
		{"no call, service never called", "iam:PassRole", []usage.ServiceData{{Namespace: "iam"}}, usage.NoData, ""},
		{"called by services, service never called", "kms:CreateGrant", []usage.ServiceData{{Namespace: "kms"}},
			usage.NoData, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := action(t, evaluate(t, input(t, "clumio:ec2", c.services...)), c.action)
			if got.Status != c.status || got.Evidence != c.evidence || (got.Reason == "") == (c.status == usage.NoData) {
				t.Errorf("got %+v, want %s by %s", got, c.status, c.evidence)
			}
		})
	}
}

// TestGrantedFor checks that only combinations of the choice are named.
func TestGrantedFor(t *testing.T) {
	for choice, want := range map[string]string{
		"clumio:ec2:backup": "ec2 backup", "clumio:ec2": "ec2 backup, ec2 restore",
	} {
		a := action(t, evaluate(t, input(t, choice)), "ec2:CreateSnapshot")
		if got := strings.Join(a.GrantedFor, ", "); got != want {
			t.Errorf("%s: got %s, want %s", choice, got, want)
		}
	}
}

// TestDays checks the limits of the number of days, and what is said about a stack that is younger.
func TestDays(t *testing.T) {
	for days, valid := range map[int]bool{-1: false, 0: false, 1: true, 90: true, 400: true, 401: false} {
		in := input(t, "clumio:ec2")
		in.Days = days
		if _, err := usage.Evaluate(in); (err == nil) != valid {
			t.Errorf("%d days: got %v", days, err)
		}
	}
	for age, young := range map[int]bool{0: true, 89: true, 90: false, 500: false} {
		in := input(t, "clumio:ec2")
		in.Created = now.AddDate(0, 0, -age)
		if r := evaluate(t, in); (r.StackDays != nil) != young || young && *r.StackDays != age {
			t.Errorf("stack of %d days: got %v", age, r.StackDays)
		}
	}
}

// everything returns data in which the role called every action of a choice today.
func everything(t *testing.T, text string) []usage.ServiceData {
	t.Helper()
	var out []usage.ServiceData
	for _, a := range evaluate(t, input(t, text)).Actions {
		service, name, _ := strings.Cut(strings.ToLower(a.Action), ":")
		i := slices.IndexFunc(out, func(s usage.ServiceData) bool { return s.Namespace == service })
		if i < 0 {
			i, out = len(out), append(out, usage.ServiceData{Namespace: service, Last: now})
		}
		out[i].Actions = append(out[i].Actions, usage.ActionData{Name: name, Last: now})
	}
	return out
}

// TestChoices checks which choice is unused if the role did only what a smaller choice grants.
func TestChoices(t *testing.T) {
	for _, c := range []struct {
		name, choice, did, smaller string
		leftOut                    []string
	}{
		{"everything used", "clumio:ec2,rds", "clumio:ec2,rds", "", nil},
		{"restore unused", "clumio:ec2", "clumio:ec2:backup", "clumio:ec2:backup", []string{"restore"}},
		{"an asset unused", "clumio:ec2,dynamodb:backup", "clumio:ec2:backup", "clumio:ec2:backup",
			[]string{"dynamodb"}},
		{"an asset and restore unused", "clumio:ec2,dynamodb", "clumio:ec2:backup", "clumio:ec2:backup",
			[]string{"restore", "dynamodb"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			services := everything(t, c.did)
			for _, s := range everything(t, c.choice) { // tracked, and not called
				i := slices.IndexFunc(services, func(u usage.ServiceData) bool { return u.Namespace == s.Namespace })
				if i < 0 {
					i, services = len(services), append(services, usage.ServiceData{Namespace: s.Namespace})
				}
				for _, a := range s.Actions {
					services[i].Actions = append(services[i].Actions, usage.ActionData{Name: a.Name})
				}
			}
			r := evaluate(t, input(t, c.choice, services...))
			if c.smaller == "" {
				if r.Smaller != nil || r.Unused > 0 {
					t.Errorf("got %+v, %d unused", r.Smaller, r.Unused)
				}
				return
			}
			slices.Sort(c.leftOut)
			if r.Smaller == nil {
				t.Fatalf("no smaller choice: %+v", r.Choices)
			}
			slices.Sort(r.Smaller.LeftOut)
			if r.Smaller.Choice != c.smaller || !slices.Equal(r.Smaller.LeftOut, c.leftOut) || r.Smaller.Unused != r.Unused {
				t.Errorf("got %+v of %d unused, want %s", r.Smaller, r.Unused, c.smaller)
			}
			if !strings.Contains(r.Summary(), "unused for 90 days") {
				t.Errorf("got %s", r.Summary())
			}
		})
	}
}

// TestUnread checks that nothing is unused by a role that was deleted or whose data could not be read.
func TestUnread(t *testing.T) {
	for name, data := range map[string]usage.RoleData{
		"deleted": {Missing: true}, "failed": {Err: errors.New("job failed")},
	} {
		t.Run(name, func(t *testing.T) {
			in := input(t, "clumio:ec2")
			for entity := range in.Data {
				in.Data[entity] = data
			}
			r := evaluate(t, in)
			if r.IsComplete() || r.Unused > 0 || r.Smaller != nil {
				t.Errorf("complete %v, %d unused, %+v", r.IsComplete(), r.Unused, r.Smaller)
			}
			var out bytes.Buffer
			r.Write(terminal.New(&out))
			text := strings.Join(strings.Fields(out.String()), " ")
			if want := map[string]string{"deleted": "does not exist", "failed": "job failed"}[name]; !strings.Contains(
				text, want) {
				t.Errorf("got %s, want %q in it", text, want)
			}
		})
	}
}

// TestCSV checks that the CSV has every action with all columns.
func TestCSV(t *testing.T) {
	r := evaluate(t, input(t, "clumio:ec2", usage.ServiceData{Namespace: "ec2"}))
	var out bytes.Buffer
	if err := r.WriteCSV(&out); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != len(r.Actions)+1 {
		t.Errorf("got %d rows for %d actions, %v", len(rows), len(r.Actions), err)
	}
}
