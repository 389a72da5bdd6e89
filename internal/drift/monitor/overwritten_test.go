package monitor

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"permstack/internal/notify"
)

const parentID = "arn:aws:cloudformation:eu-central-1:123456789012:stack/backup/6f1d7d1e-4b8a-4a53-9d7a-0c2a1b3d4e5f"

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// held is the lease of a run until a minute after noon, ended one until a minute before it.
func held(holder string) notify.Lease {
	return notify.Lease{Holder: holder, Until: noon.Add(time.Minute)}
}
func ended(holder string) notify.Lease {
	return notify.Lease{Holder: holder, Until: noon.Add(-time.Minute)}
}

// TestLostRace checks which write is that of a run that did not get the lease: while another run has it, and after that
// if the run had read an older state.
func TestLostRace(t *testing.T) {
	for _, tc := range []struct {
		name           string
		replaced, next notify.State
		want           bool
	}{
		{"first lease", notify.State{}, notify.State{Lease: held("b")}, false},
		{"end of the run", notify.State{Lease: held("a")}, notify.State{Announced: "x"}, false},
		{"state kept during the run", notify.State{Lease: held("a")}, notify.State{Announced: "x", Lease: held("a")}, false},
		{"another has the lease", notify.State{Lease: held("a")}, notify.State{Lease: held("b")}, true},
		{"lease of another is over", notify.State{Lease: ended("a")}, notify.State{Lease: held("b")}, false},
		{"next lease", notify.State{Announced: "x"}, notify.State{Announced: "x", Lease: held("b")}, false},
		{"older state was read", notify.State{Announced: "x"}, notify.State{Lease: held("b")}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &Store{ParentStackID: parentID}
			if got := s.lostRace(tc.replaced, tc.next, noon); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

// versions returns the history of a parameter with these values, all written at noon.
func versions(values ...string) []types.ParameterHistory {
	var out []types.ParameterHistory
	for i, v := range values {
		out = append(out, types.ParameterHistory{Version: int64(i + 1), Value: aws.String(v), LastModifiedDate: &noon})
	}
	return out
}

func encoded(s notify.State) string { return string(s.Encode(parentID)) }

// TestCurrent checks which version holds the state.
func TestCurrent(t *testing.T) {
	for _, tc := range []struct {
		name    string
		values  []string
		written []int64
		want    int64 // 0 if no version does
	}{
		{"own write", []string{notify.FirstState, encoded(notify.State{Lease: held("own")})}, []int64{2}, 1},
		{"end of the winner after it", []string{
			encoded(notify.State{Lease: held("a")}), encoded(notify.State{Lease: held("own")}),
			encoded(notify.State{Announced: "x"}),
		}, []int64{2}, 3},
		{"another loser in between", []string{
			encoded(notify.State{Lease: held("a")}), encoded(notify.State{Lease: held("b")}),
			encoded(notify.State{Announced: "x"}), encoded(notify.State{Lease: held("own")}),
		}, []int64{4}, 3},
		{"another loser last", []string{
			notify.FirstState, encoded(notify.State{Lease: held("a")}), encoded(notify.State{Lease: held("b")}),
			encoded(notify.State{Lease: held("own")}),
		}, []int64{4}, 2},
		{"unreadable, then a run", []string{"garbage", encoded(notify.State{Lease: held("a")})}, nil, 2},
		{"unreadable after a run", []string{encoded(notify.State{Lease: held("a")}), "garbage"}, nil, 2},
		{"loser after the first state", []string{
			notify.FirstState, encoded(notify.State{Announced: "x", Lease: held("a")}),
		}, nil, 1},
		{"only own writes", []string{"a", "b"}, []int64{1, 2}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &Store{ParentStackID: parentID}
			got, found := s.current(versions(tc.values...), tc.written)
			if got.Version != tc.want || found != (tc.want != 0) {
				t.Errorf("got version %d, %v, want %d", got.Version, found, tc.want)
			}
		})
	}
}

// racedSSM is a client whose history has what the test says, and whose writes get the next of some versions.
type racedSSM struct {
	SSM
	history [][]types.ParameterHistory // of each read; the last one of all that follow
	next    []int64
	put     []string
	failure error
}

func (c *racedSSM) GetParameterHistory(
	context.Context, *ssm.GetParameterHistoryInput, ...func(*ssm.Options),
) (*ssm.GetParameterHistoryOutput, error) {
	out := c.history[0]
	if len(c.history) > 1 {
		c.history = c.history[1:]
	}
	return &ssm.GetParameterHistoryOutput{Parameters: out}, nil
}

func (c *racedSSM) PutParameter(
	_ context.Context, in *ssm.PutParameterInput, _ ...func(*ssm.Options),
) (*ssm.PutParameterOutput, error) {
	c.put = append(c.put, *in.Value)
	if c.failure != nil {
		return nil, c.failure
	}
	version := c.next[0]
	c.next = c.next[1:]
	return &ssm.PutParameterOutput{Version: version}, nil
}

// TestRestoreOverwritten checks when and how often a run that lost the race writes the state again.
func TestRestoreOverwritten(t *testing.T) {
	reversed := versions("one", "two", "three")
	slices.Reverse(reversed)
	many := func(from int64) (out []int64) {
		for i := range int64(maxRestores + 1) {
			out = append(out, from+2*i)
		}
		return out
	}
	longer := [][]types.ParameterHistory{versions("one", "two", "three")}
	for i := range maxRestores {
		longer = append(longer, versions(append([]string{"one", "two", "three"}, make([]string, 2*(i+1))...)...))
	}
	for _, tc := range []struct {
		name    string
		client  racedSSM
		own     int64
		want    []string
		problem string
	}{
		{"last version", racedSSM{history: [][]types.ParameterHistory{versions("one", "two", "three")}, next: []int64{4}}, 3,
			[]string{"two"}, ""},
		{"history in another order", racedSSM{history: [][]types.ParameterHistory{reversed}, next: []int64{4}}, 3,
			[]string{"two"}, ""},
		{"replaced meanwhile", racedSSM{history: [][]types.ParameterHistory{versions("one", "two", "three", "four")}}, 3,
			nil, ""},
		{"no history", racedSSM{history: [][]types.ParameterHistory{nil}}, 3, nil, ""},
		{"another wrote in between", racedSSM{history: [][]types.ParameterHistory{
			versions("one", "two", "three"), versions("one", "two", "three", "four", "two"),
		}, next: []int64{5, 6}}, 3, []string{"two", "four"}, ""},
		{"denied", racedSSM{history: [][]types.ParameterHistory{versions("one", "two")}, failure: errors.New("denied")}, 2,
			[]string{"one"}, "restore version 1 of parameter state: denied"},
		{"others never stop", racedSSM{history: longer, next: many(5)}, 3, []string{"two", "", "", "", ""},
			"restore parameter state: it was written 5 times meanwhile"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &Store{Client: &tc.client, Parameter: "state", ParentStackID: parentID}
			err := s.restoreOverwritten(t.Context(), tc.own)
			if (err != nil) != (tc.problem != "") || err != nil && !strings.Contains(err.Error(), tc.problem) {
				t.Errorf("got error %v, want %q", err, tc.problem)
			}
			if !slices.Equal(tc.client.put, tc.want) {
				t.Errorf("wrote %q, want %q", tc.client.put, tc.want)
			}
		})
	}
}
