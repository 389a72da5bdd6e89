package notify

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"permstack/internal/notify/finding"
)

const (
	// MaxState is the size of a standard SSM parameter's value (Systems Manager
	// quotas, "Maximum size for a parameter value").
	MaxState = 4096

	stateVersion = 1
	maxLabel     = 96 // bytes of a Label
	maxHolder    = 48 // bytes of a Lease.Holder
	maxAnnounced = 64
	keySize      = 8 + 4 + 3 + 2 + 1

	hubPendingBit    = 0x80 // of Key.Direction
	hubPendingSuffix = ".h" // of an Overflow
)

// wireState is the stored form of a State. Names are short to save space.
type wireState struct {
	Version   int         `json:"v"`
	Stack     string      `json:"p"`           // hash of the parent stack's id
	Announced string      `json:"a,omitempty"` //
	Lease     *wireLease  `json:"l,omitempty"` //
	Groups    [][2]string `json:"g,omitempty"` // times of findings, and their keys
	Labels    []string    `json:"w,omitempty"` // of the first findings, in the groups' order
	Overflow  string      `json:"o,omitempty"` // count, sum and times
	Progress  []string    `json:"i,omitempty"` // hashes of stacks in progress
	Choices   [][2]string `json:"c,omitempty"` // names and values
	Restore   string      `json:"r,omitempty"` // end of the restore window that was announced
	Hub       string      `json:"h,omitempty"` // hash of the Organization's topic
	Audited   int64       `json:"t,omitempty"` // minutes since 1970
}

type wireLease struct {
	Holder string `json:"h"`
	Until  int64  `json:"u"` // seconds since 1970
}

// Encode returns the state of a parent stack in at most MaxState bytes. If it
// does not fit, labels are left out, those of the least severe findings first; a
// message that such a finding is resolved then does not name it. If the keys do
// not fit either (more than about 150 findings), the oldest become an Overflow.
func (s State) Encode(parentStackID string) []byte {
	known := slices.Clone(s.Known)
	slices.SortStableFunc(known, func(a, b Known) int {
		if c := b.FirstSeen.Compare(a.FirstSeen); c != 0 { // the newest first
			return c
		}
		if c := a.Notified.Compare(b.Notified); c != 0 {
			return c
		}
		if a.Key.Direction != b.Key.Direction {
			return int(a.Key.Direction) - int(b.Key.Direction)
		}
		return bytes.Compare(a.Key.ID[:], b.Key.ID[:])
	})
	overflow := s.Overflow
	for {
		if data, ok := s.encode(parentStackID, known, overflow); ok {
			return data
		}
		// Several at a time, so that thousands need few iterations.
		drop := max(1, (len(known)-MaxState/24)/2)
		for _, k := range known[len(known)-drop:] {
			overflow.add(k)
		}
		known = known[:len(known)-drop]
	}
}

func (o *Overflow) add(k Known) {
	if o.Count == 0 || k.FirstSeen.Before(o.FirstSeen) {
		o.FirstSeen = k.FirstSeen
	}
	if o.Count == 0 || k.Notified.Before(o.Notified) {
		o.Notified = k.Notified
	}
	o.Count++
	o.Sum += k.Key.sum()
	o.HubPending = o.HubPending || k.HubPending
}

// encode returns the state with as many labels as fit. It reports false if the
// keys do not fit.
func (s State) encode(parent string, known []Known, overflow Overflow) ([]byte, bool) {
	w := wireState{Version: stateVersion, Stack: stackHash(parent), Announced: fitLabel(s.Announced, maxAnnounced)}
	w.Progress, w.Restore, w.Hub = s.InProgress, fitLabel(s.RestoreEnded, maxHolder), s.Hub
	if !s.Audited.IsZero() {
		w.Audited = s.Audited.Unix() / 60
	}
	for _, c := range s.Choices {
		w.Choices = append(w.Choices, [2]string{c.Name, c.Value})
	}
	if s.Lease.Holder != "" {
		w.Lease = &wireLease{fitLabel(s.Lease.Holder, maxHolder), s.Lease.Until.Unix()}
	}
	var keys []byte
	for i, k := range known {
		keys = append(keys, k.Key.ID[:]...)
		keys = append(keys, k.Key.Hash[:]...)
		keys = append(keys, k.Key.Resource[:]...)
		keys = append(keys, k.Key.Stack[:]...)
		direction := k.Key.Direction
		if k.HubPending {
			direction |= hubPendingBit
		}
		keys = append(keys, direction)
		if times := timesText(k.FirstSeen, k.Notified); i == len(known)-1 ||
			times != timesText(known[i+1].FirstSeen, known[i+1].Notified) {
			w.Groups = append(w.Groups, [2]string{times, base64.RawURLEncoding.EncodeToString(keys)})
			keys = nil
		}
	}
	if overflow.Count > 0 {
		w.Overflow = fmt.Sprintf("%d.%x.%s", overflow.Count, overflow.Sum, timesText(overflow.FirstSeen, overflow.Notified))
		if overflow.HubPending {
			w.Overflow += hubPendingSuffix
		}
	}
	data := marshal(w)
	if len(data) > MaxState {
		return nil, false
	}
	room := MaxState - len(data) - len(`,"w":[]`)
	for _, k := range known {
		label := fitLabel(k.Label, maxLabel)
		if room -= len(marshal(label)) + 1; room < 0 {
			break
		}
		w.Labels = append(w.Labels, label)
	}
	return marshal(w), true
}

// DecodeState parses what Encode returned for a parent stack. After an error the
// caller can continue with an empty State: that costs at most one redundant
// message.
func DecodeState(data []byte, parentStackID string) (State, error) {
	if len(data) > MaxState {
		return State{}, fmt.Errorf("decode state: it has %d bytes, want at most %d", len(data), MaxState)
	}
	var w wireState
	if err := json.Unmarshal(data, &w); err != nil {
		return State{}, fmt.Errorf("decode state: %w", err)
	}
	switch {
	case w.Version != stateVersion:
		return State{}, fmt.Errorf("decode state: it has version %d, want %d", w.Version, stateVersion)
	case w.Stack != stackHash(parentStackID):
		return State{}, errors.New("decode state: it belongs to another stack")
	}
	s := State{Announced: w.Announced, InProgress: w.Progress, RestoreEnded: w.Restore, Hub: w.Hub}
	if w.Audited != 0 {
		s.Audited = time.Unix(w.Audited*60, 0).UTC()
	}
	for _, c := range w.Choices {
		s.Choices = append(s.Choices, finding.Choice{Name: c[0], Value: c[1]})
	}
	if w.Lease != nil {
		s.Lease = Lease{w.Lease.Holder, time.Unix(w.Lease.Until, 0).UTC()}
	}
	for _, g := range w.Groups {
		known, err := decodeGroup(g)
		if err != nil {
			return State{}, fmt.Errorf("decode state: %w", err)
		}
		s.Known = append(s.Known, known...)
	}
	for i, label := range w.Labels {
		if i < len(s.Known) {
			s.Known[i].Label = label
		}
	}
	var err error
	if s.Overflow, err = decodeOverflow(w.Overflow); err != nil {
		return State{}, fmt.Errorf("decode state: %w", err)
	}
	return s, nil
}

func decodeGroup(g [2]string) ([]Known, error) {
	first, notified, err := parseTimes(g[0])
	if err != nil {
		return nil, err
	}
	keys, err := base64.RawURLEncoding.DecodeString(g[1])
	if err != nil || len(keys)%keySize != 0 {
		return nil, errors.New("invalid keys")
	}
	var out []Known
	for k := range slices.Chunk(keys, keySize) {
		known := Known{FirstSeen: first, Notified: notified}
		copy(known.Key.ID[:], k)
		copy(known.Key.Hash[:], k[8:])
		copy(known.Key.Resource[:], k[12:])
		copy(known.Key.Stack[:], k[15:])
		known.Key.Direction, known.HubPending = k[17]&^hubPendingBit, k[17]&hubPendingBit != 0
		out = append(out, known)
	}
	return out, nil
}

func decodeOverflow(text string) (Overflow, error) {
	if text == "" {
		return Overflow{}, nil
	}
	var o Overflow
	text, o.HubPending = strings.CutSuffix(text, hubPendingSuffix)
	count, rest, _ := strings.Cut(text, ".")
	sum, times, _ := strings.Cut(rest, ".")
	var errs [3]error
	o.Count, errs[0] = strconv.Atoi(count)
	o.Sum, errs[1] = strconv.ParseUint(sum, 16, 64)
	o.FirstSeen, o.Notified, errs[2] = parseTimes(times)
	if errors.Join(errs[:]...) != nil || o.Count <= 0 {
		return Overflow{}, errors.New("invalid overflow")
	}
	return o, nil
}

// timesText returns two times as minutes since 1970, in base 36.
func timesText(first, notified time.Time) string {
	return strconv.FormatInt(first.Unix()/60, 36) + "." + strconv.FormatInt(notified.Unix()/60, 36)
}

func parseTimes(text string) (first, notified time.Time, err error) {
	a, b, _ := strings.Cut(text, ".")
	if first, err = parseMinutes(a); err == nil {
		notified, err = parseMinutes(b)
	}
	return first, notified, err
}

func parseMinutes(text string) (time.Time, error) {
	n, err := strconv.ParseInt(text, 36, 64)
	if err != nil || n < 0 || n > 1<<36 {
		return time.Time{}, errors.New("invalid times")
	}
	return time.Unix(n*60, 0).UTC(), nil
}

func stackHash(text string) string {
	d := digest(text)
	return base64.RawURLEncoding.EncodeToString(d[:6])
}

// fitLabel truncates a text to a number of bytes, between two characters.
func fitLabel(s string, size int) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) <= size {
		return s
	}
	for !utf8.RuneStart(s[size]) {
		size--
	}
	return s[:size]
}

// marshal returns JSON without HTML escapes, to save space.
func marshal(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil { // strings, numbers and lists always marshal
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
