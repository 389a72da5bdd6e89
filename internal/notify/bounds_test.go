package notify

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/notify/finding"
)

const parentID = "arn:aws:cloudformation:eu-central-1:123456789012:stack/backup/6f1d7d1e"

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func hours(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }

// TestTexts checks the functions that shorten texts, at their limits.
func TestTexts(t *testing.T) {
	for _, tt := range []struct{ name, got, want string }{
		{"label that fits", fitLabel("ab", 2), "ab"},
		{"label cut between characters", fitLabel("aéé", 3), "aé"},
		{"label cut within a character", fitLabel("aéé", 4), "aé"},
		{"label that is not UTF-8", fitLabel("a\xff", 5), "a?"},
		{"text that fits", truncateText("abcd", 4), "abcd"},
		{"text that does not", truncateText("abcde", 4), "abcd… (1 bytes more)"},
		{"list that fits", fmt.Sprint(truncateList([]string{"a", "b"}, 2)), "[a b]"},
		{"list that does not", fmt.Sprint(truncateList([]string{"a", "b", "c", "d"}, 2)), "[a b and 2 more]"},
		{"subject", printableASCII("a é\t\x7f~"), "a ???~"},
		{"name that fits", subject("in sync", strings.Repeat("s", 68), "123", "eu"),
			"permstack: in sync - " + strings.Repeat("s", 68) + " (123 eu)"},
		{"name that fits just", subject("in sync", strings.Repeat("s", 70), "123", "eu"),
			"permstack: in sync - " + strings.Repeat("s", 70) + " (123 eu)"},
		{"name that does not", subject("in sync", strings.Repeat("s", 71), "123", "eu"),
			"permstack: in sync - " + strings.Repeat("s", 68) + ".. (123 eu)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.got != tt.want {
				t.Errorf("got %q, want %q", tt.got, tt.want)
			}
		})
	}
	if rank("something else") != rank(finding.Unreadable) {
		t.Error("an unknown direction ranks last")
	}
	if d := (Key{Direction: byte(len(directions))}).direction(); d != finding.Changed {
		t.Errorf("a direction of a later release is %s, want changed", d)
	}
	for size, kept := range map[int]bool{maxCommand: true, maxCommand + 1: false} {
		r := truncate(Reported{Command: strings.Repeat("c", size), Console: strings.Repeat("a", size)})
		if (r.Command != "") != kept || (r.NoCommand == "") != kept || (r.Console != "") != kept {
			t.Errorf("command and address of %d bytes: kept %v and %v", size, r.Command != "", r.Console != "")
		}
	}
}

// TestLongEmail checks that an e-mail is cut at its limit, between two characters.
func TestLongEmail(t *testing.T) {
	email := func(action string) (text, sent string) {
		access := Access{Changes: []AccessChange{{Of: "r", Added: []string{action}}}}
		m := AccessMessage(Origin{Stack: "s"}, Granted, access, noon)
		var out map[string]string
		if err := json.Unmarshal(m.body(), &out); err != nil {
			t.Fatal(err)
		}
		return m.Text(), out[EmailProtocol]
	}
	short, _ := email("")
	fits := strings.Repeat("a", maxText-len(short))
	if text, sent := email(fits); len(text) != maxText || sent != text {
		t.Errorf("a text of %d bytes was cut to %d", len(text), len(sent))
	}
	if text, sent := email(fits + "a"); !strings.HasPrefix(sent, text[:maxText]+"\n… truncated") {
		t.Errorf("a text of %d bytes was sent as %d", len(text), len(sent))
	}
	for shift := range 3 {
		text, sent := email(strings.Repeat("a", shift) + strings.Repeat("€", maxText/3))
		kept, _, cut := strings.Cut(sent, "\n… truncated")
		if !cut || !utf8.ValidString(kept) || strings.Contains(kept, "\ufffd") || !strings.HasPrefix(text, kept) ||
			len(kept) > maxText || len(kept) < maxText-2 {
			t.Errorf("shifted by %d: %d bytes are kept, cut %v", shift, len(kept), cut)
		}
	}
}

// TestShrinkReverted checks that what was reverted is the last list that is left out.
func TestShrinkReverted(t *testing.T) {
	m := Message{Reverted: &Reverted{Done: []string{"a", "b"}, Failed: []string{"c"}}, Omitted: 4}
	if !m.shrink() || m.Omitted != 7 || m.Reverted != nil {
		t.Errorf("omitted %d, reverted %v, want 7 and none", m.Omitted, m.Reverted)
	}
	if m.shrink() {
		t.Error("nothing is left, and it shrinks")
	}
}

// TestOrderOfState checks the order of findings in the state: those at its end are the first to lose their names.
func TestOrderOfState(t *testing.T) {
	entry := func(id, direction byte, seen, notified int) Known {
		k := Known{FirstSeen: hours(seen), Notified: hours(notified)}
		k.Key.ID[0], k.Key.Direction = id, direction
		return k
	}
	want := []Known{
		entry(9, 4, 3, 3), entry(1, 0, 2, 3), entry(8, 1, 2, 4), entry(2, 2, 2, 4), entry(3, 2, 2, 4), entry(0, 0, 1, 1),
	}
	for shift := range want {
		shuffled := slices.Concat(want[shift:], want[:shift])
		slices.Reverse(shuffled)
		state, err := DecodeState(State{Known: shuffled}.Encode(parentID), parentID)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(state.Known, want) {
			t.Errorf("got %v, want %v", state.Known, want)
		}
	}
}

// TestOverflowSum checks that an overflow has the earliest times and the sum of its findings.
func TestOverflowSum(t *testing.T) {
	var o Overflow
	var sum uint64
	for i, times := range [][2]int{{2, 2}, {1, 1}, {3, 3}} {
		k := Known{FirstSeen: hours(times[0]), Notified: hours(times[1])}
		k.Key.ID[0], k.HubPending = byte(i), i == 1
		sum += k.Key.sum()
		o.add(k)
	}
	want := Overflow{Count: 3, Sum: sum, FirstSeen: noon.Add(time.Hour), Notified: noon.Add(time.Hour), HubPending: true}
	if o != want {
		t.Errorf("got %+v, want %+v", o, want)
	}
}

// TestManyKeys checks that no more findings go into the overflow than necessary.
func TestManyKeys(t *testing.T) {
	var s State
	for i := range 200 {
		k := Known{FirstSeen: noon, Notified: noon}
		k.Key.ID[0], k.Key.ID[1] = byte(i), byte(i>>8)
		s.Known = append(s.Known, k)
	}
	state, err := DecodeState(s.Encode(parentID), parentID)
	if err != nil {
		t.Fatal(err)
	}
	if len(state.Known) < 120 || len(state.Known)+state.Overflow.Count != 200 {
		t.Errorf("%d known, %d in the overflow", len(state.Known), state.Overflow.Count)
	}
}

// TestStateSize checks states that are exactly as long as allowed.
func TestStateSize(t *testing.T) {
	padded := func(s State, known []Known, size int) State {
		s.Choices = []finding.Choice{{Name: "n", Value: ""}}
		data, _ := s.encode(parentID, known, Overflow{})
		s.Choices[0].Value = strings.Repeat("x", size-len(data))
		return s
	}
	exact := padded(State{}, nil, MaxState)
	data, ok := exact.encode(parentID, nil, Overflow{})
	if !ok || len(data) != MaxState {
		t.Fatalf("a state of %d bytes: %v", len(data), ok)
	}
	if _, err := DecodeState(data, parentID); err != nil {
		t.Errorf("decode %d bytes: %v", len(data), err)
	}
	if _, ok := padded(State{}, nil, MaxState+1).encode(parentID, nil, Overflow{}); ok {
		t.Error("a state of one byte more fits")
	}

	// Labels are in the order of findings: without the first there is no second.
	known := []Known{{FirstSeen: noon, Notified: noon}, {FirstSeen: noon, Notified: noon}}
	long, short := strings.Repeat("l", 40), "s"
	room := func(bytes int) []string {
		bare := padded(State{}, known, MaxState-bytes+len(`"",""`)) // it has two empty labels
		with := slices.Clone(known)
		with[0].Label, with[1].Label = long, short
		data, ok := bare.encode(parentID, with, Overflow{})
		if !ok {
			t.Fatal("the keys do not fit")
		}
		state, err := DecodeState(data, parentID)
		if err != nil {
			t.Fatal(err)
		}
		return []string{state.Known[0].Label, state.Known[1].Label}
	}
	for bytes, want := range map[int][]string{
		42: {"", ""}, 43: {long, ""}, 46: {long, ""}, 47: {long, short},
	} {
		if got := room(bytes); !slices.Equal(got, want) {
			t.Errorf("with room for %d bytes: labels %q, want %q", bytes, got, want)
		}
	}
}

// TestStoredValues checks values of a state that few states have.
func TestStoredValues(t *testing.T) {
	o := Overflow{Count: 1, Sum: 2, FirstSeen: noon, Notified: noon, HubPending: true}
	s := State{Audited: noon, Hub: "hub", Overflow: o}
	got, err := DecodeState(s.Encode(parentID), parentID)
	if err != nil || !got.Audited.Equal(noon) || got.Hub != "hub" || got.Overflow != s.Overflow {
		t.Errorf("got %+v (%v), want %+v", got, err, s)
	}
	got, err = DecodeState(State{}.Encode(parentID), parentID)
	if err != nil || !got.Audited.IsZero() {
		t.Errorf("never audited is %v (%v)", got.Audited, err)
	}
}

// TestDamagedValues has values that no run writes.
func TestDamagedValues(t *testing.T) {
	keys := base64.RawURLEncoding.EncodeToString(make([]byte, keySize))
	for _, tt := range []struct {
		name  string
		edit  func(*wireState)
		valid bool
	}{
		{"nothing damaged", func(w *wireState) { w.Groups = [][2]string{{"a.b", keys}} }, true},
		{"part of a key", func(w *wireState) { w.Groups = [][2]string{{"a.b", "AAAA"}} }, false},
		{"no base64", func(w *wireState) { w.Groups = [][2]string{{"a.b", "!!!!"}} }, false},
		{"negative time", func(w *wireState) { w.Groups = [][2]string{{"-1.b", keys}} }, false},
		{"no time", func(w *wireState) { w.Groups = [][2]string{{"!.b", keys}} }, false},
		{"latest time", func(w *wireState) { w.Groups = [][2]string{{"vkhsvls.b", keys}} }, true},
		{"too late", func(w *wireState) { w.Groups = [][2]string{{"vkhsvlt.b", keys}} }, false},
		{"more labels than findings", func(w *wireState) { w.Labels = []string{"a", "b"} }, true},
		{"overflow", func(w *wireState) { w.Overflow = "1.2.a.b" }, true},
		{"overflow of nothing", func(w *wireState) { w.Overflow = "0.2.a.b" }, false},
		{"overflow without sum", func(w *wireState) { w.Overflow = "1.x.a.b" }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := wireState{Version: stateVersion, Stack: stackHash(parentID)}
			tt.edit(&w)
			if _, err := DecodeState(marshal(w), parentID); (err == nil) != tt.valid {
				t.Errorf("got error %v, want valid %v", err, tt.valid)
			}
		})
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func (failing) Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error) {
	return nil, io.ErrClosedPipe
}

func TestErrorsAreReturned(t *testing.T) {
	if err := (Metrics{}).Write(failing{}, noon); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Write of metrics: %v", err)
	}
	if err := (Metrics{}).Write(io.Discard, noon); err != nil {
		t.Errorf("Write of metrics: %v", err)
	}
	if _, err := (&Sender{Client: failing{}}).Send(t.Context(), Message{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Send: %v", err)
	}
}
