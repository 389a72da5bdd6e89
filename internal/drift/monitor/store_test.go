package monitor_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"permstack/internal/drift/monitor"
	"permstack/internal/fakeaws"
	"permstack/internal/fakeaws/protocol"
	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

var monday = time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)

var onlyFinding = finding.Report{ParentStackID: parent, Findings: []finding.Finding{
	{ID: "finding", Stack: "backup-permstack-access", LogicalID: "Role", Direction: finding.GrantsMore, Hash: "hash"},
}}

func newStore(t *testing.T, first string) (*fakeaws.Cloud, *ssm.Client, *monitor.Store) {
	t.Helper()
	cloud := fakeaws.New(fakeaws.Options{})
	client := ssm.NewFromConfig(cloud.Config("123456789012", "eu-central-1"))
	s := &monitor.Store{Client: client, Parameter: "state", ParentStackID: parent}
	if first != "" {
		if _, err := client.PutParameter(
			t.Context(),
			&ssm.PutParameterInput{Name: &s.Parameter, Value: &first, Type: "String"},
		); err != nil {
			t.Fatal(err)
		}
	}
	return cloud, client, s
}

func TestStore(t *testing.T) {
	_, _, s := newStore(t, notify.FirstState)
	state, err := s.Begin(t.Context(), "one", monday, monday.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	_, state = notify.Compare(onlyFinding, state, monday, 7)
	if err := s.End(t.Context(), state); err != nil {
		t.Fatal(err)
	}
	again, err := s.Begin(t.Context(), "two", monday, monday.Add(time.Minute))
	if err != nil || len(again.Known) != 1 {
		t.Errorf("read again: %+v, %v", again, err)
	}
}

// TestStateOfAnotherWriter checks that a state that is valid, but that another principal
// wrote, is not used. The next run continues with its own.
func TestStateOfAnotherWriter(t *testing.T) {
	cloud, client, s := newStore(t, notify.FirstState)
	role := newRole(t, cloud, "theirs")
	begin := func(holder string) (notify.State, error) {
		return s.Begin(t.Context(), holder, monday, monday.Add(time.Minute))
	}
	state, err := begin("one")
	if err != nil {
		t.Fatal(err)
	}
	_, state = notify.Compare(onlyFinding, state, monday, 7)
	if err := s.End(t.Context(), state); err != nil {
		t.Fatal(err)
	}
	written, err := client.GetParameter(t.Context(), &ssm.GetParameterInput{Name: &s.Parameter})
	if err != nil {
		t.Fatal(err)
	}
	theirs := ssm.NewFromConfig(cloud.ConfigAs("123456789012", "eu-central-1", role))
	if _, err := theirs.PutParameter(t.Context(), &ssm.PutParameterInput{
		Name: &s.Parameter, Value: written.Parameter.Value, Overwrite: aws.Bool(true),
	}); err != nil {
		t.Fatal(err)
	}
	state, err = begin("two")
	var damaged *monitor.DamagedError
	if !errors.As(err, &damaged) || !strings.Contains(err.Error(), "theirs") || len(state.Known) != 0 {
		t.Errorf("got %d findings, error %v, want none and the writer", len(state.Known), err)
	}
	if err := s.End(t.Context(), state); err != nil {
		t.Fatal(err)
	}
	if _, err := begin("three"); err != nil {
		t.Errorf("the run after it: %v", err)
	}
}

// TestOneAtATime checks that a second run is refused while the first is in progress, a repetition
// of the same invocation is not, and a lease expires.
func TestOneAtATime(t *testing.T) {
	_, _, s := newStore(t, notify.FirstState)
	begin := func(holder string, at time.Duration) error {
		_, err := s.Begin(t.Context(), holder, monday.Add(at), monday.Add(at+10*time.Minute))
		return err
	}
	if err := begin("one", 0); err != nil {
		t.Fatal(err)
	}
	if err := begin("two", time.Minute); !errors.Is(err, monitor.ErrBusy) || !strings.Contains(err.Error(), "one") {
		t.Errorf("a second run: %v", err)
	}
	if err := begin("one", time.Minute); err != nil {
		t.Errorf("the same invocation again: %v", err)
	}
	if err := begin("two", 12*time.Minute); err != nil {
		t.Errorf("after its time: %v", err)
	}
}

// TestSameMoment checks that of two runs that read the same version, the one that writes second
// returns ErrBusy, and the state is what the first writes at its end.
func TestSameMoment(t *testing.T) {
	cloud, client, s := newStore(t, notify.FirstState)
	other := &monitor.Store{Client: client, Parameter: s.Parameter, ParentStackID: parent}
	var first notify.State
	nested := false
	cloud.SetIntercept(func(c *protocol.Call) error {
		if c.Action == "PutParameter" && !nested { // between the read and the write of the second
			nested = true
			var err error
			if first, err = other.Begin(t.Context(), "first", monday, monday.Add(time.Minute)); err != nil {
				t.Errorf("the first: %v", err)
			}
		}
		return nil
	})
	if _, err := s.Begin(t.Context(), "second", monday, monday.Add(time.Minute)); !errors.Is(err, monitor.ErrBusy) {
		t.Errorf("the second: %v", err)
	}
	_, first = notify.Compare(onlyFinding, first, monday, 7)
	if err := other.End(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if state, err := s.Begin(
		t.Context(),
		"third",
		monday,
		monday.Add(time.Minute),
	); err != nil ||
		len(state.Known) != 1 {
		t.Errorf("the third: %+v, %v", state, err)
	}
}

// TestLateWrite checks that a run whose write is delayed until after the end of another one restores the state of that
// run, without a lease, also if several runs are late.
func TestLateWrite(t *testing.T) {
	for _, late := range []int{1, 3} {
		t.Run(fmt.Sprint(late), func(t *testing.T) {
			cloud, client, s := newStore(t, notify.FirstState)
			other := &monitor.Store{Client: client, Parameter: s.Parameter, ParentStackID: parent}
			nested := 0
			begin := func(holder string) (notify.State, error) {
				return s.Begin(t.Context(), holder, monday, monday.Add(time.Minute))
			}
			cloud.SetIntercept(func(c *protocol.Call) error {
				if c.Action != "PutParameter" || nested > late {
					return nil
				}
				nested++
				if nested < late { // another run read the same version
					if _, err := begin(fmt.Sprintf("late %d", nested)); !errors.Is(err, monitor.ErrBusy) {
						t.Errorf("late run %d: %v", nested, err)
					}
					return nil
				}
				nested = late + 1
				state, err := other.Begin(t.Context(), "first", monday, monday.Add(time.Minute))
				if err != nil {
					t.Fatalf("the first: %v", err)
				}
				_, state = notify.Compare(onlyFinding, state, monday, 7)
				if err := other.End(t.Context(), state); err != nil {
					t.Fatal(err)
				}
				return nil
			})
			if _, err := begin("late"); !errors.Is(err, monitor.ErrBusy) {
				t.Errorf("the late run: %v", err)
			}
			if state, err := begin("next"); err != nil || len(state.Known) != 1 {
				t.Errorf("the next run: %+v, %v", state, err)
			}
		})
	}
}

// TestLateWriteDuringRun checks that a run which loses the race leaves the winner's lease.
func TestLateWriteDuringRun(t *testing.T) {
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
		return nil
	})
	for _, holder := range []string{"second", "second", "third"} {
		_, err := s.Begin(t.Context(), holder, monday, monday.Add(time.Minute))
		if !errors.Is(err, monitor.ErrBusy) {
			t.Errorf("run %s: %v", holder, err)
		}
	}
	if _, err := s.Begin(t.Context(), "first", monday, monday.Add(time.Minute)); err != nil {
		t.Errorf("the first again: %v", err)
	}
}

func TestLostState(t *testing.T) {
	for name, value := range map[string]string{"absent": "", "garbage": "garbage", "another's": `{"v":1,"p":"x"}`} {
		t.Run(name, func(t *testing.T) {
			_, client, s := newStore(t, value)
			state, err := s.Begin(t.Context(), "one", monday, monday.Add(time.Minute))
			var damaged *monitor.DamagedError
			if !errors.As(err, &damaged) || len(state.Known) != 0 || state.Lease.Holder != "one" {
				t.Errorf("%+v, %v", state, err)
			}
			out, err := client.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("state")})
			if err != nil || !strings.Contains(*out.Parameter.Value, "one") {
				t.Errorf("the lease is not taken: %v", err)
			}
		})
	}
}

// TestRecreatedParameter checks that a state is not used if somebody deleted the parameter and created it again,
// whether with a state that hides findings or with the value of a new installation.
func TestRecreatedParameter(t *testing.T) {
	created := time.Now()
	for _, tc := range []struct {
		name, value string
		created     time.Time // by the stack; zero if that is not known
		lost        bool
	}{
		{"new installation", notify.FirstState, created, false},
		{"stack cannot be read", notify.FirstState, time.Time{}, false},
		{"value of a new installation, a minute later", notify.FirstState, created.Add(-time.Minute), true},
		{"state that hides findings", "valid", created, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			value := tc.value
			if value == "valid" {
				_, state := notify.Compare(onlyFinding, notify.State{}, monday, 7)
				value = string(state.Encode(parent))
			}
			_, _, s := newStore(t, value)
			s.Created = func(context.Context) (time.Time, error) { return tc.created, nil }
			state, err := s.Begin(t.Context(), "one", monday, monday.Add(time.Minute))
			var damaged *monitor.DamagedError
			if errors.As(err, &damaged) != tc.lost || len(state.Known) != 0 {
				t.Errorf("got %d findings, error %v; want none, state lost %v", len(state.Known), err, tc.lost)
			}
		})
	}
}

// TestUnreadableHistory checks that a state is not used while it is not known who wrote it, and that the lease is
// released.
func TestUnreadableHistory(t *testing.T) {
	cloud, _, s := newStore(t, notify.FirstState)
	state, err := s.Begin(t.Context(), "one", monday, monday.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.End(t.Context(), state); err != nil {
		t.Fatal(err)
	}
	cloud.SetIntercept(func(c *protocol.Call) error {
		if c.Action == "GetParameterHistory" {
			return protocol.Errorf("AccessDeniedException", "denied")
		}
		return nil
	})
	if _, err := s.Begin(t.Context(), "two", monday, monday.Add(time.Minute)); err == nil {
		t.Error("got no error while the history cannot be read")
	}
	cloud.SetIntercept(nil)
	if _, err := s.Begin(t.Context(), "three", monday, monday.Add(time.Minute)); err != nil {
		t.Errorf("the next run: %v", err)
	}
}
