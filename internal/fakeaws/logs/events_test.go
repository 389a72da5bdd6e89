package logs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"permstack/internal/fakeaws/logs"
	"permstack/internal/fakeaws/protocol"
)

type noGroups struct{ logs.Groups }

func (noGroups) LogGroups(string, string) map[string]logs.Group { return nil }

// TestEvents reads what functions wrote: by group, stream, time and term, in pages.
func TestEvents(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	events := logs.NewEvents(func() time.Time { return now })
	s := logs.New(noGroups{}, events, now)
	call := func(action, body string) string {
		out, err := s.Definition().Actions[action].Handle(context.Background(), &protocol.Call{
			Action: action, Account: "111122223333", Region: "eu-west-1", Body: json.RawMessage(body),
		})
		if err != nil {
			return err.Error()
		}
		text, _ := json.Marshal(out)
		return string(text)
	}
	const group = `"logGroupName":"/aws/lambda/f"`
	if got := call("FilterLogEvents", "{"+group+"}"); !strings.Contains(got, "ResourceNotFoundException") {
		t.Errorf("a group without events: got %s", got)
	}
	w := events.Writer("111122223333", "eu-west-1", "/aws/lambda/f")
	for _, text := range []string{"first li", "ne\nsecond line\n", "third\nnot ended"} {
		_, _ = fmt.Fprint(w, text)
		now = now.Add(time.Second)
	}
	var streams struct {
		LogStreams []struct{ LogStreamName string }
	}
	_ = json.Unmarshal([]byte(call("DescribeLogStreams", "{"+group+"}")), &streams)
	if len(streams.LogStreams) != 1 || !strings.HasPrefix(streams.LogStreams[0].LogStreamName, "2023/11/14/[$LATEST]") {
		t.Fatalf("got streams %+v", streams)
	}
	stream := `,"logStreamName":"` + streams.LogStreams[0].LogStreamName + `"`
	for name, tc := range map[string]struct {
		action, body  string
		want, without []string
	}{
		"all": {
			"FilterLogEvents", group,
			[]string{`"first line"`, `"second line"`, `"third"`}, []string{"ended"},
		},
		"by identifier": {
			"FilterLogEvents", `"logGroupIdentifier":"arn:aws:logs:r:1:log-group:/aws/lambda/f:*"`,
			[]string{"third"}, nil,
		},
		"terms": {
			"FilterLogEvents", group + `,"filterPattern":"line second"`,
			[]string{"second line"}, []string{"first"},
		},
		"JSON pattern": {
			"FilterLogEvents", group + `,"filterPattern":"{ $.level = \"ERROR\" }"`,
			[]string{"NotImplemented"}, nil,
		},
		"from a time": {
			"FilterLogEvents", group + `,"startTime":1700000002000`,
			[]string{"third"}, []string{"second"},
		},
		"until a time": {
			"FilterLogEvents", group + `,"endTime":1700000001000`,
			[]string{"second"}, []string{"third"},
		},
		"page": {
			"FilterLogEvents", group + `,"limit":1`,
			[]string{"first", "nextToken"}, []string{"second"},
		},
		"of a stream": {
			"GetLogEvents", group + stream + `,"startFromHead":true,"limit":2`,
			[]string{"second", `"f/2"`}, []string{"third"},
		},
		"last": {
			"GetLogEvents", group + stream + `,"limit":1`,
			[]string{"third", `"b/2"`}, []string{"second"},
		},
		"next": {
			"GetLogEvents", group + stream + `,"nextToken":"f/2"`,
			[]string{"third", `"f/3"`}, []string{"second"},
		},
		"before": {
			"GetLogEvents", group + stream + `,"nextToken":"b/2"`,
			[]string{"first", "second"}, []string{"third"},
		},
		"no such stream": {
			"GetLogEvents", group + `,"logStreamName":"x"`,
			[]string{"ResourceNotFoundException"}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := call(tc.action, "{"+tc.body+"}")
			for _, part := range tc.want {
				if !strings.Contains(got, part) {
					t.Errorf("got %s, want %s", got, part)
				}
			}
			for _, part := range tc.without {
				if strings.Contains(got, part) {
					t.Errorf("got %s, want no %s", got, part)
				}
			}
		})
	}
}
