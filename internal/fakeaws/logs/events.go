package logs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"permstack/internal/fakeaws/protocol"
)

// maxEvents is how many events of a group are kept; older ones are dropped.
const maxEvents = 10_000

// Events are what functions wrote, by log group.
type Events struct {
	clock func() time.Time

	mu     sync.Mutex
	groups map[groupKey]*groupEvents
}

type groupKey struct{ account, region, name string }

type groupEvents struct {
	streams []string // oldest first
	events  []event  // oldest first
	next    int      // the number of the next event
}

type event struct {
	stream, text string
	at           time.Time
	number       int
}

// NewEvents returns no events.
func NewEvents(clock func() time.Time) *Events {
	return &Events{clock: clock, groups: map[groupKey]*groupEvents{}}
}

// Writer returns a writer to a new log stream of a group, named as Lambda names it. Each line is an event.
func (e *Events) Writer(account, region, group string) io.Writer {
	id := strings.ReplaceAll(protocol.NewUUID(), "-", "")
	return &streamWriter{
		events: e, group: groupKey{account, region, group},
		stream: e.clock().UTC().Format("2006/01/02") + "/[$LATEST]" + id,
	}
}

type streamWriter struct {
	events *Events
	group  groupKey
	stream string
	rest   []byte // of a line that has not ended
}

// Write stores the lines that have ended.
func (w *streamWriter) Write(text []byte) (int, error) {
	w.events.mu.Lock()
	defer w.events.mu.Unlock()
	w.rest = append(w.rest, text...)
	for {
		line, rest, ended := bytes.Cut(w.rest, []byte("\n"))
		if !ended {
			return len(text), nil
		}
		w.events.add(w.group, w.stream, string(line))
		w.rest = rest
	}
}

// add stores an event; hold e.mu.
func (e *Events) add(key groupKey, stream, text string) {
	g := e.groups[key]
	if g == nil {
		g = &groupEvents{}
		e.groups[key] = g
	}
	if !slices.Contains(g.streams, stream) {
		g.streams = append(g.streams, stream)
	}
	if len(g.events) == maxEvents {
		g.events = slices.Delete(g.events, 0, 1)
	}
	g.events = append(g.events, event{stream, text, e.clock(), g.next})
	g.next++
}

// eventRequest is the request of the calls that read events.
type eventRequest struct {
	LogGroupName        string   `json:"logGroupName"`
	LogGroupIdentifier  string   `json:"logGroupIdentifier"`
	LogStreamName       string   `json:"logStreamName"`
	LogStreamNames      []string `json:"logStreamNames"`
	LogStreamNamePrefix string   `json:"logStreamNamePrefix"`
	FilterPattern       string   `json:"filterPattern"`
	StartTime           int64    `json:"startTime"` // milliseconds since 1970
	EndTime             int64    `json:"endTime"`
	StartFromHead       bool     `json:"startFromHead"`
	Descending          bool     `json:"descending"`
	NextToken           string   `json:"nextToken"`
	Limit               int      `json:"limit"`
}

// group returns the name of the group, which may be given as ARN.
func (in eventRequest) group() string {
	if in.LogGroupName != "" {
		return in.LogGroupName
	}
	_, name, isARN := strings.Cut(in.LogGroupIdentifier, ":log-group:")
	if !isARN {
		return in.LogGroupIdentifier
	}
	return strings.TrimSuffix(name, ":*")
}

// onEvents is the permission to read events, on the group.
func onEvents(call *protocol.Call) []protocol.Access {
	var in eventRequest
	_ = json.Unmarshal(call.Body, &in) // an unreadable body is refused by the call itself
	name := in.group()
	if name == "" {
		name = "*"
	}
	return []protocol.Access{{Action: "logs:" + call.Action, Resource: groupARN(call, name)}}
}

// read returns the streams and the events of a group, or an error if it does not exist.
func (s *Service) read(call *protocol.Call, name string) (groupEvents, error) {
	var out groupEvents
	written := false
	if s.events != nil {
		s.events.mu.Lock()
		defer s.events.mu.Unlock()
		if g := s.events.groups[groupKey{call.Account, call.Region, name}]; g != nil {
			written, out = true, groupEvents{streams: slices.Clone(g.streams), events: slices.Clone(g.events)}
		}
	}
	if _, exists := s.groups.LogGroups(call.Account, call.Region)[name]; !exists &&
		(!written || !strings.HasPrefix(name, "/aws/lambda/")) { // Lambda creates its own groups
		return out, protocol.Errorf("ResourceNotFoundException", "The specified log group does not exist.")
	}
	return out, nil
}

func (s *Service) describeStreams(call *protocol.Call, in eventRequest) (any, error) {
	g, err := s.read(call, in.group())
	if err != nil {
		return nil, err
	}
	list := []map[string]any{}
	for _, stream := range g.streams {
		var first, last int64
		for _, e := range g.events {
			if e.stream == stream {
				last = e.at.UnixMilli()
				if first == 0 {
					first = last
				}
			}
		}
		if strings.HasPrefix(stream, in.LogStreamNamePrefix) {
			list = append(list, map[string]any{
				"logStreamName": stream, "creationTime": first, "firstEventTimestamp": first, "lastEventTimestamp": last,
				"lastIngestionTime": last, "arn": groupARN(call, in.group()) + ":log-stream:" + stream,
			})
		}
	}
	if in.Descending {
		slices.Reverse(list)
	}
	return namedPage("logStreams", list, in.NextToken, in.Limit, 50)
}

// namedPage returns a page of a list under its name.
func namedPage(name string, list []map[string]any, token string, limit, most int) (any, error) {
	if limit == 0 {
		limit = most
	}
	page, next, ok := protocol.Page(list, token, limit)
	if !ok {
		return nil, protocol.Errorf("InvalidParameterException", "The specified nextToken is invalid.")
	}
	out := map[string]any{name: page}
	if next != "" {
		out["nextToken"] = next
	}
	return out, nil
}

func (e event) result() map[string]any {
	at := e.at.UnixMilli()
	return map[string]any{"timestamp": at, "ingestionTime": at, "message": e.text}
}

func (in eventRequest) includes(e event) bool {
	at := e.at.UnixMilli()
	return (len(in.LogStreamNames) == 0 || slices.Contains(in.LogStreamNames, e.stream)) &&
		strings.HasPrefix(e.stream, in.LogStreamNamePrefix) && at >= in.StartTime && (in.EndTime == 0 || at <= in.EndTime)
}

// filterEvents returns the events that have all terms of the pattern. Patterns that select members of JSON are not
// evaluated.
func (s *Service) filterEvents(call *protocol.Call, in eventRequest) (any, error) {
	terms := strings.Fields(in.FilterPattern)
	if strings.ContainsAny(in.FilterPattern, "{[?%") {
		return nil, protocol.NotImplemented("filter patterns other than terms")
	}
	g, err := s.read(call, in.group())
	if err != nil {
		return nil, err
	}
	list := []map[string]any{}
	for _, e := range g.events {
		missing := slices.ContainsFunc(terms, func(t string) bool {
			return !strings.Contains(e.text, strings.Trim(t, `"`))
		})
		if missing || !in.includes(e) {
			continue
		}
		r := e.result()
		r["logStreamName"], r["eventId"] = e.stream, fmt.Sprintf("%056d", e.number)
		list = append(list, r)
	}
	return namedPage("events", list, in.NextToken, in.Limit, 10_000)
}

// getEvents returns the events of a stream. Its tokens count events from the first: the forward token of the last page
// returns no events until there are more (API reference, GetLogEvents).
func (s *Service) getEvents(call *protocol.Call, in eventRequest) (any, error) {
	g, err := s.read(call, in.group())
	if err != nil {
		return nil, err
	}
	if !slices.Contains(g.streams, in.LogStreamName) {
		return nil, protocol.Errorf("ResourceNotFoundException", "The specified log stream does not exist.")
	}
	in.LogStreamNames = []string{in.LogStreamName}
	events := slices.DeleteFunc(g.events, func(e event) bool { return !in.includes(e) })
	if in.Limit == 0 {
		in.Limit = 10_000
	}
	from := max(0, len(events)-in.Limit)
	if in.StartFromHead {
		from = 0
	}
	if in.NextToken != "" {
		n, err := strconv.Atoi(in.NextToken[min(2, len(in.NextToken)):])
		switch {
		case err != nil || n < 0 || n > len(events):
			return nil, protocol.Errorf("InvalidParameterException", "The specified nextToken is invalid.")
		case strings.HasPrefix(in.NextToken, "b/"):
			from, events = max(0, n-in.Limit), events[:n]
		default:
			from = n
		}
	}
	to := min(len(events), from+in.Limit)
	list := []map[string]any{}
	for _, e := range events[from:to] {
		list = append(list, e.result())
	}
	return map[string]any{
		"events": list, "nextForwardToken": fmt.Sprint("f/", to), "nextBackwardToken": fmt.Sprint("b/", from),
	}, nil
}
