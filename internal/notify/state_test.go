package notify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

func TestStateStaysTheSame(t *testing.T) {
	var findings []finding.Finding
	for n := range 12 {
		findings = append(findings, newFinding(n, directions[n%4]))
	}
	_, first := notify.Compare(report(findings[:5]...), notify.State{}, monday, 7)
	_, state := notify.Compare(report(findings...), first, monday.Add(time.Hour), 7)
	state.Announced, state.RestoreEnded = strings.Repeat("0a", 32), "2026-11-27T16:00:00Z"
	state.Lease = notify.Lease{Holder: "6f1d7d1e-4b8a-4a53-9d7a-0c2a1b3d4e5f", Until: monday.Add(90 * time.Second)}
	once := saved(t, state)
	if diff := cmp.Diff(once, saved(t, once)); diff != "" {
		t.Error(diff)
	}
	if len(once.Known) != 12 || once.Announced != state.Announced ||
		once.RestoreEnded != state.RestoreEnded || once.Lease != state.Lease ||
		once.Known[11].Label == "" {
		t.Errorf("have %+v", once)
	}
}

// TestLabelsGoFirst checks that with 60 findings every one is known, the newest by name.
func TestLabelsGoFirst(t *testing.T) {
	var findings []finding.Finding
	for n := range 60 {
		findings = append(findings, newFinding(n, finding.GrantsMore))
	}
	_, state := notify.Compare(report(findings...), notify.State{}, monday, 7)
	state = saved(t, state)
	named := 0
	for _, k := range state.Known {
		if k.Label != "" {
			named++
		}
	}
	if len(state.Known) != 60 || state.Overflow.Count != 0 || named < 20 || named == 60 {
		t.Errorf("%d known, %d of them by name, %d in the overflow", len(state.Known), named, state.Overflow.Count)
	}
}

func TestDamagedState(t *testing.T) {
	_, state := notify.Compare(report(newFinding(1, finding.GrantsMore)), notify.State{}, monday, 7)
	good := string(state.Encode(parent))
	for name, data := range map[string]string{
		"empty": "", "new": notify.FirstState, "garbage": "\x00\xff garbage", "list": "[]", "cut": good[:len(good)-3],
		"another version": strings.Replace(good, `"v":1`, `"v":2`, 1),
		"damaged keys":    strings.Replace(good, `"]]`, `"],["x","y"]]`, 1),
		"overflow":        `{"v":1,"o":"x"}`,
		"too long":        good + strings.Repeat(" ", notify.MaxState),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := notify.DecodeState([]byte(data), parent); err == nil {
				t.Errorf("no error for %q", data)
			}
		})
	}
	if _, err := notify.DecodeState([]byte(good), parent+"0"); err == nil {
		t.Error("another stack's state is taken")
	}
}

// FuzzDecodeState checks that whatever the parameter contains, decoding it does not panic or return
// a state that cannot be encoded, and costs at most one redundant message: a finding is reported,
// or it was known.
func FuzzDecodeState(f *testing.F) {
	_, state := notify.Compare(report(newFinding(1, finding.GrantsMore), newFinding(2, finding.Unreadable)),
		notify.State{}, monday, 7)
	f.Add(string(state.Encode(parent)))
	f.Add(notify.FirstState)
	f.Add(`{"v":1,"p":"x","g":[["a.b",""]],"o":"1.a.b.c"}`)
	f.Fuzz(func(t *testing.T, data string) {
		s, err := notify.DecodeState([]byte(data), parent)
		if err != nil {
			s = notify.State{}
		}
		saved(t, s)
		r := report(newFinding(1, finding.GrantsMore))
		_, next := notify.Compare(r, s, monday.AddDate(0, 1, 0), 7)
		diff, _ := notify.Compare(r, saved(t, next), monday.AddDate(0, 1, 1), 7)
		if len(diff.Appeared)+len(diff.Changed) > 0 {
			t.Errorf("reported twice after %q", data)
		}
	})
}
